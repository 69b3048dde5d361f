//! Input functions and networks of them in expressions, and integrals.
//!
//! ```text
//! a(2*x)                    ->   c0 cos(w0 2 x) + c1 sin(w0 2 x) + …     the coefficients are what makes one function
//! G[a], G[a](x)             ->   Field G              u(0, t)   ->   Placed u, at a place of its own
//! integral(a, 0, x)         ->   A(x) - A(0), exact
//! integral(s in 0 .. x, e)  ->   Gauss points
//! ```

use super::{Frame, Names, Resolver, Scope, Sort};
use crate::check::calculus::{add, evaluate_at, mul, simplify, sub, substitute};
use crate::check::expr::{Expr, Var};
use crate::check::lints::point_text;
use crate::check::weak::spread;
use crate::diag::{Diagnostic, Sink, functions as say, names, types};
use crate::func::MultiIndex;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

/// Gauss points of an integral that is not known in closed form: exact for polynomials of degree 31.
const GAUSS: usize = 16;

impl Scope<'_> {
    /// The field that `u` or `G[a]` names, where a field and nothing else is wanted; `None` if it is something else, which
    /// has then been complained about if it stands in brackets.
    pub fn named_field(&self, e: &ast::Expr, sink: &mut Sink) -> Option<(String, usize)> {
        if !matches!(&*e.kind, ExprKind::Index { .. }) {
            let ExprKind::Name(name) = &*e.kind else { return None };
            let field = self.field(name).filter(|f| !self.takes_functions(*f))?;
            return Some((name.clone(), field));
        }
        match self.scalar(e, &Names::fields("here"), sink)? {
            Expr::Var(Var::Field { field, .. }) => Some((self.fields[field].name.clone(), field)),
            _ => None,
        }
    }

    /// `u`, or `G[a]` for a field that takes input functions.
    pub fn written(&self, name: &str) -> String {
        let network = self.field(name).map(|f| &self.networks[self.fields[f].network]);
        let own: Vec<&str> =
            network.iter().flat_map(|n| &n.functions).map(|&f| self.functions[f].name.as_str()).collect();
        if own.is_empty() { name.to_string() } else { format!("{name}[{}]", own.join(", ")) }
    }

    /// What to say of a field that is written without the functions it takes.
    pub fn wants_brackets(&self, span: Span, name: &str) -> Diagnostic {
        let network = self.field(name).map(|f| &self.networks[self.fields[f].network]);
        let functions = network.iter().flat_map(|n| &n.functions).map(|&f| self.functions[f].name.as_str());
        say::brackets(span, name, &functions.collect::<Vec<_>>())
    }
}

impl Resolver<'_, '_, '_, '_> {
    /// `G[a]`, or `G[a](0, t)` at another point.
    pub(super) fn operator(
        &mut self,
        e: &ast::Expr,
        base: &ast::Name,
        indices: &[ast::Expr],
        args: Option<&[ast::Arg]>,
        frame: &Frame,
    ) -> Option<Expr> {
        let Some(field) = self.scope.field(&base.text) else {
            // Says what the name is, if it is anything.
            self.name(&base.text, base.span, frame)?;
            self.sink.push(say::brackets(e.span, &base.text, &[]));
            return None;
        };
        self.scope.mark_used(&base.text);
        let network = &self.scope.networks[self.scope.fields[field].network];
        let own: Vec<&str> = network.functions.iter().map(|&f| self.scope.functions[f].name.as_str()).collect();
        let given: Option<Vec<&str>> =
            indices.iter().map(|i| if let ExprKind::Name(n) = &*i.kind { Some(n.as_str()) } else { None }).collect();
        if own.is_empty() || given.as_deref() != Some(own.as_slice()) {
            self.sink.push(say::brackets(e.span, &base.text, &own));
            return None;
        }
        own.iter().for_each(|f| self.scope.mark_used(f));
        if let Some(args) = args {
            return self.placed(e, field, args, frame);
        }
        if !self.names.fields || !frame.stack.is_empty() {
            return self.out_of_place(e.span, &base.text, "a network's field", frame);
        }
        Some(Expr::Var(Var::Field { field, alpha: MultiIndex::zero(self.scope.coords.len()) }))
    }

    /// `u(0, t)`: the field at another point, one argument for each of its network's coordinates.
    pub(super) fn placed(&mut self, e: &ast::Expr, field: usize, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        let (scope, name) = (self.scope, self.scope.fields[field].name.clone());
        let own = scope.coords_of(field);
        let at: Vec<Option<Expr>> = args.iter().map(|a| self.wanted(&a.value, Sort::Number, frame)).collect();
        if !self.names.fields || !frame.stack.is_empty() {
            return self.out_of_place(e.span, &name, "a network's field", frame);
        }
        if args.len() != own.len() {
            let coords: Vec<&str> = own.iter().map(|&c| scope.coords[c].name.as_str()).collect();
            self.sink.push(say::place_arguments(e.span, &name, &coords, args.len()));
            return None;
        }
        let at = at.into_iter().collect::<Option<Vec<_>>>()?;
        if own.iter().zip(&at).all(|(c, e)| *e == Expr::Var(Var::Coord(*c))) {
            return Some(Expr::Var(Var::Field { field, alpha: MultiIndex::zero(scope.coords.len()) }));
        }
        if let Some((_, arg)) = at.iter().zip(args).find(|(e, _)| e.any_var(|v| !matches!(v, Var::Coord(_)))) {
            self.sink.push(types::wrong_kind(arg.span, "a place in terms of the coordinates", "something else"));
            return None;
        }
        let mut point: Vec<Expr> = (0..scope.coords.len()).map(|i| Expr::Var(Var::Coord(i))).collect();
        own.iter().zip(at).for_each(|(c, e)| point[*c] = e);
        self.inside(e, &point)?;
        let mut places = scope.places.borrow_mut();
        let place = places.iter().position(|p| *p == point).unwrap_or_else(|| {
            places.push(point);
            places.len() - 1
        });
        Some(Expr::Var(Var::Placed { field, place }))
    }

    /// Complains of a place outside of the domain, where a network means nothing.
    fn inside(&mut self, e: &ast::Expr, point: &[Expr]) -> Option<()> {
        let coords = &self.scope.coords;
        for unit in spread(coords.len(), 64) {
            let here: Vec<f64> = unit.iter().zip(coords).map(|(p, c)| c.lo + p * (c.hi - c.lo)).collect();
            for (c, at) in coords.iter().zip(point) {
                let v = evaluate_at(at, &here);
                let slack = 1e-9 * (c.hi - c.lo);
                if !c.periodic && !(c.lo - slack..=c.hi + slack).contains(&v) {
                    self.sink.push(say::place_outside(e.span, &c.name, v, c.lo, c.hi, &point_text(&here, coords)));
                    return None;
                }
            }
        }
        Some(())
    }

    /// A field whose network takes input functions is written with them.
    pub(super) fn without_brackets(&mut self, name: &str, field: usize, span: Span) -> Option<()> {
        if !self.scope.takes_functions(field) {
            return Some(());
        }
        self.sink.push(self.scope.wants_brackets(span, name));
        None
    }

    /// An input function at a place: the sum of its coefficients times what they stand for.
    pub(super) fn function_at(&mut self, f: usize, at: &Expr, span: Span) -> Option<Expr> {
        if !self.names.functions {
            let name = self.scope.functions[f].name.clone();
            self.sink.push(names::out_of_place(span, &name, "an input function", &self.names.place));
            return None;
        }
        Some(self.series(f, at, false))
    }

    fn series(&self, f: usize, at: &Expr, antiderivative: bool) -> Expr {
        let function = &self.scope.functions[f];
        let placed = |e: &Expr| substitute(e, &|v| (*v == Var::Coord(0)).then(|| at.clone()));
        let term = |(k, part): (usize, &crate::check::functions::Part)| {
            let shape = if antiderivative { &part.integral } else { &part.value };
            mul(Expr::Var(Var::Coefficient(function.first + k)), placed(shape))
        };
        function.parts.iter().enumerate().map(term).reduce(add).unwrap_or(Expr::Num(0.0))
    }

    /// `integral(a, lo, hi)` of an input function, or `integral(s in lo .. hi, expression)`.
    pub(super) fn integral(&mut self, e: &ast::Expr, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        match args {
            [of, lo, hi] => {
                let ExprKind::Name(name) = &*of.value.kind else {
                    self.sink.push(say::integral_form(e.span));
                    return None;
                };
                let Some(f) = self.scope.input_function(name) else {
                    self.sink.push(say::integral_form(e.span));
                    return None;
                };
                self.scope.mark_used(name);
                let lo = self.wanted(&lo.value, Sort::Number, frame);
                let hi = self.wanted(&hi.value, Sort::Number, frame);
                let (lo, hi) = (lo?, hi?);
                self.function_at(f, &hi, e.span)?;
                Some(simplify(&sub(self.series(f, &hi, true), self.series(f, &lo, true))))
            }
            [range, of] => {
                let ExprKind::In(variable, range) = &*range.value.kind else {
                    self.sink.push(say::integral_form(e.span));
                    return None;
                };
                let ExprKind::Range(lo, hi) = &*range.kind else {
                    self.sink.push(types::wrong_kind(range.span, "a range", "something else").help("as in `0 .. x`"));
                    return None;
                };
                let (lo, hi) = (self.wanted(lo, Sort::Number, frame), self.wanted(hi, Sort::Number, frame));
                let (lo, hi) = (lo?, hi?);
                let half = mul(Expr::Num(0.5), sub(hi.clone(), lo.clone()));
                let middle = mul(Expr::Num(0.5), add(lo, hi));
                let mut total = Expr::Num(0.0);
                for (node, weight) in gauss(GAUSS) {
                    let mut inner = frame.clone();
                    let at = simplify(&add(middle.clone(), mul(Expr::Num(node), half.clone())));
                    inner.bindings.push((variable.text.clone(), at));
                    let value = self.wanted(&of.value, Sort::Number, &inner)?;
                    if value.any_var(|v| matches!(v, Var::Field { .. })) {
                        self.sink.push(say::field_in_integral(of.span, &variable.text));
                        return None;
                    }
                    total = add(total, mul(Expr::Num(weight), value));
                }
                Some(simplify(&mul(half, total)))
            }
            _ => {
                self.sink.push(say::integral_form(e.span));
                None
            }
        }
    }
}

/// Nodes and weights of Gauss and Legendre on [-1, 1], by Newton's method on the polynomial (Press et al., Numerical
/// Recipes, 4.6).
fn gauss(n: usize) -> Vec<(f64, f64)> {
    let legendre = |x: f64| {
        let (mut p, mut before) = (1.0, 0.0);
        for k in 0..n {
            let k = k as f64;
            (p, before) = (((2.0 * k + 1.0) * x * p - k * before) / (k + 1.0), p);
        }
        (p, n as f64 * (x * p - before) / (x * x - 1.0))
    };
    let root = |i: usize| {
        let mut x = libm::cos(std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5));
        for _ in 0..8 {
            let (p, slope) = legendre(x);
            x -= p / slope;
        }
        let (_, slope) = legendre(x);
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::gauss;

    #[test]
    fn gauss_points_are_exact_for_polynomials() {
        for power in 0..32 {
            let sum: f64 = gauss(16).iter().map(|(x, w)| w * x.powi(power)).sum();
            let exact = if power % 2 == 0 { 2.0 / (f64::from(power) + 1.0) } else { 0.0 };
            assert!((sum - exact).abs() < 1e-13, "{power}: {sum}");
        }
    }
}
