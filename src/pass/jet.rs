//! Partial derivatives along the coordinates, of any order, by differentiating again and again.
//!
//! Every `D^alpha` is the derivative of another one with one less; coordinates are taken in order, and what has been
//! differentiated once is shared, so that for each value on the way exactly those `D^beta` are computed that are needed: a
//! downward closed set.
//!
//! ```text
//! output "u" = tanh(x), alphas (1), (2)      =>      output "u.d1" = (1 - u^2)      output "u.d2" = -2 u (1 - u^2)
//! ```

use std::collections::{BTreeMap, HashMap};

use crate::func::MultiIndex;
use crate::ir::op::{Ty, Value};
use crate::ir::program::{Output, Program};
use crate::pass::derivatives::Seed;
use crate::pass::forward::Forward;

pub use crate::ir::problem::derivative_name as output_name;

/// Adds for each of the named `outputs` (width w) and each of `alphas` that is not zero an output of width w called
/// [`output_name`]. An alpha has one entry for each element of input 0, which holds the coordinates.
///
/// # Panics
///
/// If an output does not exist, if the program already has tangents (a jet comes before a jvp), or if a coordinate
/// reaches a derivative through a spike: surrogate derivatives along coordinates are refused by the checker.
pub fn jet(program: &Program, outputs: &[&str], alphas: &[MultiIndex]) -> Program {
    assert_eq!(program.directions, 0, "a jet comes before a jvp");
    let mut forward = Forward::new(program.clone());
    // Every prefix of the coordinates of an alpha in order, by length.
    let path = |a: &MultiIndex| -> Vec<u32> {
        a.0.iter().enumerate().flat_map(|(i, &n)| std::iter::repeat_n(i as u32, usize::from(n))).collect()
    };
    let paths: Vec<Vec<u32>> = alphas.iter().map(path).collect();
    let longest = paths.iter().map(Vec::len).max().unwrap_or(0);

    let roots: Vec<Value> = outputs.iter().map(|name| named(program, name)).collect();
    let mut derivatives: HashMap<(Vec<u32>, usize), Option<Value>> = HashMap::new();
    for (k, root) in roots.iter().enumerate() {
        derivatives.insert((vec![], k), Some(*root));
    }
    for order in 1..=longest {
        // One sweep a coordinate, over all that is to be differentiated by it.
        let mut sweeps: BTreeMap<u32, Vec<Vec<u32>>> = BTreeMap::new();
        for p in paths.iter().filter(|p| p.len() >= order) {
            let wanted = sweeps.entry(p[order - 1]).or_default();
            if !wanted.contains(&p[..order].to_vec()) {
                wanted.push(p[..order].to_vec());
            }
        }
        for (coordinate, wanted) in sweeps {
            let seed = Seed::Coordinate(coordinate);
            let of = |p: &Vec<u32>, k: usize| derivatives.get(&(p[..order - 1].to_vec(), k)).copied().flatten();
            let targets: Vec<Value> =
                wanted.iter().flat_map(|p| (0..roots.len()).filter_map(move |k| of(p, k))).collect();
            forward.sweep(seed, &targets);
            let found: Vec<_> = wanted
                .iter()
                .flat_map(|p| (0..roots.len()).map(move |k| (p.clone(), k)))
                .map(|(p, k)| {
                    let d = of(&p, k).and_then(|v| forward.get(seed, v));
                    ((p, k), d)
                })
                .collect();
            derivatives.extend(found);
        }
    }

    for (k, (name, root)) in outputs.iter().zip(&roots).enumerate() {
        let width = forward.em.ty(*root).width;
        for (alpha, path) in alphas.iter().zip(&paths) {
            let name = output_name(name, alpha);
            if forward.em.builder.program.outputs.iter().any(|o| o.name == name) {
                continue;
            }
            let d = derivatives.get(&(path.clone(), k)).copied().flatten();
            let value = d.unwrap_or_else(|| forward.em.constant(0.0, Ty::real(width)));
            forward.em.builder.program.outputs.push(Output { name, value });
        }
    }
    forward.em.finish()
}

/// The value of the output of that name.
pub(super) fn named(program: &Program, name: &str) -> Value {
    let found = program.outputs.iter().find(|o| o.name == name);
    found.unwrap_or_else(|| panic!("program {:?} has no output {name:?}", program.name)).value
}
