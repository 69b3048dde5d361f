//! What names mean, and the way from a written expression to a resolved one.
//!
//! ```text
//! const c = 2   fn sq(a) = a^2      sq(c) * d(u, x, x)   ->   4 * Deriv(Deriv(Field u, x), x)
//! ```
//!
//! A [`Scope`] knows the file's constants, functions, coordinates and networks; a [`Names`] says which of them, and which
//! further names, may stand at one place. Constants are folded, functions inlined, and every mistake in an expression is
//! reported, not only the first.

mod allowed;
mod functions;
mod habits;
mod inline;
mod operators;

pub use allowed::{Names, Normal};

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use crate::check::expr::{Expr, Var};
use crate::check::functions::InputFunction;
use crate::check::model::{Coord, Curve, Shape, Unknown};
use crate::check::names::{builtin_constant, functions, nearest};
use crate::diag::{Sink, names, types};
use crate::func::{Binary, Compare, MultiIndex, Unary};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, UnaryOp};
use crate::units::{Dimension, parse as parse_unit};

/// The file-wide names, filled in by `check` in the order in which they may refer to each other.
#[derive(Debug, Default)]
pub struct Scope<'a> {
    /// In order, with `--set` applied.
    pub constants: Vec<(String, f64)>,
    /// The constants that are quantities: their dimension, and where they are declared.
    pub dimensions: BTreeMap<String, (Dimension, Span)>,
    /// The file uses units, so that dimensions are checked in it.
    pub units: bool,
    /// By name. Those that call themselves are left out.
    pub fns: BTreeMap<String, &'a ast::Fn>,
    pub coords: Vec<Coord>,
    pub shape: Option<Shape>,
    /// Those without mistakes.
    pub curves: Vec<Curve>,
    /// One entry a network, in order.
    pub networks: Vec<Signature>,
    /// The outputs of all networks, in order.
    pub fields: Vec<FieldName>,
    pub unknowns: Vec<Unknown>,
    pub functions: Vec<InputFunction>,
    /// See [`Model::places`](crate::check::model::Model::places).
    pub places: RefCell<Vec<Vec<Expr>>>,
    /// Names whose declarations have been complained about: using them is no further mistake.
    pub broken: BTreeSet<String>,
    /// The parser had to leave items out, so that an unknown name is a mistake only if it looks like a misspelt one.
    pub partial: bool,
    /// Which fields there are is not known: a network declares its outputs wrongly. As `partial`.
    pub unsettled: Cell<bool>,
    used: RefCell<BTreeSet<String>>,
}

/// What can be known of a network from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    pub name: String,
    /// Its arguments, as indices of the domain's coordinates.
    pub coords: Vec<usize>,
    /// The input functions it takes, as indices into [`Scope::functions`].
    pub functions: Vec<usize>,
    pub span: Span,
}

/// A field as it is known everywhere: the output of a network, named after it or by `output u, v = …`.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldName {
    pub name: String,
    /// Index into [`Scope::networks`].
    pub network: usize,
    pub span: Span,
}

/// A number or a truth value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Number,
    Truth,
}

/// Where in the inlining of functions an expression stands.
#[derive(Debug, Clone, Default)]
struct Frame {
    /// Parameters of the function being inlined, and indices of sums.
    bindings: Vec<(String, Expr)>,
    /// The functions being inlined, outermost first.
    stack: Vec<String>,
}

impl<'a> Scope<'a> {
    pub fn constant(&self, name: &str) -> Option<f64> {
        self.constants.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }

    /// The dimension of a constant, and where it is declared.
    pub fn dimension(&self, name: &str) -> Option<(Dimension, Span)> {
        self.dimensions.get(name).copied()
    }

    pub fn function(&self, name: &str) -> Option<&'a ast::Fn> {
        self.fns.get(name).copied()
    }

    pub fn coord(&self, name: &str) -> Option<usize> {
        self.coords.iter().position(|c| c.name == name)
    }

    pub fn network(&self, name: &str) -> Option<usize> {
        self.networks.iter().position(|n| n.name == name)
    }

    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    pub fn unknown(&self, name: &str) -> Option<usize> {
        self.unknowns.iter().position(|u| u.name == name)
    }

    pub fn input_function(&self, name: &str) -> Option<usize> {
        self.functions.iter().position(|f| f.name == name)
    }

    /// The coordinates that a field depends on.
    pub fn coords_of(&self, field: usize) -> &[usize] {
        &self.networks[self.fields[field].network].coords
    }

    /// True if a field's network takes input functions.
    pub fn takes_functions(&self, field: usize) -> bool {
        !self.networks[self.fields[field].network].functions.is_empty()
    }

    /// The names of all fields.
    pub fn field_names(&self) -> Vec<&str> {
        self.fields.iter().map(|f| f.name.as_str()).collect()
    }

    /// Notes that `name` is in use, so that it is not warned about.
    pub fn mark_used(&self, name: &str) {
        self.used.borrow_mut().insert(name.to_string());
    }

    pub fn is_used(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    /// Complains of a name that means nothing, unless that may well be the fault of a mistake already reported.
    pub fn unknown_name(&self, span: Span, name: &str, near: Option<&str>, sink: &mut Sink) {
        if near.is_some() || !(self.partial || self.unsettled.get() || self.broken.contains(name)) {
            sink.push(names::unknown_name(span, name, near));
        }
    }

    /// The coordinates that `lap` and `div` are over: all but one named `t`, which is time.
    pub fn space(&self) -> Vec<usize> {
        (0..self.coords.len()).filter(|&i| self.coords[i].name != "t").collect()
    }

    /// A constant expression, finite.
    pub fn number(&self, e: &ast::Expr, sink: &mut Sink) -> Option<f64> {
        self.number_in(e, "where a constant is wanted", sink)
    }

    /// As [`Scope::number`]; `place` goes into messages, as in [`Names::none`].
    pub fn number_in(&self, e: &ast::Expr, place: &str, sink: &mut Sink) -> Option<f64> {
        self.number_of(e, &Names::none(place), sink)
    }

    /// As [`Scope::number`]; `names` must allow no variables.
    pub fn number_of(&self, e: &ast::Expr, names: &Names, sink: &mut Sink) -> Option<f64> {
        match self.scalar(e, names, sink)? {
            Expr::Num(v) if v.is_finite() => Some(v),
            Expr::Num(v) => {
                sink.push(types::not_finite(e.span, v));
                None
            }
            // Without variables everything folds.
            _ => unreachable!("a constant expression did not fold"),
        }
    }

    /// A whole constant number from `lo` to `hi`, both included.
    pub fn integer(&self, e: &ast::Expr, lo: u64, hi: u64, sink: &mut Sink) -> Option<u64> {
        let v = self.number(e, sink)?;
        if v.fract() != 0.0 || v < lo as f64 || v > hi as f64 {
            let expected = if hi == u64::MAX {
                format!("a whole number, at least {lo}")
            } else {
                format!("a whole number from {lo} to {hi}")
            };
            sink.push(types::out_of_range(e.span, &expected, v));
            return None;
        }
        Some(v as u64)
    }

    /// A constant number above zero.
    pub fn positive(&self, e: &ast::Expr, sink: &mut Sink) -> Option<f64> {
        let v = self.number(e, sink)?;
        if v <= 0.0 {
            sink.push(types::out_of_range(e.span, "a number above 0", v));
            return None;
        }
        Some(v)
    }

    /// A number in terms of the variables that `names` allows.
    pub fn scalar(&self, e: &ast::Expr, names: &Names, sink: &mut Sink) -> Option<Expr> {
        Resolver::new(self, names, sink).wanted(e, Sort::Number, &Frame::default())
    }

    /// A truth value in terms of the variables that `names` allows.
    pub fn truth(&self, e: &ast::Expr, names: &Names, sink: &mut Sink) -> Option<Expr> {
        Resolver::new(self, names, sink).wanted(e, Sort::Truth, &Frame::default())
    }

    /// Checks the body of a function for itself, called or not.
    pub fn check_fn(&self, f: &ast::Fn, sink: &mut Sink) {
        let names = Names { derivatives: true, quantities: true, ..Names::none("in a function") };
        let bindings = f.params.iter().map(|p| (p.text.clone(), ANYTHING)).collect();
        let frame = Frame { bindings, stack: vec![f.name.text.clone()] };
        let mut resolver = Resolver { declaring: true, ..Resolver::new(self, &names, sink) };
        resolver.wanted(&f.body, Sort::Number, &frame);
    }
}

struct Resolver<'s, 'a, 'n, 'k> {
    scope: &'s Scope<'a>,
    names: &'n Names,
    sink: &'k mut Sink,
    /// Calls of functions inlined so far.
    inlined: usize,
    /// Operations walked through and copied so far.
    work: usize,
    /// Operations that are open, through all functions being inlined.
    depth: usize,
    /// They have become too much; nothing more is inlined.
    too_large: bool,
    /// A function's body is checked for itself: what it calls is only walked through.
    declaring: bool,
}

/// Stands for the parameters of a function that is checked for itself, and for what it calls; a coordinate is the most
/// permissive, as `d` accepts it.
const ANYTHING: Expr = Expr::Var(Var::Coord(usize::MAX));

impl<'s, 'a, 'n, 'k> Resolver<'s, 'a, 'n, 'k> {
    fn new(scope: &'s Scope<'a>, names: &'n Names, sink: &'k mut Sink) -> Self {
        Resolver { scope, names, sink, inlined: 0, work: 0, depth: 0, too_large: false, declaring: false }
    }
}

impl Resolver<'_, '_, '_, '_> {
    fn wanted(&mut self, e: &ast::Expr, sort: Sort, frame: &Frame) -> Option<Expr> {
        let (value, found) = self.expr(e, frame)?;
        if found == sort {
            return Some(value);
        }
        self.sink.push(match sort {
            Sort::Number => types::wrong_kind(e.span, "a number", "a truth value"),
            Sort::Truth => {
                types::wrong_kind(e.span, "a truth value", "a number").help("compare it with something: `v >= 1`")
            }
        });
        None
    }

    fn expr(&mut self, e: &ast::Expr, frame: &Frame) -> Option<(Expr, Sort)> {
        self.depth += 1;
        self.work += 1;
        self.too_large |= self.depth > inline::MOST_HEIGHT || self.work > inline::MOST_WORK;
        let found = if self.too_large { None } else { self.expr_within(e, frame) };
        self.depth -= 1;
        found
    }

    fn expr_within(&mut self, e: &ast::Expr, frame: &Frame) -> Option<(Expr, Sort)> {
        let number = |e: Expr| Some((e, Sort::Number));
        let truth = |e: Expr| Some((e, Sort::Truth));
        let not_a_number = |this: &mut Self, found: &str| {
            this.sink.push(types::wrong_kind(e.span, "a number", found));
            None
        };
        match &*e.kind {
            // The parser has complained about a number that is too large.
            ExprKind::Number { value, unit: None } => value.is_finite().then_some((Expr::Num(*value), Sort::Number)),
            ExprKind::Number { value, unit: Some(unit) } => {
                let held = parse_unit(&unit.text);
                if held.is_none() {
                    let near = crate::units::nearest(&unit.text);
                    self.sink.push(crate::diag::units::unknown_unit(unit.span, &unit.text, near.as_deref()));
                }
                if !self.names.quantities {
                    self.sink.push(types::units(e.span, "this"));
                    return None;
                }
                number(Expr::Num(held?.hold(*value)))
            }
            ExprKind::Name(name) => number(self.name(name, e.span, frame)?),
            ExprKind::Unary(UnaryOp::Neg, a) => {
                let a = self.wanted(a, Sort::Number, frame)?;
                number(self.unary(Unary::Neg, a, e.span)?)
            }
            ExprKind::Unary(UnaryOp::Not, a) => truth(Expr::Not(Box::new(self.wanted(a, Sort::Truth, frame)?))),
            ExprKind::Binary(op, a, b) => {
                if let (BinaryOp::Div, Some((fraction, form))) = (op, self.scope.fraction_meant(a, b))
                    && self.names.fields
                {
                    self.sink.push(names::derivative(e.span, &fraction, &form));
                    return None;
                }
                let (sort, combine) = combination(*op);
                let a = self.wanted(a, sort, frame);
                let b = self.wanted(b, sort, frame);
                let (a, b) = (a?, b?);
                match combine {
                    Combine::Arithmetic(op) => number(self.binary(op, a, b, e.span)?),
                    Combine::Compare(op) => truth(Expr::Compare(op, Box::new(a), Box::new(b))),
                    Combine::Logic(and) => truth(Expr::Logic(and, Box::new(a), Box::new(b))),
                }
            }
            ExprKind::If { condition, then, otherwise } => {
                let c = self.wanted(condition, Sort::Truth, frame);
                let then = self.wanted(then, Sort::Number, frame);
                let otherwise = self.wanted(otherwise, Sort::Number, frame);
                let (c, then, otherwise) = (c?, then?, otherwise?);
                number(match fold_truth(&c) {
                    Some(true) => then,
                    Some(false) => otherwise,
                    None => Expr::If(Box::new(c), Box::new(then), Box::new(otherwise)),
                })
            }
            ExprKind::Call { callee, args } => number(self.call(e, callee, args, frame)?),
            ExprKind::Index { base, indices, args } => {
                number(self.operator(e, base, indices, args.as_deref(), frame)?)
            }
            ExprKind::Str(_) => not_a_number(self, "text"),
            ExprKind::Pipe(..) => not_a_number(self, "a pipe, which stands in networks only"),
            ExprKind::Range(..) => not_a_number(self, "a range"),
            ExprKind::Schedule { .. } => not_a_number(self, "a schedule"),
            ExprKind::In(..) => not_a_number(self, "an index with its range"),
            ExprKind::Tuple(_) => not_a_number(self, "a tuple"),
        }
    }

    fn name(&mut self, name: &str, span: Span, frame: &Frame) -> Option<Expr> {
        if let Some((_, value)) = frame.bindings.iter().rev().find(|(n, _)| n == name) {
            self.work += value.extent(inline::MOST_NODES).0;
            return Some(value.clone());
        }
        let in_fn = !frame.stack.is_empty();
        if let Some(var) = self.names.local(name).filter(|_| !in_fn) {
            return Some(Expr::Var(var.clone()));
        }
        if let Some((_, what)) = self.names.refused.iter().find(|(n, _)| n == name) {
            let what = what.clone();
            return self.out_of_place(span, name, &what, frame);
        }
        if let Some(value) = self.scope.constant(name) {
            self.scope.mark_used(name);
            if let Some((_, declared)) =
                self.scope.dimension(name).filter(|(d, _)| !d.is_none() && !self.names.quantities)
            {
                let d = types::units(span, &format!("`{name}`"));
                self.sink.push(d.label(declared, "its unit is here"));
                return None;
            }
            return Some(Expr::Num(value));
        }
        if self.scope.broken.contains(name) {
            self.scope.mark_used(name);
            return None;
        }
        if let Some(i) = self.scope.coord(name) {
            if self.names.allows_coord(i) && !in_fn {
                return Some(Expr::Var(Var::Coord(i)));
            }
            return self.out_of_place(span, name, "a coordinate", frame);
        }
        if let Some(field) = self.scope.field(name) {
            self.scope.mark_used(name);
            self.without_brackets(name, field, span)?;
            if self.names.fields && !in_fn {
                return Some(Expr::Var(Var::Field { field, alpha: MultiIndex::zero(self.scope.coords.len()) }));
            }
            return self.out_of_place(span, name, "a network's field", frame);
        }
        if let Some(k) = self.scope.unknown(name) {
            self.scope.mark_used(name);
            if self.names.fields && !in_fn {
                return Some(Expr::Var(Var::Unknown(k)));
            }
            return self.out_of_place(span, name, "an unknown, which training changes", frame);
        }
        if let Some(network) = self.scope.network(name) {
            let outputs = self.scope.fields.iter().filter(|f| f.network == network).map(|f| f.name.as_str());
            self.sink.push(names::network_with_outputs(span, name, &outputs.collect::<Vec<_>>()));
            return None;
        }
        if let Some(value) = builtin_constant(name) {
            return Some(Expr::Num(value));
        }
        if self.scope.input_function(name).is_some() {
            self.scope.mark_used(name);
            let found = format!("the input function `{name}` without its argument");
            self.sink.push(types::wrong_kind(span, "a number", &found).help(format!("write where: `{name}(x)`")));
            return None;
        }
        if self.scope.fns.contains_key(name) || functions().any(|f| f == name) {
            let found = format!("the function `{name}` without arguments");
            self.sink.push(types::wrong_kind(span, "a number", &found).help(format!("call it: `{name}(…)`")));
            return None;
        }
        let mut candidates: Vec<&str> = frame.bindings.iter().map(|(n, _)| n.as_str()).collect();
        if !in_fn {
            candidates.extend(self.names.locals.iter().map(|(n, _)| n.as_str()));
            candidates.extend(self.names.hints.iter().map(String::as_str));
            let coords = self.scope.coords.iter().enumerate();
            candidates.extend(coords.filter(|(i, _)| self.names.allows_coord(*i)).map(|(_, c)| c.name.as_str()));
            if self.names.fields {
                candidates.extend(self.scope.fields.iter().map(|f| f.name.as_str()));
                candidates.extend(self.scope.unknowns.iter().map(|u| u.name.as_str()));
            }
        }
        candidates.extend(self.scope.constants.iter().map(|(n, _)| n.as_str()));
        candidates.extend(["pi", "e"]);
        if let Some(form) = self.scope.derivative_meant(name).filter(|_| self.names.fields && !in_fn) {
            self.sink.push(names::derivative(span, name, &form));
            return None;
        }
        let near = nearest(name, candidates);
        if near.is_some() || !self.names.partial {
            self.scope.unknown_name(span, name, near, self.sink);
        }
        None
    }

    fn out_of_place(&mut self, span: Span, name: &str, what: &str, frame: &Frame) -> Option<Expr> {
        let d = if frame.stack.is_empty() {
            names::out_of_place(span, name, what, &self.names.place)
        } else {
            names::out_of_place(span, name, what, "in a function")
                .help("a function sees constants and its own parameters: pass it as an argument")
        };
        self.sink.push(d);
        None
    }

    fn call(&mut self, e: &ast::Expr, callee: &ast::Name, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        let name = callee.text.as_str();
        for arg in args {
            if let Some(given) = &arg.name {
                self.sink.push(names::unknown_argument(given.span, name, &given.text, &[], None));
                return None;
            }
        }
        match name {
            "d" => return self.derivative(e, args, frame),
            "lap" => return self.laplacian(e, args, frame),
            "div" => return self.divergence(e, args, frame),
            "sum" => return self.sum(e, args, frame),
            "integral" => return self.integral(e, args, frame),
            "grad" => {
                let instead = "write its components: `d(u, x)`, `d(u, y)`";
                self.sink.push(names::not_available_but(e.span, "`grad`, which is no number", instead));
                return None;
            }
            _ => {}
        }
        if let Some(f) = self.scope.fns.get(name).copied() {
            return self.inline(e, f, args, frame);
        }
        if let Some(f) = self.scope.input_function(name) {
            self.scope.mark_used(name);
            let [at] = self.arguments(e.span, name, args, frame)?;
            return self.function_at(f, &at, e.span);
        }
        if let Some(f) = Unary::by_name(name) {
            let [a] = self.arguments(e.span, name, args, frame)?;
            return self.unary(f, a, e.span);
        }
        if let Some(f) = Binary::by_name(name) {
            let [a, b] = self.arguments(e.span, name, args, frame)?;
            return self.binary(f, a, b, e.span);
        }
        if let Some(field) = self.scope.field(name) {
            self.scope.mark_used(name);
            self.without_brackets(name, field, callee.span)?;
            return self.placed(e, field, args, frame);
        }
        if self.scope.constant(name).is_some() || self.scope.coord(name).is_some() || self.names.local(name).is_some() {
            self.sink.push(
                types::wrong_kind(callee.span, "a function", &format!("`{name}`, which is a number"))
                    .help(format!("a product needs its sign: `{name}*(…)`")),
            );
            return None;
        }
        if let Some(form) = habits::function(name) {
            let d = names::unknown_function(callee.span, name, None);
            self.sink.push(d.help(format!("it is written `{form}`")));
            return None;
        }
        let mut candidates: Vec<&str> = self.scope.fns.keys().map(String::as_str).collect();
        for f in functions() {
            candidates.push(f);
        }
        let near = nearest(name, candidates);
        if near.is_some() || !(self.scope.partial || self.names.partial) {
            self.sink.push(names::unknown_function(callee.span, name, near));
        }
        None
    }

    /// Exactly `N` arguments, all of them numbers.
    fn arguments<const N: usize>(
        &mut self,
        span: Span,
        name: &str,
        args: &[ast::Arg],
        frame: &Frame,
    ) -> Option<[Expr; N]> {
        let values: Vec<Option<Expr>> = args.iter().map(|a| self.wanted(&a.value, Sort::Number, frame)).collect();
        if args.len() != N {
            self.sink.push(types::arity(span, name, &count(N), args.len()));
            return None;
        }
        values.into_iter().collect::<Option<Vec<_>>>()?.try_into().ok()
    }

    fn unary(&mut self, f: Unary, a: Expr, span: Span) -> Option<Expr> {
        match a {
            Expr::Num(v) => self.folded(f.eval(v), span),
            a => Some(Expr::unary(f, a)),
        }
    }

    fn binary(&mut self, f: Binary, a: Expr, b: Expr, span: Span) -> Option<Expr> {
        match (a, b) {
            (Expr::Num(a), Expr::Num(b)) => self.folded(f.eval(a, b), span),
            (a, b) => Some(Expr::binary(f, a, b)),
        }
    }

    fn folded(&mut self, value: f64, span: Span) -> Option<Expr> {
        if value.is_finite() {
            return Some(Expr::Num(value));
        }
        self.sink.push(types::not_finite(span, value));
        None
    }
}

enum Combine {
    Arithmetic(Binary),
    Compare(Compare),
    /// `true`: and.
    Logic(bool),
}

fn combination(op: BinaryOp) -> (Sort, Combine) {
    match op {
        BinaryOp::Add => (Sort::Number, Combine::Arithmetic(Binary::Add)),
        BinaryOp::Sub => (Sort::Number, Combine::Arithmetic(Binary::Sub)),
        BinaryOp::Mul => (Sort::Number, Combine::Arithmetic(Binary::Mul)),
        BinaryOp::Div => (Sort::Number, Combine::Arithmetic(Binary::Div)),
        BinaryOp::Pow => (Sort::Number, Combine::Arithmetic(Binary::Pow)),
        BinaryOp::Lt => (Sort::Number, Combine::Compare(Compare::Lt)),
        BinaryOp::Le => (Sort::Number, Combine::Compare(Compare::Le)),
        BinaryOp::Gt => (Sort::Number, Combine::Compare(Compare::Gt)),
        BinaryOp::Ge => (Sort::Number, Combine::Compare(Compare::Ge)),
        BinaryOp::Eq => (Sort::Number, Combine::Compare(Compare::Eq)),
        BinaryOp::Ne => (Sort::Number, Combine::Compare(Compare::Ne)),
        BinaryOp::And => (Sort::Truth, Combine::Logic(true)),
        BinaryOp::Or => (Sort::Truth, Combine::Logic(false)),
    }
}

/// The truth of a condition without variables.
fn fold_truth(e: &Expr) -> Option<bool> {
    match e {
        Expr::Compare(op, a, b) => match (&**a, &**b) {
            (Expr::Num(a), Expr::Num(b)) => Some(op.eval(*a, *b)),
            _ => None,
        },
        Expr::Not(a) => fold_truth(a).map(|v| !v),
        Expr::Logic(and, a, b) => match (fold_truth(a), fold_truth(b)) {
            (Some(a), Some(b)) => Some(if *and { a && b } else { a || b }),
            _ => None,
        },
        _ => None,
    }
}

fn count(n: usize) -> String {
    match n {
        1 => "1 argument".to_string(),
        n => format!("{n} arguments"),
    }
}
