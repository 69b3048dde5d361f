//! What exact readouts and pursuits count on: the field is affine in the features, a pool's candidate answers as the unit
//! does that it becomes, and a response curve is that of the neuron.

use snnc::ir::problem::{Problem, UnitRole, Units};
use snnc::ir::program::Program;

use crate::support::{Params, close, network, run};

const TRAINABLE: &str = "neuron slow {
    param tau = 2 trainable per neuron, theta = 0.8 trainable
    input i
    state v = 0
    flow v' = (i - v)/tau
    spike when v >= theta  surrogate triangle(width = 1)
    reset v -= theta
}";

const BODIES: &[&str] = &[
    "steps 16 layer h = tuned(x, 7) |> lif(tau = 5) output = h |> ema(tau = 5) |> mean |> dense(1)",
    "steps 16 layer h = tuned(x, 7) |> lif output = x*(1 - x) * (h |> sum |> dense(1, bias = none)) + 3*x",
    "steps 16 layer h = tuned(x, 7, kind = ramp) |> alif output = 2 - (h |> last |> dense(1)) / (1 + x)",
    "steps 9 layer a = tuned(x, 5) |> lif layer h = a |> dense(7) |> slow output = h |> mean |> dense(1)",
    "steps 9 layer h = current(x) |> dense(7) |> affine |> lif output = -(h |> mean |> dense(1))",
    "steps 9 layer h = tuned(x, 7) |> slow output = (h * (1 + x)) |> mean |> dense(1)",
    "steps 9 layer h = tuned(x, 7) |> integrator(tau = 3) output = h |> last |> tanh |> dense(1)",
    "layer a = x |> dense(5) |> tanh layer h = a |> dense(7) |> sin output = h |> dense(1)",
];

/// The layer that a pursuit may grow.
fn layer(p: &Problem) -> &Units {
    p.network.layers.iter().find_map(|l| l.pursuit.as_ref()).expect("a layer whose units are features")
}

fn features(p: &Problem) -> &Program {
    p.network.features.as_ref().expect("the output is affine in a readout")
}

fn any_params(p: &Problem) -> Vec<f32> {
    let mut params = Params::any(&p.network.primal, 2.0);
    for q in &p.network.primal.params {
        if q.name.ends_with(".tau") || q.name.ends_with(".theta") {
            let range = params.range(&q.name);
            params.values[range].iter_mut().for_each(|x| *x = 1.0 + x.abs());
        }
    }
    params.values
}

const POINTS: [f32; 5] = [0.0, 0.2, 0.55, 0.9, 1.0];

#[test]
fn features_times_weights_are_the_field() {
    for body in BODIES {
        let p = network(TRAINABLE, body);
        let readout = &p.network.readouts[0];
        let (program, params) = (&p.network.primal, any_params(&p));
        let weights =
            &params[program.param_offset(readout.weight.expect("a dense layer"))..][..readout.features as usize];
        let bias = readout.bias.map_or(0.0, |b| f64::from(params[program.param_offset(b)]));
        let (field, parts) = (run(program, &POINTS, &params), run(features(&p), &POINTS, &params));
        for (i, x) in POINTS.iter().enumerate() {
            let phi = parts.at(i, "phi.u");
            assert_eq!(phi.len(), weights.len());
            let terms: Vec<f64> = phi.iter().zip(weights).map(|(a, b)| f64::from(*a) * f64::from(*b)).collect();
            let rest = f64::from(parts.at(i, "phi0.u")[0]) * bias + f64::from(parts.at(i, "offset.u")[0]);
            let size: f64 = terms.iter().map(|t| t.abs()).sum::<f64>() + rest.abs();
            let (want, got) = (terms.iter().sum::<f64>() + rest, f64::from(field.at(i, "u")[0]));
            assert!((got - want).abs() <= 1e-6 * size, "{body}\nat {x}: {got} is not {want}");
        }
        let varied = (0..weights.len()).any(|j| parts.at(1, "phi.u")[j] != parts.at(3, "phi.u")[j]);
        assert!(varied, "{body}: the features are the same everywhere");
    }
}

/// The slope is not a difference of two fields, in which a large offset would drown it.
#[test]
fn an_offset_leaves_the_features_as_they_are() {
    let body = |offset: &str| {
        format!("steps 8 layer h = tuned(x, 7) |> lif output = x*(1 - x) * (h |> mean |> dense(1)) {offset}")
    };
    let [plain, moved] = ["", "+ 1e7*cos(x)"].map(|o| network("", &body(o)));
    let params = any_params(&plain);
    let [a, b] = [&plain, &moved].map(|p| run(features(p), &POINTS, &params));
    for i in 0..POINTS.len() {
        assert_eq!(a.at(i, "phi.u"), b.at(i, "phi.u"));
        assert_eq!(a.at(i, "phi0.u"), b.at(i, "phi0.u"));
    }
}

#[test]
fn a_candidate_answers_as_the_unit_does_bit_for_bit() {
    for body in BODIES {
        let p = network(TRAINABLE, body);
        let units = layer(&p);
        let (primal, pool) = (&p.network.primal, &units.pool);
        let (count, block) = (7, units.block as usize);
        let params = any_params(&p);
        // Candidate c is unit (3 c + 1) mod 7.
        let unit = |c: usize| (3 * c + 1) % count;
        let mut theirs = vec![];
        for (k, (own, q)) in primal.params.iter().zip(&pool.params).enumerate() {
            let id = snnc::ir::op::ParamId(k as u32);
            let values = &params[primal.param_offset(id)..][..own.len()];
            if units.params.iter().any(|u| u.param == id) {
                assert_eq!((own.cols, q.cols, q.rows), (count as u32, units.block, own.rows), "{}", q.name);
                for row in values.chunks_exact(count) {
                    theirs.extend((0..block).map(|c| row[unit(c)]));
                }
            } else if own.len() == q.len() {
                theirs.extend_from_slice(values);
            } else {
                assert_eq!(Some(id), p.network.readouts[0].weight, "{body}: nobody owns {}", q.name);
                theirs.resize(theirs.len() + q.len(), f32::NAN);
            }
        }
        let (a, b) = (run(features(&p), &POINTS, &params), run(pool, &POINTS, &theirs));
        for (i, x) in POINTS.iter().enumerate() {
            let (phi, candidates) = (a.at(i, "phi.u"), b.at(i, "phi.u"));
            assert_eq!(candidates.len(), block);
            for (c, got) in candidates.iter().enumerate() {
                assert_eq!(got.to_bits(), phi[unit(c)].to_bits(), "{body}\ncandidate {c} at {x}");
            }
        }
    }
}

#[test]
fn units_say_what_they_are_made_of() {
    let of = |body: &str| {
        let p = network(TRAINABLE, body);
        let u = layer(&p).clone();
        let roles: Vec<UnitRole> = u.params.iter().map(|q| q.role).collect();
        (roles, u.on_coords, u.fan_in, u.response.is_some())
    };
    use UnitRole::{Bias, Gain, Neuron, Phase, Sine, Weight};
    assert_eq!(of(BODIES[0]), (vec![Weight, Phase, Gain, Bias, Sine], true, 1, true));
    assert_eq!(of(BODIES[2]), (vec![Weight, Phase, Gain, Bias], true, 1, true));
    // A parameter of the whole layer (theta) is no unit's own.
    assert_eq!(of(BODIES[3]), (vec![Weight, Bias, Neuron], false, 5, true));
    // Coordinates are the same injected as a current.
    assert_eq!(of(BODIES[4]), (vec![Weight, Bias, Neuron, Neuron], true, 1, true));
    // A factor of the coordinates behind the spikes takes away neither the units' parameters nor their response.
    assert_eq!(of(BODIES[5]), (vec![Weight, Phase, Gain, Bias, Sine, Neuron], true, 1, true));
    assert_eq!(of(BODIES[6]), (vec![Weight, Phase, Gain, Bias, Sine], true, 1, true));
    assert_eq!(of(BODIES[7]), (vec![Weight, Bias], false, 5, false));
    assert_eq!(
        of("layer h = raw(x) |> dense(4) |> tanh output = h |> dense(1)"),
        (vec![Weight, Bias], false, 1, false)
    );
}

#[test]
fn a_response_is_the_spike_count_of_one_unit() {
    let p =
        network("", "steps 32 layer h = tuned(x, 1) |> lif(tau = 8) output = h |> ema(tau = 3) |> mean |> dense(1)");
    let response = layer(&p).response.as_ref().expect("lif has one");
    assert!(response.params.is_empty());
    let mut last = 0.0;
    for k in 0..30 {
        let current = k as f32 * 0.15;
        let params = Params::new(&p.network.primal).set("h.tuned.bias", &[current]).values;
        let spikes = run(&p.network.primal, &[0.4], &params).at(0, "spikes.h")[0];
        let answered = run(response, &[current], &[]).at(0, "response")[0];
        assert_eq!(answered, spikes, "current {current}");
        assert!(answered >= last);
        last = answered;
    }
    assert!(last > 10.0);
}

#[test]
fn a_graded_response_is_the_decoded_value() {
    let p = network("", "steps 6 layer h = tuned(x, 3) |> integrator(tau = 4) output = h |> last |> tanh |> dense(1)");
    let response = layer(&p).response.as_ref().expect("the integrator has one");
    for current in [-2.0f32, 0.0, 0.3, 1.5] {
        let want = libm::tanh(f64::from(current) * (1.0 - libm::exp(-6.0f64 / 4.0)));
        close(run(response, &[current], &[]).at(0, "response")[0].into(), want, 1e-6, &format!("current {current}"));
    }
}
