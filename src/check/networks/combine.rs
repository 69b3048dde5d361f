//! What puts several values together: side by side, against each other, one or the other, now and earlier, and functions of
//! the program's own applied to layers.
//!
//! ```text
//! concat(x, prev(h))           ->    Concat[x, Delay { h, 1 step }]     h may stand further down
//! fn f(a, b) = a*exp(-b)
//! f(h, 2)                      ->    Binary(Mul, h, Unary(Exp, …))
//! if x < 0 and t > 1 then a else b     ->    if x < 0 then (if t > 1 then a else b) else b
//! ```

use super::{Build, Pending};
use crate::check::args::bind;
use crate::check::expr::Expr;
use crate::check::model::{Kind, NodeId, NodeOp};
use crate::diag::{names, networks, types};
use crate::func::{Binary, Compare};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, UnaryOp};

/// Nodes that inlined functions and sums may come to.
const MAX_NODES: usize = 20_000;
/// Terms of a sum.
const MAX_TERMS: f64 = 1000.0;

impl Build<'_, '_, '_> {
    /// Values one after the other. Coordinates enter scaled.
    pub(super) fn concat(&mut self, parts: &[&ast::Expr], span: Span) -> Option<NodeId> {
        let nodes = parts.iter().map(|e| self.input(e).map(|n| (n, e.span))).collect();
        self.joined(nodes, span)
    }

    /// What `output u, v = (…, …)` puts out. Coordinates are themselves.
    pub(super) fn outputs(&mut self, parts: &[ast::Expr], span: Span) -> Option<NodeId> {
        let nodes = parts.iter().map(|e| self.node(e).map(|n| (n, e.span))).collect();
        self.joined(nodes, span)
    }

    fn joined(&mut self, nodes: Vec<Option<(NodeId, Span)>>, span: Span) -> Option<NodeId> {
        let nodes = self.alike(nodes.into_iter().collect::<Option<Vec<_>>>()?)?;
        let (kind, width) = (self.graph.nodes[nodes[0]].kind, nodes.iter().map(|n| self.graph.nodes[*n].width));
        let width = width.fold(0u32, u32::saturating_add);
        let width = self.product(width, 1, span)?;
        Some(self.push("concat", NodeOp::Concat(nodes), kind, width, span))
    }

    /// `dot(a, b)`.
    pub(super) fn dot(&mut self, args: &[ast::Arg], span: Span) -> Option<NodeId> {
        let [a, b] = args else {
            self.sink.push(types::arity(span, "dot", "2 arguments", args.len()));
            return None;
        };
        let (x, y) = (self.input(&a.value), self.input(&b.value));
        let nodes = self.alike(vec![(x?, a.span), (y?, b.span)])?;
        let (wa, wb) = (self.graph.nodes[nodes[0]].width, self.graph.nodes[nodes[1]].width);
        if wa != wb {
            self.sink.push(networks::dot_widths((a.span, wa), (b.span, wb)));
            return None;
        }
        let kind = self.graph.nodes[nodes[0]].kind;
        Some(self.push("dot", NodeOp::Dot(nodes[0], nodes[1]), kind, 1, span))
    }

    /// Values that are to be used together: if one is a signal, all become one.
    fn alike(&mut self, nodes: Vec<(NodeId, Span)>) -> Option<Vec<NodeId>> {
        let kind = |this: &Self, n: NodeId| this.graph.nodes[n].kind;
        let Some(signal) = nodes.iter().find(|(n, _)| kind(self, *n) == Kind::Signal).map(|(_, at)| *at) else {
            return Some(nodes.into_iter().map(|(n, _)| n).collect());
        };
        let become_signals = nodes.into_iter().map(|(n, at)| match kind(self, n) {
            Kind::Signal => Some(n),
            Kind::Static => self.spread((n, at), signal),
        });
        become_signals.collect::<Vec<_>>().into_iter().collect()
    }

    /// `prev(h)`, `delay(h, n)`, where `h` may be a layer that is not there yet.
    pub(super) fn delayed(
        &mut self,
        callee: &ast::Name,
        of: &ast::Expr,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        let steps = if callee.text == "prev" {
            bind(callee, args, &[], &[], self.sink);
            Some(1)
        } else {
            let bound = bind(callee, args, &["steps"], &[], self.sink);
            let steps = bound.require("steps", self.sink);
            steps.and_then(|e| self.scope.integer(e, 1, super::MAX_STEPS, self.sink)).map(|n| n as u32)
        };
        if let (Some(delay), Some(steps)) = (steps, self.steps)
            && delay >= steps
        {
            self.sink.push(networks::long_delay(span, delay, steps));
        }
        match &*of.kind {
            ExprKind::Name(name) if self.declared.contains(name) && !self.layers.contains_key(name) => {
                let width = self.widths.get(name).copied().unwrap_or(1);
                // Stands for the layer until that is there.
                let own = self.graph.nodes.len();
                let node = self.push("delay", NodeOp::Delay { x: own, steps: steps? }, Kind::Signal, width, span);
                self.pending.push(Pending { node, layer: name.clone(), callee: callee.text.clone(), at: of.span });
                Some(node)
            }
            _ => {
                let x = self.input(of)?;
                let x = self.signal(callee, (x, of.span))?;
                let width = self.graph.nodes[x].width;
                Some(self.push("delay", NodeOp::Delay { x, steps: steps? }, Kind::Signal, width, span))
            }
        }
    }

    /// `if condition then a else b`, element by element.
    pub(super) fn choose(
        &mut self,
        condition: &ast::Expr,
        a: (NodeId, Span),
        b: (NodeId, Span),
        span: Span,
    ) -> Option<NodeId> {
        let compare = match &*condition.kind {
            ExprKind::Unary(UnaryOp::Not, inner) => return self.choose(inner, b, a, span),
            ExprKind::Binary(BinaryOp::And, p, q) => {
                let inner = self.choose(q, a, b, span)?;
                return self.choose(p, (inner, span), b, span);
            }
            ExprKind::Binary(BinaryOp::Or, p, q) => {
                let inner = self.choose(q, a, b, span)?;
                return self.choose(p, a, (inner, span), span);
            }
            ExprKind::Binary(op, ..) => comparison(*op),
            _ => None,
        };
        let (Some(compare), ExprKind::Binary(_, lhs, rhs)) = (compare, &*condition.kind) else {
            let d = types::wrong_kind(condition.span, "a truth value", "a number");
            self.sink.push(d.help("compare it with something: `if x < 0.5 then … else …`"));
            return None;
        };
        let (l, r) = (self.node(lhs), self.node(rhs));
        let sides = [(l?, lhs.span), (r?, rhs.span), a, b];
        let width = sides.iter().map(|(n, _)| self.graph.nodes[*n].width).max().unwrap_or(1);
        let odd = sides.iter().find(|(n, _)| ![1, width].contains(&self.graph.nodes[*n].width));
        if let Some(&(n, at)) = odd {
            let wide = sides.iter().find(|(n, _)| self.graph.nodes[*n].width == width).map_or(span, |s| s.1);
            self.sink.push(types::widths_differ((at, self.graph.nodes[n].width), (wide, width)));
            return None;
        }
        let nodes = self.alike(sides.to_vec())?;
        let [lhs, rhs, then, otherwise] = nodes[..] else { return None };
        let kind = self.graph.nodes[lhs].kind;
        Some(self.push("if", NodeOp::Select { compare, lhs, rhs, then, otherwise }, kind, width, span))
    }

    /// A function of the program applied to layers, element by element; `x`, if there is one, was piped into it.
    pub(super) fn function(
        &mut self,
        x: Option<Option<(NodeId, Span)>>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        self.scope.mark_used(&callee.text);
        let f = self.scope.fns.get(&callee.text)?;
        // One that leads back to itself has been complained about.
        if self.inlining.contains(&callee.text) {
            return None;
        }
        let piped = usize::from(x.is_some());
        let params: Vec<&str> = f.params.iter().skip(piped).map(|p| p.text.as_str()).collect();
        if f.params.is_empty() && piped == 1 {
            self.sink.push(types::arity(span, &callee.text, "no arguments", 1));
            return None;
        }
        let bound = bind(callee, args, &params, &[], self.sink);
        let mut values: Vec<Option<NodeId>> = x.into_iter().map(|x| x.map(|(n, _)| n)).collect();
        for param in &params {
            let e = bound.require(param, self.sink);
            values.push(e.and_then(|e| self.node(e)));
        }
        let values = values.into_iter().collect::<Option<Vec<NodeId>>>()?;
        let inner = f.params.iter().map(|p| p.text.clone()).zip(values.into_iter().map(Some)).collect();
        let outer = std::mem::replace(&mut self.layers, inner);
        let declared = std::mem::take(&mut self.declared);
        self.inlining.push(callee.text.clone());
        let node = self.node(&f.body);
        self.inlining.pop();
        self.declared = declared;
        self.layers = outer;
        if self.graph.nodes.len() > MAX_NODES {
            self.sink.push(names::too_large(span, &callee.text, f.name.span));
            return None;
        }
        node
    }

    /// `sum(i in 1 .. 5, EXPR)` with layers in it.
    pub(super) fn sum_of_terms(&mut self, args: &[ast::Arg], span: Span) -> Option<NodeId> {
        let [first, term] = args else {
            self.sink.push(types::arity(span, "sum", "an index with its range and a term", args.len()));
            return None;
        };
        let ExprKind::In(index, range) = &*first.value.kind else { return None };
        let ExprKind::Range(lo, hi) = &*range.kind else {
            self.sink.push(types::wrong_kind(range.span, "a range such as `1 .. 5`", "an expression"));
            return None;
        };
        let (from, to) = (self.scope.number(lo, self.sink), self.scope.number(hi, self.sink));
        let (from, to) = (from?, to?);
        if from.fract() != 0.0 || to.fract() != 0.0 || to < from || to - from >= MAX_TERMS {
            self.sink
                .push(types::empty_range(range.span, from, to).help("a sum has whole ends and at most 1000 terms"));
            return None;
        }
        let outer = self.layers.clone();
        let mut total: Option<NodeId> = None;
        for k in 0..=(to - from) as u32 {
            let value = Expr::Num(from + f64::from(k));
            let index_node = self.push("scalar", NodeOp::Scalar(value), Kind::Static, 1, index.span);
            self.layers.insert(index.text.clone(), Some(index_node));
            let Some(next) = self.node(&term.value) else {
                total = None;
                break;
            };
            total = match total {
                None => Some(next),
                Some(sum) => self.binary(Binary::Add, (sum, span), (next, term.span), span),
            };
            if self.graph.nodes.len() > MAX_NODES || total.is_none() {
                total = None;
                break;
            }
        }
        self.layers = outer;
        total
    }
}

fn comparison(op: BinaryOp) -> Option<Compare> {
    Some(match op {
        BinaryOp::Lt => Compare::Lt,
        BinaryOp::Le => Compare::Le,
        BinaryOp::Gt => Compare::Gt,
        BinaryOp::Ge => Compare::Ge,
        BinaryOp::Eq => Compare::Eq,
        BinaryOp::Ne => Compare::Ne,
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Pow
        | BinaryOp::And
        | BinaryOp::Or => {
            return None;
        }
    })
}
