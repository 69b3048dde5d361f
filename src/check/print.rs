//! Models and their expressions as text, for `snnc emit --stage model` and for tests.
//!
//! ```text
//! network u(x, t)  steps 64  dt 1
//!   %0 coords x, t                                static 2
//!   %1 h.tuned = tuned(%0, mixed)                 signal 512
//! ```

use std::fmt::{Display, Formatter, Result, Write as _};

use crate::check::expr::{Expr, Var};
use crate::check::model::{
    Frequencies, Init, Integrand, Kind, Method, Model, Network, NeuronModel, NodeOp, Place, Quantity, Residual, Slope,
    StateStep, Trainable, TuningCurve, WeakForm,
};
use crate::check::schedule::as_source;
use crate::func::{Binary, Compare, MultiIndex, Unary};
use crate::units::show;

/// What the variables of an expression are called. Those that are not given are numbered: `x0`, `u0`.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    pub coords: Vec<String>,
    pub fields: Vec<String>,
    pub unknowns: Vec<String>,
    pub columns: Vec<String>,
    pub params: Vec<String>,
    pub states: Vec<String>,
}

impl Vocabulary {
    fn of(model: &Model) -> Vocabulary {
        Vocabulary {
            coords: model.coords.iter().map(|c| c.name.clone()).collect(),
            fields: model.network.fields.iter().map(|f| f.name.clone()).collect(),
            unknowns: model.unknowns.iter().map(|u| u.name.clone()).collect(),
            ..Vocabulary::default()
        }
    }

    fn of_neuron(neuron: &NeuronModel) -> Vocabulary {
        Vocabulary {
            params: neuron.params.iter().map(|p| p.name.clone()).collect(),
            states: neuron.states.iter().map(|s| s.name.clone()).collect(),
            ..Vocabulary::default()
        }
    }

    /// The expression in the language's own notation.
    pub fn show(&self, e: &Expr) -> String {
        self.tight(e, 0)
    }

    /// `e` in brackets if it binds less tightly than `level`: 1 or, 2 and, 3 not, 4 comparison, 5 `+ -`, 6 `* /`,
    /// 7 minus, 8 `^`, 9 a name.
    fn tight(&self, e: &Expr, level: u8) -> String {
        let (own, text) = match e {
            Expr::Num(v) if *v < 0.0 => (7, format!("{v}")),
            Expr::Num(v) => (9, format!("{v}")),
            Expr::Var(v) => (9, self.var(v)),
            Expr::Unary(Unary::Neg, a) => (7, format!("-{}", self.tight(a, 7))),
            Expr::Unary(f, a) => (9, format!("{}({})", f.name(), self.show(a))),
            Expr::Binary(op, a, b) => match op {
                Binary::Add => (5, format!("{} + {}", self.tight(a, 5), self.tight(b, 6))),
                Binary::Sub => (5, format!("{} - {}", self.tight(a, 5), self.tight(b, 6))),
                Binary::Mul => (6, format!("{}*{}", self.tight(a, 6), self.tight(b, 7))),
                Binary::Div => (6, format!("{}/{}", self.tight(a, 6), self.tight(b, 7))),
                Binary::Pow => (8, format!("{}^{}", self.tight(a, 9), self.tight(b, 8))),
                f => (9, format!("{}({}, {})", f.name(), self.show(a), self.show(b))),
            },
            Expr::Compare(op, a, b) => (4, format!("{} {} {}", self.tight(a, 5), sign(*op), self.tight(b, 5))),
            Expr::Not(a) => (3, format!("not {}", self.tight(a, 3))),
            Expr::Logic(true, a, b) => (2, format!("{} and {}", self.tight(a, 2), self.tight(b, 3))),
            Expr::Logic(false, a, b) => (1, format!("{} or {}", self.tight(a, 1), self.tight(b, 2))),
            Expr::If(c, a, b) => (0, format!("if {} then {} else {}", self.show(c), self.show(a), self.show(b))),
            Expr::Deriv(a, coord) => (9, format!("d({}, {})", self.show(a), name(&self.coords, "x", *coord))),
        };
        if own < level { format!("({text})") } else { text }
    }

    fn var(&self, var: &Var) -> String {
        match var {
            Var::Coord(i) => name(&self.coords, "x", *i),
            Var::Field { field, alpha } => self.field(name(&self.fields, "u", *field), alpha),
            Var::Placed { field, place } => format!("{} at place {place}", name(&self.fields, "u", *field)),
            Var::Unknown(k) => name(&self.unknowns, "unknown", *k),
            Var::Coefficient(k) => format!("c{k}"),
            Var::Column(i) => name(&self.columns, "column", *i),
            Var::Param(i) => name(&self.params, "param", *i),
            Var::State(i) => name(&self.states, "state", *i),
            Var::Input => "i".to_string(),
            Var::Dt => "dt".to_string(),
            Var::Spike => "spike".to_string(),
            Var::Over => "over".to_string(),
            Var::Given(i) => format!("g{i}"),
        }
    }

    /// `u`, `d(u, x, x)`.
    fn field(&self, field: String, alpha: &MultiIndex) -> String {
        if alpha.order() == 0 {
            return field;
        }
        let mut text = format!("d({field}");
        for (i, &n) in alpha.0.iter().enumerate() {
            for _ in 0..n {
                let _ = write!(text, ", {}", name(&self.coords, "x", i));
            }
        }
        text + ")"
    }
}

fn name(names: &[String], stem: &str, index: usize) -> String {
    names.get(index).cloned().unwrap_or_else(|| format!("{stem}{index}"))
}

fn sign(op: Compare) -> &'static str {
    match op {
        Compare::Lt => "<",
        Compare::Le => "<=",
        Compare::Gt => ">",
        Compare::Ge => ">=",
        Compare::Eq => "==",
        Compare::Ne => "!=",
    }
}

impl Display for Model {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let words = Vocabulary::of(self);
        for (name, value) in &self.constants {
            writeln!(f, "const {name} = {value}")?;
        }
        writeln!(f, "domain")?;
        for c in &self.coords {
            writeln!(f, "  {} in {} .. {}{}", c.name, c.lo, c.hi, if c.periodic { " periodic" } else { "" })?;
        }
        if let Some(shape) = &self.shape {
            writeln!(f, "  where {}", words.show(&shape.inside))?;
        }
        for neuron in &self.neurons {
            show_neuron(f, neuron)?;
        }
        for a in &self.functions {
            let (first, count) = (a.first, a.parts.len());
            writeln!(
                f,
                "function {} in {} .. {}  sensors {}  coefficients {first} .. {}",
                a.name,
                a.lo,
                a.hi,
                a.sensors,
                first + count
            )?;
        }
        for u in &self.unknowns {
            writeln!(f, "unknown {} = {} in {} .. {}", u.name, u.start, u.lo, u.hi)?;
        }
        show_network(f, &self.network, self, &words)?;
        for (k, residual) in self.residuals.iter().enumerate() {
            show_residual(f, k, residual, self, &words)?;
        }
        if let Some(r) = &self.reference {
            let fields: Vec<String> = r.fields.iter().map(|(f, _)| name(&words.fields, "u", *f)).collect();
            writeln!(f, "exact {} from {:?} {:?}", fields.join(", "), r.path, r.counts())?;
        }
        for exact in &self.exact {
            writeln!(
                f,
                "exact {} = {}",
                match exact.of {
                    Quantity::Field(k) => name(&words.fields, "u", k),
                    Quantity::Unknown(k) => name(&words.unknowns, "unknown", k),
                },
                words.show(&exact.value)
            )?;
        }
        if self.train.is_default {
            writeln!(f, "# the default schedule")?;
        }
        write!(f, "{}", as_source(&self.train))?;
        writeln!(f, "report")?;
        for m in &self.report.metrics {
            writeln!(f, "  metric {} = {:?}({}) on grid {:?}", m.name, m.kind, m.field, m.grid)?;
        }
        for e in &self.report.expects {
            writeln!(f, "  expect {}", e.text)?;
        }
        for p in &self.report.plots {
            writeln!(f, "  plot {p:?}")?;
        }
        if let Some(save) = &self.report.save {
            writeln!(f, "  save {save:?}")?;
        }
        Ok(())
    }
}

pub(super) fn show_neuron(f: &mut Formatter<'_>, neuron: &NeuronModel) -> Result {
    let words = Vocabulary::of_neuron(neuron);
    writeln!(f, "neuron {}", neuron.name)?;
    for p in &neuron.params {
        let trained = match p.trainable {
            None => "",
            Some(Trainable::PerLayer) => " trainable",
            Some(Trainable::PerNeuron) => " trainable per neuron",
        };
        let default = match p.dimension.is_none() {
            true => format!("{}", p.default),
            false => show(p.default, &p.dimension),
        };
        writeln!(f, "  param {} = {default}{trained}", p.name)?;
    }
    if !neuron.input.dimension.is_none() {
        writeln!(f, "  input i : {}", show(neuron.input.hold(1.0), &neuron.input.dimension))?;
    }
    for s in &neuron.states {
        writeln!(f, "  state {} = {}", s.name, words.show(&s.init))?;
        match &s.step {
            StateStep::Hold => {}
            StateStep::Update(e) => writeln!(f, "  update {} := {}", s.name, words.show(e))?,
            StateStep::Euler { rate } => writeln!(f, "  flow {}' = {}  (euler)", s.name, words.show(rate))?,
            StateStep::Rk4 { rate } => writeln!(f, "  flow {}' = {}  (rk4)", s.name, words.show(rate))?,
            StateStep::Linear { decay, drive } => {
                let method = match decay.any_var(|v| matches!(v, Var::State(_) | Var::Input)) {
                    true => "exponential",
                    false => "exact",
                };
                let (decay, drive) = (words.tight(decay, 6), words.tight(drive, 6));
                writeln!(f, "  flow {0}' = {decay}*{0} + {drive}  ({method})", s.name)?;
            }
        }
    }
    if let Some(spike) = &neuron.spike {
        let op = if spike.strict { ">" } else { ">=" };
        let (lhs, rhs) = (words.tight(&spike.lhs, 5), words.tight(&spike.rhs, 5));
        let surrogate = match &spike.surrogate {
            Slope::Named(s) => format!("{}({})", s.kind.name(), s.scale),
            Slope::Sampled { sigma, samples } => format!("gaussian({sigma}, samples = {samples})"),
            Slope::Own(e) => format!("s(over) = {}", words.show(e)),
        };
        writeln!(f, "  spike when {lhs} {op} {rhs}  surrogate {surrogate}")?;
    }
    for (state, value) in &neuron.resets {
        writeln!(f, "  reset {} = {}", neuron.states[*state].name, words.show(value))?;
    }
    if let Some(r) = &neuron.refractory {
        let held: Vec<&str> = r.held.iter().map(|k| neuron.states[*k].name.as_str()).collect();
        writeln!(f, "  refractory {}  (holds {})", words.show(&r.time), held.join(", "))?;
    }
    if neuron.substeps > 1 {
        writeln!(f, "  substeps {}", neuron.substeps)?;
    }
    if let Some(emit) = &neuron.emit {
        writeln!(f, "  emit {}", words.show(emit))?;
    }
    Ok(())
}

fn show_network(f: &mut Formatter<'_>, network: &Network, model: &Model, words: &Vocabulary) -> Result {
    let clocks: Vec<String> = network.clocks.iter().map(|c| format!("  steps {}  dt {}", c.steps, c.dt)).collect();
    writeln!(f, "network{}", clocks.join(","))?;
    for (k, node) in network.nodes.iter().enumerate() {
        let kind = match node.kind {
            Kind::Static => "static",
            Kind::Signal => "signal",
        };
        let text = format!("%{k} {} = {}", node.path, node_op(&node.op, model, words));
        writeln!(f, "  {text:<60} {kind} {}", node.width)?;
    }
    for layer in &network.layers {
        let owned: Vec<String> = layer.owned.iter().map(|n| format!("%{n}")).collect();
        let pursuit = layer.pursuit.map(|n| format!("  pursuit over %{n}")).unwrap_or_default();
        writeln!(f, "  layer {} is %{}  owns [{}]{pursuit}", layer.name, layer.node, owned.join(", "))?;
    }
    for field in &network.fields {
        let coords: Vec<&str> = field.coords.iter().map(|&c| model.coords[c].name.as_str()).collect();
        let readout = field.readout.map_or("none".to_string(), |(n, column)| match column {
            Some(column) => format!("%{n}[{column}]"),
            None => format!("%{n}"),
        });
        let (name, node, component) = (&field.name, field.node, field.component);
        writeln!(f, "  field {name}({}) is %{node}[{component}]  readout {readout}", coords.join(", "))?;
    }
    Ok(())
}

fn node_op(op: &NodeOp, model: &Model, words: &Vocabulary) -> String {
    let frozen = |frozen: bool| if frozen { ", frozen" } else { "" };
    match op {
        NodeOp::Coords { coords, raw } => {
            let names: Vec<&str> = coords.iter().map(|&c| model.coords[c].name.as_str()).collect();
            format!("{}({})", if *raw { "raw" } else { "scaled" }, names.join(", "))
        }
        NodeOp::Sensors(f) => format!("sensors({})", model.functions[*f].name),
        NodeOp::Scalar(e) => words.show(e),
        NodeOp::Current(x) => format!("current(%{x})"),
        NodeOp::Tuned { x, curve, frozen: fixed } => {
            let curve = match curve {
                TuningCurve::Ramp => "ramp",
                TuningCurve::Sine => "sine",
                TuningCurve::Mixed => "mixed",
            };
            format!("tuned(%{x}, {curve}{})", frozen(*fixed))
        }
        NodeOp::Dense { x, weight, bias, frozen: fixed } => {
            let bias = bias.map_or("none".to_string(), init);
            format!("dense(%{x}, init = {}, bias = {bias}{})", init(*weight), frozen(*fixed))
        }
        NodeOp::Affine { x, frozen: fixed } => format!("affine(%{x}{})", frozen(*fixed)),
        NodeOp::Neuron { x, model: neuron, args } => {
            let neuron = &model.neurons[*neuron];
            let args: String = neuron.params.iter().zip(args).map(|(p, v)| format!(", {} = {v}", p.name)).collect();
            format!("{}(%{x}{args})", neuron.name)
        }
        NodeOp::Unary(g, x) => format!("{}(%{x})", g.name()),
        NodeOp::Binary(g, a, b) => format!("{}(%{a}, %{b})", g.name()),
        NodeOp::Ema { x, tau } => format!("ema(%{x}, tau = {tau})"),
        NodeOp::Mean(x) => format!("mean(%{x})"),
        NodeOp::Last(x) => format!("last(%{x})"),
        NodeOp::Sum(x) => format!("sum(%{x})"),
        NodeOp::FirstSpike(x) => format!("first_spike(%{x})"),
        NodeOp::Legendre { x, moments } => format!("legendre(%{x}, {moments})"),
        NodeOp::Population { x, fields, width, gain } => {
            format!("population(%{x}, {fields}, width = {width}, gain = {gain})")
        }
        NodeOp::Triangular { x, units } => format!("triangular(%{x}, {units})"),
        NodeOp::Latency(x) => format!("latency(%{x})"),
        NodeOp::Rate(x) => format!("rate(%{x})"),
        NodeOp::Fourier { x, frequencies: Frequencies::Fixed { count } } => format!("fourier(%{x}, {count}, fixed)"),
        NodeOp::Fourier { x, frequencies: Frequencies::Random { count, scale } } => {
            format!("fourier(%{x}, {count}, scale = {scale})")
        }
        NodeOp::Recurrent { x, feedback, weight, recurrent, bias, frozen: fixed } => {
            let bias = bias.map_or("none".to_string(), init);
            let (weight, recurrent) = (init(*weight), init(*recurrent));
            let fixed = frozen(*fixed);
            format!("recurrent(%{x}, back from %{feedback}, init = {weight}, {recurrent}, bias = {bias}{fixed})")
        }
        NodeOp::Conv1d { x, inputs, channels, width, stride, weight, bias, frozen: fixed } => {
            let bias = bias.map_or("none".to_string(), init);
            let (weight, fixed) = (init(*weight), frozen(*fixed));
            format!(
                "conv1d(%{x}, {inputs} -> {channels}, width {width}, stride {stride}, init = {weight}, bias = {bias}{fixed})"
            )
        }
        NodeOp::Membrane { x, state } => format!("membrane(%{x}, state {state})"),
        NodeOp::Concat(parts) => {
            let parts: Vec<String> = parts.iter().map(|n| format!("%{n}")).collect();
            format!("concat({})", parts.join(", "))
        }
        NodeOp::Delay { x, steps } => format!("delay(%{x}, {steps})"),
        NodeOp::Dot(a, b) => format!("dot(%{a}, %{b})"),
        NodeOp::Select { compare, lhs, rhs, then, otherwise } => {
            format!("if %{lhs} {} %{rhs} then %{then} else %{otherwise}", compare.name())
        }
    }
}

fn init(init: Init) -> String {
    match init {
        Init::Constant(v) => format!("{v}"),
        Init::Normal(sd) => format!("normal({sd})"),
        Init::Uniform(lo, hi) => format!("uniform({lo}, {hi})"),
        Init::FanIn => "fan_in".to_string(),
    }
}

fn show_residual(
    f: &mut Formatter<'_>,
    index: usize,
    residual: &Residual,
    model: &Model,
    words: &Vocabulary,
) -> Result {
    let mut words = words.clone();
    let place = match &residual.place {
        Place::Interior => "interior".to_string(),
        Place::Domain => "domain".to_string(),
        Place::Faces(faces) => {
            words.columns = model.coords.iter().map(|c| format!("normal_{}", c.name)).collect();
            let faces: Vec<String> =
                faces.iter().map(|x| format!("{} = {} ({:?})", model.coords[x.coord].name, x.value, x.side)).collect();
            faces.join(", ")
        }
        Place::Curve(c) => {
            words.columns = vec![c.param.clone(), "normal_1".into(), "normal_2".into()];
            let point: Vec<String> = c.point.iter().map(|e| words.show(e)).collect();
            format!("{}({} in {} .. {}) = ({})", c.name, c.param, c.lo, c.hi, point.join(", "))
        }
        Place::Grid(points) => format!("grid {points:?}"),
        Place::Data(data) => {
            words.columns.clone_from(&data.columns);
            format!("{:?} ({} rows)", data.path, data.rows.len())
        }
    };
    let (lhs, rhs) = (words.show(&residual.lhs), words.show(&residual.rhs));
    writeln!(f, "residual #{index} {} on {place} : {lhs} = {rhs}", residual.name)?;
    let linear = if residual.linear { "linear" } else { "nonlinear" };
    writeln!(f, "  weight {}  points {}  sample {:?}  {linear}", residual.weight, residual.points, residual.sampler)?;
    let d = &residual.dynamics;
    if d.balanced {
        writeln!(f, "  weight auto")?;
    }
    if let Some(n) = d.resample {
        writeln!(f, "  resample {n}")?;
    }
    if let Some(c) = d.causal {
        writeln!(f, "  causal(eps = {}) along {}", c.eps, model.coords[c.coord].name)?;
    }
    match &residual.method {
        Method::Weak(form) => show_weak(f, form, model, &words)?,
        Method::Value => writeln!(f, "  by value")?,
        Method::Jet => writeln!(f, "  by jet")?,
        Method::Stencil { h } => writeln!(f, "  by stencil(h = {h})")?,
        Method::Smoothing { sigma } => writeln!(f, "  by smoothing(sigma = {sigma})")?,
        Method::Absorbed { by, fallback } => {
            let fallback = match &**fallback {
                Method::Value => "value".to_string(),
                Method::Stencil { h } => format!("stencil(h = {h})"),
                Method::Jet => "jet".to_string(),
                other => format!("{other:?}"),
            };
            writeln!(f, "  absorbed by #{by}, measured by {fallback}")?;
        }
    }
    if let Some(reason) = &residual.method_reason {
        writeln!(f, "  because {reason}")?;
    }
    Ok(())
}

fn show_weak(f: &mut Formatter<'_>, form: &WeakForm, model: &Model, words: &Vocabulary) -> Result {
    let tests = form.tests.map_or("default".to_string(), |n| n.to_string());
    writeln!(f, "  by weak  tests {tests}  absorbs {:?}", form.absorbed)?;
    for term in &form.volume {
        let test = words.field("psi".to_string(), &term.test);
        let integrand = match &term.integrand {
            Integrand::Field(field) => name(&words.fields, "u", *field),
            Integrand::One => "1".to_string(),
            Integrand::Function { value, .. } => words.tight(value, 6),
        };
        writeln!(f, "    volume {} * {test} * {integrand}", words.tight(&term.coef, 6))?;
    }
    for term in &form.boundary {
        let test = words.field("psi".to_string(), &term.test);
        let coord = &model.coords[term.coord];
        let at = if term.high { coord.hi } else { coord.lo };
        writeln!(f, "    boundary {} = {at}: {} * {test}", coord.name, words.tight(&term.coef, 6))?;
    }
    for (coord, [lo, hi]) in model.coords.iter().zip(&form.vanish) {
        writeln!(f, "    psi's derivatives that vanish in {}: {lo:?} low, {hi:?} high", coord.name)?;
    }
    for tie in &form.ties {
        let coord = &model.coords[tie.coord];
        let end = if tie.high { "high" } else { "low" };
        writeln!(f, "    at the {end} end of {}: psi's derivatives add up to 0 with {:?}", coord.name, tie.parts)?;
    }
    for lack in &form.lacking {
        writeln!(f, "    lacks {lack}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_stand_where_they_are_needed() {
        let x = || Expr::Var(Var::Coord(0));
        let two = || Expr::Num(2.0);
        let words = Vocabulary { coords: vec!["x".into()], ..Vocabulary::default() };
        let sum = Expr::binary(Binary::Add, x(), two());
        assert_eq!(words.show(&Expr::binary(Binary::Mul, sum.clone(), x())), "(x + 2)*x");
        assert_eq!(words.show(&Expr::binary(Binary::Sub, two(), sum.clone())), "2 - (x + 2)");
        let power = Expr::binary(Binary::Pow, Expr::unary(Unary::Neg, x()), two());
        assert_eq!(words.show(&power), "(-x)^2");
        assert_eq!(words.show(&Expr::unary(Unary::Sin, sum)), "sin(x + 2)");
    }

    #[test]
    fn derivatives_are_written_as_in_programs() {
        let words =
            Vocabulary { coords: vec!["x".into(), "t".into()], fields: vec!["u".into()], ..Vocabulary::default() };
        let field = Expr::Var(Var::Field { field: 0, alpha: MultiIndex(vec![2, 1]) });
        assert_eq!(words.show(&field), "d(u, x, x, t)");
    }
}
