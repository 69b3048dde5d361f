//! Mixed (Robin) conditions as natural terms.
//!
//! ```text
//! u_xx psi:   [ u_x psi - u psi_x ]   with  u_x = g - a u  at the high end   ->   g psi  -  u (psi_x + a psi)
//! ```
//!
//! The unknown u there drops out for test functions with psi_x + a psi = 0, which takes one condition on them as a plain flux
//! does; asking for psi = psi_x = 0 would throw the condition away.

use std::collections::BTreeMap;

use super::{Builder, ByTest, Datum, G, accumulate, is_zero_on};
use crate::check::calculus::{d_multi, mul, restrict, simplify};
use crate::check::expr::Expr;
use crate::func::MultiIndex;

impl Builder<'_> {
    /// Puts mixed conditions in: where one gives a derivative of the field by lower ones, its value becomes a known term, and
    /// the lower ones are added to theirs.
    #[allow(clippy::type_complexity)]
    pub(super) fn mixed_terms(
        &self,
        parts: &BTreeMap<(G, MultiIndex), ByTest>,
        (coord, high, at): (usize, bool, f64),
        data: &[Datum],
    ) -> Result<(Vec<(MultiIndex, Expr, Vec<usize>)>, BTreeMap<(G, MultiIndex), ByTest>), String> {
        let mut known = vec![];
        let mut out = parts.clone();
        // From the highest order down, so that one mixed condition may lead to another.
        while let Some((g, left, datum)) = out.keys().rev().find_map(|(g, left)| {
            let G::Field(field) = *g else { return None };
            let given = |d: &&Datum| (d.field, d.coord, d.high, d.order) == (field, coord, high, left.0[coord]);
            let datum = data.iter().find(given).filter(|d| !d.mixed.is_empty())?;
            Some((*g, left.clone(), datum))
        }) {
            let by_test = out.remove(&(g, left.clone())).unwrap_or_default();
            let mut tangential = left.clone();
            tangential.0[coord] = 0;
            let value = d_multi(&datum.value, &tangential);
            for (test, coef) in by_test {
                if is_zero_on(&coef, self.ctx.coords, (coord, at))? {
                    continue;
                }
                let product = simplify(&mul(restrict(&coef, coord, at), value.clone()));
                known.push((test.clone(), product, vec![datum.residual]));
                for (order, factor) in &datum.mixed {
                    let mut lower = tangential.clone();
                    lower.0[coord] = *order;
                    let entry = out.entry((g, lower)).or_default();
                    accumulate(entry, test.clone(), mul(Expr::Num(*factor), coef.clone()));
                }
            }
        }
        Ok((known, out))
    }
}

/// What multiplies an unknown on a face as one combination of psi's derivatives along the coordinate: possible if the
/// coefficients are numbers and the other derivatives of psi are the same. `None` for a single derivative, too.
pub fn tie(unknown: &[(&MultiIndex, Expr)], coord: usize) -> Option<Vec<(u8, f64)>> {
    let tangential = |test: &MultiIndex| {
        let mut t = test.clone();
        t.0[coord] = 0;
        t
    };
    let [(first, _), _, ..] = unknown else { return None };
    let same = unknown.iter().all(|(test, _)| tangential(test) == tangential(first));
    let number = |(test, coef): &(&MultiIndex, Expr)| match coef {
        Expr::Num(k) => Some((test.0[coord], *k)),
        _ => None,
    };
    unknown.iter().map(number).collect::<Option<Vec<_>>>().filter(|_| same)
}

/// Sorts what must vanish, and takes out of the ties what does: a tie with one derivative left makes that one vanish.
pub fn settle(vanish: &mut Vec<u8>, ties: &mut Vec<Vec<(u8, f64)>>) {
    loop {
        vanish.sort_unstable();
        vanish.dedup();
        ties.iter_mut().for_each(|t| t.retain(|(order, _)| !vanish.contains(order)));
        let single = ties.iter().position(|t| t.len() == 1);
        match single {
            Some(k) => vanish.push(ties.remove(k)[0].0),
            None => break,
        }
    }
    ties.retain(|t| !t.is_empty());
    ties.dedup();
}
