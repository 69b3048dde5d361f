//! The neurons that networks can name: the file's own and the prelude's, which is read only if it is asked for.
//!
//! ```text
//! |> lif(tau = 3)    ->    model 0, arguments [3, 1]
//! ```

use crate::check::args::bind;
use crate::check::model::NeuronModel;
use crate::check::names::nearest;
use crate::check::neurons::quantities::{self, Argument};
use crate::check::neurons::{self, Checked};
use crate::check::prelude;
use crate::check::scope::{Names, Scope};
use crate::diag::{Sink, names};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast;
use crate::units::Dimension;

/// All neurons of a compilation, and which of them are in use.
#[derive(Debug)]
pub struct Registry<'s> {
    sources: &'s mut Sources,
    /// The file's own, in order; `None` for one with errors.
    own: Vec<(String, Span, Option<Checked>)>,
    /// What has been used, in order of first use.
    used: Vec<Checked>,
    /// The dimension of `dt` where neurons are called: that of a plain number, or a time.
    pub time: Dimension,
}

/// A neuron as a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// Index into [`Registry::models`].
    pub model: usize,
    /// One number a parameter of the model.
    pub args: Vec<f64>,
}

impl<'s> Registry<'s> {
    /// Checks the file's own neurons.
    pub fn new<'a>(
        items: impl IntoIterator<Item = &'a ast::Neuron>,
        scope: &Scope<'_>,
        sources: &'s mut Sources,
        sink: &mut Sink,
    ) -> Registry<'s> {
        let check = |item: &ast::Neuron, sink: &mut Sink| neurons::check(item, scope, sink);
        let own = items.into_iter().map(|n| (n.name.text.clone(), n.name.span, check(n, sink))).collect();
        Registry { sources, own, used: Vec::new(), time: Dimension::NONE }
    }

    pub fn has(&self, name: &str) -> bool {
        prelude::has(name) || self.own.iter().any(|(n, ..)| n == name)
    }

    /// All names that [`Registry::has`] knows.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = |name: &str| self.own.iter().any(|(n, ..)| n == name);
        let prelude = prelude::NAMES.iter().copied().filter(move |n| !own(n));
        self.own.iter().map(|(n, ..)| n.as_str()).chain(prelude)
    }

    /// The neuron `callee` with these arguments. It must exist; `None` if it or the arguments have errors.
    pub fn resolve(
        &mut self,
        callee: &ast::Name,
        args: &[ast::Arg],
        scope: &Scope<'_>,
        sink: &mut Sink,
    ) -> Option<Use> {
        let model = match self.used.iter().position(|c| c.model.name == callee.text) {
            Some(model) => model,
            None => {
                let checked = self.find(&callee.text, sink)?;
                self.used.push(checked);
                self.used.len() - 1
            }
        };
        let checked = &self.used[model];
        let (settable, fixed) = checked.model.params.split_at(checked.settable);
        let params: Vec<&str> = settable.iter().map(|p| p.name.as_str()).collect();
        for arg in args {
            // A parameter of the body exists, but a call may not set it: say so rather than that there is none.
            if let Some(name) = arg.name.as_ref().filter(|n| fixed.iter().any(|p| p.name == n.text)) {
                let near = nearest(&name.text, params.iter().copied());
                let d = names::unknown_argument(name.span, &callee.text, &name.text, &params, near);
                sink.push(d.help(format!("move `{}` into the header to set it here", name.text)));
                return None;
            }
        }
        let bound = bind(callee, args, &params, &[], sink);
        let place = Names::none("in an argument of a neuron").quantities();
        let values: Vec<Option<f64>> = settable
            .iter()
            .map(|p| match bound.get(&p.name) {
                Some(e) => scope.number_of(e, &place, sink),
                None => Some(p.default),
            })
            .collect();
        let mut args = values.into_iter().collect::<Option<Vec<f64>>>()?;
        let given = settable.iter().enumerate().filter_map(|(param, p)| Some((param, bound.get(&p.name)?)));
        let given: Vec<Argument<'_>> = given.map(|(param, value)| Argument { param, value }).collect();
        if (scope.units || checked.units) && !quantities::call(checked, &given, callee, self.time, scope, sink) {
            return None;
        }
        args.extend(fixed.iter().map(|p| p.default));
        Some(Use { model, args })
    }

    fn find(&mut self, name: &str, sink: &mut Sink) -> Option<Checked> {
        if let Some((_, _, checked)) = self.own.iter().find(|(n, ..)| n == name) {
            return checked.clone();
        }
        prelude::load(name, self.sources, sink)
    }

    /// Warns of the program's own neurons that no network uses. A library may hold more than one program needs.
    pub fn warn_unused(&self, sink: &mut Sink) {
        for (name, span, _) in self.own.iter().filter(|(_, span, _)| span.file == FileId::default()) {
            if !self.is_used(name) {
                sink.push(names::unused(*span, "neuron", name));
            }
        }
    }

    /// Does a network use the neuron of this name?
    pub fn is_used(&self, name: &str) -> bool {
        self.used.iter().any(|c| c.model.name == name)
    }

    /// The models in use so far, in order of first use.
    pub fn models(&self) -> Vec<NeuronModel> {
        self.used.iter().map(|c| c.model.clone()).collect()
    }
}
