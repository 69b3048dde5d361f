//! Expressions in a network: which parts are arithmetic of the coordinates, and which are layers.
//!
//! ```text
//! x*(1 - x) * (h |> mean |> dense(1))    ->    Binary(Mul, Scalar(x*(1 - x)), Dense(Mean(h)))
//! ```

use super::readout::is_scalar_among;
use super::{Build, layers};
use crate::check::domain::seam;
use crate::check::expr::Expr;
use crate::check::model::{Kind, NodeId, NodeOp};
use crate::check::names::nearest;
use crate::check::scope::Names;
use crate::diag::{domain, functions, names, networks, types};
use crate::func::{Binary, Unary};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, UnaryOp};

impl Build<'_, '_, '_> {
    pub(super) fn push(&mut self, name: &str, op: NodeOp, kind: Kind, width: u32, span: Span) -> NodeId {
        self.graph.push(&self.current, name, op, kind, width, span)
    }

    /// A value that goes into an encoder, a layer or a pipe: here a coordinate's name stands for its scaled form.
    pub(super) fn input(&mut self, e: &ast::Expr) -> Option<NodeId> {
        match &*e.kind {
            ExprKind::Name(name) if self.scope.coord(name).is_some() && !self.layers.contains_key(name) => {
                self.coordinates(std::slice::from_ref(e), false, e.span)
            }
            ExprKind::Tuple(parts) => self.inputs(&parts.iter().collect::<Vec<_>>(), e.span),
            _ => self.node(e),
        }
    }

    /// Several values side by side.
    pub(super) fn inputs(&mut self, parts: &[&ast::Expr], span: Span) -> Option<NodeId> {
        let is_coord = |e: &ast::Expr| matches!(&*e.kind, ExprKind::Name(n) if self.scope.coord(n).is_some() || self.scope.broken.contains(n));
        match parts {
            [one] => self.input(one),
            several if several.iter().all(|e| is_coord(e)) => {
                let parts: Vec<ast::Expr> = several.iter().map(|e| (*e).clone()).collect();
                self.coordinates(&parts, false, span)
            }
            several => self.concat(several, span),
        }
    }

    /// The coordinates named, all of which must be arguments of the network.
    pub(super) fn coordinates(&mut self, parts: &[ast::Expr], raw: bool, span: Span) -> Option<NodeId> {
        let mut coords = Vec::new();
        for part in parts {
            let ExprKind::Name(name) = &*part.kind else {
                self.sink.push(types::wrong_kind(part.span, "a coordinate", "an expression"));
                return None;
            };
            match self.scope.coord(name) {
                Some(i) if self.signature.coords.contains(&i) => coords.push(i),
                Some(_) => {
                    self.sink.push(self.foreign_coordinate(part.span, name));
                    return None;
                }
                None => {
                    let known = self.signature.coords.iter().map(|&i| self.scope.coords[i].name.as_str());
                    let near = nearest(name, known);
                    self.scope.unknown_name(part.span, name, near, self.sink);
                    return None;
                }
            }
        }
        let periodic = |i: &usize| self.scope.coords[*i].periodic;
        if let Some(&i) = coords.iter().find(|i| raw && periodic(i)) {
            let c = &self.scope.coords[i];
            self.sink.push(domain::periodic_raw(span, &c.name, c.span));
            return None;
        }
        // A periodic one enters as sine and cosine of its phase.
        let width = coords.iter().map(|i| if periodic(i) { 2 } else { 1 }).sum();
        Some(self.push("coords", NodeOp::Coords { coords, raw }, Kind::Static, width, span))
    }

    fn foreign_coordinate(&self, span: Span, name: &str) -> crate::diag::Diagnostic {
        let network = &self.signature.name;
        names::out_of_place(span, name, "no argument of this network", "in its body")
            .label(self.signature.span, format!("`{network}` has other arguments"))
            .help(format!("add `{name}` to the arguments of `{network}`"))
    }

    /// A value in arithmetic or after `output =`: here a coordinate's name stands for itself.
    pub(super) fn node(&mut self, e: &ast::Expr) -> Option<NodeId> {
        if !self.is_layered(e) {
            let value = self.scalar(e)?;
            return Some(self.push("scalar", NodeOp::Scalar(value), Kind::Static, 1, e.span));
        }
        let not_here = |this: &mut Self, found: &str| {
            this.sink.push(types::wrong_kind(e.span, "a value of the network", found));
            None
        };
        match &*e.kind {
            ExprKind::Name(name) if !self.layers.contains_key(name) && !self.declared.contains(name) => {
                self.sensors(name, e.span)
            }
            // A layer with errors has been complained about.
            ExprKind::Name(name) => match self.layers.get(name) {
                Some(layer) => *layer,
                None => {
                    self.sink.push(networks::further_down(e.span, name, *name == self.current));
                    None
                }
            },
            ExprKind::Pipe(a, b) => {
                let (callee, args) = match &*b.kind {
                    ExprKind::Name(name) => (ast::Name { text: name.clone(), span: b.span }, &[][..]),
                    ExprKind::Call { callee, args } => (callee.clone(), args.as_slice()),
                    _ => {
                        self.input(a);
                        self.sink.push(networks::not_a_layer(b.span, "a value"));
                        return None;
                    }
                };
                if self.is_delay(&callee.text) {
                    return self.delayed(&callee, a, args, e.span);
                }
                let x = self.input(a);
                self.apply(x.map(|x| (x, a.span)), &callee, args, a.span.to(b.span))
            }
            ExprKind::Call { callee, args } => self.call(callee, args, e.span),
            ExprKind::Unary(UnaryOp::Neg, a) => {
                let a = self.node(a)?;
                Some(self.elementwise(Unary::Neg, a, e.span))
            }
            ExprKind::Binary(op, a, b) => {
                let (x, y) = (self.node(a), self.node(b));
                let op = match op {
                    BinaryOp::Add => Binary::Add,
                    BinaryOp::Sub => Binary::Sub,
                    BinaryOp::Mul => Binary::Mul,
                    BinaryOp::Div => Binary::Div,
                    BinaryOp::Pow => Binary::Pow,
                    _ => return not_here(self, "a truth value"),
                };
                self.binary(op, (x?, a.span), (y?, b.span), e.span)
            }
            ExprKind::Unary(UnaryOp::Not, _) => not_here(self, "a truth value"),
            ExprKind::If { condition, then, otherwise } => {
                let (a, b) = (self.node(then), self.node(otherwise));
                self.choose(condition, (a?, then.span), (b?, otherwise.span), e.span)
            }
            ExprKind::Tuple(_) => {
                self.sink.push(
                    types::wrong_kind(e.span, "one value", "a tuple").help("a tuple goes into a pipe: `(x, t) |> …`"),
                );
                None
            }
            ExprKind::Index { base, .. } => {
                let what = format!("`{}[…]`", base.text);
                self.sink.push(names::not_available(e.span, &what));
                None
            }
            ExprKind::Str(_) => not_here(self, "text"),
            ExprKind::Number { .. } => not_here(self, "a number"),
            ExprKind::Range(..) => not_here(self, "a range"),
            ExprKind::Schedule { .. } => not_here(self, "a schedule"),
            ExprKind::In(..) => not_here(self, "an index with its range"),
        }
    }

    /// An input function as its values at the sensors.
    fn sensors(&mut self, name: &str, span: Span) -> Option<NodeId> {
        let f = self.scope.input_function(name)?;
        self.scope.mark_used(name);
        if !self.signature.functions.contains(&f) {
            self.sink.push(functions::foreign_function(span, name, &self.signature.name, self.signature.span));
            return None;
        }
        let width = self.scope.functions[f].sensors;
        Some(self.push("sensors", NodeOp::Sensors(f), Kind::Static, width, span))
    }

    fn scalar(&mut self, e: &ast::Expr) -> Option<Expr> {
        let own = &self.signature.coords;
        let mut names = Names::only_coords(own, "in its body").hints(self.layers.keys().map(String::as_str));
        for other in (0..self.scope.coords.len()).filter(|i| !own.contains(i)) {
            names = names.without(self.scope.coords[other].name.clone(), "no argument of this network");
        }
        let value = self.scope.scalar(e, &names, self.sink)?;
        for (i, c) in self.scope.coords.iter().enumerate().filter(|(_, c)| c.periodic) {
            if let Some((order, lo, hi)) = seam(&value, i, 3, &self.scope.coords) {
                let what = match order {
                    0 => format!("its value is {lo:.4} and {hi:.4}"),
                    n => format!("its derivative of order {n} is {lo:.4} and {hi:.4}"),
                };
                self.sink.push(domain::not_periodic(e.span, &c.name, (c.lo, c.hi), &what, c.span));
                return None;
            }
        }
        Some(value)
    }

    /// True if the expression is more than arithmetic of the coordinates.
    fn is_layered(&self, e: &ast::Expr) -> bool {
        match &*e.kind {
            ExprKind::Name(name) => {
                let layer = self.layers.contains_key(name) || self.declared.contains(name);
                layer || self.scope.input_function(name).is_some()
            }
            ExprKind::Number { .. } | ExprKind::Str(_) | ExprKind::Range(..) | ExprKind::Schedule { .. } => false,
            ExprKind::In(..) => false,
            ExprKind::Pipe(..) | ExprKind::Tuple(_) | ExprKind::Index { .. } => true,
            ExprKind::Unary(_, a) => self.is_layered(a),
            ExprKind::Binary(_, a, b) => self.is_layered(a) || self.is_layered(b),
            ExprKind::If { condition, then, otherwise } => {
                self.is_layered(condition) || self.is_layered(then) || self.is_layered(otherwise)
            }
            ExprKind::Call { callee, args } => {
                let sum_of_terms = callee.text == "sum" && matches!(args, a if a.first().is_some_and(is_index));
                let arithmetic = sum_of_terms
                    || (callee.text != "sum" && crate::check::names::functions().any(|f| f == callee.text))
                    || self.scope.fns.contains_key(&callee.text)
                    || self.scope.constant(&callee.text).is_some()
                    || self.scope.coord(&callee.text).is_some();
                !arithmetic || args.iter().any(|a| self.is_layered(&a.value))
            }
        }
    }

    /// A call outside of a pipe: `current(x, t)`, `tuned(x, t, 512)`, `mean(h)`, `max(a, b)`.
    fn call(&mut self, callee: &ast::Name, args: &[ast::Arg], span: Span) -> Option<NodeId> {
        let name = callee.text.as_str();
        if self.scope.fns.contains_key(name) {
            return self.function(None, callee, args, span);
        }
        match args {
            [of, rest @ ..] if self.is_delay(name) && of.name.is_none() => {
                return self.delayed(callee, &of.value, rest, span);
            }
            [first, ..] if name == "sum" && is_index(first) => return self.sum_of_terms(args, span),
            _ if name == "dot" => return self.dot(args, span),
            _ => {}
        }
        if let Some(op) = Binary::by_name(name) {
            if args.len() != 2 {
                self.sink.push(types::arity(span, name, "2 arguments", args.len()));
                return None;
            }
            let (x, y) = (self.node(&args[0].value), self.node(&args[1].value));
            return self.binary(op, (x?, args[0].span), (y?, args[1].span), span);
        }
        if name == "raw" {
            let parts: Vec<ast::Expr> = args.iter().map(|a| a.value.clone()).collect();
            if parts.is_empty() {
                self.sink.push(types::arity(span, "raw", "at least 1 coordinate", 0));
                return None;
            }
            return self.coordinates(&parts, true, span);
        }
        let (given, rest) = layers::split_inputs(name, args);
        if given.is_empty() {
            // Report what else is wrong with it, an unknown name first of all.
            if self.known(callee) {
                self.sink.push(match layers::is_short_of_units(name, args) {
                    true => types::missing_argument(callee.span, name, "n").help(format!("as in `{name}(x, 16)`")),
                    false => networks::needs_input(callee.span, name),
                });
            }
            return None;
        }
        let at = given[0].span.to(given[given.len() - 1].span);
        let x = if Unary::by_name(name).is_some() { self.node(given[0]) } else { self.inputs(&given, at) };
        self.apply(x.map(|x| (x, at)), callee, &rest, span)
    }

    /// The layers that go back in time, and may so name what stands further down.
    fn is_delay(&self, name: &str) -> bool {
        matches!(name, "prev" | "delay") && !self.scope.fns.contains_key(name)
    }

    pub(super) fn elementwise(&mut self, f: Unary, x: NodeId, span: Span) -> NodeId {
        let (kind, width) = (self.graph.nodes[x].kind, self.graph.nodes[x].width);
        self.push(f.name(), NodeOp::Unary(f, x), kind, width, span)
    }

    pub(super) fn binary(&mut self, op: Binary, a: (NodeId, Span), b: (NodeId, Span), span: Span) -> Option<NodeId> {
        let (wa, wb) = (self.graph.nodes[a.0].width, self.graph.nodes[b.0].width);
        if wa != wb && wa != 1 && wb != 1 {
            self.sink.push(types::widths_differ((a.1, wa), (b.1, wb)));
            return None;
        }
        let (mut x, mut y) = (a.0, b.0);
        match (self.graph.nodes[x].kind, self.graph.nodes[y].kind) {
            (Kind::Static, Kind::Signal) => x = self.spread(a, b.1)?,
            (Kind::Signal, Kind::Static) => y = self.spread(b, a.1)?,
            _ => {}
        }
        let kind = self.graph.nodes[x].kind;
        Some(self.push(op.name(), NodeOp::Binary(op, x, y), kind, wa.max(wb), span))
    }

    /// Arithmetic of the coordinates beside a signal is the same in every step; any other static value is a mistake.
    pub(super) fn spread(&mut self, fixed: (NodeId, Span), signal: Span) -> Option<NodeId> {
        if !is_scalar_among(&self.graph.nodes, fixed.0) {
            self.sink.push(types::mixed(fixed.1, signal));
            return None;
        }
        let width = self.graph.nodes[fixed.0].width;
        Some(self.push("current", NodeOp::Current(fixed.0), Kind::Signal, width, fixed.1))
    }
}

fn is_index(arg: &ast::Arg) -> bool {
    matches!(&*arg.value.kind, ExprKind::In(..))
}
