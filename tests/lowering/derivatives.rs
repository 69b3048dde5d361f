//! Tangents and jets of whole networks, from text.

use snnc::func::MultiIndex;
use snnc::pass::{jet, jvp};

use crate::support::{Params, close, network, numbers, problem, run, run_along};

/// dU = keep dU + (1 - keep) dI;  dS = triangle(U - theta) dU;  dU -= theta dS: the surrogate's tangent through spike and
/// reset, as Wan, Zhang, Karniadakis have it (arXiv 2411.07057).
#[test]
fn the_tangent_of_a_lif_layer_is_that_of_the_paper() {
    let (units, steps, theta) = (6, 25, 0.8);
    let body = format!(
        "steps {steps} layer h = current(x) |> dense({units}) |> lif(tau = 4, theta = {theta}) output = h |> mean |> dense(1)"
    );
    let p = network("", &body);
    let program = &p.network.primal;
    let currents: Vec<f32> = numbers(units, 5, 1.0).iter().map(|x| 1.1 + x).collect();
    let weights = numbers(units, 11, 1.0);
    let params = Params::new(program).set("h.dense.bias", &currents).set("output.dense.weight", &weights);
    let directions = 3;
    let along = numbers(params.values.len() * directions, 13, 1.0);
    let got = run_along(&jvp::jvp(program, &["u"], directions as u32), &[0.5], &params.values, &along);

    let keep = libm::exp(-1.0f64 / 4.0);
    let (bias, weight, read, read0) = (
        params.range("h.dense.bias"),
        params.range("h.dense.weight"),
        params.range("output.dense.weight"),
        params.range("output.dense.bias"),
    );
    let mut moved = 0.0f64;
    for k in 0..directions {
        let d = |i: usize| f64::from(along[i * directions + k]);
        let mut du = d(read0.start);
        for j in 0..units {
            // x = 0.5 is 0 in scaled coordinates: the weight does not matter, nor does its direction.
            assert!(d(weight.start + j) != 0.0);
            let (i, di) = (f64::from(currents[j]), d(bias.start + j));
            let (mut v, mut dv, mut rate, mut drate) = (0.0, 0.0, 0.0, 0.0);
            for _ in 0..steps {
                v = keep * v + (1.0 - keep) * i;
                dv = keep * dv + (1.0 - keep) * di;
                let s = if v >= theta { 1.0 } else { 0.0 };
                let ds = (1.0 - (v - theta).abs()).max(0.0) * dv;
                v -= theta * s;
                dv -= theta * ds;
                rate += s / steps as f64;
                drate += ds / steps as f64;
            }
            du += f64::from(weights[j]) * drate + d(read.start + j) * rate;
            moved += (f64::from(weights[j]) * drate).abs();
        }
        close(got.at(0, &jvp::output_name("u"))[k].into(), du, 1e-5, &format!("direction {k}"));
    }
    assert!(moved > 0.1, "the spikes carried no tangent");
}

#[test]
fn tangents_of_smooth_networks_agree_with_differences() {
    for body in [
        "layer h = x |> dense(6) |> tanh output = x*(h |> dense(1)) + x",
        "steps 7 layer h = tuned(x, 6) |> integrator(tau = 3) |> tanh output = h |> ema(tau = 2) |> mean |> dense(1)",
        "steps 7 layer h = current(x) |> dense(6) |> n output = h |> last |> dense(1)",
        "steps 7 layer h = population(x, 5) |> recurrent(4) |> tanh output = h |> legendre(2) |> dense(1)",
        "steps 7 layer h = concat(current(x), prev(g)) |> dense(4) |> sin layer g = h |> dense(3) output = g |> mean |> dense(1)",
        "layer h = fourier(x, 3) |> dense(8) |> tanh |> conv1d(2, 3) output = dot(h |> dense(3), h |> dense(3) |> sin)",
        "steps 5 layer h = tuned(x, 4) |> integrator |> last |> dense(3) |> current |> integrator output = delay(h, 2) |> mean |> dense(1)",
        "steps 5 layer h = tuned(x, 4) |> integrator(tau = 3) output = membrane(h) |> sum |> dense(1)",
    ] {
        let items = "neuron n { param tau = 3 trainable per neuron input i state v = 0.2 flow v' = (i - v)/tau }";
        let p = network(items, body);
        let program = &p.network.primal;
        let mut params = Params::any(program, 0.8);
        if program.param_by_name("h.n.tau").is_some() {
            params = params.set("h.n.tau", &[0.5, 1.0, 2.0, 5.0, 20.0, 100.0]);
        }
        let points = [0.1f32, 0.6];
        let mut along = numbers(params.values.len(), 17, 1.0);
        for q in program.params.iter().filter(|q| !q.trainable) {
            along[params.range(&q.name)].fill(0.0);
        }
        let tangent = run_along(&jvp::jvp(program, &["u"], 1), &points, &params.values, &along);
        let h = 2e-3;
        let moved =
            |sign: f32| -> Vec<f32> { params.values.iter().zip(&along).map(|(p, d)| p + sign * h * d).collect() };
        let (up, down) = (run(program, &points, &moved(1.0)), run(program, &points, &moved(-1.0)));
        for i in 0..points.len() {
            let difference = (f64::from(up.at(i, "u")[0]) - f64::from(down.at(i, "u")[0])) / (2.0 * f64::from(h));
            close(tangent.at(i, &jvp::output_name("u"))[0].into(), difference, 2e-3, body);
        }
    }
}

/// First derivatives against differences of the value, second ones against differences of the first.
#[test]
fn jets_of_smooth_networks_agree_with_differences() {
    for body in [
        "steps 7 layer h = population(x, 5) |> recurrent(4) |> tanh output = h |> legendre(2) |> dense(1)",
        "layer h = fourier(x, 2, kind = fixed) |> dense(8) |> tanh |> conv1d(2, 3) output = dot(h |> dense(3), h |> dense(3) |> sin)",
        "steps 5 layer h = tuned(x, 4) |> integrator |> last |> tanh |> current |> integrator output = delay(h, 2) |> mean |> dense(1)",
        "steps 5 layer h = concat(current(x), prev(h)) |> dense(3) |> sin output = (h, h |> prev) |> mean |> dense(1)",
    ] {
        let p = network("", body);
        let program = &p.network.primal;
        let params = Params::any(program, 0.8).values;
        let alphas = [MultiIndex(vec![1]), MultiIndex(vec![2])];
        let with = jet::jet(program, &["u"], &alphas);
        let names = ["u".to_string(), jet::output_name("u", &alphas[0]), jet::output_name("u", &alphas[1])];
        let h = 2e-3f32;
        for x in [0.2f32, 0.7] {
            let [here, up, down] = [x, x + h, x - h].map(|x| run(&with, &[x], &params));
            for order in 1..3 {
                let [up, down] = [&up, &down].map(|r| f64::from(r.at(0, &names[order - 1])[0]));
                let want = (up - down) / f64::from((x + h) - (x - h));
                close(here.at(0, &names[order])[0].into(), want, 5e-3, &format!("order {order} at {x}: {body}"));
            }
        }
    }
}

/// One hidden tanh unit, where derivatives are known in closed form; coordinates are scaled on the way in.
#[test]
fn jets_are_in_the_coordinates_own_units() {
    let p = problem(
        "domain { x in 0 .. 4  t in 1 .. 2 }
         network u(x, t) { layer h = (x, t) |> dense(1) |> tanh output = x * (h |> dense(1)) }
         residual r on domain : u = 0",
    );
    let program = &p.network.primal;
    let params = Params::new(program)
        .set("h.dense.weight", &[0.7, -0.4])
        .set("h.dense.bias", &[0.1])
        .set("output.dense.weight", &[1.5])
        .values;
    let alphas = [[1u8, 0], [0, 1], [2, 0], [1, 1]].map(|a| MultiIndex(a.to_vec()));
    let with = jet::jet(program, &["u"], &alphas);
    let (x, t) = (1.3f64, 1.8f64);
    let got = run(&with, &[x as f32, t as f32], &params);
    // dz/dx = 0.7 * 2/4, dz/dt = -0.4 * 2/1
    let (a, b) = (0.35, -0.8);
    let z = 0.7 * (2.0 * x / 4.0 - 1.0) - 0.4 * (2.0 * (t - 1.0) - 1.0) + 0.1;
    let y = libm::tanh(z);
    let (y1, y2) = (1.0 - y * y, -2.0 * y * (1.0 - y * y));
    let want = [
        1.5 * (y + x * a * y1),
        1.5 * x * b * y1,
        1.5 * (2.0 * a * y1 + x * a * a * y2),
        1.5 * (b * y1 + x * a * b * y2),
    ];
    for (alpha, want) in alphas.iter().zip(want) {
        close(got.at(0, &jet::output_name("u", alpha))[0].into(), want, 2e-6, &format!("{alpha:?}"));
    }
}
