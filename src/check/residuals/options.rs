//! The options of a residual: how it is weighed, where its points are, how its derivatives are taken.
//!
//! ```text
//! weight auto  resample 100  causal(eps = 1)    ->    Dynamics { balanced, resample: 100, causal: (t, 1) }
//! ```
//!
//! An option that could do nothing where it stands is an error, never passed over.

use std::collections::BTreeMap;

use super::STENCIL;
use crate::check::args::bind;
use crate::check::model::{Method, Place, Residual};
use crate::check::names::nearest;
use crate::check::scope::Scope;
use crate::diag::{Sink, options, residuals as say, training, types};
use crate::plan::{self, ADAPT_STEPS, Causal, Dynamics, Sampler, Train};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, ResidualOption};

/// Width of the Gaussian where the program gives none, as a fraction of each coordinate's extent.
pub const SMOOTHING: f64 = 0.05;

/// What was chosen by `by`.
pub enum Chosen {
    Jet,
    Stencil(f64),
    Smoothing(f64),
    Weak(Option<usize>),
}

/// All options, each with its place.
#[derive(Default, Clone, Copy)]
pub struct Options<'a> {
    pub by: Option<&'a ast::Call>,
    /// `None`: it is to be balanced.
    pub weight: Option<(Option<f64>, Span)>,
    pub points: Option<(usize, Span)>,
    pub sampler: Option<(Sampler, Span)>,
    pub resample: Option<(usize, Span)>,
    pub causal: Option<(Causal, Span)>,
}

impl<'a> Options<'a> {
    /// `None` after a mistake.
    pub fn read(r: &'a ast::Residual, scope: &Scope<'_>, sink: &mut Sink) -> Option<Options<'a>> {
        let mut o = Options::default();
        let mut fine = true;
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for option in &r.options {
            let (name, span) = name(option);
            if let Some(first) = seen.insert(name, span) {
                sink.push(say::repeated_option(span, name, first));
                fine = false;
            }
            match option {
                ResidualOption::By(call) => o.by = Some(call),
                ResidualOption::Weight(e, _) => {
                    let auto = matches!(&*e.kind, ExprKind::Name(n) if n == "auto");
                    o.weight = if auto { Some((None, span)) } else { scope.positive(e, sink).map(|w| (Some(w), span)) };
                    fine &= o.weight.is_some();
                }
                ResidualOption::Points(e, _) => {
                    o.points = scope.integer(e, 1, 1 << 20, sink).map(|n| (n as usize, span));
                    fine &= o.points.is_some();
                }
                ResidualOption::Sample(n, _) => {
                    o.sampler = sampler(n, sink).map(|k| (k, span));
                    fine &= o.sampler.is_some();
                }
                ResidualOption::Resample(e, _) => {
                    o.resample = scope.integer(e, 1, 1 << 30, sink).map(|n| (n as usize, span));
                    fine &= o.resample.is_some();
                }
                ResidualOption::Causal(call) => {
                    o.causal = causal(call, scope, sink).map(|c| (c, span));
                    fine &= o.causal.is_some();
                }
            }
        }
        fine.then_some(o)
    }

    pub fn dynamics(&self) -> Dynamics {
        Dynamics {
            balanced: matches!(self.weight, Some((None, _))),
            resample: self.resample.map(|(n, _)| n),
            causal: self.causal.map(|(c, _)| c),
        }
    }

    /// Complains of options that would do nothing at this place and with this method.
    pub fn refuse_useless(&self, place: &Place, method: &Method, operator: bool, scope: &Scope<'_>, sink: &mut Sink) {
        let placed = match (place, method) {
            (_, Method::Weak(_)) => Some("a weak form brings its own points"),
            (Place::Grid(_), _) => Some("the grid says where the points are"),
            (Place::Data(_), _) => Some("the file says where the points are"),
            (Place::Faces(_), _) if scope.coords.len() == 1 && !operator => Some("the place is a single point"),
            _ => None,
        };
        if let Some(why) = placed {
            let spans = [
                ("points", self.points.map(|(_, s)| s)),
                ("sample", self.sampler.map(|(_, s)| s)),
                ("resample", self.resample.map(|(_, s)| s)),
            ];
            for (option, span) in spans {
                span.into_iter().for_each(|span| sink.push(say::no_effect(span, option, why)));
            }
        }
        if let (Some((_, span)), Some((Sampler::Grid, _))) = (self.resample, self.sampler) {
            sink.push(say::no_effect(span, "resample", "`sample grid` puts the points at the same places every time"));
        }
        let Some((causal, span)) = self.causal else { return };
        match place {
            _ if matches!(method, Method::Weak(_)) => {
                sink.push(options::causal_place(span, "a weak form is an integral over all times", true));
            }
            Place::Faces(faces) if faces.iter().all(|f| f.coord == causal.coord) => {
                sink.push(options::causal_place(span, "it holds at given times, nothing comes before it", false));
            }
            _ => {}
        }
    }

    /// Complains of options on a condition that is trained through the weak form of another residual.
    pub fn refuse_absorbed(&self, by: &str, sink: &mut Sink) {
        let why = format!("this condition is part of `{by}`, whose weak form meets it exactly");
        let adaptive = self.sampler.filter(|(s, _)| *s == Sampler::Adaptive);
        let spans = [
            ("weight", self.weight.map(|(_, s)| s)),
            ("sample adaptive", adaptive.map(|(_, s)| s)),
            ("resample", self.resample.map(|(_, s)| s)),
            ("causal", self.causal.map(|(_, s)| s)),
        ];
        for (option, span) in spans {
            span.into_iter().for_each(|span| sink.push(say::no_effect(span, option, &why)));
        }
    }
}

fn name(option: &ResidualOption) -> (&'static str, Span) {
    match option {
        ResidualOption::By(call) => ("by", call.span),
        ResidualOption::Weight(_, s) => ("weight", *s),
        ResidualOption::Points(_, s) => ("points", *s),
        ResidualOption::Sample(_, s) => ("sample", *s),
        ResidualOption::Resample(_, s) => ("resample", *s),
        ResidualOption::Causal(call) => ("causal", call.span),
    }
}

fn sampler(name: &ast::Name, sink: &mut Sink) -> Option<Sampler> {
    const KNOWN: &[(&str, Sampler)] = &[
        ("uniform", Sampler::Uniform),
        ("latin", Sampler::Latin),
        ("sobol", Sampler::Sobol),
        ("halton", Sampler::Halton),
        ("grid", Sampler::Grid),
        ("adaptive", Sampler::Adaptive),
    ];
    if let Some((_, s)) = KNOWN.iter().find(|(n, _)| *n == name.text) {
        return Some(*s);
    }
    let known: Vec<&str> = KNOWN.iter().map(|(n, _)| *n).collect();
    let near = nearest(&name.text, known.iter().copied());
    sink.push(say::unknown_method(name.span, "way to sample", &name.text, &known, near));
    None
}

/// `causal(eps = 1)`: along the coordinate `t`, which must have a beginning.
fn causal(call: &ast::Call, scope: &Scope<'_>, sink: &mut Sink) -> Option<Causal> {
    let bound = bind(&call.name, &call.args, &["eps"], &[], sink);
    let eps = match bound.get("eps") {
        Some(e) => scope.positive(e, sink),
        None => Some(1.0),
    };
    let Some(coord) = scope.coord("t") else {
        let coords: Vec<&str> = scope.coords.iter().map(|c| c.name.as_str()).collect();
        sink.push(options::no_time(call.span, &format!("the domain has {}", crate::diag::names::list(&coords)), None));
        return None;
    };
    if scope.coords[coord].periodic {
        sink.push(options::no_time(
            call.span,
            "`t` is periodic, so no time comes first",
            Some(scope.coords[coord].span),
        ));
        return None;
    }
    Some(Causal { coord, eps: eps? })
}

/// What `by` says; `None` after a mistake.
pub fn choose(call: &ast::Call, scope: &Scope<'_>, sink: &mut Sink) -> Option<Chosen> {
    const KNOWN: &[&str] = &["weak", "stencil", "smoothing", "jet"];
    let fraction = |name: &str, default: f64, most: f64, sink: &mut Sink| {
        let known = [name];
        let bound = bind(&call.name, &call.args, &known, &[], sink);
        let Some(e) = bound.get(name) else { return Some(default) };
        let h = scope.number(e, sink)?;
        if !(1e-4..=most).contains(&h) {
            sink.push(types::out_of_range(e.span, &format!("a fraction of the domain from 1e-4 to {most}"), h));
            return None;
        }
        Some(h)
    };
    match call.name.text.as_str() {
        "jet" => {
            bind(&call.name, &call.args, &[], &[], sink);
            Some(Chosen::Jet)
        }
        "stencil" => fraction("h", STENCIL, 0.25, sink).map(Chosen::Stencil),
        "smoothing" => fraction("sigma", SMOOTHING, 0.15, sink).map(Chosen::Smoothing),
        "weak" => {
            let bound = bind(&call.name, &call.args, &["tests"], &[], sink);
            let tests = match bound.get("tests") {
                Some(e) => Some(scope.integer(e, 4, 2000, sink)? as usize),
                None => None,
            };
            Some(Chosen::Weak(tests))
        }
        name => {
            sink.push(say::unknown_method(call.name.span, "method", name, KNOWN, nearest(name, KNOWN.iter().copied())));
            None
        }
    }
}

/// Complains of options whose time never comes in a training schedule.
pub fn check_dynamics(
    items: &[&ast::Residual],
    residuals: &[Residual],
    train: &Train,
    batches: &[Option<Span>],
    sink: &mut Sink,
) {
    let steps = |m: &plan::Method| if let plan::Method::Gradient(g) = m { Some(g.steps) } else { None };
    let rounds = |m: &plan::Method| if let plan::Method::Pursuit(p) = m { p.rounds } else { 0 };
    // New points come before a later step or round.
    let comes = |in_steps: usize, in_rounds: usize| {
        let phases = train.phases.iter().map(|p| &p.method);
        phases.into_iter().any(|m| steps(m).is_some_and(|s| in_steps < s) || in_rounds <= rounds(m))
    };
    for (item, r) in items.iter().zip(residuals) {
        if matches!(r.method, Method::Weak(_) | Method::Absorbed { .. }) {
            continue;
        }
        let span = |wanted: &str| item.options.iter().map(name).find(|(n, _)| *n == wanted).map_or(r.span, |(_, s)| s);
        match r.dynamics.resample {
            Some(n) if !comes(n, n) => {
                let why =
                    format!("no phase goes on for more than {n} step{0} or round{0}", if n == 1 { "" } else { "s" });
                sink.push(say::no_effect(span("resample"), "resample", &why));
            }
            None if r.sampler == Sampler::Adaptive && !comes(ADAPT_STEPS, 1) => {
                let why = format!("no phase draws new points, which it does every {ADAPT_STEPS} steps, or every round");
                sink.push(say::no_effect(span("sample"), "sample adaptive", &why));
            }
            _ => {}
        }
        if r.dynamics.causal.is_some() && !train.phases.iter().any(|p| steps(&p.method).is_some()) {
            let why = "it orders the steps of a gradient, and every phase solves for all times at once";
            sink.push(say::no_effect(span("causal"), "causal", why));
        }
    }
    let rows = |r: &Residual| match (&r.method, &r.place) {
        (Method::Weak(_) | Method::Absorbed { .. }, _) => 0,
        (_, Place::Faces(faces)) => r.points * faces.len(),
        (_, Place::Grid(counts)) => counts.iter().product(),
        (_, Place::Data(data)) => data.rows.len(),
        _ => r.points,
    };
    let most = residuals.iter().map(rows).max().unwrap_or(0);
    for (phase, span) in train.phases.iter().zip(batches) {
        if let (plan::Method::Gradient(g), Some(span)) = (&phase.method, span)
            && g.batch.is_some_and(|n| n >= most)
        {
            sink.push(training::batch_is_all(*span, most));
        }
    }
}
