//! The syntax tree: what was written, where, and nothing more.
//!
//! Names are not resolved, networks are ordinary expressions (`h |> mean |> dense(1)` is a [`ExprKind::Pipe`] of a name
//! and two calls), numbers keep their unit. Every node carries its [`Span`].
//!
//! ```text
//! residual start on t = 0 : u = sin(pi*x)   ->   Residual { name: start, place: Faces([t = 0]), lhs: u, rhs: sin(pi*x), .. }
//! ```

use crate::source::Span;

/// A name as written, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// A string literal without its quotes.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub text: String,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    pub items: Vec<Item>,
    /// A unit stands somewhere in it: `20ms`, `input i : pA`.
    pub units: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Const(Const),
    Unknown(Unknown),
    Fn(Fn),
    Import(Import),
    Domain(Domain),
    Function(Function),
    Neuron(Neuron),
    Network(Network),
    Residual(Residual),
    Exact(Exact),
    Train(Train),
    Report(Report),
    Simulate(Simulate),
    Allow(Allow),
}

impl Item {
    pub fn span(&self) -> Span {
        match self {
            Item::Const(i) => i.span,
            Item::Unknown(i) => i.span,
            Item::Fn(i) => i.span,
            Item::Import(i) => i.span,
            Item::Domain(i) => i.span,
            Item::Function(i) => i.span,
            Item::Neuron(i) => i.span,
            Item::Network(i) => i.span,
            Item::Residual(i) => i.span,
            Item::Exact(i) => i.span,
            Item::Train(i) => i.span,
            Item::Report(i) => i.span,
            Item::Simulate(i) => i.span,
            Item::Allow(i) => i.span,
        }
    }
}

// ---- expressions ---------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: Box<ExprKind>,
    pub span: Span,
}

impl Expr {
    /// The expressions it is made of, in source order.
    pub fn children(&self) -> Vec<&Expr> {
        match &*self.kind {
            ExprKind::Number { .. } | ExprKind::Str(_) | ExprKind::Name(_) => vec![],
            ExprKind::Unary(_, a) | ExprKind::In(_, a) => vec![a],
            ExprKind::Binary(_, a, b) | ExprKind::Pipe(a, b) | ExprKind::Range(a, b) => vec![a, b],
            ExprKind::Schedule { from, to, .. } => vec![from, to],
            ExprKind::If { condition, then, otherwise } => vec![condition, then, otherwise],
            ExprKind::Call { args, .. } => args.iter().map(|a| &a.value).collect(),
            ExprKind::Index { indices, args, .. } => {
                indices.iter().chain(args.iter().flatten().map(|a| &a.value)).collect()
            }
            ExprKind::Tuple(parts) => parts.iter().collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `2`, `1e-3`, `20ms`: the number, and the unit attached to it.
    Number {
        value: f64,
        unit: Option<Name>,
    },
    Str(String),
    /// A name, `pi` and `e` included.
    Name(String),
    Unary(UnaryOp, Expr),
    Binary(BinaryOp, Expr, Expr),
    /// `if c then a else b`.
    If {
        condition: Expr,
        then: Expr,
        otherwise: Expr,
    },
    /// `f(a, b, tau = 2)`.
    Call {
        callee: Name,
        args: Vec<Arg>,
    },
    /// `G[a]`, `exc[0 .. 2]`, and `G[a](x)` with the call's arguments in `args`.
    Index {
        base: Name,
        indices: Vec<Expr>,
        args: Option<Vec<Arg>>,
    },
    /// `a |> f`.
    Pipe(Expr, Expr),
    /// `1 .. 5`, only as an argument, an index or after `in`.
    Range(Expr, Expr),
    /// `0.01 -> 0.001 cosine`, only as an argument.
    Schedule {
        from: Expr,
        to: Expr,
        shape: Option<Name>,
    },
    /// `a in 1 .. 5`, only as an argument of `sum`.
    In(Name, Expr),
    /// `(cos(s), sin(s))`, only in `curve`.
    Tuple(Vec<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    Neg,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    And,
    Or,
}

/// An argument: `2`, `tau = 2`, `frozen` (a bare name is an unnamed argument).
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
    pub span: Span,
}

/// A name with arguments, in places where only that may stand: `triangle(width = 1)`, `sgd`, `gaussian(sigma = 0.1)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub name: Name,
    pub args: Vec<Arg>,
    pub span: Span,
}

// ---- items ---------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct Const {
    pub name: Name,
    pub value: Expr,
    pub span: Span,
}

/// `unknown nu = 0.1 in 0.001 .. 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    pub name: Name,
    pub start: Expr,
    pub range: Option<(Expr, Expr)>,
    pub span: Span,
}

/// `fn gauss(x, s) = exp(-x^2/(2*s^2))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fn {
    pub name: Name,
    pub params: Vec<Name>,
    pub body: Expr,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    pub path: Text,
    pub span: Span,
}

/// `allow(SNN0209)`: silences warnings in the next item, or in the whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct Allow {
    pub codes: Vec<Name>,
    /// `in file`.
    pub whole_file: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    pub coords: Vec<Coord>,
    /// `where x^2 + y^2 < 1`.
    pub shapes: Vec<Expr>,
    pub curves: Vec<Curve>,
    pub span: Span,
}

/// `x in -1 .. 1 periodic`.
#[derive(Debug, Clone, PartialEq)]
pub struct Coord {
    pub name: Name,
    pub lo: Expr,
    pub hi: Expr,
    pub periodic: Option<Span>,
    pub span: Span,
}

/// `curve rim(s in 0 .. 2*pi) = (cos(s), sin(s))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub name: Name,
    pub param: Name,
    pub lo: Expr,
    pub hi: Expr,
    pub point: Expr,
    pub span: Span,
}

/// `function a(s in 0 .. 1) ~ gaussian_process(length = 0.2) sensors 64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    pub name: Name,
    pub param: Name,
    pub lo: Expr,
    pub hi: Expr,
    pub law: Call,
    pub sensors: Option<Expr>,
    pub span: Span,
}

// ---- neurons -------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct Neuron {
    pub name: Name,
    /// `neuron lif(tau = 2, theta = 1)`: parameters that a call may override by position or name.
    pub header: Vec<NeuronParam>,
    pub body: Vec<NeuronStmt>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NeuronParam {
    pub name: Name,
    pub default: Expr,
    pub trainable: Option<Trainable>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainable {
    PerLayer,
    PerNeuron,
}

#[derive(Debug, Clone, PartialEq)]
pub enum NeuronStmt {
    /// `param C = 281pF, gL = 30nS`.
    Param(Vec<NeuronParam>),
    /// `input i : pA`.
    Input {
        name: Name,
        unit: Option<Name>,
        span: Span,
    },
    /// `state v = EL, w = 0pA`.
    State(Vec<(Name, Expr)>),
    /// `flow v' = (i - v) / tau`.
    Flow {
        name: Name,
        value: Expr,
        span: Span,
    },
    /// `update v := v + i`.
    Update {
        name: Name,
        value: Expr,
        span: Span,
    },
    /// `spike when v >= theta surrogate triangle(width = 1)`.
    Spike {
        condition: Expr,
        surrogate: Option<Surrogate>,
        span: Span,
    },
    /// `reset v -= theta`.
    Reset {
        name: Name,
        op: AssignOp,
        value: Expr,
        span: Span,
    },
    Refractory {
        value: Expr,
        span: Span,
    },
    /// `integrate exact | exponential | euler | rk4`.
    Integrate {
        method: Name,
        span: Span,
    },
    Substeps {
        value: Expr,
        span: Span,
    },
    Emit {
        value: Expr,
        span: Span,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Surrogate {
    /// `surrogate triangle(width = 1)`.
    Named(Call),
    /// `surrogate s(v) = EXPR`.
    Custom { name: Name, param: Name, value: Expr, span: Span },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignOp {
    Set,
    Add,
    Sub,
    Mul,
    Div,
}

// ---- networks ------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub name: Name,
    /// `[a]` in `network G[a](x)`.
    pub functions: Vec<Name>,
    pub coords: Vec<Name>,
    pub body: Vec<NetworkStmt>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum NetworkStmt {
    Steps {
        value: Expr,
        span: Span,
    },
    Dt {
        value: Expr,
        span: Span,
    },
    Layer {
        name: Name,
        value: Expr,
        span: Span,
    },
    /// `output = …` has no names, `output u, v, p = …` three.
    Output {
        names: Vec<Name>,
        value: Expr,
        span: Span,
    },
}

// ---- residuals -----------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    pub name: Name,
    pub place: Place,
    pub place_span: Span,
    pub lhs: Expr,
    pub rhs: Expr,
    pub options: Vec<ResidualOption>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Interior,
    Domain,
    /// `x = 0, x = 1`.
    Faces(Vec<(Name, Expr)>),
    /// `rim`: a named curve.
    Curve(Name),
    /// `grid(x = 101, t = 101)`.
    Grid(Vec<Arg>),
    Data(Text),
}

#[derive(Debug, Clone, PartialEq)]
pub enum ResidualOption {
    /// `by weak(tests = 36)`.
    By(Call),
    /// `weight 10`; `weight auto` has the name `auto` as its expression.
    Weight(Expr, Span),
    Points(Expr, Span),
    Sample(Name, Span),
    Resample(Expr, Span),
    /// `causal(eps = 1)`.
    Causal(Call),
}

/// `exact u = EXPR` or `exact u from "ref.npz"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact {
    /// `u`, or `G[a]` as an expression.
    pub field: Expr,
    pub value: ExactValue,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExactValue {
    Expr(Expr),
    File(Text),
}

// ---- training ------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct Train {
    pub body: Vec<TrainStmt>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TrainStmt {
    Seed(Expr, Span),
    /// `precision f64`.
    Precision(Name, Span),
    Phase(Phase),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    pub name: Name,
    pub body: Vec<PhaseStmt>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PhaseStmt {
    /// `perturb gaussian(sigma = 0.05) directions 16 scope layer antithetic`, `perturb neurons(h) pool 4000 mutate(0.1)`.
    Perturb {
        what: Call,
        options: Vec<PerturbOption>,
        span: Span,
    },
    Estimate(Name, Span),
    /// `update adam(rate = 0.01 -> 0.001 cosine)`.
    Update(Call),
    Rounds(Expr, Span),
    Steps(Expr, Span),
    /// `solve readout every 1`; the call is `readout` or `readout(ridge = …)`.
    Solve {
        what: Call,
        every: Option<Expr>,
        span: Span,
    },
    /// `stop when l2 < 1e-3`.
    StopWhen(Expr, Span),
    /// `stop when stalled 200`.
    StopStalled(Expr, Span),
    Clip(Expr, Span),
    /// `average 0.99`.
    Average(Expr, Span),
    Batch(Expr, Span),
}

#[derive(Debug, Clone, PartialEq)]
pub enum PerturbOption {
    /// `directions 16`, or `directions 4 .. 64`.
    Directions(Expr, Option<Expr>, Span),
    /// `scope layer` or `scope layer h1, h2`: the kind, and the layers named.
    Scope {
        kind: Name,
        layers: Vec<Name>,
        span: Span,
    },
    Antithetic(Span),
    Pool(Expr, Span),
    Mutate(Expr, Span),
}

// ---- report and simulate -------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub body: Vec<ReportStmt>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ReportStmt {
    /// `metric l2 = relative_l2(u) on grid(x = 101, t = 101)`.
    Metric {
        name: Name,
        value: Expr,
        place: Option<(Place, Span)>,
        span: Span,
    },
    Expect {
        condition: Expr,
        span: Span,
    },
    /// `plot heatmap(u), loss, raster(h)`.
    Plot {
        what: Vec<Expr>,
        span: Span,
    },
    Save {
        path: Text,
        span: Span,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Simulate {
    pub body: Vec<SimulateStmt>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SimulateStmt {
    Duration(Expr, Span),
    Dt(Expr, Span),
    Seed(Expr, Span),
    Method(Name, Span),
    /// `population exc = adex(100) with i = 700pA`.
    Population {
        name: Name,
        model: Call,
        with: Vec<(Name, Expr)>,
        span: Span,
    },
    /// `connect exc -> exc probability 0.1 weight 20pA delay 1.5ms`; a word alone, `one_to_one`, has no value.
    Connect {
        from: Name,
        to: Name,
        options: Vec<(Name, Option<Expr>)>,
        span: Span,
    },
    /// `record v of exc[0 .. 2], spikes of exc`.
    Record {
        what: Vec<(Name, Expr)>,
        span: Span,
    },
}
