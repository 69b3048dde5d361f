//! Tangents along directions in the trainable parameters: the exact directional derivative that the randomised forward
//! gradient needs; Wan, Zhang, Karniadakis, arXiv 2411.07057, and Baydin et al., arXiv 2202.08587.
//!
//! All directions are carried along at once, as the lanes of tangent values; the primal is computed once.
//!
//! ```text
//! %1 = dense %0, "w" : 8      =>      %5 = dense %0, direction "w" : tangent 8
//! ```

use crate::ir::op::Ty;
use crate::ir::program::{Output, Program};
use crate::pass::derivatives::Seed;
use crate::pass::forward::Forward;
use crate::pass::jet::named;

pub use crate::ir::problem::tangent_name as output_name;

/// Adds for each of the named `outputs` (width w) a tangent output called [`output_name`], laid out `[w][directions]`.
/// Parameters that are not trainable stay fixed. An output that depends on no trainable parameter has the tangent 0.
///
/// # Panics
///
/// If an output does not exist, if `directions` is 0, or if the program already has tangents.
pub fn jvp(program: &Program, outputs: &[&str], directions: u32) -> Program {
    assert!(directions > 0, "tangents are taken along at least one direction");
    assert_eq!(program.directions, 0, "a program has one set of directions");
    let mut forward = Forward::new(program.clone());
    if outputs.is_empty() {
        return forward.em.finish();
    }
    forward.em.builder.program.directions = directions;
    let roots: Vec<_> = outputs.iter().map(|name| named(program, name)).collect();
    forward.sweep(Seed::Directions, &roots);
    for (name, root) in outputs.iter().zip(roots) {
        let ty = Ty::tangent(forward.em.ty(root).width);
        let value = forward.get(Seed::Directions, root).unwrap_or_else(|| forward.em.constant(0.0, ty));
        forward.em.builder.program.outputs.push(Output { name: output_name(name), value });
    }
    forward.em.finish()
}
