//! Names of paper and of other languages, and what is written here in their place.
//!
//! ```text
//! u_xx   dudx   du/dx   diff(u, x)   pow(x, 2)      ->      d(u, x, x)   d(u, x)   d(u, x)   d(u, x)   a^b
//! ```

use super::Scope;
use crate::syntax::ast::{Expr, ExprKind};

/// Functions under the names they have elsewhere, and the form they have here.
const FUNCTIONS: &[(&str, &str)] = &[
    ("diff", "d(u, x)"),
    ("D", "d(u, x)"),
    ("Diff", "d(u, x)"),
    ("deriv", "d(u, x)"),
    ("derivative", "d(u, x)"),
    ("partial", "d(u, x)"),
    ("dd", "d(u, x, x)"),
    ("laplacian", "lap(u)"),
    ("laplace", "lap(u)"),
    ("Laplacian", "lap(u)"),
    ("Laplace", "lap(u)"),
    ("divergence", "div(p, q)"),
    ("pow", "a^b"),
    ("power", "a^b"),
    ("sqr", "a^2"),
    ("square", "a^2"),
    ("ln", "log(a)"),
    ("log10", "log(a)/log(10)"),
    ("arcsin", "asin(a)"),
    ("arccos", "acos(a)"),
    ("arctan", "atan(a)"),
    ("arctan2", "atan2(a, b)"),
    ("fabs", "abs(a)"),
    ("maximum", "max(a, b)"),
    ("minimum", "min(a, b)"),
    ("mod", "a - b*floor(a/b)"),
    ("H", "heaviside(a)"),
    ("theta", "heaviside(a)"),
    ("where", "if c then a else b"),
    ("cond", "if c then a else b"),
    ("sec", "1/cos(a)"),
    ("csc", "1/sin(a)"),
    ("cot", "1/tan(a)"),
];

/// What a function that there is not is called here.
pub fn function(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(n, _)| *n == name).map(|(_, form)| *form)
}

impl Scope<'_> {
    /// `u_xx`, `uxx`, `du`, `dudx`, `d2u` or `dx` as the derivative that is meant.
    pub fn derivative_meant(&self, name: &str) -> Option<String> {
        for (k, field) in self.fields.iter().enumerate() {
            let first = || self.coords_of(k).first().map(|c| self.coords[*c].name.as_str());
            let by = |coords: &[&str]| Some(format!("d({}, {})", field.name, coords.join(", ")));
            if let Some(rest) = name.strip_prefix(field.name.as_str()) {
                let rest = rest.strip_prefix('_').unwrap_or(rest);
                if let Some(coords) = self.letters(rest).filter(|c| !c.is_empty()) {
                    return by(&coords);
                }
            }
            let (rest, order) = match name.strip_prefix("d2") {
                Some(rest) => (rest, 2),
                None => (name.strip_prefix('d').unwrap_or(""), 1),
            };
            if let Some(rest) = rest.strip_prefix(field.name.as_str()) {
                let coord = rest.trim_start_matches('_').strip_prefix('d').map(|c| c.trim_end_matches('2'));
                let coord = match coord {
                    None if rest.is_empty() => first(),
                    None => None,
                    Some(c) => self.coords.iter().map(|k| k.name.as_str()).find(|k| *k == c),
                };
                if let Some(coord) = coord {
                    return by(&vec![coord; order]);
                }
            }
        }
        let coord = name.strip_prefix('d').map(|c| c.trim_end_matches('2'));
        let coord = coord.and_then(|c| self.coords.iter().find(|k| k.name == c))?;
        let field = self.fields.first()?;
        Some(format!("d({}, {})", field.name, coord.name))
    }

    /// `du/dx`, and the derivative that is meant by it.
    pub fn fraction_meant(&self, above: &Expr, below: &Expr) -> Option<(String, String)> {
        let (ExprKind::Name(above), ExprKind::Name(below)) = (&*above.kind, &*below.kind) else { return None };
        let coord = below.strip_prefix('d').and_then(|c| self.coords.iter().find(|k| k.name == c))?;
        let field = above.strip_prefix('d').and_then(|f| self.fields.iter().find(|n| n.name == f))?;
        let free = |name: &str| self.constant(name).is_none() && self.coord(name).is_none();
        (free(above) && free(below)).then(|| (format!("{above}/{below}"), format!("d({}, {})", field.name, coord.name)))
    }

    /// A word as coordinates written side by side: `xxt`.
    fn letters(&self, word: &str) -> Option<Vec<&str>> {
        let mut out = vec![];
        let mut rest = word;
        while !rest.is_empty() {
            // The longest first, so that `theta` is not read as `t`.
            let coord =
                self.coords.iter().filter(|c| rest.starts_with(c.name.as_str())).max_by_key(|c| c.name.len())?;
            out.push(coord.name.as_str());
            rest = rest[coord.name.len()..].trim_start_matches('_');
        }
        Some(out)
    }
}
