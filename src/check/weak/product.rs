//! Products of fields and their derivatives, by what a weak form can do with them.
//!
//! ```text
//! u*d(u, x) = d(u^2, x)/2        u*v: values alone        u*d(v, x): nothing
//! ```

use crate::check::polynomial::{Atom, Monomial};
use crate::func::MultiIndex;

/// What a product of fields and their derivatives is to a weak form.
pub enum Product {
    One,
    Linear(usize, MultiIndex),
    /// Values alone, of one field or several.
    Values,
    /// u^k times a first derivative of the same field: d(u^(k+1))/(k+1).
    Conservative(usize, u32, MultiIndex),
    Other,
}

pub fn shape(m: &Monomial) -> Product {
    let mut values = vec![];
    let mut derivatives = vec![];
    for (atom, k) in m {
        match atom {
            Atom::Field(field, alpha) if alpha.order() == 0 => values.push((*field, *k)),
            Atom::Field(field, alpha) => derivatives.push((*field, alpha.clone(), *k)),
            Atom::Unknown(_) | Atom::Placed(..) => {}
        }
    }
    match (values.as_slice(), derivatives.as_slice()) {
        ([], []) => Product::One,
        ([(field, 1)], []) => Product::Linear(*field, MultiIndex::zero(coords_of(m))),
        (_, []) => Product::Values,
        ([], [(field, alpha, 1)]) => Product::Linear(*field, alpha.clone()),
        ([(v, k)], [(field, alpha, 1)]) if v == field && alpha.order() == 1 => {
            Product::Conservative(*field, *k, alpha.clone())
        }
        _ => Product::Other,
    }
}

/// The number of coordinates that the derivatives of a monomial are along.
fn coords_of(m: &Monomial) -> usize {
    m.iter().map(|(atom, _)| if let Atom::Field(_, alpha) = atom { alpha.0.len() } else { 0 }).max().unwrap_or(0)
}
