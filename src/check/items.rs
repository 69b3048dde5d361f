//! The items of a file by kind, without those that are declared twice or cannot be built yet.
//!
//! ```text
//! const c = 1   const c = 2   function a … ->    [const c = 1], and a message for each of the others
//! ```

use std::collections::BTreeMap;

use crate::check::names::reserved;
use crate::check::networks;
use crate::diag::{Sink, names};
use crate::source::Span;
use crate::syntax::ast::{self, Item};

#[derive(Debug, Default)]
pub struct Items<'a> {
    pub consts: Vec<&'a ast::Const>,
    pub fns: Vec<&'a ast::Fn>,
    pub domain: Option<&'a ast::Domain>,
    pub neurons: Vec<&'a ast::Neuron>,
    pub networks: Vec<&'a ast::Network>,
    pub unknowns: Vec<&'a ast::Unknown>,
    pub functions: Vec<&'a ast::Function>,
    pub residuals: Vec<&'a ast::Residual>,
    pub exacts: Vec<&'a ast::Exact>,
    pub train: Option<&'a ast::Train>,
    pub report: Option<&'a ast::Report>,
    pub simulate: Option<&'a ast::Simulate>,
}

/// Sorts the items of a file.
pub fn collect<'a>(file: &'a ast::File, sink: &mut Sink) -> Items<'a> {
    let mut items = Items::default();
    let mut taken: BTreeMap<&'a str, Span> = BTreeMap::new();
    // Coordinates first: they are the ones whose names the user is least free to change.
    for item in &file.items {
        if let Item::Domain(domain) = item {
            match items.domain {
                Some(first) => sink.push(names::repeated_item(domain.span, "domain", first.span)),
                None => {
                    items.domain = Some(domain);
                    for coord in &domain.coords {
                        free(&mut taken, "coordinate", &coord.name, sink);
                    }
                    for curve in &domain.curves {
                        free(&mut taken, "curve", &curve.name, sink);
                    }
                }
            }
        }
    }
    for item in &file.items {
        match item {
            Item::Domain(_) => {}
            Item::Const(c) => {
                if free(&mut taken, "constant", &c.name, sink) {
                    items.consts.push(c);
                }
            }
            Item::Fn(f) => {
                if free(&mut taken, "function", &f.name, sink) {
                    items.fns.push(f);
                }
            }
            Item::Neuron(n) => {
                // One of a name that comes with the language takes its place.
                if networks::is_layer(&n.name.text) {
                    sink.push(names::reserved_name(n.name.span, &n.name.text, "a layer"));
                } else if free(&mut taken, "neuron", &n.name, sink) {
                    items.neurons.push(n);
                }
            }
            Item::Network(n) => {
                if free(&mut taken, "network", &n.name, sink) {
                    for output in networks::outputs(n).iter().filter(|o| o.text != n.name.text) {
                        free(&mut taken, "output", output, sink);
                    }
                    items.networks.push(n);
                }
            }
            Item::Residual(r) => items.residuals.push(r),
            Item::Exact(e) => items.exacts.push(e),
            Item::Train(t) => match items.train {
                Some(first) => sink.push(names::repeated_item(t.span, "train block", first.span)),
                None => items.train = Some(t),
            },
            Item::Report(r) => match items.report {
                Some(first) => sink.push(names::repeated_item(r.span, "report block", first.span)),
                None => items.report = Some(r),
            },
            Item::Unknown(u) => {
                if free(&mut taken, "unknown", &u.name, sink) {
                    items.unknowns.push(u);
                }
            }
            // What an import stands for follows it, and what is allowed is looked at when all is said.
            Item::Import(_) | Item::Allow(_) => {}
            Item::Function(f) => {
                if free(&mut taken, "input function", &f.name, sink) {
                    items.functions.push(f);
                }
            }
            Item::Simulate(s) => match items.simulate {
                Some(first) => sink.push(names::repeated_item(s.span, "simulate block", first.span)),
                None => items.simulate = Some(s),
            },
        }
    }
    items
}

/// True if the name is free, which it then no longer is.
fn free<'a>(taken: &mut BTreeMap<&'a str, Span>, what: &str, name: &'a ast::Name, sink: &mut Sink) -> bool {
    if let Some(kind) = reserved(&name.text) {
        sink.push(names::reserved_name(name.span, &name.text, kind));
        return false;
    }
    if let Some(first) = taken.get(name.text.as_str()) {
        sink.push(names::duplicate_name(name.span, what, &name.text, Some(*first)));
        return false;
    }
    taken.insert(&name.text, name.span);
    true
}
