//! The neuron models of a simulation: the file's own and the prelude's, checked once each, with the simulation's `method`
//! in place of their own integrator if it names one.

use crate::check::model::{NeuronModel, StateStep};
use crate::check::neurons::Checked;
use crate::check::prelude;
use crate::check::scope::Scope;
use crate::diag::{Sink, names};
use crate::source::Sources;
use crate::syntax::ast::{self, Item, NeuronStmt};
use crate::syntax::parse::parse;

pub struct Models<'a, 's> {
    own: Vec<(&'a ast::Neuron, Option<Known>)>,
    prelude: Vec<(String, Option<Known>)>,
    method: Option<&'a ast::Name>,
    sources: &'s mut Sources,
    /// In order of first use.
    used: Vec<NeuronModel>,
}

/// A model and the name of its input, which the model itself does not keep.
#[derive(Debug, Clone)]
pub struct Known {
    pub checked: Checked,
    pub input: Option<String>,
}

impl Known {
    /// Some state moves by an equation in time.
    pub fn is_continuous(&self) -> bool {
        self.checked.model.states.iter().any(|s| !matches!(s.step, StateStep::Hold | StateStep::Update(_)))
    }
}

impl<'a, 's> Models<'a, 's> {
    /// Checks the file's own neurons, used or not.
    pub fn new(
        own: &[&'a ast::Neuron],
        method: Option<&'a ast::Name>,
        scope: &Scope<'_>,
        sources: &'s mut Sources,
        sink: &mut Sink,
    ) -> Models<'a, 's> {
        let own = own.iter().map(|n| (*n, known(n, method, scope, sink))).collect();
        Models { own, prelude: vec![], method, sources, used: vec![] }
    }

    pub fn has_own(&self, name: &str) -> bool {
        self.own.iter().any(|(n, _)| n.name.text == name)
    }

    pub fn sources(&self) -> &Sources {
        self.sources
    }

    /// The model of this name. `None` if there is none, or it has errors; which of them has been said.
    pub fn find(&mut self, name: &ast::Name, scope: &Scope<'_>, sink: &mut Sink) -> Option<Known> {
        if let Some((_, known)) = self.own.iter().find(|(n, _)| n.name.text == name.text) {
            return known.clone();
        }
        if let Some((_, known)) = self.prelude.iter().find(|(n, _)| *n == name.text) {
            return known.clone();
        }
        let Some(text) = prelude::text(&name.text) else {
            let all = self.own.iter().map(|(n, _)| n.name.text.as_str()).chain(prelude::NAMES.iter().copied());
            let near = crate::check::names::nearest(&name.text, all.chain(["poisson"]));
            scope.unknown_name(name.span, &name.text, near, sink);
            return None;
        };
        let id = self.sources.add(format!("prelude/{}.snn", name.text), text);
        let file = parse(text, id, sink)?;
        let mut prelude_scope = Scope::default();
        prelude_scope.units = file.units;
        for item in &file.items {
            if let Item::Fn(f) = item {
                prelude_scope.fns.insert(f.name.text.clone(), f);
            }
        }
        let found = file.items.iter().find_map(|item| match item {
            Item::Neuron(n) => Some(known(n, self.method, &prelude_scope, sink)),
            _ => None,
        })?;
        self.prelude.push((name.text.clone(), found.clone()));
        found
    }

    /// The place of a model among those in use.
    pub fn place(&mut self, model: &NeuronModel) -> usize {
        self.used.iter().position(|m| m.name == model.name).unwrap_or_else(|| {
            self.used.push(model.clone());
            self.used.len() - 1
        })
    }

    pub fn used(&self) -> Vec<NeuronModel> {
        self.used.clone()
    }

    pub fn warn_unused(&self, sink: &mut Sink) {
        for (neuron, _) in &self.own {
            if !self.used.iter().any(|m| m.name == neuron.name.text) {
                sink.push(names::unused(neuron.name.span, "neuron", &neuron.name.text));
            }
        }
    }
}

fn known(neuron: &ast::Neuron, method: Option<&ast::Name>, scope: &Scope<'_>, sink: &mut Sink) -> Option<Known> {
    let input = neuron.body.iter().find_map(|s| match s {
        NeuronStmt::Input { name, .. } => Some(name.text.clone()),
        _ => None,
    });
    let checked = match method {
        None => super::check_neuron(neuron, scope, sink),
        Some(method) => {
            let mut neuron = neuron.clone();
            neuron.body.retain(|s| !matches!(s, NeuronStmt::Integrate { .. }));
            neuron.body.push(NeuronStmt::Integrate { method: method.clone(), span: method.span });
            super::check_neuron(&neuron, scope, sink)
        }
    };
    checked.map(|checked| Known { checked, input })
}
