//! Dimensions of written expressions: inferred where they are not written, checked where they are.
//!
//! ```text
//! state v = -65mV   flow v' = (i - v)/20ms     ->   i is a voltage
//!                   flow v' = (5pA - v)/20ms   ->   SNN0320: `-` of a current (pA) and a voltage (mV)
//! ```
//!
//! This works on the tree as written, beside the resolving of names, so that every part of an expression still has its place
//! and its unit. The number 0 has every dimension; any other bare number is a plain number.

mod solver;

use crate::check::names::builtin_constant;
use crate::check::scope::{Names, Scope};
use crate::diag::units::{self as say, Side};
use crate::diag::{Diagnostic, Sink};
use crate::func::{Binary, Unary};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, UnaryOp};
use crate::units::{Dimension, Ratio, Unit, parse};
pub use solver::{Dim, Solver};

/// What has been found of an expression.
#[derive(Debug, Clone)]
pub struct Found {
    pub dim: Dim,
    pub span: Span,
    /// Its value, if it is made of bare numbers only: what a unit may be missing from.
    bare: Option<f64>,
    /// The bare number that a unit may be missing from: itself, or what its name is declared as.
    lacking: Option<(f64, Span)>,
    /// The declaration that it has its dimension from, if it is a name.
    declared: Option<(String, Span)>,
}

impl Found {
    /// The value of an expression of bare numbers.
    pub fn number(&self) -> Option<f64> {
        self.bare
    }
}

/// A name that has a dimension.
#[derive(Debug, Clone)]
struct Local {
    name: String,
    dim: Dim,
    span: Span,
}

/// Infers the dimensions of expressions that share names.
pub struct Inference<'s, 'f> {
    scope: &'s Scope<'f>,
    solver: Solver,
    locals: Vec<Local>,
    messages: Vec<Diagnostic>,
}

/// Parameters of the functions around an expression.
type Frame = Vec<(String, Found)>;

impl<'s, 'f> Inference<'s, 'f> {
    pub fn new(scope: &'s Scope<'f>) -> Self {
        Inference { scope, solver: Solver::default(), locals: vec![], messages: vec![] }
    }

    /// A dimension to be found out.
    pub fn unknown(&mut self) -> Dim {
        self.solver.unknown()
    }

    /// Gives a name a dimension; a later one hides an earlier one.
    pub fn declare(&mut self, name: &str, span: Span, dim: Dim) {
        self.locals.push(Local { name: name.to_string(), dim, span });
    }

    /// Takes the last name back.
    pub fn forget(&mut self) {
        self.locals.pop();
    }

    /// The dimension, if all of it is known by now.
    pub fn known(&self, dim: &Dim) -> Option<Dimension> {
        self.solver.known(dim)
    }

    /// Makes the two the same, without a message. False if they cannot be.
    pub fn same(&mut self, a: &Dim, b: &Dim, at: Span) -> bool {
        self.solver.same(a, b, at)
    }

    /// Complains of a name that was declared as a bare number, if its uses ask for a unit.
    pub fn declared_bare(&mut self, name: &str, dim: &Dim, value: f64, span: Span) {
        if let Some(wanted) = self.solver.known(dim).filter(|d| !d.is_none()) {
            let at = self.solver.place(dim);
            self.messages.push(say::bare_declaration(span, name, value, &wanted, at));
        }
    }

    /// What has been said. True if nothing was.
    pub fn finish(self, sink: &mut Sink) -> bool {
        let quiet = self.messages.is_empty();
        self.messages.into_iter().for_each(|d| sink.push(d));
        quiet
    }

    /// The dimension of an expression. `None` if it has a mistake, which is said here or was said when its names were
    /// resolved.
    pub fn of(&mut self, e: &ast::Expr) -> Option<Found> {
        self.expr(e, &vec![])
    }

    /// As [`Inference::of`], of a truth value: there is only something to be said.
    pub fn check(&mut self, e: &ast::Expr) {
        self.of(e);
    }

    /// An expression that must have this dimension. `what` begins the message: "the start of `v`". `because` is what asks for
    /// it: where, and its own dimension.
    pub fn want(&mut self, e: &ast::Expr, dim: &Dim, what: &str, because: Option<(Span, Dim)>) -> Option<()> {
        let found = self.of(e)?;
        if self.solver.same(&found.dim, dim, e.span) {
            return Some(());
        }
        let side = self.side(&found);
        let wanted = self.solver.known(dim).unwrap_or_default();
        let because = because.map(|(at, dim)| (at, self.solver.known(&dim).unwrap_or_default()));
        let because = because.filter(|(at, _)| *at != e.span);
        self.messages.push(match found.lacking.filter(|_| !wanted.is_none()) {
            Some((value, at)) => say::bare(e.span, what, (value, at), &wanted, because),
            None => say::wrong_dimension(&side, what, &wanted, because),
        });
        None
    }

    fn side(&self, found: &Found) -> Side {
        Side {
            span: found.span,
            dimension: self.solver.known(&found.dim).unwrap_or_default(),
            declared: found.declared.clone().map(|(name, span)| (name, self.solver.place(&found.dim).unwrap_or(span))),
        }
    }

    /// Both sides of `operator` must agree; what they agree on.
    fn agree(&mut self, operator: &str, a: Found, b: Found, span: Span) -> Option<Found> {
        if self.solver.same(&a.dim, &b.dim, span) {
            let declared = a.declared.or(b.declared);
            return Some(Found { declared, ..self.with(a.dim, span, None) });
        }
        let lacking = (a.lacking, b.lacking);
        let (a, b) = (self.side(&a), self.side(&b));
        let what = format!("this side of `{operator}`");
        self.messages.push(match lacking {
            (Some(number), None) => say::bare(a.span, &what, number, &b.dimension, Some((b.span, b.dimension))),
            (None, Some(number)) => say::bare(b.span, &what, number, &a.dimension, Some((a.span, a.dimension))),
            _ => say::differ(span, operator, &a, &b),
        });
        None
    }

    /// Compares two sides of a condition.
    pub fn compare(&mut self, operator: &str, a: &ast::Expr, b: &ast::Expr) -> Option<Found> {
        let (left, right) = (self.of(a), self.of(b));
        self.agree(operator, left?, right?, a.span.to(b.span))
    }

    fn plain(&self, span: Span) -> Found {
        self.with(Dim::none(), span, None)
    }

    fn with(&self, dim: Dim, span: Span, bare: Option<f64>) -> Found {
        Found { dim, span, bare, lacking: bare.map(|b| (b, span)), declared: None }
    }

    fn expr(&mut self, e: &ast::Expr, frame: &Frame) -> Option<Found> {
        match &*e.kind {
            ExprKind::Number { value, unit: None } if *value == 0.0 => {
                let dim = self.solver.unknown();
                Some(Found { lacking: None, ..self.with(dim, e.span, Some(0.0)) })
            }
            ExprKind::Number { value, unit: None } => Some(self.with(Dim::none(), e.span, Some(*value))),
            ExprKind::Number { unit: Some(unit), .. } => {
                let dim = parse(&unit.text)?.dimension.into();
                Some(self.with(dim, e.span, None))
            }
            ExprKind::Name(name) => self.name(name, e.span, frame),
            ExprKind::Unary(UnaryOp::Neg, a) => {
                let a = self.expr(a, frame)?;
                let bare = a.bare.map(|v| -v);
                let lacking = bare.filter(|v| *v != 0.0).map(|v| (v, e.span)).or(a.lacking);
                Some(Found { span: e.span, bare, lacking, ..a })
            }
            ExprKind::Unary(UnaryOp::Not, a) => {
                self.expr(a, frame)?;
                Some(self.plain(e.span))
            }
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, e.span, frame),
            ExprKind::If { condition, then, otherwise } => {
                let condition = self.expr(condition, frame);
                let (a, b) = (self.expr(then, frame), self.expr(otherwise, frame));
                condition?;
                self.agree("else", a?, b?, e.span)
            }
            ExprKind::Call { callee, args } => self.call(callee, args, e.span, frame),
            _ => None,
        }
    }

    fn name(&mut self, name: &str, span: Span, frame: &Frame) -> Option<Found> {
        if let Some((_, found)) = frame.iter().rev().find(|(n, _)| n == name) {
            return Some(Found { span, ..found.clone() });
        }
        if let Some(local) = self.locals.iter().rev().find(|l| l.name == name) {
            let declared = Some((name.to_string(), local.span));
            return Some(Found { declared, ..self.with(local.dim.clone(), span, None) });
        }
        if let Some((dimension, declared)) = self.scope.dimension(name) {
            let bare = self.scope.constant(name).filter(|_| dimension.is_none());
            let declared = (name.to_string(), declared);
            return Some(Found {
                dim: dimension.into(),
                span,
                bare,
                lacking: bare.map(|b| (b, declared.1)),
                declared: Some(declared),
            });
        }
        self.scope.constant(name).or_else(|| builtin_constant(name)).map(|_| self.plain(span))
    }

    fn binary(&mut self, op: BinaryOp, a: &ast::Expr, b: &ast::Expr, span: Span, frame: &Frame) -> Option<Found> {
        let (left, right) = (self.expr(a, frame), self.expr(b, frame));
        let (left, right) = (left?, right?);
        let folded = |f: Binary| left.bare.zip(right.bare).map(|(a, b)| f.eval(a, b));
        match op {
            BinaryOp::Mul => {
                let (dim, bare) = (left.dim.times(&right.dim), folded(Binary::Mul));
                Some(self.with(dim, span, bare))
            }
            BinaryOp::Div => {
                let (dim, bare) = (left.dim.over(&right.dim), folded(Binary::Div));
                Some(self.with(dim, span, bare))
            }
            BinaryOp::Pow => self.power(left, right, span),
            BinaryOp::And | BinaryOp::Or => Some(self.plain(span)),
            BinaryOp::Add | BinaryOp::Sub => {
                let f = if op == BinaryOp::Add { Binary::Add } else { Binary::Sub };
                let bare = folded(f);
                let found = self.agree(if op == BinaryOp::Add { "+" } else { "-" }, left, right, span)?;
                Some(Found { bare, lacking: bare.map(|b| (b, span)), ..found })
            }
            _ => {
                self.agree(sign(op), left, right, span)?;
                Some(self.plain(span))
            }
        }
    }

    fn power(&mut self, base: Found, exponent: Found, span: Span) -> Option<Found> {
        self.number(&exponent, "an exponent")?;
        if let Some(by) = exponent.bare.and_then(Ratio::of) {
            let bare = base.bare.zip(exponent.bare).map(|(a, b)| Binary::Pow.eval(a, b));
            return Some(self.with(base.dim.power(by), span, bare));
        }
        if self.solver.same(&base.dim, &Dim::none(), base.span) {
            return Some(self.plain(span));
        }
        self.messages.push(say::power(&self.side(&base), exponent.span));
        None
    }

    /// `found` must be a plain number.
    fn number(&mut self, found: &Found, what: &str) -> Option<()> {
        if self.solver.same(&found.dim, &Dim::none(), found.span) {
            return Some(());
        }
        self.messages.push(say::wants_number(&self.side(found), what));
        None
    }

    fn call(&mut self, callee: &ast::Name, args: &[ast::Arg], span: Span, frame: &Frame) -> Option<Found> {
        let name = callee.text.as_str();
        if let Some(f) = self.scope.function(name) {
            let values: Vec<Option<Found>> = args.iter().map(|a| self.expr(&a.value, frame)).collect();
            let values = values.into_iter().collect::<Option<Vec<_>>>()?;
            let inner: Frame = f.params.iter().map(|p| p.text.clone()).zip(values).collect();
            let found = self.expr(&f.body, &inner)?;
            return Some(Found { span, declared: None, ..found });
        }
        if name == "sum" {
            let [range, term] = args else { return None };
            let ExprKind::In(index, _) = &*range.value.kind else { return None };
            let mut inner = frame.clone();
            let index = (index.text.clone(), self.plain(index.span));
            inner.push(index);
            return self.expr(&term.value, &inner).map(|found| Found { span, ..found });
        }
        let values: Vec<Option<Found>> = args.iter().map(|a| self.expr(&a.value, frame)).collect();
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        if let (Some(f), [a]) = (Unary::by_name(name), values.as_slice()) {
            return self.unary(f, name, a.clone(), span);
        }
        let (Some(f), [a, b]) = (Binary::by_name(name), values.as_slice()) else { return None };
        let found = self.agree(name, a.clone(), b.clone(), span)?;
        Some(if f == Binary::Atan2 { self.plain(span) } else { found })
    }

    fn unary(&mut self, f: Unary, name: &str, a: Found, span: Span) -> Option<Found> {
        let bare = a.bare.map(|v| f.eval(v)).filter(|v| v.is_finite());
        match f {
            Unary::Neg | Unary::Abs | Unary::Relu => Some(Found { span, bare, ..a }),
            Unary::Sign | Unary::Heaviside => Some(self.plain(span)),
            Unary::Sqrt => Some(self.with(a.dim.power(Ratio::new(1, 2)), span, bare)),
            _ => {
                self.number(&a, &format!("the argument of `{name}`"))?;
                Some(self.with(Dim::none(), span, bare))
            }
        }
    }
}

impl Scope<'_> {
    /// A constant expression and its dimension, where a quantity may stand. The number 0 without a unit is a plain number.
    pub fn quantity(&self, e: &ast::Expr, sink: &mut Sink) -> Option<(f64, Dimension)> {
        self.quantity_of(e, &Names::none("in a quantity"), sink)
    }

    /// As [`Scope::quantity`]; `names` must allow no variables.
    pub fn quantity_of(&self, e: &ast::Expr, names: &Names, sink: &mut Sink) -> Option<(f64, Dimension)> {
        let value = self.number_of(e, &names.clone().quantities(), sink)?;
        let mut inference = Inference::new(self);
        let found = inference.of(e);
        let dimension = found.map(|f| inference.known(&f.dim).unwrap_or_default());
        inference.finish(sink);
        Some((value, dimension?))
    }

    /// A constant of this dimension, as it is held. In a file that uses no unit any number will do. `what` begins the message:
    /// "the duration".
    pub fn quantity_in(&self, e: &ast::Expr, wanted: Dimension, what: &str, sink: &mut Sink) -> Option<f64> {
        let names = Names::none("in a quantity").quantities();
        let value = self.number_of(e, &names, sink)?;
        if !self.units {
            return Some(value);
        }
        let mut inference = Inference::new(self);
        let right = inference.want(e, &wanted.into(), what, None);
        inference.finish(sink);
        right.map(|()| value)
    }
}

/// The unit of an annotation, `input i : pA`.
pub fn annotation(unit: &ast::Name, sink: &mut Sink) -> Option<Unit> {
    let found = parse(&unit.text);
    if found.is_none() {
        sink.push(say::unknown_unit(unit.span, &unit.text, crate::units::nearest(&unit.text).as_deref()));
    }
    found
}

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Pow => "^",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
    }
}
