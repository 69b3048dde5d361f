//! Domains other than a box: points on them, normals, periodic networks, and the methods that residuals get there.

use snnc::check::Options;
use snnc::check::model::{Method, Model};
use snnc::exec::driver;
use snnc::exec::interp::{Interpreter, eval};
use snnc::exec::rng::{Purpose, Stream};
use snnc::func::MultiIndex;
use snnc::ir::problem::{Problem, Rows, derivative_name};
use snnc::pass::jet;
use snnc::pipeline::{Checked, Source};
use snnc::plan::Sampler;
use snnc::source::{MemoryFiles, Sources};
use snnc::train::sampling::{Points, place_points};

const ALL: [Sampler; 5] = [Sampler::Uniform, Sampler::Latin, Sampler::Sobol, Sampler::Halton, Sampler::Grid];

fn checked(text: &str) -> Checked {
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("test.snn", text).check(&mut Sources::default(), &MemoryFiles::default(), &options);
    checking.program.unwrap_or_else(|| panic!("{text}\n{:#?}", checking.messages))
}

fn model(text: &str) -> Model {
    checked(text).model().clone()
}

fn problem(text: &str) -> Problem {
    checked(text).lower().problem
}

fn spiking(domain: &str, coords: &str, rest: &str) -> String {
    format!(
        "domain {{ {domain} }}\nnetwork u({coords}) {{ layer h = tuned({coords}, 8) |> lif output = h |> mean |> dense(1) }}\n{rest}"
    )
}

/// The points of a problem's residual.
fn points(p: &Problem, residual: usize, n: usize, sampler: Sampler) -> Points {
    let mut rng = Stream::new(5, Purpose::Test, 0);
    place_points(&p.residuals[residual].place, &p.coords, p.shape.as_ref(), n, sampler, &mut rng)
}

const DISK: &str = "x in -1 .. 1 y in -1 .. 1 where x^2 + y^2 < 1 where x > -0.9";

#[test]
fn points_of_a_shape_lie_inside_whatever_the_sampler() {
    let p = problem(&spiking(DISK, "x, y", "residual fit on domain : u = x residual cut on x = 0 : u = 0"));
    for sampler in ALL {
        let all = points(&p, 0, 500, sampler);
        assert!(
            if sampler == Sampler::Grid { all.len() >= 500 } else { all.len() == 500 },
            "{sampler:?} {}",
            all.len()
        );
        assert!((0..all.len()).all(|i| {
            let q = all.point(i);
            q[0] * q[0] + q[1] * q[1] < 1.0 && q[0] > -0.9
        }));
        assert_eq!(all, points(&p, 0, 500, sampler));
        let on_face = points(&p, 1, 30, sampler);
        assert!(
            on_face.len() >= 30
                && (0..on_face.len()).all(|i| on_face.point(i)[0] == 0.0 && on_face.point(i)[1].abs() < 1.0)
        );
    }
}

#[test]
fn grids_keep_what_lies_inside() {
    let p = problem(&spiking(
        "x in -1 .. 1 y in -1 .. 1 where x^2 + y^2 < 1",
        "x, y",
        "residual fit on grid(x = 5, y = 5) : u = x",
    ));
    assert_eq!(points(&p, 0, 0, Sampler::Sobol).len(), 9);
}

/// The half ellipse (2 cos s, sin s) and back along its axis.
const ELLIPSE: &str = "x in -2 .. 2 y in -1 .. 1 t in 0 .. 3 curve rim(s in 0 .. 2*pi) = (2*cos(s), sin(s))";

#[test]
fn points_along_a_curve_are_uniform_in_its_length() {
    let p = problem(&spiking(ELLIPSE, "x, y, t", "residual edge on rim : u = t*cos(s)"));
    for sampler in ALL {
        let all = points(&p, 0, 4096, sampler);
        let (mut late, mut flat) = (0, 0);
        for i in 0..all.len() {
            let (q, c) = (all.point(i), &all.columns[3 * i..3 * i + 3]);
            assert!((q[0] - 2.0 * libm::cos(c[0])).abs() < 1e-12 && (q[1] - libm::sin(c[0])).abs() < 1e-12);
            assert!((0.0..=3.0).contains(&q[2]));
            // The unit normal, outward: along (x / 4, y).
            let size = libm::hypot(q[0] / 4.0, q[1]);
            assert!((c[1] - q[0] / 4.0 / size).abs() < 1e-9 && (c[2] - q[1] / size).abs() < 1e-9, "{c:?} at {q:?}");
            late += usize::from(q[2] > 2.0);
            flat += usize::from(q[0].abs() < 1.0);
        }
        let part = |n: usize| n as f64 / all.len() as f64;
        assert!(
            (part(late) - 1.0 / 3.0).abs() < 0.03,
            "{sampler:?}: {} of the points in the last third of the time",
            part(late)
        );
        // Of the circumference 9.6884, 4 x 1.0377 lie over |x| < 1; uniform in s it would be a third.
        assert!((part(flat) - 0.4285).abs() < 0.03, "{sampler:?}: {}", part(flat));
    }
}

#[test]
fn normals_point_out_of_the_region_whichever_way_a_curve_runs() {
    let outward = |domain: &str, sign: f64| {
        let p = problem(&spiking(domain, "x, y", "residual edge on rim : d(u, normal) = 0"));
        let all = points(&p, 0, 64, Sampler::Sobol);
        for i in 0..all.len() {
            let (q, c) = (all.point(i), &all.columns[3 * i..3 * i + 3]);
            assert!(sign * (q[0] * c[1] + q[1] * c[2]) > 0.4, "{domain}: {c:?} at {q:?}");
        }
    };
    let r = "x in -1 .. 1 y in -1 .. 1";
    outward(&format!("{r} curve rim(s in 0 .. 1) = (0.5*cos(2*pi*s), 0.5*sin(2*pi*s))"), 1.0);
    outward(&format!("{r} curve rim(s in 0 .. 1) = (0.5*sin(2*pi*s), 0.5*cos(2*pi*s))"), 1.0);
    // The rim of a hole: out of the region is into the hole.
    outward(&format!("{r} where x^2 + y^2 > 0.25 curve rim(s in 0 .. 1) = (0.5*cos(2*pi*s), 0.5*sin(2*pi*s))"), -1.0);
    // An open arc: the shape says which side is out.
    outward(&format!("{r} where x^2 + y^2 < 0.25 curve rim(s in 0 .. 1) = (0.5*sin(s), 0.5*cos(s))"), 1.0);
}

#[test]
fn a_normal_derivative_is_the_sum_of_its_components() {
    let p = problem(&spiking(
        "x in -1 .. 1 y in 0 .. 1",
        "x, y",
        "residual all on x = -1, x = 1, y = 1 : d(u, normal) + 2*u = 0\nresidual one on x = -1 : d(u, normal, normal) - d(u, normal) = 0",
    ));
    let value = |residual: usize, columns: &[f64], of: &dyn Fn(&[u8]) -> f64| {
        let Rows::Pointwise(plan) = &p.residuals[residual].rows else { panic!("at points") };
        let atoms: Vec<f64> = plan.atoms.iter().map(|a| of(&a.alpha.0)).collect();
        let all: Vec<&[f64]> = plan
            .value
            .inputs
            .iter()
            .map(|i| match i.name.as_str() {
                "columns" => columns,
                "atoms" => &atoms,
                _ => &[0.0, 0.0],
            })
            .collect();
        eval(&plan.value, &all)[0]
    };
    let field = |alpha: &[u8]| match alpha {
        [0, 0] => 1.0,
        [1, 0] => 10.0,
        [0, 1] => 100.0,
        [2, 0] => 1000.0,
        _ => f64::NAN,
    };
    let all = points(&p, 0, 2, Sampler::Sobol);
    assert_eq!(all.columns, [-1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
    let rows: Vec<f64> = all.columns.chunks_exact(2).map(|c| value(0, c, &field)).collect();
    assert_eq!(rows, [-8.0, -8.0, 12.0, 12.0, 102.0, 102.0]);
    assert_eq!(value(1, &[], &field), 1000.0 + 10.0);
}

#[test]
fn a_periodic_field_is_the_same_at_both_ends_with_all_its_derivatives() {
    let p = problem(
        "domain { x in -1 .. 2 periodic t in 0 .. 1 }
         network u(x, t) { layer h = (x, t) |> dense(12) |> tanh |> dense(9) |> tanh output = cos(2*pi*x/3)*(h |> dense(1)) }
         residual fit on domain : u = t",
    );
    let orders: Vec<MultiIndex> =
        [[0, 0], [1, 0], [0, 1], [2, 0], [3, 0]].iter().map(|a| MultiIndex(a.to_vec())).collect();
    let program = jet::jet(&p.network.primal, &["u"], &orders);
    let mut state = 1u32;
    let params: Vec<f32> = (0..program.param_len())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    let at = [-1.0f32, 0.3, 2.0, 0.3, 0.5, 0.3];
    let out = driver::run(&Interpreter::new(program.clone()), &at, &params, &[]).outputs;
    let width = program.output_len();
    for a in &orders {
        let k = program.output_offset(&derivative_name("u", a)).expect("an output");
        let (lo, hi, middle) = (out[k], out[width + k], out[2 * width + k]);
        assert!((lo - hi).abs() < 2e-4 * (1.0 + lo.abs()), "{a:?}: {lo} {hi}");
        assert!((lo - middle).abs() > 1e-3, "{a:?} does not depend on x");
    }
}

/// The method of the first residual, and why.
fn method(text: &str) -> (Method, String) {
    let r = &model(text).residuals[0];
    (r.method.clone(), r.method_reason.clone().unwrap_or_default())
}

#[test]
fn methods_follow_the_geometry() {
    let ring = "x in 0 .. 1 periodic t in 0 .. 1";
    let start = "residual start on t = 0 : u = sin(2*pi*x)";
    let (m, _) = method(&spiking(ring, "x, t", &format!("residual go on interior : d(u, t) + d(u, x) = 0 {start}")));
    let Method::Weak(form) = m else { panic!("{m:?}") };
    assert!(form.vanish[0].iter().all(Vec::is_empty) && form.absorbed == [1]);
    let (m, why) =
        method(&spiking(ring, "x, t", &format!("residual go on interior : d(u, t) + x*d(u, x) = 0 {start}")));
    assert!(matches!(m, Method::Stencil { .. }) && why.contains("not periodic in `x`"), "{why}");
    let (m, why) =
        method(&spiking(DISK, "x, y", "residual poisson on interior : lap(u) = 1 residual a on x = 0 : u = 0"));
    assert!(matches!(m, Method::Stencil { .. }) && why.contains("`where`"), "{why}");
    let tanh = "network u(x, y) { layer h = (x, y) |> dense(8) |> tanh output = h |> dense(1) }";
    let (m, _) = method(&format!(
        "domain {{ {DISK} }} {tanh} residual poisson on interior : lap(u) = 1 residual a on x = 0 : u = 0"
    ));
    assert_eq!(m, Method::Jet);
}

#[test]
fn mixed_conditions_enter_weak_forms_on_every_face_they_stand_on() {
    let text = spiking(
        "x in 0 .. 1",
        "x",
        "residual rod on interior : d(u, x, x) = u\nresidual ends on x = 0, x = 1 : d(u, normal) + 3*u = 1",
    );
    let m = model(&text);
    let Method::Weak(form) = &m.residuals[0].method else { panic!("{:?}", m.residuals[0].method) };
    assert_eq!((form.absorbed.as_slice(), form.ties.len()), (&[1][..], 2));
    assert!(matches!(m.residuals[1].method, Method::Absorbed { by: 0, .. }));
    // With a factor that varies along the face it has rows of its own.
    let text = spiking(
        "x in 0 .. 1 t in 0 .. 1",
        "x, t",
        "residual rod on interior : d(u, x, x) = d(u, t)\nresidual ends on x = 0 : d(u, normal) + t*u = 1",
    );
    assert!(matches!(model(&text).residuals[1].method, Method::Stencil { .. }));
}
