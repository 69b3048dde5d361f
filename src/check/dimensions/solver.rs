//! Dimensions that are not known yet, and what follows from two of them being the same.
//!
//! ```text
//! ?v / ms  =  ?i / pF   and   ?v = mV     ->     ?i = pA
//! ```
//!
//! Dimensions multiply, so that each equation is linear in the exponents, and one unknown can be eliminated by each
//! (Kennedy, "Dimension types", ESOP 1994). Guarantee: an equation is refused only if no dimensions at all can satisfy it
//! together with those before it.

use crate::source::Span;
use crate::units::{Dimension, Ratio};

/// A known dimension times powers of unknown ones, each unknown once.
#[derive(Debug, Clone, PartialEq)]
pub struct Dim {
    known: Dimension,
    unknown: Vec<(usize, Ratio)>,
}

impl From<Dimension> for Dim {
    fn from(known: Dimension) -> Dim {
        Dim { known, unknown: vec![] }
    }
}

impl Dim {
    pub fn none() -> Dim {
        Dimension::NONE.into()
    }

    pub fn times(&self, other: &Dim) -> Dim {
        let mut out = Dim { known: self.known.times(&other.known), unknown: self.unknown.clone() };
        for (var, e) in &other.unknown {
            match out.unknown.iter_mut().find(|(v, _)| v == var) {
                Some((_, mine)) => *mine = mine.plus(*e),
                None => out.unknown.push((*var, *e)),
            }
        }
        out.unknown.retain(|(_, e)| !e.is_zero());
        out
    }

    pub fn power(&self, by: Ratio) -> Dim {
        if by.is_zero() {
            return Dim::none();
        }
        Dim { known: self.known.power(by), unknown: self.unknown.iter().map(|(v, e)| (*v, e.times(by))).collect() }
    }

    pub fn over(&self, other: &Dim) -> Dim {
        self.times(&other.power(Ratio::new(-1, 1)))
    }
}

/// The unknowns, and what has been found out about each and where.
#[derive(Debug, Default)]
pub struct Solver {
    found: Vec<Option<(Dim, Span)>>,
}

impl Solver {
    pub fn unknown(&mut self) -> Dim {
        self.found.push(None);
        Dim { known: Dimension::NONE, unknown: vec![(self.found.len() - 1, Ratio::ONE)] }
    }

    /// With everything put in that has been found out.
    pub fn resolve(&self, dim: &Dim) -> Dim {
        let mut out = Dim::from(dim.known);
        for (var, e) in &dim.unknown {
            let here = match &self.found[*var] {
                // What an unknown stands for never leads back to it, so this ends.
                Some((dim, _)) => self.resolve(dim).power(*e),
                None => Dim { known: Dimension::NONE, unknown: vec![(*var, *e)] },
            };
            out = out.times(&here);
        }
        out
    }

    /// The dimension, if all of it is known.
    pub fn known(&self, dim: &Dim) -> Option<Dimension> {
        let dim = self.resolve(dim);
        dim.unknown.is_empty().then_some(dim.known)
    }

    /// Where an unknown was found out.
    pub fn place(&self, dim: &Dim) -> Option<Span> {
        dim.unknown.iter().find_map(|(var, _)| self.found[*var].as_ref().map(|(_, span)| *span))
    }

    /// Makes the two the same. False if they cannot be.
    pub fn same(&mut self, a: &Dim, b: &Dim, at: Span) -> bool {
        let ratio = self.resolve(&a.over(b));
        let Some((var, e)) = ratio.unknown.first().copied() else { return ratio.known.is_none() };
        let rest = Dim { known: ratio.known, unknown: ratio.unknown[1..].to_vec() };
        // rest var^e = 1
        if let Some(inverse) = e.negative().inverse() {
            self.found[var] = Some((rest.power(inverse), at));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn at() -> Span {
        Span::new(FileId::default(), 0, 1)
    }

    #[test]
    fn the_input_of_a_membrane_equation_is_a_current() {
        let mut s = Solver::default();
        let (v, i) = (s.unknown(), s.unknown());
        let (time, pf) = (Dim::from(Dimension::TIME), Dim::from(Dimension::CAPACITANCE));
        assert!(s.same(&v.over(&time), &i.over(&pf), at()));
        assert_eq!(s.known(&i), None);
        assert!(s.same(&v, &Dimension::VOLTAGE.into(), at()));
        assert_eq!(s.known(&i), Some(Dimension::CURRENT));
        assert!(!s.same(&i, &Dimension::VOLTAGE.into(), at()));
    }

    #[test]
    fn powers_are_solved_for() {
        let mut s = Solver::default();
        let a = s.unknown();
        assert!(s.same(&a.power(Ratio::new(2, 1)), &Dimension::TIME.into(), at()));
        assert_eq!(s.known(&a).map(|d| d.unit()), Some("ms^(1/2)".into()));
        // An equation of an unknown with itself says nothing, or that it cannot be.
        let b = s.unknown();
        assert!(s.same(&b, &b, at()));
        assert!(!s.same(&b, &b.times(&Dimension::TIME.into()), at()));
    }
}
