//! The neurons that come with the language, written in it.
//!
//! Each has a file under `src/prelude`, shown in messages as `prelude/lif.snn`. A file is added to the sources and
//! checked only when a program names its neuron; a user's constants and functions are not visible in it.

use crate::check::neurons::{self, Checked};
use crate::check::scope::Scope;
use crate::diag::Sink;
use crate::source::Sources;
use crate::syntax::ast::Item;
use crate::syntax::parse::parse;

const TEXTS: &[(&str, &str)] = &[
    ("integrator", include_str!("../prelude/integrator.snn")),
    ("if", include_str!("../prelude/if.snn")),
    ("lif", include_str!("../prelude/lif.snn")),
    ("hard_lif", include_str!("../prelude/hard_lif.snn")),
    ("alif", include_str!("../prelude/alif.snn")),
    ("cuba_lif", include_str!("../prelude/cuba_lif.snn")),
    ("qif", include_str!("../prelude/qif.snn")),
    ("eif", include_str!("../prelude/eif.snn")),
    ("adex", include_str!("../prelude/adex.snn")),
    ("izhikevich", include_str!("../prelude/izhikevich.snn")),
    ("resonate_and_fire", include_str!("../prelude/resonate_and_fire.snn")),
    ("vsn", include_str!("../prelude/vsn.snn")),
    ("fitzhugh_nagumo", include_str!("../prelude/fitzhugh_nagumo.snn")),
    ("morris_lecar", include_str!("../prelude/morris_lecar.snn")),
    ("hodgkin_huxley", include_str!("../prelude/hodgkin_huxley.snn")),
];

/// The names of the prelude's neurons.
pub const NAMES: &[&str] = &[
    "integrator",
    "if",
    "lif",
    "hard_lif",
    "alif",
    "cuba_lif",
    "qif",
    "eif",
    "adex",
    "izhikevich",
    "resonate_and_fire",
    "vsn",
    "fitzhugh_nagumo",
    "morris_lecar",
    "hodgkin_huxley",
];

pub fn has(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The text of a prelude neuron, comments and all.
pub fn text(name: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
}

/// Reads and checks a prelude neuron. `None` if there is none of this name.
pub fn load(name: &str, sources: &mut Sources, sink: &mut Sink) -> Option<Checked> {
    let text = text(name)?;
    let id = sources.add(format!("prelude/{name}.snn"), text);
    let file = parse(text, id, sink)?;
    let mut scope = Scope::default();
    scope.units = file.units;
    for item in &file.items {
        if let Item::Fn(f) = item {
            scope.fns.insert(f.name.text.clone(), f);
        }
    }
    file.items.iter().find_map(|item| match item {
        Item::Neuron(neuron) => neurons::check(neuron, &scope, sink),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prelude_neuron_checks_without_a_message() {
        assert_eq!(TEXTS.iter().map(|(n, _)| *n).collect::<Vec<_>>(), NAMES);
        for name in NAMES {
            let (mut sources, mut sink) = (Sources::default(), Sink::default());
            let checked = load(name, &mut sources, &mut sink);
            assert!(sink.is_empty(), "{name}: {:?}", sink.into_sorted());
            assert_eq!(checked.expect("checked").model.name, *name);
        }
    }
}
