//! Which names may stand at one place of a program.
//!
//! ```text
//! in a constant: constants        in a residual: coordinates, fields, unknowns, input functions, and their derivatives
//! ```

use crate::check::expr::{Expr, Var};

/// Which names may stand in an expression, besides constants and functions.
#[derive(Debug, Clone)]
pub struct Names {
    pub(super) locals: Vec<(String, Var)>,
    /// Names that exist but may not stand here, and what they are: `a state`.
    pub(super) refused: Vec<(String, String)>,
    /// Names that are never resolved here, only suggested.
    pub(super) hints: Vec<String>,
    pub(super) coords: Allowed,
    pub(super) fields: bool,
    /// Input functions at any argument.
    pub(super) functions: bool,
    pub(super) derivatives: bool,
    pub(super) normal: Option<Normal>,
    /// Numbers with units, and constants that are quantities.
    pub(super) quantities: bool,
    /// Names are missing here for a reason already given.
    pub(super) partial: bool,
    pub(super) place: String,
}

/// What `normal` is in `d(u, normal)`.
#[derive(Debug, Clone)]
pub enum Normal {
    /// There is none: why, and what to do.
    None(String, String),
    /// Coordinates and the components along them.
    Along(Vec<(usize, Expr)>),
}

#[derive(Debug, Clone)]
pub(super) enum Allowed {
    None,
    Only(Vec<usize>),
    All,
}

impl Names {
    /// Constants only. `place` goes into messages, after "cannot stand": `in a constant`.
    pub fn none(place: impl Into<String>) -> Names {
        Names {
            locals: Vec::new(),
            refused: Vec::new(),
            hints: Vec::new(),
            coords: Allowed::None,
            fields: false,
            functions: false,
            derivatives: false,
            normal: None,
            quantities: false,
            partial: false,
            place: place.into(),
        }
    }

    /// Constants, input functions and all coordinates; derivatives of expressions of them.
    pub fn coords(place: impl Into<String>) -> Names {
        Names { coords: Allowed::All, derivatives: true, functions: true, ..Names::none(place) }
    }

    /// Constants and these coordinates, no derivatives: the arithmetic in a network.
    pub fn only_coords(coords: &[usize], place: impl Into<String>) -> Names {
        Names { coords: Allowed::Only(coords.to_vec()), ..Names::none(place) }
    }

    /// Constants, coordinates, fields and their derivatives: a residual.
    pub fn fields(place: impl Into<String>) -> Names {
        Names { fields: true, ..Names::coords(place) }
    }

    /// Quantities too, which become numbers of the units they are held in.
    pub fn quantities(mut self) -> Names {
        self.quantities = true;
        self
    }

    /// With one more name, which hides any other of that name.
    pub fn with(mut self, name: impl Into<String>, var: Var) -> Names {
        self.locals.push((name.into(), var));
        self
    }

    /// With a name that exists but may not stand here; `what` says what it is: `a state`.
    pub fn without(mut self, name: impl Into<String>, what: impl Into<String>) -> Names {
        self.refused.push((name.into(), what.into()));
        self
    }

    /// With a meaning of `normal`.
    pub fn normal(mut self, normal: Normal) -> Names {
        self.normal = Some(normal);
        self
    }

    /// With names missing for a reason that has been given, a data file that cannot be read say: a name is complained about
    /// only if it looks like a misspelt one.
    pub fn partial(mut self) -> Names {
        self.partial = true;
        self
    }

    /// With names that a misspelt one may be compared to.
    pub fn hints<'h>(mut self, names: impl IntoIterator<Item = &'h str>) -> Names {
        self.hints.extend(names.into_iter().map(str::to_string));
        self
    }

    pub(super) fn local(&self, name: &str) -> Option<&Var> {
        self.locals.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    pub(super) fn allows_coord(&self, index: usize) -> bool {
        match &self.coords {
            Allowed::None => false,
            Allowed::Only(some) => some.contains(&index),
            Allowed::All => true,
        }
    }
}
