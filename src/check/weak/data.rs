//! Conditions on faces of the box, as far as a weak form can use them.
//!
//! ```text
//! residual end on x = 1 : 2*d(u, x) + u = 4     ->     on x = 1 the normal derivative of order 1 is 2 - u/2
//! ```

use crate::check::calculus::{div, expand_derivatives, neg, restrict, simplify, sub};
use crate::check::domain::on_face as with_normal;
use crate::check::expr::{Expr, Var};
use crate::check::model::{Face, Side};
use crate::check::polynomial::{Atom, linear_in_fields};

/// What a condition says on one face: the `order`-th normal derivative of a field there is `value` (in the other
/// coordinates) plus multiples of derivatives of lower order, if the condition is mixed.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    /// Which residual says so, by index.
    pub residual: usize,
    pub field: usize,
    pub coord: usize,
    pub high: bool,
    pub order: u8,
    pub value: Expr,
    /// (order, factor): for d(u, x) + a u = g the order is 1, the value g, and this is (0, -a).
    pub mixed: Vec<(u8, f64)>,
}

/// Reads `k * (m-th normal derivative of a field) + … = g` on faces at the ends of the domain, with constant factors of normal
/// derivatives of lower order (a mixed, or Robin condition). `None` if it is anything else: a nonlinear condition, a tangential
/// derivative, a factor that varies over the face, a face inside the domain.
pub fn data_of(residual: usize, lhs: &Expr, rhs: &Expr, faces: &[Face]) -> Option<Vec<Datum>> {
    let whole = expand_derivatives(&sub(lhs.clone(), rhs.clone()));
    faces.iter().map(|face| datum(residual, &simplify(&with_normal(&whole, face)), face)).collect()
}

fn datum(residual: usize, condition: &Expr, face: &Face) -> Option<Datum> {
    let linear = linear_in_fields(condition)?;
    if linear.rest.any_var(|v| !matches!(v, Var::Coord(_))) || face.side == Side::Inside {
        return None;
    }
    // (order, factor) of each normal derivative.
    let mut orders: Vec<(u8, f64)> = vec![];
    let mut of = None;
    for (atom, coef) in &linear.terms {
        let Atom::Field(field, alpha) = atom else { return None };
        let pure = alpha.0.iter().enumerate().all(|(i, &n)| i == face.coord || n == 0);
        let Expr::Num(k) = restrict(coef, face.coord, face.value) else { return None };
        if *of.get_or_insert(*field) != *field || !pure || !k.is_finite() {
            return None;
        }
        // A product with the normal of the other face, or a factor that is zero here.
        if k != 0.0 {
            orders.push((alpha.0[face.coord], k));
        }
    }
    orders.sort_by_key(|(order, _)| *order);
    let (order, k) = orders.pop()?;
    let value = restrict(&neg(div(linear.rest.clone(), Expr::Num(k))), face.coord, face.value);
    let mixed = orders.iter().map(|(order, factor)| (*order, -factor / k)).collect();
    let high = face.side == Side::Hi;
    Some(Datum { residual, field: of?, coord: face.coord, high, order, value, mixed })
}
