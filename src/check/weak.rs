//! Weak forms: moves every derivative of the field onto the test function, in any order and number of coordinates.
//!
//! ```text
//! d(u, t, t) = c^2 d(u, x, x),   u = g on t = 0,   d(u, t) = 0 on t = 0,   u = 0 on x = 0, x = 1
//!   ->  ∫ u (psi_tt - c^2 psi_xx)  +  ∫_{t=0} g psi_t  =  0
//!       psi = psi_t = 0 at t = 1 (nothing is known there), psi = 0 at x = 0 and 1 (d(u, x) is not known)
//! ```
//!
//! The residual is written as a sum of `a(x) D^alpha g(x, u)`, with g the field, 1, or a nonlinear function of the field's
//! value. Then, with phi = a psi and coordinate by coordinate in their order,
//!
//! ```text
//! ∫ phi ∂^n G  =  sum_{k<n} (-1)^k [ ∂^k phi ∂^(n-1-k) G ]_lo^hi  +  (-1)^n ∫ ∂^n phi G
//! ```
//!
//! where derivatives of phi follow Leibniz. So a face at the high end enters with +, one at the low end with -; volume and
//! boundary terms hold these signs already, and their sum vanishes for every admissible psi when u solves the residual and
//! meets the conditions. On a face, a normal derivative of u that a condition gives is replaced by its datum, tangential
//! derivatives of the datum being carried out; for what is not given, the orders of psi that multiply it must vanish there.
//! Terms that meet in the same psi and the same derivative of u are added before that is decided: in `d(k*d(u, x), x)` the
//! parts with k' cancel, and a given flux stays a natural condition.
//!
//! What cannot be written so (products of derivatives, a coefficient with a jump under a derivative) has no weak form, and
//! the reason is told.

mod data;
mod mixed;
mod product;

use std::collections::BTreeMap;

use crate::check::calculus::{
    add, d_coord, d_multi, differentiate, div, evaluate, expand_derivatives, is_smooth, mul, neg, restrict, simplify,
    sub, substitute,
};
use crate::check::domain::seam;
use crate::check::expr::{Expr, Var};
use crate::check::model::{BoundaryTerm, Coord, Integrand, Tie, VolumeTerm, WeakForm};
use crate::check::polynomial::{Atom, Monomial, polynomial};
use crate::func::{Binary, MultiIndex, Unary};
use mixed::{settle, tie};

pub use data::{Datum, data_of};
use product::{Product, shape};

/// The names that reasons are told in, and the box.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub coords: &'a [Coord],
    /// The names of the fields.
    pub fields: &'a [String],
    /// The names of the unknowns.
    pub unknowns: &'a [String],
}

/// One `a(x) D^alpha g` of a residual.
#[derive(Debug, Clone)]
struct Term {
    coef: Expr,
    alpha: MultiIndex,
    g: G,
}

/// What the derivative acts on: a field, 1, or a function of fields by its number in [`Builder::nonlinear`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum G {
    Field(usize),
    One,
    Nonlinear(usize),
}

/// Coefficients by the derivative of psi they multiply.
type ByTest = BTreeMap<MultiIndex, Expr>;

struct Builder<'a> {
    ctx: Context<'a>,
    nonlinear: Vec<Expr>,
    volume: BTreeMap<G, ByTest>,
    /// (coordinate, high end) -> (g, the derivative of g that is left) -> psi's derivative -> coefficient.
    boundary: BTreeMap<(usize, bool), BTreeMap<(G, MultiIndex), ByTest>>,
}

/// The weak form of `lhs - rhs = 0`, or a sentence why there is none. `tests` is left open.
pub fn weak_form(lhs: &Expr, rhs: &Expr, data: &[Datum], ctx: Context) -> Result<WeakForm, String> {
    if lhs.has_placed() || rhs.has_placed() {
        return Err("a field stands at another point".to_string());
    }
    let mut b = Builder { ctx, nonlinear: vec![], volume: BTreeMap::new(), boundary: BTreeMap::new() };
    for term in b.terms(&sub(lhs.clone(), rhs.clone()))? {
        b.integrate(term)?;
    }
    let mut form = WeakForm {
        tests: None,
        volume: vec![],
        boundary: vec![],
        vanish: vec![[vec![], vec![]]; ctx.coords.len()],
        ties: vec![],
        absorbed: vec![],
        lacking: vec![],
    };
    b.volume_terms(&mut form)?;
    b.boundary_terms(data, &mut form)?;
    Ok(form)
}

impl Builder<'_> {
    fn zero(&self) -> MultiIndex {
        MultiIndex::zero(self.ctx.coords.len())
    }

    /// `d(u, x, x)`, or `u`.
    fn name(&self, field: usize, alpha: &MultiIndex) -> String {
        field_text(&self.ctx.fields[field], self.ctx.coords, alpha)
    }

    fn nonlinear(&mut self, h: Expr) -> G {
        let h = simplify(&h);
        G::Nonlinear(self.nonlinear.iter().position(|old| *old == h).unwrap_or_else(|| {
            self.nonlinear.push(h);
            self.nonlinear.len() - 1
        }))
    }

    // ---- residual to terms ------------------------------------------------------------------------------------------

    /// The residual as a sum of terms. Derivatives are kept outside of nonlinear functions where they were written so.
    fn terms(&mut self, e: &Expr) -> Result<Vec<Term>, String> {
        if !has_field(e) {
            return Ok(vec![Term { coef: expand_derivatives(e), alpha: self.zero(), g: G::One }]);
        }
        match e {
            Expr::Var(Var::Field { field, alpha }) => {
                Ok(vec![Term { coef: Expr::Num(1.0), alpha: alpha.clone(), g: G::Field(*field) }])
            }
            Expr::Unary(Unary::Neg, a) => Ok(scaled(self.terms(a)?, &Expr::Num(-1.0))),
            Expr::Binary(Binary::Add, a, b) => {
                let mut all = self.terms(a)?;
                all.extend(self.terms(b)?);
                Ok(all)
            }
            Expr::Binary(Binary::Sub, a, b) => {
                let mut all = self.terms(a)?;
                all.extend(scaled(self.terms(b)?, &Expr::Num(-1.0)));
                Ok(all)
            }
            Expr::Binary(Binary::Mul, a, b) if !has_field(a) => Ok(scaled(self.terms(b)?, &expand_derivatives(a))),
            Expr::Binary(Binary::Mul, a, b) if !has_field(b) => Ok(scaled(self.terms(a)?, &expand_derivatives(b))),
            Expr::Binary(Binary::Div, a, b) if !has_field(b) => {
                Ok(scaled(self.terms(a)?, &div(Expr::Num(1.0), expand_derivatives(b))))
            }
            Expr::Deriv(a, i) => {
                let mut all = vec![];
                for t in self.terms(a)? {
                    let inner = self.d_coef(&t.coef, *i)?;
                    if inner != Expr::Num(0.0) {
                        all.push(Term { coef: inner, ..t.clone() });
                    }
                    if t.g != G::One {
                        all.push(Term { alpha: t.alpha.plus(*i), ..t });
                    }
                }
                Ok(all)
            }
            e => self.nonlinear_terms(&expand_derivatives(e)),
        }
    }

    /// Terms of something that is not a sum of known things: a function of the field's value, or a polynomial of which
    /// `u^k d(u, x) = d(u^(k+1), x)/(k+1)` can be made use of.
    fn nonlinear_terms(&mut self, e: &Expr) -> Result<Vec<Term>, String> {
        let value = |v: &Var| matches!(v, Var::Field { alpha, .. } if alpha.order() == 0);
        let Some(p) = polynomial(e) else {
            if e.any_var(|v| matches!(v, Var::Field { .. }) && !value(v)) {
                return Err("a derivative of the field stands inside a nonlinear function".to_string());
            }
            let g = self.nonlinear(e.clone());
            return Ok(vec![Term { coef: Expr::Num(1.0), alpha: self.zero(), g }]);
        };
        let mut all = vec![];
        // All products of values go into one function, so that its slopes are evaluated once.
        let mut h = Expr::Num(0.0);
        for (m, coef) in p.0 {
            // An unknown is a number: to a derivative it is a coefficient.
            let (m, unknowns): (Monomial, Monomial) = m.into_iter().partition(|(a, _)| matches!(a, Atom::Field(..)));
            let coef = unknowns.iter().fold(coef, |c, (atom, k)| mul(c, power(&Expr::Var(atom.var()), *k)));
            match shape(&m) {
                Product::One => all.push(Term { coef, alpha: self.zero(), g: G::One }),
                Product::Linear(field, alpha) => all.push(Term { coef, alpha, g: G::Field(field) }),
                Product::Values => {
                    h = add(h, m.iter().fold(coef, |c, (atom, k)| mul(c, power(&Expr::Var(atom.var()), *k))));
                }
                Product::Conservative(field, k, alpha) => {
                    let u = Expr::Var(Var::Field { field, alpha: self.zero() });
                    let g = self.nonlinear(power(&u, k + 1));
                    all.push(Term { coef: div(coef, Expr::Num(f64::from(k + 1))), alpha, g });
                }
                Product::Other => {
                    let factors: Vec<String> = m
                        .iter()
                        .map(|(atom, k)| match (atom, k) {
                            (Atom::Placed(..), _) => unreachable!("refused at the start"),
                            (Atom::Unknown(i), _) => self.ctx.unknowns[*i].clone(),
                            (Atom::Field(field, alpha), 1) => self.name(*field, alpha),
                            (Atom::Field(field, alpha), k) => format!("{}^{k}", self.name(*field, alpha)),
                        })
                        .collect();
                    return Err(format!(
                        "`{}` cannot be written as the derivative of a function of the fields",
                        factors.join("*"),
                    ));
                }
            }
        }
        if h != Expr::Num(0.0) {
            let g = self.nonlinear(h);
            all.push(Term { coef: Expr::Num(1.0), alpha: self.zero(), g });
        }
        Ok(all)
    }

    /// The derivative of a coefficient, which must not hide a jump.
    fn d_coef(&self, coef: &Expr, i: usize) -> Result<Expr, String> {
        if !is_smooth(coef) && coef.any_var(|v| *v == Var::Coord(i)) {
            return Err(format!(
                "a coefficient has a jump or a kink along `{}`, and its derivative is needed",
                self.ctx.coords[i].name
            ));
        }
        Ok(d_coord(coef, i))
    }

    // ---- integration by parts ---------------------------------------------------------------------------------------

    fn integrate(&mut self, term: Term) -> Result<(), String> {
        let mut phi = ByTest::from([(self.zero(), term.coef)]);
        let mut left = term.alpha;
        for i in 0..self.ctx.coords.len() {
            let c = &self.ctx.coords[i];
            if left.0[i] > 0 && c.periodic && self.jumps(&phi, term.g, i, left.0[i] - 1) {
                return Err(format!("a coefficient is not periodic in `{}`, and stands under a derivative", c.name));
            }
            while left.0[i] > 0 {
                left.0[i] -= 1;
                // What leaves at one end of a periodic coordinate enters at the other.
                let ends: &[bool] = if c.periodic { &[] } else { &[false, true] };
                for &high in ends {
                    let side = self.boundary.entry((i, high)).or_default().entry((term.g, left.clone())).or_default();
                    for (test, coef) in &phi {
                        accumulate(side, test.clone(), if high { coef.clone() } else { neg(coef.clone()) });
                    }
                }
                phi = self.minus_d(&phi, i)?;
            }
        }
        let volume = self.volume.entry(term.g).or_default();
        for (test, coef) in phi {
            accumulate(volume, test, coef);
        }
        Ok(())
    }

    /// A coefficient, or what is differentiated, differs at the two ends of a periodic coordinate in up to `orders` derivatives.
    fn jumps(&self, phi: &ByTest, g: G, i: usize, orders: u8) -> bool {
        // Where the coordinate itself stands in it, whatever the fields and unknowns are.
        let learned = |v: &Var| matches!(v, Var::Field { .. } | Var::Unknown(_)).then_some(Expr::Num(0.7));
        let differs = |e: &Expr| seam(&substitute(e, &learned), i, orders, self.ctx.coords).is_some();
        let explicit = match g {
            G::Nonlinear(k) => self.nonlinear[k].clone(),
            G::Field(_) | G::One => Expr::Num(0.0),
        };
        phi.values().any(differs) || differs(&explicit)
    }

    /// -∂_i of sum coef D^test psi.
    fn minus_d(&self, phi: &ByTest, i: usize) -> Result<ByTest, String> {
        let mut next = ByTest::new();
        for (test, coef) in phi {
            accumulate(&mut next, test.clone(), neg(self.d_coef(coef, i)?));
            accumulate(&mut next, test.plus(i), neg(coef.clone()));
        }
        Ok(next)
    }

    // ---- terms to the form ------------------------------------------------------------------------------------------

    fn volume_terms(&self, form: &mut WeakForm) -> Result<(), String> {
        for (g, by_test) in &self.volume {
            for (test, coef) in by_test {
                if largest(coef, self.ctx.coords, None)? == 0.0 {
                    continue;
                }
                let value = match *g {
                    G::Field(field) => Expr::Var(Var::Field { field, alpha: self.zero() }),
                    G::One => Expr::Num(1.0),
                    G::Nonlinear(k) => self.nonlinear[k].clone(),
                };
                // What is learned may not stand in a coefficient: those are evaluated once.
                let (coef, integrand) = match *g {
                    _ if coef.has_unknown() => (Expr::Num(1.0), function(simplify(&mul(coef.clone(), value)))),
                    G::Field(field) => (coef.clone(), Integrand::Field(field)),
                    G::One => (coef.clone(), Integrand::One),
                    G::Nonlinear(_) => (coef.clone(), function(value)),
                };
                form.volume.push(VolumeTerm { coef, test: test.clone(), integrand });
            }
        }
        Ok(())
    }

    fn boundary_terms(&self, data: &[Datum], form: &mut WeakForm) -> Result<(), String> {
        for (&(coord, high), parts) in &self.boundary {
            let at = if high { self.ctx.coords[coord].hi } else { self.ctx.coords[coord].lo };
            let (mut known, parts) = self.mixed_terms(parts, (coord, high, at), data)?;
            let vanish = &mut form.vanish[coord][usize::from(high)];
            let mut ties: Vec<Vec<(u8, f64)>> = vec![];
            for ((g, left), by_test) in &parts {
                let mut missing = vec![];
                let value = self.on_face(*g, left, coord, high, at, data, &mut missing);
                let mut unknown: Vec<(&MultiIndex, Expr)> = vec![];
                for (test, coef) in by_test {
                    if is_zero_on(coef, self.ctx.coords, (coord, at))? {
                        continue;
                    }
                    let coef = restrict(coef, coord, at);
                    match &value {
                        // Boundary data are integrated once, too: what is learned cannot stand in them.
                        Some((value, _)) if simplify(&mul(coef.clone(), value.clone())).has_unknown() => {
                            vanish.push(test.0[coord]);
                        }
                        Some((value, from)) => {
                            let product = simplify(&mul(coef, value.clone()));
                            known.push((test.clone(), product, from.clone()));
                        }
                        None => {
                            unknown.push((test, coef));
                            for (field, order) in &missing {
                                let mut normal = self.zero();
                                normal.0[coord] = *order;
                                let name = self.name(*field, &normal);
                                let text = format!("{name} on {} = {}", self.ctx.coords[coord].name, at);
                                if !form.lacking.contains(&text) {
                                    form.lacking.push(text);
                                }
                            }
                        }
                    }
                }
                match tie(&unknown, coord) {
                    Some(parts) => ties.push(parts),
                    None => vanish.extend(unknown.iter().map(|(test, _)| test.0[coord])),
                }
            }
            settle(vanish, &mut ties);
            form.ties.extend(ties.into_iter().map(|parts| Tie { coord, high, parts }));
            for (test, coef, from) in known {
                if form.vanish[coord][usize::from(high)].contains(&test.0[coord]) {
                    continue;
                }
                form.absorbed.extend(from);
                push_boundary(&mut form.boundary, BoundaryTerm { coord, high, coef, test });
            }
        }
        form.boundary.retain(|b| b.coef != Expr::Num(0.0));
        form.absorbed.sort_unstable();
        form.absorbed.dedup();
        Ok(())
    }

    /// `D^left g` on a face in terms of data, and which residuals gave them; `None` if something is `missing`.
    #[allow(clippy::too_many_arguments)]
    fn on_face(
        &self,
        g: G,
        left: &MultiIndex,
        coord: usize,
        high: bool,
        at: f64,
        data: &[Datum],
        missing: &mut Vec<(usize, u8)>,
    ) -> Option<(Expr, Vec<usize>)> {
        let flux = match g {
            G::Field(field) => Expr::Var(Var::Field { field, alpha: left.clone() }),
            G::One => Expr::Num(f64::from(left.order() == 0)),
            G::Nonlinear(k) => d_multi(&self.nonlinear[k], left),
        };
        let mut atoms = vec![];
        flux.walk(&mut |e| {
            if let Expr::Var(Var::Field { field, alpha }) = e {
                atoms.push((*field, alpha.clone()));
            }
        });
        let mut from = vec![];
        let mut known = vec![];
        for (field, alpha) in atoms {
            let order = alpha.0[coord];
            let about = |d: &&Datum| (d.field, d.coord, d.high, d.order) == (field, coord, high, order);
            match data.iter().filter(|d| d.mixed.is_empty()).find(about) {
                Some(d) => {
                    let mut tangential = alpha.clone();
                    tangential.0[coord] = 0;
                    from.push(d.residual);
                    known.push((field, alpha, d_multi(&d.value, &tangential)));
                }
                None => missing.push((field, order)),
            }
        }
        if !missing.is_empty() {
            return None;
        }
        let flux = substitute(&flux, &|v| match v {
            Var::Field { field, alpha } => {
                known.iter().find(|(f, a, _)| (f, a) == (field, alpha)).map(|(_, _, e)| e.clone())
            }
            _ => None,
        });
        Some((restrict(&flux, coord, at), from))
    }
}

/// The residuals whose data a form uses on every face they stand on: only these need no rows of their own.
pub fn wholly_used(form: &WeakForm, data: &[Datum], ctx: Context, lhs: &Expr, rhs: &Expr) -> Vec<usize> {
    let mut whole = form.absorbed.clone();
    whole.retain(|r| {
        data.iter().filter(|d| d.residual == *r).all(|d| {
            // A datum is in use if the form changes when it is taken away.
            let without: Vec<Datum> = data.iter().filter(|o| *o != d).cloned().collect();
            weak_form(lhs, rhs, &without, ctx)
                .is_ok_and(|f| f.vanish != form.vanish || f.ties != form.ties || f.boundary != form.boundary)
        })
    });
    whole
}

/// `d(u, x, x)`, or `u` for no derivative.
pub fn field_text(field: &str, coords: &[Coord], alpha: &MultiIndex) -> String {
    let by: Vec<&str> =
        alpha.0.iter().enumerate().flat_map(|(i, &n)| vec![coords[i].name.as_str(); usize::from(n)]).collect();
    if by.is_empty() { field.to_string() } else { format!("d({field}, {})", by.join(", ")) }
}

fn scaled(terms: Vec<Term>, by: &Expr) -> Vec<Term> {
    terms.into_iter().map(|t| Term { coef: simplify(&mul(by.clone(), t.coef)), ..t }).collect()
}

fn power(u: &Expr, k: u32) -> Expr {
    if k == 1 { u.clone() } else { Expr::binary(Binary::Pow, u.clone(), Expr::Num(f64::from(k))) }
}

/// True if a field stands in `e`; an unknown is a number like any other here.
fn has_field(e: &Expr) -> bool {
    e.any_var(|v| matches!(v, Var::Field { .. }))
}

/// A function of what is learned, with its slopes.
fn function(value: Expr) -> Integrand {
    let mut atoms = std::collections::BTreeSet::new();
    value.walk(&mut |e| {
        if let Expr::Var(v) = e {
            atoms.extend(Atom::of(v));
        }
    });
    let slopes = atoms.into_iter().map(|a| (a.clone(), differentiate(&value, &a.var()))).collect();
    Integrand::Function { value, slopes }
}

fn accumulate(into: &mut ByTest, test: MultiIndex, coef: Expr) {
    let sum = match into.remove(&test) {
        Some(old) => simplify(&add(old, coef)),
        None => simplify(&coef),
    };
    if sum != Expr::Num(0.0) {
        into.insert(test, sum);
    }
}

fn push_boundary(into: &mut Vec<BoundaryTerm>, new: BoundaryTerm) {
    match into.iter_mut().find(|b| (b.coord, b.high, &b.test) == (new.coord, new.high, &new.test)) {
        Some(old) => old.coef = simplify(&add(old.coef.clone(), new.coef)),
        None => into.push(new),
    }
}

/// Points spread over the unit interval for every coordinate (additive recurrence with irrational steps); the ends are
/// not among them.
pub fn spread(coords: usize, count: usize) -> Vec<Vec<f64>> {
    (1..=count)
        .map(|k| {
            (0..coords)
                .map(|i| {
                    let step = libm::sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0][i % 8]);
                    (0.5 + k as f64 * step).fract()
                })
                .collect()
        })
        .collect()
}

/// The largest of a coefficient's values in the box or on a face of it. It is an error if one is not finite: no quadrature
/// could deal with it.
fn largest(coef: &Expr, coords: &[Coord], face: Option<(usize, f64)>) -> Result<f64, String> {
    let mut largest = 0.0f64;
    for point in spread(coords.len(), 32) {
        let mut at: Vec<f64> = point.iter().zip(coords).map(|(p, c)| c.lo + p * (c.hi - c.lo)).collect();
        if let Some((coord, value)) = face {
            at[coord] = value;
        }
        // Of an unknown nothing is known but that it is some number.
        let value = evaluate(coef, &|v| match v {
            Var::Coord(i) => at[*i],
            Var::Unknown(k) => 1.37 + 0.41 * *k as f64,
            _ => f64::NAN,
        })
        .abs();
        if !value.is_finite() {
            let place = match face {
                Some((coord, value)) => format!(" on {} = {}", coords[coord].name, value),
                None => String::new(),
            };
            return Err(format!("a coefficient is not finite{place}"));
        }
        largest = largest.max(value);
    }
    Ok(largest)
}

/// True if a coefficient is zero on a face, be it only to rounding (`sin(pi*x)` on `x = 1`), measured by its size inside.
fn is_zero_on(coef: &Expr, coords: &[Coord], face: (usize, f64)) -> Result<bool, String> {
    let on = largest(coef, coords, Some(face))?;
    Ok(on == 0.0 || on < 1e-13 * largest(coef, coords, None)?)
}

#[cfg(test)]
mod tests;
