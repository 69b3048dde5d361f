//! Expressions: from a flat list of operands and operators to a tree.
//!
//! The precedence table below is the language's; `a |> f + b` is `a |> (f + b)`, `-x^2` is `-(x^2)`, `2^-1` is `2^(-1)`.

use std::sync::LazyLock;

use pest::iterators::{Pair, Pairs};
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Rule, Segment};
use crate::diag::{Sink, syntax as say};
use crate::source::Span;
use crate::syntax::ast::{Arg, BinaryOp, Call, Expr, ExprKind, Name, UnaryOp};

/// How tall the tree of an expression may be: taller ones would exhaust the stack of the phases that walk them.
const MAX_OPERATORS: usize = 500;

/// From loosest to tightest.
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |r| Op::infix(r, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::op_pipe))
        .op(left(Rule::op_or))
        .op(left(Rule::op_and))
        .op(Op::prefix(Rule::op_not))
        .op(left(Rule::op_lt)
            | left(Rule::op_le)
            | left(Rule::op_gt)
            | left(Rule::op_ge)
            | left(Rule::op_eq)
            | left(Rule::op_ne))
        .op(left(Rule::op_add) | left(Rule::op_sub))
        .op(left(Rule::op_mul) | left(Rule::op_div))
        .op(Op::prefix(Rule::op_neg))
        .op(Op::infix(Rule::op_pow, Assoc::Right))
});

fn binary(r: Rule) -> BinaryOp {
    match r {
        Rule::op_or => BinaryOp::Or,
        Rule::op_and => BinaryOp::And,
        Rule::op_lt => BinaryOp::Lt,
        Rule::op_le => BinaryOp::Le,
        Rule::op_gt => BinaryOp::Gt,
        Rule::op_ge => BinaryOp::Ge,
        Rule::op_eq => BinaryOp::Eq,
        Rule::op_ne => BinaryOp::Ne,
        Rule::op_add => BinaryOp::Add,
        Rule::op_sub => BinaryOp::Sub,
        Rule::op_mul => BinaryOp::Mul,
        Rule::op_div => BinaryOp::Div,
        _ => BinaryOp::Pow,
    }
}

fn compares(r: Rule) -> bool {
    matches!(r, Rule::op_lt | Rule::op_le | Rule::op_gt | Rule::op_ge | Rule::op_eq | Rule::op_ne)
}

/// Is it a comparison without parentheses around it? These would widen its span.
fn is_bare_comparison(e: &Expr) -> bool {
    use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    match &*e.kind {
        ExprKind::Binary(Lt | Le | Gt | Ge | Eq | Ne, a, b) => e.span == a.span.to(b.span),
        _ => false,
    }
}

/// Nodes on the longest way from the root to a leaf. Walks with a stack of its own, since the tree may be tall.
fn height(e: &Expr) -> usize {
    let (mut most, mut open) = (0, vec![(e, 1)]);
    while let Some((e, depth)) = open.pop() {
        most = most.max(depth);
        open.extend(e.children().into_iter().map(|c| (c, depth + 1)));
    }
    most
}

/// The first pair of a rule among the children.
pub fn child<'i>(pair: &Pair<'i, Rule>, rule: Rule) -> Option<Pair<'i, Rule>> {
    pair.clone().into_inner().find(|p| p.as_rule() == rule)
}

/// All pairs of a rule among the children.
pub fn children<'i>(pair: &Pair<'i, Rule>, rule: Rule) -> impl Iterator<Item = Pair<'i, Rule>> {
    pair.clone().into_inner().filter(move |p| p.as_rule() == rule)
}

impl Segment<'_> {
    pub fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name { text: pair.as_str().to_string(), span: self.span(pair.as_span()) }
    }

    /// An `expr`.
    pub fn expr(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> Expr {
        let pairs = pair.clone().into_inner();
        // The length is bounded first, since precedence climbing recurses itself; then the height that came of it.
        let short = pairs.len() <= 2 * MAX_OPERATORS;
        let built = short.then(|| self.climb(pairs, sink)).filter(|e| height(e) <= MAX_OPERATORS);
        built.unwrap_or_else(|| {
            let span = self.span(pair.as_span());
            sink.push(say::too_long(span, MAX_OPERATORS));
            Expr { kind: Box::new(ExprKind::Number { value: 0.0, unit: None }), span }
        })
    }

    fn climb(&self, pairs: Pairs<'_, Rule>, sink: &mut Sink) -> Expr {
        let mut chained = vec![];
        let expr = PRECEDENCE
            .map_primary(|p| self.operand(&p, sink))
            .map_prefix(|op, a| {
                let span = self.span(op.as_span()).to(a.span);
                let op = if op.as_rule() == Rule::op_not { UnaryOp::Not } else { UnaryOp::Neg };
                Expr { kind: Box::new(ExprKind::Unary(op, a)), span }
            })
            .map_infix(|a, op, b| {
                let span = a.span.to(b.span);
                if compares(op.as_rule()) && is_bare_comparison(&a) {
                    chained.push((self.span(op.as_span()), a.span));
                    // The first comparison goes on alone, so that no further message comes of this one.
                    return a;
                }
                let kind = match op.as_rule() {
                    Rule::op_pipe => ExprKind::Pipe(a, b),
                    r => ExprKind::Binary(binary(r), a, b),
                };
                Expr { kind: Box::new(kind), span }
            })
            .parse(pairs);
        for (operator, first) in chained {
            sink.push(say::chained_comparison(operator, first));
        }
        expr
    }

    fn operand(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> Expr {
        let span = self.span(pair.as_span());
        let expr = |kind| Expr { kind: Box::new(kind), span };
        if pair.as_rule() == Rule::if_neuron {
            let name = child(pair, Rule::if_name).map_or_else(|| Name { text: "if".into(), span }, |p| self.name(&p));
            return expr(match child(pair, Rule::arguments) {
                Some(args) => ExprKind::Call { callee: name, args: self.arguments(&args, sink) },
                None => ExprKind::Name(name.text),
            });
        }
        let Some(inner) = pair.clone().into_inner().next() else { unreachable!("an operand is something") };
        match inner.as_rule() {
            Rule::number => expr(self.number(&inner, sink)),
            Rule::string => expr(ExprKind::Str(text_of(&inner))),
            Rule::if_expr => {
                let mut parts =
                    children(&inner, Rule::expr).map(|p| self.expr(&p, sink)).collect::<Vec<_>>().into_iter();
                match (parts.next(), parts.next(), parts.next()) {
                    (Some(condition), Some(then), Some(otherwise)) => expr(ExprKind::If { condition, then, otherwise }),
                    _ => unreachable!("if has three parts"),
                }
            }
            Rule::parens => {
                let mut parts: Vec<Expr> = children(&inner, Rule::expr).map(|p| self.expr(&p, sink)).collect();
                match parts.len() {
                    // The parentheses belong to the span, so that a message underlines them.
                    1 => Expr { span, ..parts.remove(0) },
                    _ => expr(ExprKind::Tuple(parts)),
                }
            }
            _ => self.reference(&inner, sink),
        }
    }

    fn number(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> ExprKind {
        let text = child(pair, Rule::magnitude).map_or("0", |p| p.as_str());
        let value: f64 = text.parse().unwrap_or(f64::INFINITY);
        if !value.is_finite() {
            sink.push(say::number_too_large(self.span(pair.as_span())));
        }
        ExprKind::Number { value, unit: child(pair, Rule::unit).map(|u| self.name(&u)) }
    }

    /// `u`, `sin(x)`, `G[a]`, `G[a](x)`.
    pub fn reference(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> Expr {
        let span = self.span(pair.as_span());
        let base = child(pair, Rule::callee).map_or_else(|| Name { text: String::new(), span }, |p| self.name(&p));
        let args = child(pair, Rule::arguments).map(|p| self.arguments(&p, sink));
        let kind = match (child(pair, Rule::index), args) {
            (Some(index), args) => {
                let indices = children(&index, Rule::spread).map(|p| self.spread(&p, sink)).collect();
                ExprKind::Index { base, indices, args }
            }
            (None, Some(args)) => ExprKind::Call { callee: base, args },
            (None, None) => ExprKind::Name(base.text),
        };
        Expr { kind: Box::new(kind), span }
    }

    fn spread(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> Expr {
        let mut parts: Vec<Expr> = children(pair, Rule::expr).map(|p| self.expr(&p, sink)).collect();
        match parts.pop() {
            Some(hi) => match parts.pop() {
                Some(lo) => range(lo, hi),
                None => hi,
            },
            None => unreachable!("an index is not empty"),
        }
    }

    pub fn arguments(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> Vec<Arg> {
        children(pair, Rule::argument).map(|p| self.argument(&p, sink)).collect()
    }

    fn argument(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> Arg {
        let span = self.span(pair.as_span());
        let Some(inner) = pair.clone().into_inner().next() else { unreachable!("an argument is something") };
        let name = child(&inner, Rule::ident).map(|p| self.name(&p));
        let value = if inner.as_rule() == Rule::value { Some(inner.clone()) } else { child(&inner, Rule::value) };
        let value = value.map(|v| self.value(&v, sink));
        match (inner.as_rule(), name, value) {
            (Rule::in_argument, Some(name), Some(value)) => {
                Arg { name: None, value: Expr { kind: Box::new(ExprKind::In(name, value)), span }, span }
            }
            (Rule::named_argument, Some(name), Some(value)) => Arg { name: Some(name), value, span },
            (_, _, Some(value)) => Arg { name: None, value, span },
            _ => unreachable!("an argument has a value"),
        }
    }

    /// `2`, `1 .. 5`, `0.01 -> 0.001 cosine`.
    fn value(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> Expr {
        let span = self.span(pair.as_span());
        let first = match child(pair, Rule::expr) {
            Some(p) => self.expr(&p, sink),
            None => unreachable!("a value is an expression"),
        };
        let end = |rule, sink: &mut Sink| {
            let p = child(pair, rule)?;
            let e = child(&p, Rule::expr)?;
            Some((self.expr(&e, sink), child(&p, Rule::ident).map(|n| self.name(&n))))
        };
        if let Some((hi, _)) = end(Rule::range_end, sink) {
            return range(first, hi);
        }
        match end(Rule::schedule_end, sink) {
            Some((to, shape)) => Expr { kind: Box::new(ExprKind::Schedule { from: first, to, shape }), span },
            None => first,
        }
    }

    pub fn call(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> Call {
        let span = self.span(pair.as_span());
        let name =
            pair.clone().into_inner().next().map_or_else(|| Name { text: String::new(), span }, |p| self.name(&p));
        let args = child(pair, Rule::arguments).map_or_else(Vec::new, |p| self.arguments(&p, sink));
        Call { name, args, span }
    }

    /// `a .. b`, as a pair.
    pub fn bounds(&self, pair: &Pair<'_, Rule>, sink: &mut Sink) -> (Expr, Expr) {
        let mut parts = children(pair, Rule::expr).map(|p| self.expr(&p, sink)).collect::<Vec<_>>().into_iter();
        match (parts.next(), parts.next()) {
            (Some(lo), Some(hi)) => (lo, hi),
            _ => unreachable!("bounds are two"),
        }
    }

    pub fn span_of(&self, pair: &Pair<'_, Rule>) -> Span {
        self.span(pair.as_span())
    }
}

fn range(lo: Expr, hi: Expr) -> Expr {
    let span = lo.span.to(hi.span);
    Expr { kind: Box::new(ExprKind::Range(lo, hi)), span }
}

/// A string without its quotes.
pub fn text_of(pair: &Pair<'_, Rule>) -> String {
    child(pair, Rule::string_text).map_or_else(String::new, |p| p.as_str().to_string())
}
