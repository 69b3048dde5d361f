//! Codes, convolutions, recurrence, decoders in time, several passes through time, and readouts through `dot`.

use snnc::ir::problem::{Init, Problem};
use snnc::ir::program::Region;

use crate::support::{Params, close, network, problem, run};

/// The value at x of the units of layer `h`, decoded, through a readout of 1 for one of them.
fn unit(p: &Problem, params: &Params<'_>, x: f32, k: usize) -> f64 {
    let program = &p.network.primal;
    let width = params.get("output.dense.weight").len();
    let mut read = vec![0.0; width];
    read[k] = 1.0;
    let mut values = params.values.clone();
    values[params.range("output.dense.weight")].copy_from_slice(&read);
    values[params.range("output.dense.bias")].fill(0.0);
    run(program, &[x], &values).at(0, "u")[0].into()
}

/// The parameters as they start where that is not random.
fn started<'a>(p: &'a Problem, params: Params<'a>) -> Params<'a> {
    let mut params = params;
    for (param, init) in p.network.primal.params.iter().zip(&p.network.init) {
        if let Init::Ramp(lo, hi) = init {
            let range = params.range(&param.name);
            let last = (range.len() - 1).max(1) as f64;
            for (j, at) in range.enumerate() {
                params.values[at] = (lo + (hi - lo) * j as f64 / last) as f32;
            }
        }
    }
    params
}

#[test]
fn receptive_fields_are_bells_over_the_domain() {
    let p = network("", "layer h = population(x, 5, width = 0.4, gain = 3) output = h |> last |> dense(1)");
    let params = started(&p, Params::new(&p.network.primal));
    for x in [0.0f32, 0.3, 1.0] {
        for k in 0..5 {
            let away = (2.0 * f64::from(x) - 1.0) - (f64::from(k as u32) / 2.0 - 1.0);
            let want = 3.0 * libm::exp(-0.5 * (away / 0.4) * (away / 0.4));
            close(unit(&p, &params, x, k), want, 1e-6, &format!("field {k} at {x}"));
        }
    }
}

/// Unit i of n in step s of T: on where (i + 1/2)/n + (s + 1/2)/T is at most the place of x in the domain.
#[test]
fn the_triangular_code_is_a_triangle_in_space_and_time() {
    let p = network("", "steps 8 layer h = triangular(x, 4) output = h |> sum |> dense(1)");
    let params = started(&p, Params::new(&p.network.primal));
    for x in [0.05f32, 0.4, 0.7, 1.0] {
        for k in 0..4 {
            let on = |s: u32| (f64::from(k as u32) + 0.5) / 4.0 + (f64::from(s) + 0.5) / 8.0 <= f64::from(x) + 1e-6;
            let want = (0..8).filter(|s| on(*s)).count();
            assert_eq!(unit(&p, &params, x, k), want as f64, "unit {k} at {x}");
        }
    }
}

#[test]
fn latency_is_one_spike_the_sooner_the_larger() {
    let p = network("", "steps 9 layer h = latency(x) output = h |> sum |> dense(1)");
    let first = network("", "steps 9 layer h = latency(x) output = h |> first_spike |> dense(1)");
    for k in 0..200 {
        let x = k as f32 / 199.0;
        assert_eq!(unit(&p, &Params::new(&p.network.primal), x, 0), 1.0, "one spike at {x}");
        let at = 9.0 * unit(&first, &Params::new(&first.network.primal), x, 0);
        let late = f64::from(8.0 * (1.0 - x));
        assert!((at - late).abs() <= 0.5 + 1e-5, "at {x} the spike is in step {at}, not {late}");
    }
}

/// Thresholds are drawn like parameters, from the seed, and are not trained; a chance of 0 and of 1 is certain.
#[test]
fn rates_are_chances_against_thresholds() {
    let p = network("", "steps 6 layer h = rate(x) output = h |> sum |> dense(1)");
    let program = &p.network.primal;
    let id = program.param_by_name("h.rate.thresholds").expect("thresholds");
    assert!(!program.params[id.0 as usize].trainable);
    assert_eq!(p.network.init[id.0 as usize], Init::Uniform(0.0, 1.0));
    let params = Params::new(program).set("h.rate.thresholds", &[0.0, 0.2, 0.4, 0.5, 0.9, 0.999]);
    for (x, want) in [(0.0, 0.0), (0.3, 2.0), (0.45, 3.0), (1.0, 6.0)] {
        assert_eq!(unit(&p, &params, x, 0), want, "at {x}");
    }
}

#[test]
fn fourier_features_are_sines_then_cosines() {
    let p = network("", "output = fourier(x, 3, kind = fixed) |> dense(1)");
    let params = started(&p, Params::new(&p.network.primal));
    let q = network("", "output = fourier(x, 3, scale = 5) |> dense(1)");
    assert_eq!(q.network.init[0], Init::Normal(5.0));
    let drawn = Params::new(&q.network.primal).set("output.fourier.frequencies", &[0.5, -2.0, 1.5]);
    for k in 0..6 {
        for (p, params, f) in [(&p, &params, [1.0, 2.0, 3.0]), (&q, &drawn, [0.5, -2.0, 1.5])] {
            let angle = std::f64::consts::PI * f[k % 3] * (2.0 * 0.3 - 1.0);
            let want = if k < 3 { libm::sin(angle) } else { libm::cos(angle) };
            close(unit(p, params, 0.3, k), want, 1e-5, &format!("feature {k}"));
        }
    }
}

#[test]
fn a_convolution_is_the_same_product_at_every_position() {
    let body = "layer h = x |> dense(6) |> tanh |> conv1d(2, 3) |> conv1d(3, 2, stride = 2) output = h |> dense(1)";
    let p = network("", body);
    let params = Params::any(&p.network.primal, 1.0);
    let get = |name: &str, k: usize| f64::from(params.get(&format!("h.{name}"))[k]);
    let x = 0.8f32;
    let hidden: Vec<f64> = (0..6)
        .map(|j| libm::tanh(get("dense.weight", j) * (2.0 * f64::from(x) - 1.0) + get("dense.bias", j)))
        .collect();
    // `[positions][channels]`, a window about each position, 0 beyond the ends.
    let convolve =
        |from: &[f64], name: &str, inputs: usize, channels: usize, window: usize, stride: usize| -> Vec<f64> {
            let positions = from.len() / inputs;
            let mut out = vec![];
            for p in (0..positions).step_by(stride) {
                for c in 0..channels {
                    let mut sum = get(&format!("{name}.bias"), c);
                    for w in 0..window {
                        let Some(at) = (p + w).checked_sub((window - 1) / 2).filter(|at| *at < positions) else {
                            continue;
                        };
                        for i in 0..inputs {
                            sum +=
                                from[at * inputs + i] * get(&format!("{name}.weight"), (w * inputs + i) * channels + c);
                        }
                    }
                    out.push(sum);
                }
            }
            out
        };
    let first = convolve(&hidden, "conv1d", 1, 2, 3, 1);
    let second = convolve(&first, "conv1d2", 2, 3, 2, 2);
    assert_eq!(second.len(), 9);
    for (k, want) in second.iter().enumerate() {
        close(unit(&p, &params, x, k), *want, 1e-5, &format!("value {k}"));
    }
}

/// A population that hears its own spikes, written in three ways, and by hand.
#[test]
fn recurrence_is_the_value_of_the_step_before() {
    let recurrent =
        network("", "steps 20 layer h = current(x) |> recurrent(3) |> lif(tau = 3) output = h |> sum |> dense(1)");
    let layers = network(
        "",
        "steps 20 layer h = (current(x) |> dense(3)) + (prev(h) |> dense(3, bias = none)) |> lif(tau = 3)
         output = h |> sum |> dense(1)",
    );
    let joined = network(
        "",
        "steps 20 layer h = concat(current(2*x - 1), prev(h)) |> dense(3) |> lif(tau = 3) output = h |> sum |> dense(1)",
    );
    let (w, b) = ([4.0, 6.0, -5.0], [0.5, -0.5, 3.5]);
    let u = [0.0, 0.5, 0.4, 0.6, 0.2, -0.3, -0.5, 0.7, 0.2];
    let x = 0.7f32;
    let params = [
        Params::new(&recurrent.network.primal)
            .set("h.recurrent.weight", &w)
            .set("h.recurrent.bias", &b)
            .set("h.recurrent.recurrent", &u),
        Params::new(&layers.network.primal)
            .set("h.dense.weight", &w)
            .set("h.dense.bias", &b)
            .set("h.dense2.weight", &u),
        Params::new(&joined.network.primal).set("h.dense.weight", &[&w[..], &u[..]].concat()).set("h.dense.bias", &b),
    ];
    let keep = libm::exp(-1.0f64 / 3.0);
    let (mut v, mut s, mut count) = ([0.0f64; 3], [0.0f64; 3], [0.0f64; 3]);
    for _ in 0..20 {
        let before = s;
        for j in 0..3 {
            let heard: f64 = (0..3).map(|i| before[i] * f64::from(u[i * 3 + j])).sum();
            let current = f64::from(w[j]) * (2.0 * f64::from(x) - 1.0) + f64::from(b[j]) + heard;
            v[j] = keep * v[j] + (1.0 - keep) * current;
            s[j] = f64::from(u8::from(v[j] >= 1.0));
            v[j] -= s[j];
            count[j] += s[j];
        }
    }
    assert!(count.iter().all(|c| *c > 0.0), "{count:?}");
    for (p, params) in [&recurrent, &layers, &joined].into_iter().zip(&params) {
        for (k, want) in count.iter().enumerate() {
            assert_eq!(unit(p, params, x, k), *want, "unit {k}\n{}", p.network.primal);
        }
    }
}

#[test]
fn a_delay_is_the_signal_some_steps_before() {
    for (chain, want) in
        [("delay(h, 3)", 5.0), ("prev(h)", 7.0), ("prev(delay(h, 4))", 3.0), ("h |> delay(steps = 2)", 6.0)]
    {
        let p =
            network("", &format!("steps 8 layer h = current(1 + 0*x) layer g = {chain} output = g |> sum |> dense(1)"));
        assert_eq!(unit(&p, &Params::new(&p.network.primal), 0.5, 0), want, "{chain}");
    }
}

/// Layers may read others further down, and each other.
#[test]
fn layers_may_hear_of_later_ones() {
    let p = network(
        "",
        "steps 5 layer a = concat(current(x), prev(b)) |> dense(2) layer b = a |> dense(3) |> tanh output = b |> last |> dense(1)",
    );
    let params = Params::any(&p.network.primal, 1.0);
    let get = |name: &str, k: usize| f64::from(params.get(name)[k]);
    let mut b = [0.0f64; 3];
    for _ in 0..5 {
        let into = [2.0 * 0.3 - 1.0, b[0], b[1], b[2]];
        let a: Vec<f64> = (0..2)
            .map(|j| (0..4).map(|i| into[i] * get("a.dense.weight", i * 2 + j)).sum::<f64>() + get("a.dense.bias", j))
            .collect();
        for (k, b) in b.iter_mut().enumerate() {
            let sum: f64 = (0..2).map(|i| a[i] * get("b.dense.weight", i * 3 + k)).sum();
            *b = libm::tanh(sum + get("b.dense.bias", k));
        }
    }
    for (k, want) in b.iter().enumerate() {
        close(unit(&p, &params, 0.3, k), *want, 1e-5, &format!("unit {k}"));
    }
}

#[test]
fn moments_weigh_time_by_legendre_polynomials() {
    let body = "steps 10 layer h = current(x) |> dense(2) |> integrator(tau = 4) output = h |> legendre(3) |> dense(1)";
    let p = network("", body);
    let params = Params::any(&p.network.primal, 2.0);
    let keep = libm::exp(-0.25f64);
    for unit_ in 0..2 {
        let get = |name: &str| f64::from(params.get(name)[unit_]);
        let current = get("h.dense.weight") * 0.4 + get("h.dense.bias");
        let mut moments = [0.0; 3];
        let mut v = 0.0;
        for s in 0..10 {
            v = keep * v + (1.0 - keep) * current;
            let z = 2.0 * (f64::from(s) + 0.5) / 10.0 - 1.0;
            for (m, weight) in moments.iter_mut().zip([1.0, z, 1.5 * z * z - 0.5]) {
                *m += weight * v / 10.0;
            }
        }
        for (k, want) in moments.iter().enumerate() {
            close(unit(&p, &params, 0.7, 2 * k + unit_), *want, 1e-5, &format!("moment {k} of unit {unit_}"));
        }
    }
}

#[test]
fn first_spikes_are_fractions_of_the_simulation() {
    let p = network("", "steps 16 layer h = current(x) |> dense(3) |> if output = h |> first_spike |> dense(1)");
    let params = Params::new(&p.network.primal).set("h.dense.bias", &[0.3, 0.01, 2.0]);
    // 0.3 reaches 1 in the fourth step; 0.01 never; 2 at once.
    for (k, want) in [3.0 / 16.0, 1.0, 0.0].into_iter().enumerate() {
        assert_eq!(unit(&p, &params, 0.5, k), want, "unit {k}");
    }
}

#[test]
fn a_membrane_is_the_state_after_the_step() {
    let neuron = "neuron two(tau = 3) {
        input i
        state v = 0, w = 0
        flow v' = (i - v)/tau
        flow w' = (v - w)/tau
        spike when v >= 1
        reset v -= 1
    }";
    let keep = libm::exp(-1.0f64 / 3.0);
    let (mut v, mut w, mut sums) = (0.0, 0.0, [0.0; 2]);
    for _ in 0..9 {
        (v, w) = (keep * v + (1.0 - keep) * 2.5, keep * w + (1.0 - keep) * v);
        v -= f64::from(u8::from(v >= 1.0));
        sums[0] += v;
        sums[1] += w;
    }
    for (state, want) in [("", sums[0]), (", v", sums[0]), (", w", sums[1]), (", variable = w", sums[1])] {
        let body =
            format!("steps 9 layer h = current(2.5 + 0*x) |> two output = membrane(h{state}) |> sum |> dense(1)");
        let p = network(neuron, &body);
        close(unit(&p, &Params::new(&p.network.primal), 0.5, 0), want, 1e-5, state);
    }
}

/// Once decoded, a value drives a second simulation; signals that both use are simulated in both.
#[test]
fn a_decoded_value_can_be_encoded_again() {
    let body = "steps 12
        layer a = current(x) |> dense(4) |> lif
        layer b = a |> mean |> current |> dense(3) |> lif
        layer c = concat(a, b) |> dense(5) |> lif
        output = c |> mean |> dense(1)";
    let p = network("", body);
    let program = &p.network.primal;
    assert_eq!(program.passes.len(), 2, "{program}");
    assert!(program.passes.iter().all(|p| p.steps == 12));
    let params = Params::any(program, 4.0);
    let get = |name: &str, k: usize| f64::from(params.get(name)[k]);
    let keep = libm::exp(-0.5f64);
    let dense = |from: &[f64], name: &str, n: usize| -> Vec<f64> {
        let weight = |i: usize, j: usize| get(&format!("{name}.dense.weight"), i * n + j);
        let sum = |j: usize| from.iter().enumerate().map(|(i, x)| x * weight(i, j)).sum::<f64>();
        (0..n).map(|j| sum(j) + get(&format!("{name}.dense.bias"), j)).collect()
    };
    let lif = |v: &mut Vec<f64>, current: &[f64]| -> Vec<f64> {
        v.resize(current.len(), 0.0);
        v.iter_mut()
            .zip(current)
            .map(|(v, i)| {
                *v = keep * *v + (1.0 - keep) * i;
                let s = f64::from(u8::from(*v >= 1.0));
                *v -= s;
                s
            })
            .collect()
    };
    let mean = |spikes: &[Vec<f64>]| -> Vec<f64> {
        (0..spikes[0].len()).map(|j| spikes.iter().map(|s| s[j]).sum::<f64>() / 12.0).collect()
    };
    let current = dense(&[2.0 * 0.85 - 1.0], "a", 4);
    let mut v = vec![];
    let a: Vec<Vec<f64>> = (0..12).map(|_| lif(&mut v, &current)).collect();
    let current = dense(&mean(&a), "b", 3);
    let (mut v, mut w) = (vec![], vec![]);
    let c: Vec<Vec<f64>> = (0..12)
        .map(|s| {
            let b = lif(&mut v, &current);
            lif(&mut w, &dense(&[&a[s][..], &b[..]].concat(), "c", 5))
        })
        .collect();
    assert!(mean(&c).iter().any(|m| *m > 0.0), "something fires");
    for (k, want) in mean(&c).into_iter().enumerate() {
        close(unit(&p, &params, 0.85, k), want, 1e-6, &format!("unit {k}"));
    }
    // Each population's spikes are recorded in the pass that it is simulated in.
    let probe = &p.network.probe;
    let homes: Vec<_> = probe.traces.iter().map(|t| (t.name.as_str(), probe.home(t.value).expect("a value"))).collect();
    assert_eq!(homes, [("spikes.a", Region::Step(0)), ("spikes.b", Region::Step(1)), ("spikes.c", Region::Step(1))]);
}

#[test]
fn conditions_and_functions_work_element_by_element() {
    let p = network(
        "fn cut(a, top) = if not (a < top) and a > 0 then top else a
         fn twice(a) = sum(i in 1 .. 2, cut(a, 0.25*i))",
        "layer h = x |> dense(3) layer g = if x < 0.5 then h |> twice else -h output = g |> dense(1)",
    );
    let params = Params::new(&p.network.primal).set("h.dense.weight", &[1.0, 2.0, -3.0]);
    for x in [0.1f32, 0.3, 0.6, 0.9] {
        for (k, w) in [1.0, 2.0, -3.0].into_iter().enumerate() {
            let h = w * (2.0 * f64::from(x) - 1.0);
            let want = if x < 0.5 { h.min(0.25) + h.min(0.5) } else { -h };
            close(unit(&p, &params, x, k), want, 1e-6, &format!("unit {k} at {x}"));
        }
    }
}

/// The field is affine in the weights of one side of a `dot`: a feature for each of them.
#[test]
fn the_readout_reaches_through_dot() {
    let p = problem(
        "domain { x in 0 .. 1  t in 0 .. 1 }
         network u(x, t) {
           layer branch = tuned(x, t, 6) |> lif |> mean |> dense(4)
           layer trunk = (x, t) |> dense(4) |> tanh
           output = x * dot(branch, trunk) + t
         }
         residual r on domain : u = 0",
    );
    let readout = p.network.readouts.first().expect("the branch's last layer");
    let features = p.network.features.as_ref().expect("there is a readout");
    assert_eq!((readout.features, readout.column, readout.bias), (24, None, None));
    assert!(p.network.layers.iter().all(|l| l.pursuit.is_none()));
    let params = Params::any(&p.network.primal, 3.0);
    for at in [[0.2f32, 0.9], [0.7, 0.4], [1.0, 0.0]] {
        let u = run(&p.network.primal, &at, &params.values).at(0, "u")[0];
        let f = run(features, &at, &params.values);
        let sum: f32 = f.at(0, "phi.u").iter().zip(params.get("branch.dense.weight")).map(|(p, w)| p * w).sum();
        assert_eq!(f.at(0, "phi0.u"), [0.0]);
        close((sum + f.at(0, "offset.u")[0]).into(), u.into(), 1e-5, &format!("{at:?}"));
    }
}

#[test]
fn a_dot_has_no_readout_where_both_sides_depend_on_it() {
    for output in ["dot(h, h)", "dot(h, h |> tanh)", "dot(h |> tanh, h |> sin)"] {
        let p = network("", &format!("layer h = x |> dense(3) output = {output}"));
        assert!(p.network.readouts.is_empty(), "{output}");
    }
    let p = network("", "layer h = x |> dense(3) output = dot(h |> tanh, h |> sin |> dense(3)) * 2");
    assert_eq!(p.network.readouts[0].features, 9);
}

/// Two fields through one layer share its weights; a field that wants a column of it for itself leaves it to the others.
#[test]
fn fields_share_a_readout_through_dot() {
    let two = |outputs: &str| {
        problem(&format!(
            "domain {{ x in 0 .. 1 }}
             network n(x) {{
               layer h = x |> dense(5) |> tanh |> dense(3)
               layer g = x |> dense(3) |> sin
               output u, v = ({outputs})
             }}
             residual r on domain : u + v = 0",
        ))
    };
    let shared = two("dot(h, g), x*dot(h, g |> tanh)");
    assert_eq!(shared.network.readouts.len(), 1);
    assert!(shared.network.fields.iter().all(|f| f.readout == Some(0)));
    let torn = two("dot(h, g), dot(h, h)");
    assert!(torn.network.readouts.is_empty());
}

/// Fields put side by side have their readouts where each comes from.
#[test]
fn outputs_side_by_side_have_a_readout_each() {
    let p = problem(
        "domain { x in 0 .. 1 }
         network n(x) {
           layer h = x |> dense(5) |> tanh
           output u, v, w = (h |> dense(1), x*(h |> dense(2)))
         }
         residual r on domain : u + v + w = 0",
    );
    let (program, features) = (&p.network.primal, p.network.features.as_ref().expect("there are readouts"));
    assert_eq!(p.network.readouts.iter().map(|r| r.column).collect::<Vec<_>>(), [Some(0), Some(0), Some(1)]);
    let params = Params::any(program, 1.0);
    let x = [0.6f32];
    let (fields, parts) = (run(program, &x, &params.values), run(features, &x, &params.values));
    for (name, weight, bias, column, columns) in [
        ("u", "output.dense.weight", "output.dense.bias", 0, 1),
        ("v", "output.dense2.weight", "output.dense2.bias", 0, 2),
        ("w", "output.dense2.weight", "output.dense2.bias", 1, 2),
    ] {
        let weights = params.get(weight).iter().skip(column).step_by(columns);
        let sum: f32 = parts.at(0, &format!("phi.{name}")).iter().zip(weights).map(|(p, w)| p * w).sum();
        let rest = parts.at(0, &format!("phi0.{name}"))[0] * params.get(bias)[column];
        let got = sum + rest + parts.at(0, &format!("offset.{name}"))[0];
        close(got.into(), fields.at(0, name)[0].into(), 1e-6, name);
    }
}
