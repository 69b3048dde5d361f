//! Small helps with names: the nearest one to a misspelt one, and what the language has given away.

use crate::func::{Binary, Unary};

/// The name most like `name`, if it is like enough to be what was meant.
pub fn nearest<'n>(name: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let lower = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|c| *c != name)
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= limit && *distance < c.chars().count())
        // The first of several equally near ones, so that the message is always the same.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// The constants that exist without being declared.
pub fn builtin_constant(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(std::f64::consts::PI),
        "e" => Some(std::f64::consts::E),
        _ => None,
    }
}

/// The functions of expressions, other than those of [`Unary`] and [`Binary`].
pub const OPERATORS: &[&str] = &["d", "lap", "grad", "div", "sum", "integral"];

/// All functions that an expression may call without declaring them.
pub fn functions() -> impl Iterator<Item = &'static str> {
    let binary = Binary::ALL.iter().map(|b| b.name()).filter(|n| Binary::by_name(n).is_some());
    Unary::NAMED.iter().map(|(n, _)| *n).chain(binary).chain(OPERATORS.iter().copied())
}

/// What the language has given the name away to, in words with an article.
pub fn reserved(name: &str) -> Option<&'static str> {
    if builtin_constant(name).is_some() {
        Some("a constant")
    } else if functions().any(|f| f == name) {
        Some("a function")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_needs_likeness() {
        assert_eq!(nearest("lif2", ["alif", "lif"]), Some("lif"));
        assert_eq!(nearest("y", ["x", "t"]), None);
        assert_eq!(nearest("omgea", ["alpha", "omega"]), Some("omega"));
        assert_eq!(nearest("C", ["c"]), Some("c"));
        assert_eq!(nearest("lif", ["lif"]), None);
    }

    #[test]
    fn the_language_keeps_its_names() {
        assert_eq!(reserved("pi"), Some("a constant"));
        assert_eq!(reserved("sin"), Some("a function"));
        assert_eq!(reserved("atan2"), Some("a function"));
        assert_eq!(reserved("add"), None);
    }
}
