//! The output as an affine function of the readout's weights: features and an offset.
//!
//! ```text
//! output = x*(1 - x) * dot(h |> dense(4), g)     ->     phi = x(1 - x) (h_i g_j), one for each weight
//! ```

use super::emit::{Term, Val};
use super::graph::depends;
use super::network::{Lowering, Part};
use crate::check::model::{NodeId, NodeOp};
use crate::func::{Binary, Unary};
use crate::ir::problem as ir;

impl Lowering<'_> {
    /// One element of a node.
    fn component(&mut self, node: NodeId, component: u32) -> Term {
        let term = self.node(node);
        match self.widths[node] {
            1 => term,
            width => {
                let value = self.e.wide(term, width);
                Term::Val(self.e.slice(value, component, 1))
            }
        }
    }

    /// An output for each field and unknown, by its name.
    pub fn fields(&mut self) {
        for field in &self.net.fields {
            let value = self.component(field.node, field.component);
            self.output(&field.name, value, 1);
        }
        for (k, unknown) in self.model.unknowns.iter().enumerate() {
            let value = Term::Val(self.e.param(self.unknowns[k], 1));
            self.output(&unknown.name, value, 1);
        }
    }

    /// The features of every field and how it is affine in them: outputs `phi.NAME`, `phi0.NAME`, `offset.NAME`.
    pub fn features(&mut self) {
        let net = self.net;
        for field in &net.fields {
            let named = |what: &str| format!("{what}.{}", field.name);
            let Some(readout) = field.readout else {
                let offset = self.component(field.node, field.component);
                self.output(&named("offset"), offset, 1);
                continue;
            };
            let Affine { slope, mut offset } = self.affine(field.node, field.component, readout);
            self.phi(&field.name, readout, slope);
            if readout.1.is_some() {
                self.output(&named("phi0"), slope, 1);
            } else {
                // The biases of all columns stay as they are.
                if let Some(bias) = self.row(readout.0, Part::Unit(ir::UnitRole::Bias)) {
                    let parts = self.e.mul(slope, bias);
                    let parts = self.e.wide(parts, self.widths[readout.0]);
                    let sum = Term::Val(self.e.sum(parts));
                    offset = self.e.add(offset, sum);
                }
                self.output(&named("phi0"), Term::Num(0.0), 1);
            }
            self.output(&named("offset"), offset, 1);
        }
        for unknown in &self.model.unknowns {
            self.output(&format!("phi0.{}", unknown.name), Term::Num(1.0), 1);
            self.output(&format!("offset.{}", unknown.name), Term::Num(0.0), 1);
        }
    }

    /// The features alone of the fields named by their places.
    pub fn pool(&mut self, fields: &[usize]) {
        for k in fields {
            let field = &self.net.fields[*k];
            let Some(readout) = field.readout else { unreachable!("only fields with a readout are fed") };
            let Affine { slope, .. } = self.affine(field.node, field.component, readout);
            self.phi(&field.name, readout, slope);
        }
    }

    /// What the weights are multiplied by; for all columns of a layer, in the order of the weights.
    fn phi(&mut self, field: &str, (readout, column): (NodeId, Option<u32>), slope: Term) {
        let NodeOp::Dense { x, .. } = &self.net.nodes[readout].op else { unreachable!("a readout is a dense node") };
        let (inputs, outputs) = (self.widths[*x], self.widths[readout]);
        let features = self.node(*x);
        let name = format!("phi.{field}");
        if column.is_some() {
            let phi = self.e.mul(slope, features);
            return self.output(&name, phi, inputs);
        }
        let features = self.e.wide(features, inputs);
        let columns: Vec<Val> = (0..inputs)
            .map(|i| {
                let input = if inputs == 1 { features } else { self.e.slice(features, i, 1) };
                let column = self.e.mul(Term::Val(input), slope);
                self.e.wide(column, outputs)
            })
            .collect();
        let phi = Term::Val(self.e.concat(&columns));
        self.output(&name, phi, inputs * outputs);
    }

    /// How an element of a node follows from the readout's value, carried through the graph: a difference of two evaluations
    /// would lose the slope beside a large offset.
    fn affine(&mut self, node: NodeId, component: u32, readout: (NodeId, Option<u32>)) -> Affine {
        let component = if self.widths[node] == 1 { 0 } else { component };
        if (node, Some(component)) == readout {
            return Affine { slope: Term::Num(1.0), offset: Term::Num(0.0) };
        }
        if !depends(self.net, node, readout.0) {
            return Affine { slope: Term::Num(0.0), offset: self.component(node, component) };
        }
        match &self.net.nodes[node].op {
            NodeOp::Unary(Unary::Neg, a) => {
                let a = self.affine(*a, component, readout);
                a.map(|t| self.e.unary(Unary::Neg, t))
            }
            NodeOp::Binary(f @ (Binary::Add | Binary::Sub), a, b) => {
                let (a, b) = (self.affine(*a, component, readout), self.affine(*b, component, readout));
                Affine { slope: self.e.binary(*f, a.slope, b.slope), offset: self.e.binary(*f, a.offset, b.offset) }
            }
            NodeOp::Binary(Binary::Mul, a, b) => {
                let (inside, factor) = if depends(self.net, *a, readout.0) { (*a, *b) } else { (*b, *a) };
                let inside = self.affine(inside, component, readout);
                let factor = self.component(factor, component);
                inside.map(|t| self.e.mul(factor, t))
            }
            NodeOp::Binary(Binary::Div, a, b) => {
                let (inside, divisor) = (self.affine(*a, component, readout), self.component(*b, component));
                inside.map(|t| self.e.binary(Binary::Div, t, divisor))
            }
            NodeOp::Concat(parts) => {
                let mut left = component;
                let inside = parts.iter().find(|n| match left.checked_sub(self.widths[**n]) {
                    None => true,
                    Some(rest) => {
                        left = rest;
                        false
                    }
                });
                let Some(&inside) = inside else { unreachable!("an element of a concatenation is one of a part") };
                self.affine(inside, left, readout)
            }
            NodeOp::Dot(a, b) => {
                let (inside, other) = if depends(self.net, *a, readout.0) { (*a, *b) } else { (*b, *a) };
                let width = self.widths[inside];
                let other = self.node(other);
                let Affine { slope, offset } = self.elements(inside, readout.0);
                let slope = self.e.mul(slope, other);
                let offset = match self.e.mul(offset, other) {
                    Term::Num(0.0) => Term::Num(0.0),
                    parts => {
                        let parts = self.e.wide(parts, width);
                        Term::Val(self.e.sum(parts))
                    }
                };
                Affine { slope, offset }
            }
            _ => unreachable!("the checker names a readout only where the output is affine in it"),
        }
    }

    /// As [`Lowering::affine`], of all elements at once, each of which follows from that of the readout.
    fn elements(&mut self, node: NodeId, readout: NodeId) -> Affine {
        if node == readout {
            return Affine { slope: Term::Num(1.0), offset: Term::Num(0.0) };
        }
        if !depends(self.net, node, readout) {
            return Affine { slope: Term::Num(0.0), offset: self.node(node) };
        }
        match &self.net.nodes[node].op {
            NodeOp::Unary(Unary::Neg, a) => {
                let a = self.elements(*a, readout);
                a.map(|t| self.e.unary(Unary::Neg, t))
            }
            NodeOp::Binary(f @ (Binary::Add | Binary::Sub), a, b) => {
                let (a, b) = (self.elements(*a, readout), self.elements(*b, readout));
                Affine { slope: self.e.binary(*f, a.slope, b.slope), offset: self.e.binary(*f, a.offset, b.offset) }
            }
            NodeOp::Binary(Binary::Mul, a, b) => {
                let (inside, factor) = if depends(self.net, *a, readout) { (*a, *b) } else { (*b, *a) };
                let (inside, factor) = (self.elements(inside, readout), self.node(factor));
                inside.map(|t| self.e.mul(factor, t))
            }
            NodeOp::Binary(Binary::Div, a, b) => {
                let (inside, divisor) = (self.elements(*a, readout), self.node(*b));
                inside.map(|t| self.e.binary(Binary::Div, t, divisor))
            }
            _ => unreachable!("the checker names a readout only where the output is affine in it"),
        }
    }
}

/// slope y + offset, of the readout's value y. Of all columns: slope and y are vectors, element by element, and once through a
/// `dot` the sum over the elements.
struct Affine {
    slope: Term,
    offset: Term,
}

impl Affine {
    fn map(self, mut f: impl FnMut(Term) -> Term) -> Affine {
        Affine { slope: f(self.slope), offset: f(self.offset) }
    }
}
