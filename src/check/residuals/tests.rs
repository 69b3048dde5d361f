//! Whole programs: which method each residual gets, and what is said of those that make no sense.

use super::*;
use crate::check::model::Model;
use crate::check::{Options as Command, check as check_program};
use crate::plan::Sampler;
use crate::source::{MemoryFiles, Sources};
use crate::syntax::parse::parse;

const CSV: &str = "x,t,value,c\n# measured\n0.5,0.25,1,2\n\n0.1,0.9,3,4\n";

/// The model, and `SNN0000 message` for everything said.
fn run(text: &str) -> (Option<Model>, Vec<String>) {
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let mut files = MemoryFiles::default();
    files.0.insert("probe.csv".into(), CSV.into());
    files.0.insert("ragged.csv".into(), "# c\nx,t,v\n1,1,1\n\n1,1\n".into());
    files.0.insert("field.csv".into(), "x,t,u\n1,1,1\n".into());
    let id = sources.add("test.snn", text);
    let model = parse(text, id, &mut sink)
        .and_then(|file| check_program(&file, &mut sources, &files, &Command::default(), &mut sink));
    (model, sink.into_sorted().iter().map(|d| format!("{} {}", d.code, d.message)).collect())
}

const SPIKING: &str = "tuned(x, t, 8) |> lif |> mean |> dense(1)";
const SMOOTH: &str = "dense(8) |> tanh |> dense(1)";

/// A program over x and t around residuals and whatever else.
fn program(output: &str, rest: &str) -> String {
    let output = if output == SMOOTH { format!("(x, t) |> {output}") } else { output.to_string() };
    let output = output.replace("(x, t) |> dense(8)", "current(x, t) |> mean |> dense(8)");
    format!(
        "const c = 2\ndomain {{ x in 0 .. 1  t in 0 .. 1 }}\nnetwork u(x, t) {{ output = {output} }}\n{rest}\nconst k = c\nfn unused() = k\n"
    )
}

fn model(output: &str, rest: &str) -> Model {
    let text = program(output, rest);
    let (model, messages) = run(&text);
    model.unwrap_or_else(|| panic!("{text}\n{messages:#?}"))
}

fn codes(output: &str, rest: &str) -> Vec<String> {
    let skip = |m: &&String| !m.starts_with("SNN0209");
    run(&program(output, rest)).1.iter().filter(skip).map(|m| m[..7].to_string()).collect()
}

const WAVE: &str = "residual wave  on interior     : d(u, t, t) = c^2 * d(u, x, x)
    residual ends  on x = 0, x = 1 : u = 0
    residual start on t = 0        : u = sin(pi*x)
    residual still on t = 0        : d(u, t) = 0";

#[test]
fn conditions_enter_the_weak_form_of_a_spiking_network() {
    let m = model(SPIKING, WAVE);
    let Method::Weak(form) = &m.residuals[0].method else { panic!("{:?}", m.residuals[0].method) };
    assert_eq!(form.absorbed, [1, 2, 3]);
    assert_eq!(form.tests, None);
    for (i, fallback) in [(1, Method::Value), (2, Method::Value), (3, Method::Stencil { h: STENCIL })] {
        assert_eq!(m.residuals[i].method, Method::Absorbed { by: 0, fallback: Box::new(fallback) });
    }
    assert!(m.residuals.iter().all(|r| r.linear));
    assert!(m.residuals[0].method_reason.is_some());
}

#[test]
fn a_smooth_network_gets_exact_derivatives() {
    let m = model(SMOOTH, WAVE);
    assert_eq!(m.residuals[0].method, Method::Jet);
    assert_eq!(m.residuals[3].method, Method::Jet);
    assert_eq!(m.residuals[1].method, Method::Value);
}

#[test]
fn a_condition_with_a_by_of_its_own_is_trained_by_itself() {
    let m = model(SPIKING, &format!("{WAVE} by stencil(h = 0.1)"));
    assert_eq!(m.residuals[3].method, Method::Stencil { h: 0.1 });
    let Method::Weak(form) = &m.residuals[0].method else { panic!("weak") };
    assert_eq!(form.absorbed, [1, 2]);
}

#[test]
fn what_cannot_be_weak_is_a_stencil_and_the_reason_is_kept() {
    let m = model(SPIKING, "residual eikonal on interior : d(u, x)^2 = 1\nresidual start on x = 0 : u = 0");
    assert_eq!(m.residuals[0].method, Method::Stencil { h: STENCIL });
    assert!(m.residuals[0].method_reason.as_ref().is_some_and(|r| r.contains("d(u, x)^2")));
    assert!(!m.residuals[0].linear);
    assert_eq!(m.residuals[1].method, Method::Value);
}

#[test]
fn methods_are_refused_where_they_would_mislead() {
    let with = |by: &str| {
        codes(SPIKING, &format!("residual a on interior : d(u, x) = 1 by {by}\nresidual b on x = 0 : u = 0"))
    };
    assert_eq!(with("jet"), ["SNN0704"]);
    assert_eq!(with("wobble"), ["SNN0706"]);
    assert_eq!(with("smoothing(sigma = 0.1)"), Vec::<String>::new());
    assert_eq!(with("smoothing(sigma = 0.5)"), ["SNN0303"]);
    assert_eq!(with("smoothing(h = 0.1)"), ["SNN0205"]);
    assert_eq!(with("stencil causal"), Vec::<String>::new(), "the default schedule of this network descends");
    assert_eq!(with("weak causal"), ["SNN0761"]);
    assert_eq!(with("stencil(h = 2)"), ["SNN0303"]);
    assert_eq!(
        codes(
            "current(x, t) |> mean |> dense(8) |> relu |> dense(1)",
            "residual a on interior : d(u, x) = 1 by jet\nresidual b on x = 0 : u = 0"
        ),
        ["SNN0704"]
    );
    assert_eq!(codes(SPIKING, "residual a on x = 0 : d(u, x) = 1 by weak"), ["SNN0705"]);
    assert_eq!(
        codes(SPIKING, "residual a on interior : d(u, x)^2 = 1 by weak\nresidual b on x = 0 : u = 0"),
        ["SNN0705"]
    );
    // The first mistake does not hide the second.
    let two = "residual a on interior : d(u, x) = 1 by jet\nresidual b on interior : d(u, t) = 1 by jet\nresidual s on x = 0 : u = 0";
    assert_eq!(codes(SPIKING, two), ["SNN0704", "SNN0704"]);
}

#[test]
fn places_lie_in_the_domain() {
    let m = model(SPIKING, "residual a on x = 0.3/0.3, t = 0.1 + 0.2 : u = 0");
    let Place::Faces(faces) = &m.residuals[0].place else { panic!("faces") };
    assert_eq!((faces[0].side, faces[1].side), (Side::Hi, Side::Inside));
    assert_eq!(codes(SPIKING, "residual a on x = 2 : u = 0"), ["SNN0701"]);
    assert_eq!(codes(SPIKING, "residual a on y = 0 : u = 0"), ["SNN0201"]);
    assert_eq!(codes(SPIKING, "residual a on rim : u = 0"), ["SNN0712"]);
    assert_eq!(codes(SPIKING, "residual a on grid(x = 5) : u = 0"), ["SNN0708"]);
    let rounded = "domain { x in 0 .. 0.3 }\nnetwork u(x) { output = tuned(x, 8) |> lif |> mean |> dense(1) }\nresidual a on x = 0.1 + 0.2 : u = 0\n";
    let (model, said) = run(rounded);
    assert!(matches!(&model.expect("checks").residuals[0].place, Place::Faces(f) if f[0].side == Side::Hi), "{said:?}");
}

#[test]
fn options_are_read_once_and_never_ignored() {
    let m = model(SPIKING, "residual a on interior : u = x weight 2*c points 77 sample halton");
    let r = &m.residuals[0];
    assert_eq!((r.weight, r.points, r.sampler), (4.0, 77, Sampler::Halton));
    assert_eq!(codes(SPIKING, "residual a on interior : u = x weight 1 weight 2"), ["SNN0702"]);
    assert_eq!(codes(SPIKING, "residual a on interior : u = x weight 0"), ["SNN0303"]);
    let m = model(SPIKING, "residual a on interior : u = x weight auto sample adaptive resample 2");
    let r = &m.residuals[0];
    assert_eq!(
        (r.weight, r.sampler, r.dynamics.balanced, r.dynamics.resample),
        (1.0, Sampler::Adaptive, true, Some(2))
    );
    // The default schedule of this network has 100 steps.
    assert_eq!(codes(SPIKING, "residual a on interior : u = x resample 99"), Vec::<String>::new());
    assert_eq!(codes(SPIKING, "residual a on interior : u = x resample 100"), ["SNN0710"]);
    assert_eq!(codes(SPIKING, "residual a on grid(x = 3, t = 3) : u = x resample 1"), ["SNN0710"]);
    assert_eq!(codes(SPIKING, "residual a on t = 0 : u = x causal"), ["SNN0761"]);
    assert_eq!(codes(SPIKING, &format!("{WAVE} weight auto")), ["SNN0710"]);
    assert_eq!(codes(SPIKING, "residual a on interior : u = x sample sobel"), ["SNN0706"]);
    assert_eq!(codes(SPIKING, "residual a on grid(x = 3, t = 3) : u = x points 9"), ["SNN0710"]);
    // A natural term is met exactly: a weight would be ignored.
    assert_eq!(codes(SPIKING, &format!("{WAVE} weight 10")), ["SNN0710"]);
}

#[test]
fn residuals_say_something_about_the_field_and_once() {
    assert_eq!(codes(SPIKING, "residual a on interior : x = t"), ["SNN0703"]);
    assert_eq!(codes(SPIKING, "residual a on interior : u - u = t"), ["SNN0703"]);
    assert_eq!(codes(SPIKING, "residual a on interior : u = t\nresidual a on x = 0 : u = t"), ["SNN0202"]);
    assert_eq!(codes(SPIKING, "residual a on x = 0 : u = 1\nresidual b on x = 0 : u = 2"), ["SNN0707"]);
    assert_eq!(codes(SPIKING, "residual a on interior : d(u, x) = 1"), ["SNN0714"]);
    let still = "domain { x in 0 .. 1  t in 0 .. 1 }\nnetwork u(x) { output = tuned(x, 8) |> lif |> mean |> dense(1) }\n\
        residual a on interior : d(u, t) = 1\nresidual b on x = 0 : u = 0\n";
    assert!(run(still).1.iter().any(|m| m.starts_with("SNN0715")));
}

#[test]
fn hard_conditions_are_held_against_the_residuals() {
    let hard =
        |rhs: &str| codes(&format!("x*(1 - x) * ({SPIKING})"), &format!("residual a on x = 0, x = 1 : u = {rhs}"));
    assert_eq!(hard("0"), Vec::<String>::new());
    assert_eq!(hard("t"), ["SNN0716"]);
    assert_eq!(codes(&format!("t + x * ({SPIKING})"), "residual a on x = 0 : u = t"), Vec::<String>::new());
}

#[test]
fn data_are_bound_by_their_header() {
    let m =
        model(SPIKING, "residual obs on \"probe.csv\" : u = value\nresidual slope on \"probe.csv\" : d(u, x) = value");
    let Place::Data(data) = &m.residuals[0].place else { panic!("data") };
    assert_eq!((data.rows.len(), &data.coords), (2, &vec![0, 1]));
    assert_eq!(m.residuals[0].method, Method::Value);
    assert_eq!(m.residuals[0].rhs, Expr::Var(Var::Column(2)));
    assert_eq!(m.residuals[1].method, Method::Stencil { h: STENCIL });
    assert_eq!(codes(SPIKING, "residual obs on \"probe.csv\" : u = d(value, x)"), ["SNN0709"]);
    assert_eq!(codes(SPIKING, "residual obs on \"probe.csv\" : u = valu"), ["SNN0201"]);
    assert_eq!(codes(SPIKING, "residual obs on \"probe.csv\" : u = c"), ["SNN0212"]);
    assert_eq!(codes(SPIKING, "residual obs on \"no.csv\" : u = 1"), ["SNN0901"]);
    assert_eq!(codes(SPIKING, "residual obs on \"field.csv\" : u = 1"), ["SNN0905"]);
    let ragged = run(&program(SPIKING, "residual obs on \"ragged.csv\" : u = v")).1;
    assert!(ragged.iter().any(|m| m.starts_with("SNN0903 line 5: 2 cells")), "{ragged:?}");
}

#[test]
fn exact_solutions_are_tried_out() {
    let wave = |exact: &str| codes(SPIKING, &format!("{WAVE}\nexact u = {exact}"));
    assert_eq!(wave("sin(pi*x)*cos(2*pi*t)"), Vec::<String>::new());
    assert_eq!(wave("sin(pi*x)*cos(pi*t)"), ["SNN0711"]);
    // Satisfies the equation and not the start.
    assert_eq!(wave("2*sin(pi*x)*cos(2*pi*t)"), ["SNN0711"]);
    assert_eq!(wave("log(-1 - x)"), ["SNN0711"]);
    // Small terms are no excuse.
    assert_eq!(codes(SPIKING, "residual a on interior : u = 1e-8*x\nexact u = 2e-8*x"), ["SNN0711"]);
    assert_eq!(codes(SPIKING, "residual a on interior : u = x\nexact u = x\nexact u = x"), ["SNN0713"]);
    assert_eq!(codes(SPIKING, "residual a on interior : u = x\nexact v = x"), ["SNN0201"]);
    assert_eq!(codes(SPIKING, "residual a on interior : u = x\nexact u from \"r.npz\""), ["SNN0901"]);
    assert_eq!(codes(SPIKING, "residual a on interior : u = x\nexact u = u"), ["SNN0212"]);
}
