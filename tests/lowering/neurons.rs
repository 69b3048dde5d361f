//! One step of a population against the same written out by hand.

use crate::support::{Params, close, network, numbers, run};

const UNITS: usize = 9;

/// A layer of one neuron model, driven by constant currents that are its dense node's bias.
fn layer(items: &str, neuron: &str, steps: usize) -> snnc::ir::problem::Problem {
    let body =
        format!("steps {steps} layer h = current(x) |> dense({UNITS}) |> {neuron} output = h |> last |> dense(1)");
    network(items, &body)
}

fn currents() -> Vec<f32> {
    numbers(UNITS, 3, 1.0).iter().map(|x| 1.2 + x).collect()
}

/// Spikes of such a layer, `[steps][units]`.
fn spikes(items: &str, neuron: &str, steps: usize) -> Vec<Vec<f32>> {
    let p = layer(items, neuron, steps);
    let probe = &p.network.probe;
    let params = start(&p, probe).set("h.dense.bias", &currents()).values;
    run(probe, &[0.3], &params).trace().iter().map(|row| row.to_vec()).collect()
}

/// Parameters of neurons where they start, everything else 0.
fn start<'a>(p: &snnc::ir::problem::Problem, of: &'a snnc::ir::program::Program) -> Params<'a> {
    let mut params = Params::new(of);
    for (param, init) in of.params.iter().zip(&p.network.init) {
        if let snnc::ir::problem::Init::Constant(c) = init {
            params = params.set(&param.name, &vec![*c as f32; param.len()]);
        }
    }
    params
}

/// What the only unit yields after the last step, for a graded neuron driven by `current`.
fn graded(items: &str, neuron: &str, steps: usize, current: f32) -> f64 {
    let p = network(
        items,
        &format!("steps {steps} layer h = current(x) |> dense(1) |> {neuron} output = h |> last |> dense(1)"),
    );
    let program = &p.network.primal;
    let params = start(&p, program).set("h.dense.bias", &[current]).set("output.dense.weight", &[1.0]).values;
    f64::from(run(program, &[0.3], &params).at(0, "u")[0])
}

#[test]
fn lif_is_the_straightforward_simulation_bit_for_bit() {
    let (steps, got) = (40, spikes("", "lif(tau = 20, theta = 0.7)", 40));
    let keep = libm::exp(-1.0f64 / 20.0);
    let mut v = [0.0f32; UNITS];
    let mut fired = 0;
    for (t, row) in got.iter().enumerate() {
        for (j, i) in currents().iter().enumerate() {
            v[j] = keep as f32 * v[j] + (1.0 - keep) as f32 * i;
            let s = if v[j] - 0.7 >= 0.0 { 1.0 } else { 0.0 };
            v[j] -= s * 0.7;
            assert_eq!(row[j], s, "unit {j}, step {t}");
            fired += s as usize;
        }
    }
    assert!(fired > UNITS && fired < UNITS * steps, "{fired} spikes prove little");
}

#[test]
fn alif_steps_both_states_from_old_values_and_adapts() {
    let got = spikes("", "alif(tau = 5, tau_a = 8, beta = 0.6)", 60);
    let (keep, keep_a) = (libm::exp(-1.0f64 / 5.0), libm::exp(-1.0f64 / 8.0));
    let (mut v, mut a) = ([0.0f64; UNITS], [0.0f64; UNITS]);
    let (mut early, mut late) = (0.0, 0.0);
    for (t, row) in got.iter().enumerate() {
        for (j, i) in currents().iter().enumerate() {
            v[j] = keep * v[j] + (1.0 - keep) * f64::from(*i);
            a[j] *= keep_a;
            let s = if v[j] >= 1.0 + 0.6 * a[j] { 1.0 } else { 0.0 };
            v[j] -= s * (1.0 + 0.6 * a[j]);
            a[j] += s * (1.0 - keep_a);
            assert_eq!(f64::from(row[j]), s, "unit {j}, step {t}");
            *(if t < 30 { &mut early } else { &mut late }) += s;
        }
    }
    assert!(early > 0.0 && late > 0.0);
}

/// The order within a step: integration of all states from old values, spike test on the new ones, resets one after the
/// other, each seeing those before it. Both ways of writing a reset, and a strict threshold.
#[test]
fn resets_are_carried_out_in_order_on_new_values() {
    let neuron = "neuron twist(theta = 1) {
        input i
        state v = 0.25, w = 0.5
        update v := 0.5*v + 0.25*w + 0.25*i
        update w := 0.5*w + 0.125*v
        spike when v + w > theta  surrogate triangle(width = 1)
        reset w += v
        reset v = 0.125*w
        reset w -= 0.5*v
    }";
    let got = spikes(neuron, "twist", 30);
    let (mut v, mut w) = ([0.25f32; UNITS], [0.5f32; UNITS]);
    let mut fired = 0;
    for (t, row) in got.iter().enumerate() {
        for (j, i) in currents().iter().enumerate() {
            (v[j], w[j]) = (0.5 * v[j] + 0.25 * w[j] + 0.25 * i, 0.5 * w[j] + 0.125 * v[j]);
            let s = v[j] + w[j] > 1.0;
            if s {
                w[j] += v[j];
                v[j] = 0.125 * w[j];
                w[j] -= 0.5 * v[j];
            }
            assert_eq!(row[j] == 1.0, s, "unit {j}, step {t}");
            fired += usize::from(s);
        }
    }
    assert!(fired > 10 && fired < 30 * UNITS);
}

#[test]
fn a_threshold_met_exactly_fires_unless_it_is_strict() {
    for (sign, fires) in [(">=", 1.0), (">", 0.0)] {
        let neuron = format!("neuron edge {{ input i state v = 0 update v := i spike when v {sign} 1 reset v = 0 }}");
        let p = layer(&neuron, "edge", 1);
        let params = Params::new(&p.network.probe).set("h.dense.bias", &[1.0; UNITS]).values;
        assert_eq!(run(&p.network.probe, &[0.0], &params).trace()[0], [fires; UNITS], "{sign}");
    }
}

#[test]
fn exact_and_euler_integrators_are_what_they_say() {
    let neuron =
        |how: &str| format!("neuron n(tau = 3) {{ input i state v = 0.5 flow v' = (2*i - v)/tau integrate {how} }}");
    let (steps, i) = (7, f64::from(0.8f32));
    let exact = 2.0 * i + (0.5 - 2.0 * i) * libm::exp(-(steps as f64) / 3.0);
    close(graded(&neuron("exact"), "n", steps, 0.8), exact, 1e-6, "exact");
    let euler = (0..steps).fold(0.5, |v, _| v + (2.0 * i - v) / 3.0);
    close(graded(&neuron("euler"), "n", steps, 0.8), euler, 1e-6, "euler");
    assert!((exact - euler).abs() > 1e-3);
}

/// v' = -i v + i by the exponential integrator: the factor is not known before the run.
#[test]
fn the_exponential_integrator_holds_factor_and_drive_over_the_step() {
    let neuron = "neuron n { input i state v = 3 flow v' = i - i*v integrate exponential }";
    // From large factors, through those where the difference cancels in single precision, to none at all.
    for i in [2.5f32, 0.11, 0.09, 1e-2, 1e-4, 1e-6, 0.0, -0.05] {
        let (z, steps) = (-f64::from(i), 4);
        let exact = 1.0 + 2.0 * libm::exp(z * steps as f64);
        close(graded(neuron, "n", steps, i), exact, 1e-6, &format!("current {i}"));
    }
}

#[test]
fn a_trainable_time_constant_at_its_start_is_the_fixed_one() {
    for (tau, slow) in [(3.0, 1.0), (3e4, 3e4)] {
        let neuron =
            |how: &str| format!("neuron n {{ param tau = {tau} {how} input i state v = 0 flow v' = (i - v)/tau }}");
        let fixed = graded(&neuron(""), "n", 9, 0.8);
        let layer = graded(&neuron("trainable"), "n", 9, 0.8);
        let each = graded(&neuron("trainable per neuron"), "n", 9, 0.8);
        assert_eq!(layer, each);
        // A large one makes the potential small: the comparison is relative.
        close(layer * slow, fixed * slow, 2e-6, &format!("tau = {tau}"));
    }
}

#[test]
fn truth_values_of_layer_parameters_spread_over_the_population() {
    let neuron = "neuron n {
        param tau = 2 trainable
        input i
        state v = 0
        update v := if tau > 1 and not (v > 0.5) then v + 0.3*i else i
        spike when v >= 1
        reset v -= 1
    }";
    let got = spikes(neuron, "n", 20);
    let mut v = [0.0f32; UNITS];
    for (t, row) in got.iter().enumerate() {
        for (j, i) in currents().iter().enumerate() {
            v[j] = if v[j] > 0.5 { *i } else { v[j] + 0.3 * i };
            let s = if v[j] - 1.0 >= 0.0 { 1.0 } else { 0.0 };
            v[j] -= s;
            assert_eq!(row[j], s, "unit {j}, step {t}");
        }
    }
}

/// Such spikes are known before the steps; they are recorded and counted all the same.
#[test]
fn spikes_that_follow_from_the_current_alone_are_recorded() {
    let neuron = "neuron n { input i state v = 0 flow v' = i - v spike when i >= 1 reset v = 0 }";
    let got = spikes(neuron, "n", 3);
    for row in got {
        for (s, i) in row.iter().zip(currents()) {
            assert_eq!(*s == 1.0, i >= 1.0);
        }
    }
    let p = layer(neuron, "n", 3);
    let params = Params::new(&p.network.primal).set("h.dense.bias", &currents()).values;
    let above = currents().iter().filter(|i| **i >= 1.0).count();
    assert_eq!(run(&p.network.primal, &[0.0], &params).at(0, "spikes.h"), [3.0 * above as f32]);
}
