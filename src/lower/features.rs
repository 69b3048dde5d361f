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
    /// The features and how the output is affine in them: outputs `phi`, `phi0`, `offset`.
    pub fn features(&mut self, readout: NodeId) {
        let NodeOp::Dense { x, .. } = &self.net.nodes[readout].op else { unreachable!("the readout is a dense node") };
        let features = self.node(*x);
        let Affine { slope, mut offset } = self.affine(self.net.output, readout);
        let (inputs, outputs) = (self.widths[*x], self.widths[readout]);
        if outputs == 1 {
            let phi = self.e.mul(slope, features);
            self.output("phi", phi, inputs);
            self.output("phi0", slope, 1);
        } else {
            // A column for each weight, in the order of the weights; the biases stay as they are.
            if let Some(bias) = self.row(readout, Part::Unit(ir::UnitRole::Bias)) {
                let parts = self.e.mul(slope, bias);
                let parts = self.e.wide(parts, outputs);
                let sum = Term::Val(self.e.sum(parts));
                offset = self.e.add(offset, sum);
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
            self.output("phi", phi, inputs * outputs);
            self.output("phi0", Term::Num(0.0), 1);
        }
        self.output("offset", offset, 1);
    }

    /// How a node follows from the readout's value, carried through the graph: a difference of two evaluations would lose
    /// the slope beside a large offset.
    fn affine(&mut self, node: NodeId, readout: NodeId) -> Affine {
        if node == readout {
            return Affine { slope: Term::Num(1.0), offset: Term::Num(0.0) };
        }
        if !depends(self.net, node, readout) {
            return Affine { slope: Term::Num(0.0), offset: self.node(node) };
        }
        match &self.net.nodes[node].op {
            NodeOp::Unary(Unary::Neg, a) => {
                let a = self.affine(*a, readout);
                a.map(|t| self.e.unary(Unary::Neg, t))
            }
            NodeOp::Binary(f @ (Binary::Add | Binary::Sub), a, b) => {
                let (a, b) = (self.affine(*a, readout), self.affine(*b, readout));
                Affine { slope: self.e.binary(*f, a.slope, b.slope), offset: self.e.binary(*f, a.offset, b.offset) }
            }
            NodeOp::Binary(Binary::Mul, a, b) => {
                let (inside, factor) = if depends(self.net, *a, readout) { (*a, *b) } else { (*b, *a) };
                let (inside, factor) = (self.affine(inside, readout), self.node(factor));
                inside.map(|t| self.e.mul(factor, t))
            }
            NodeOp::Binary(Binary::Div, a, b) => {
                let (inside, divisor) = (self.affine(*a, readout), self.node(*b));
                inside.map(|t| self.e.binary(Binary::Div, t, divisor))
            }
            NodeOp::Dot(a, b) => {
                let (inside, other) = if depends(self.net, *a, readout) { (*a, *b) } else { (*b, *a) };
                let width = self.widths[inside];
                let other = Term::Val(self.value(other, self.passes[other]));
                let Affine { slope, offset } = self.affine(inside, readout);
                let slope = self.e.mul(slope, other);
                let parts = self.e.mul(offset, other);
                let offset = match parts {
                    Term::Num(0.0) => parts,
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
}

/// slope y + offset, of the readout's value y: element by element, and once through a `dot` the sum over the elements.
struct Affine {
    slope: Term,
    offset: Term,
}

impl Affine {
    fn map(self, mut f: impl FnMut(Term) -> Term) -> Affine {
        Affine { slope: f(self.slope), offset: f(self.offset) }
    }
}
