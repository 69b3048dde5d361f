//! Simulations against what they must be: analytical rates, a network written out by hand, and the same bits everywhere.

use snnc::check::Options;
use snnc::exec::Engine;
use snnc::pipeline::{CheckedSimulation, Source};
use snnc::simulate::{Outcome, Status, measure, run};
use snnc::source::{MemoryFiles, Sources};

fn checked(text: &str) -> CheckedSimulation {
    let options = Options::default();
    let checking = Source::new("test.snn", text).check(&mut Sources::default(), &MemoryFiles::default(), &options);
    checking.simulation.unwrap_or_else(|| panic!("{text}\n{:#?}", checking.messages))
}

fn simulate_on(text: &str, engine: Engine, threads: usize) -> Outcome {
    let compiled = checked(text).compile(engine).expect("compiles");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(|| run(&compiled.simulation, &compiled.kernels, None))
}

fn simulate(text: &str) -> Outcome {
    let outcome = simulate_on(text, Engine::Jit, 1);
    assert_eq!(outcome.status, Status::Finished);
    outcome
}

/// Of one unit, by step.
fn train(outcome: &Outcome, population: usize, unit: u32) -> Vec<u32> {
    outcome.spikes[population].iter().filter(|(_, u)| *u == unit).map(|(j, _)| *j).collect()
}

/// A neuron with a reset to 0, whose interval between spikes is known: tref + tau ln(I/(I - 1)).
const LIF: &str = "
neuron cell(tau = 20, theta = 1) {
  input i
  state v = 0
  flow v' = (i - v)/tau
  spike when v >= theta
  reset v = 0
}
neuron resting(tau = 20) {
  input i
  state v = 0
  flow v' = (i - v)/tau
  spike when v >= 1
  reset v = 0
  refractory 5
}
";

#[test]
fn rates_are_those_of_the_analytical_solution() {
    let text = format!(
        "{LIF} simulate {{
          duration 2000 dt 0.01
          population free = cell(6, tau = 10 + index) with i = 1.05 + 0.3*index
          population rest = resting(6) with i = 1.05 + 0.3*index
        }}"
    );
    let outcome = simulate(&text);
    for (population, tau, rest) in [(0, [10.0, 11.0, 12.0, 13.0, 14.0, 15.0], 0.0), (1, [20.0; 6], 5.0)] {
        for (unit, tau) in tau.into_iter().enumerate() {
            let i = 1.05 + 0.3 * unit as f64;
            let period = rest + tau * libm::log(i / (i - 1.0));
            let spikes = train(&outcome, population, unit as u32);
            let found = f64::from(spikes[spikes.len() - 1] - spikes[0]) * 0.01 / (spikes.len() - 1) as f64;
            // A step of single precision rounds by up to 2^-24; over the tau/dt steps that the potential remembers that adds up to a
            // current that is so much larger or smaller, and the period's derivative in the current is -tau/(i (i - 1)).
            let rounded = 2f64.powi(-24) * tau / 0.01 * tau / (i * (i - 1.0));
            // A spike is found at the end of the step it happens in.
            let bound = 0.011 + rounded;
            assert!((found - period).abs() < bound, "population {population}, unit {unit}: {found}, {period}, {bound}");
        }
    }
}

/// The same network written out plainly, in double precision: every current is summed over all earlier spikes.
#[test]
fn a_network_is_what_its_equations_say() {
    let text = format!(
        "{LIF} simulate {{
          duration 300 dt 0.1
          population a = cell(5) with i = 1.3 + 0.11*index
          population b = cell(5, tau = 10) with i = 0.5
          connect a -> b all weight 0.4 tau 5 delay 1.5
          connect b -> a weight -0.3 tau 8 delay 0.7
          connect a -> b one_to_one weight 0.2 to v delay 2
          connect a -> a weight 0.05 tau 5
        }}"
    );
    let outcome = simulate(&text);
    let (dt, steps) = (0.1, 3000);
    // Times of spikes by population and unit, as the step at whose start they have happened.
    let mut spikes: [Vec<Vec<usize>>; 2] = [vec![vec![]; 5], vec![vec![]; 5]];
    let mut v = [[0.0f64; 5]; 2];
    // The mean over step j of a current that jumped by 1 at the start of step k <= j.
    let current = |k: usize, j: usize, tau: f64| {
        let z = dt / tau;
        if k > j { 0.0 } else { libm::exp(-z * (j - k) as f64) * (1.0 - libm::exp(-z)) / z }
    };
    for j in 0..steps {
        let mut input = [[0.0; 5]; 2];
        for unit in 0..5 {
            input[0][unit] = 1.3 + 0.11 * unit as f64;
            input[1][unit] = 0.5;
            for (source, (a, b)) in spikes[0].iter().zip(&spikes[1]).enumerate() {
                for s in a {
                    input[1][unit] += 0.4 * current(s + 15, j, 5.0);
                    if source == unit && s + 20 == j {
                        v[1][unit] += 0.2;
                    }
                    if source != unit {
                        input[0][unit] += 0.05 * current(*s, j, 5.0);
                    }
                }
                for s in b {
                    input[0][unit] -= 0.3 * current(s + 7, j, 8.0);
                }
            }
        }
        for (p, tau) in [20.0, 10.0].into_iter().enumerate() {
            let keep = libm::exp(-dt / tau);
            for unit in 0..5 {
                v[p][unit] = keep * v[p][unit] + (1.0 - keep) * input[p][unit];
                if v[p][unit] >= 1.0 {
                    v[p][unit] = 0.0;
                    spikes[p][unit].push(j + 1);
                }
            }
        }
    }
    for (p, population) in spikes.iter().enumerate() {
        let total: usize = population.iter().map(Vec::len).sum();
        assert!(total > 20, "population {p}: {total} spikes prove little");
        for (unit, want) in population.iter().enumerate() {
            let found: Vec<usize> = train(&outcome, p, unit as u32).iter().map(|j| *j as usize + 1).collect();
            assert_eq!(found, *want, "population {p}, unit {unit}");
        }
    }
}

#[test]
fn a_jump_arrives_its_delay_after_the_spike() {
    let text = "
      neuron clock { input i  state v = 0  update v := v + 1  spike when v >= 10  reset v = -1000 }
      neuron counter { input i  state g = 0  flow g' = i }
      simulate {
        duration 40 dt 1
        population c = clock(1)
        population g = counter(3)
        connect c -> g weight 2 delay 4 to g
        connect c -> g weight 3 tau 4 delay 4
        record g of g[0], i of g[0]
      }";
    let outcome = simulate(text);
    assert_eq!(outcome.spikes[0], [(9, 0)], "in the step that ends at 10");
    let (g, i) = (&outcome.records[0], &outcome.records[1]);
    assert_eq!(g[13], 0.0, "before 14");
    assert!(g[14] >= 2.0 && i[13] == 0.0 && i[14] > 0.0, "the step from 14 to 15 begins with it");
    // All of the current's charge arrives: weight times tau, whatever dt is.
    let charge: f32 = i.iter().sum();
    assert!((f64::from(charge) - 12.0 * (1.0 - libm::exp(-26.0 / 4.0))).abs() < 1e-4, "{charge}");
    assert!((g[39] - 2.0 - charge).abs() < 1e-4);
}

#[test]
fn noise_of_a_time_has_the_same_effect_for_any_step() {
    // v' = (i - v)/tau with white noise of time T has the variance T/(2 tau).
    let variance = |dt: f64| {
        let text = format!(
            "neuron leaky {{ input i  state v = 0  flow v' = (i - v)/10 }}
             simulate {{ duration 400 dt {dt} population p = leaky(500) with i = noise(4) record v of p }}"
        );
        let outcome = simulate(&text);
        let v = &outcome.records[0];
        // From five time constants on.
        let late = &v[v.len() / 8..];
        let mean = late.iter().map(|x| f64::from(*x)).sum::<f64>() / late.len() as f64;
        let square = late.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / late.len() as f64;
        assert!(mean.abs() < 0.02, "{mean}");
        square - mean * mean
    };
    for dt in [0.1, 0.5, 1.0] {
        // The exact integration holds the noise over a step, which costs (dt/tau)^2/12 of the variance.
        assert!((variance(dt) - 0.2).abs() < 0.01, "{dt}: {}", variance(dt));
    }
}

#[test]
fn poisson_sources_are_poisson() {
    let outcome =
        simulate("simulate { duration 2000 dt 0.1 population p = poisson(300, rate = 0.05*(1 + step(t - 1000))) }");
    let early = outcome.spikes[0].iter().filter(|(j, _)| *j < 10_000).count() as f64;
    let late = outcome.spikes[0].len() as f64 - early;
    // Means 15000 and 30000; five standard deviations.
    assert!((early - 15_000.0).abs() < 5.0 * 123.0, "{early}");
    assert!((late - 30_000.0).abs() < 5.0 * 174.0, "{late}");
    let cv = measure::cv(outcome.spikes[0].iter().copied().filter(|(j, _)| *j < 10_000));
    assert!((cv - 1.0).abs() < 0.06, "{cv}");
}

#[test]
fn engines_and_threads_do_not_change_a_bit() {
    // More than one tile of chunks, so that threads have something to share.
    let text = format!(
        "{LIF} simulate {{
          duration 40 dt 0.1 seed 5
          population big = cell(5000, tau = normal(20, 2)) with i = 1.1 + 0.5*noise, v = uniform(0, 1)
          population small = resting(70) with i = 1.6 + 0.4*noise(1), v = 0.5*uniform(0, 1) + 0.1
          population src = poisson(100, rate = 0.1)
          connect src -> big probability 0.01 weight normal(0.1, 0.02) tau 3 delay uniform(0, 3)
          connect big -> small indegree 30 weight 0.05 tau 5 delay 1.5
          connect small -> big probability 0.05 weight -0.05 to v
          record v of big[0, 4999], i of small
        }}"
    );
    let one = simulate_on(&text, Engine::Jit, 1);
    assert!(one.spikes.iter().all(|s| s.len() > 50), "{:?}", one.spikes.iter().map(Vec::len).collect::<Vec<_>>());
    assert_eq!(one.synapses[1], 70 * 30);
    assert!(one == simulate_on(&text, Engine::Jit, 2), "threads");
    assert!(one == simulate_on(&text, Engine::Interp, 2), "engines");
    assert!(one.spikes != simulate_on(&text.replace("seed 5", "seed 6"), Engine::Jit, 1).spikes);
}

#[test]
fn the_method_of_the_simulation_is_that_of_its_neurons() {
    let text = |method: &str| {
        format!(
            "simulate {{ duration 10 dt 1 {method} population p = integrator(1, tau = 4) with i = 1 record v of p }}"
        )
    };
    let v = |method: &str| f64::from(simulate(&text(method)).records[0][3]);
    let exact = 1.0 - libm::exp(-1.0);
    assert!((v("") - exact).abs() < 1e-6, "exact is the default");
    assert!((v("method euler") - (1.0 - 0.75f64 * 0.75 * 0.75 * 0.75)).abs() < 1e-6);
    let rk4 = v("method rk4");
    assert!((rk4 - exact).abs() < 1e-4 && (rk4 - exact).abs() > 1e-7, "{rk4}");
}

#[test]
fn quantities_are_held_in_the_units_of_neurons() {
    let with_units = "
      neuron cell(C = 100pF, gL = 10nS) {
        input i : nA
        state v = -70mV
        flow v' = (i - gL*(v + 70mV))/C
        spike when v >= -50mV
        reset v = -70mV
      }
      simulate { duration 0.1s dt 100us population p = cell(1) with i = 300pA record v of p, i of p }
      report { metric r = rate(p) expect r > 40Hz }";
    let outcome = simulate(with_units);
    // tau = 10 ms, and 30 mV of drive against a threshold of 20: an interval of 10 ln 3 = 10.99 ms.
    assert_eq!(train(&outcome, 0, 0).len(), 9);
    assert_eq!(outcome.records[1][0], 300.0);
}

#[test]
fn what_stops_being_a_number_is_said() {
    let text = "neuron bad { input i  state v = 1  flow v' = v*v }
                simulate { duration 100 dt 1 population p = bad(2) }";
    let outcome = simulate_on(text, Engine::Jit, 1);
    assert!(matches!(&outcome.status, Status::Diverged { what, .. } if what == "a state of p"), "{:?}", outcome.status);
    assert!(outcome.steps < 50);
}
