//! Completion: the words and the names that may stand at a place.
//!
//! ```text
//! layer h = tuned(x, 8) |> l|    ->    lif, last, legendre, …      20m|    ->    ms, mV, MOhm
//! ```

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, MarkupContent, MarkupKind, Range, TextEdit,
};

use super::context::{self, Context, Names};
use super::documents::View;
use super::facts::{prelude_neuron, prelude_parameters, prelude_states};
use super::hover;
use super::index::{Kind, Symbol};
use super::text::Lines;
use super::words::{ARGUMENTS, Place, UNITS, WORDS, Word};
use crate::check::prelude;
use crate::diag::{Code, codes, lints};
use crate::source::FileId;
use crate::syntax::ast::{Item, Neuron, SimulateStmt};
use crate::syntax::parse::scan::tokens;

/// What may stand at a byte. After a blank that was typed an editor asks unasked: then only where one of a few has to follow.
pub fn complete(view: &View, offset: usize, after_blank: bool) -> Vec<CompletionItem> {
    let Some(context) = context::at(view.text(), offset) else { return vec![] };
    if after_blank && !is_choice(&context) {
        return vec![];
    }
    let range = Lines::new(view.text()).between(context.word.0, offset.max(context.word.0));
    let mut found = Found { items: vec![], range, rank: 0 };
    Source { view, context: &context, offset }.fill(&mut found);
    found.items
}

/// Does one of a few words or names have to follow?
fn is_choice(c: &Context) -> bool {
    use Place::*;
    let open = |p: &Place| {
        matches!(
            p,
            Item | Domain | Neuron | Network | Train | Phase | Report | Simulate | Joint | Constant | ResidualOption
        )
    };
    let any = !c.places.is_empty() || !c.names.is_empty();
    any && !c.places.iter().any(open) && (c.callee.is_none() || c.argument)
}

struct Found {
    items: Vec<CompletionItem>,
    range: Range,
    /// Items are shown in the order in which they come.
    rank: usize,
}

impl Found {
    /// The first of several of one name stays.
    fn put(&mut self, label: &str, kind: CompletionItemKind, detail: String, told: Option<String>) {
        self.put_as(label, label.to_string(), kind, detail, told);
    }

    fn put_as(
        &mut self,
        label: &str,
        inserted: String,
        kind: CompletionItemKind,
        detail: String,
        told: Option<String>,
    ) {
        if self.items.iter().any(|i| i.label == label) {
            return;
        }
        let markdown = |value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value });
        self.items.push(CompletionItem {
            label: label.to_string(),
            kind: Some(kind),
            detail: Some(detail),
            documentation: told.map(markdown),
            sort_text: Some(format!("{:04}", self.rank)),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(self.range, inserted))),
            ..Default::default()
        });
        self.rank += 1;
    }

    fn word(&mut self, w: &Word) {
        let kind = match w.place {
            Place::Function | Place::Encoder | Place::Layer | Place::Decoder | Place::Measure => {
                CompletionItemKind::FUNCTION
            }
            Place::Constant => CompletionItemKind::CONSTANT,
            _ => CompletionItemKind::KEYWORD,
        };
        self.put(w.text, kind, w.form.to_string(), Some(w.meaning.to_string()));
    }
}

struct Source<'v> {
    view: &'v View,
    context: &'v Context<'v>,
    offset: usize,
}

impl Source<'_> {
    fn fill(&self, out: &mut Found) {
        if self.context.unit {
            for (unit, of) in UNITS {
                out.put(unit, CompletionItemKind::UNIT, (*of).to_string(), None);
            }
            return;
        }
        if self.context.codes {
            for info in lints::LINTS.iter().filter_map(|c| codes::find(Code(*c))) {
                let title = info.page.lines().next().unwrap_or_default().trim_start_matches("# ");
                out.put(&info.code.to_string(), CompletionItemKind::CONSTANT, title.to_string(), None);
            }
            return;
        }
        self.arguments(out);
        for names in &self.context.names {
            self.names(*names, out);
        }
        for place in &self.context.places {
            WORDS.iter().filter(|w| w.place == *place).for_each(|w| out.word(w));
        }
    }

    /// The arguments by name of the call that is open.
    fn arguments(&self, out: &mut Found) {
        let Some(callee) = self.context.callee.filter(|_| self.context.argument) else { return };
        let own = self.neuron(callee).map(|n| n.header.iter().map(|p| p.name.text.clone()).collect());
        let known =
            ARGUMENTS.iter().find(|(c, _)| *c == callee).map(|(_, a)| a.iter().map(|a| a.to_string()).collect());
        // `rate` is a measure, an encoder and an argument of a source; only the measure takes more than one.
        let names: Vec<String> = own.or(known).unwrap_or_else(|| prelude_parameters(callee));
        for name in names {
            let detail = format!("an argument of `{callee}`");
            out.put_as(&name, format!("{name} = "), CompletionItemKind::PROPERTY, detail, None);
        }
    }

    fn neuron(&self, name: &str) -> Option<&Neuron> {
        self.view.file.items.iter().find_map(|i| match i {
            Item::Neuron(n) if n.name.text == name => Some(n),
            _ => None,
        })
    }

    fn symbols(&self, kinds: &[Kind], out: &mut Found) {
        self.symbols_if(kinds, |_| true, out);
    }

    fn symbols_if(&self, kinds: &[Kind], keep: impl Fn(&Symbol) -> bool, out: &mut Found) {
        let index = &self.view.index;
        for s in index.symbols.iter().filter(|s| kinds.contains(&s.kind) && keep(s)) {
            let kind = match s.kind {
                Kind::Const => CompletionItemKind::CONSTANT,
                Kind::Fn | Kind::InputFunction => CompletionItemKind::FUNCTION,
                Kind::Neuron => CompletionItemKind::CLASS,
                Kind::NeuronParam => CompletionItemKind::PROPERTY,
                Kind::Layer | Kind::State | Kind::Output | Kind::Network => CompletionItemKind::FIELD,
                _ => CompletionItemKind::VARIABLE,
            };
            let file = self.view.sources.get(s.at.file);
            let comment = hover::comment(&file.text, s.whole).map_or(String::new(), |c| format!("\n{c}"));
            let told = format!("```snn\n{}\n```{comment}", hover::declaration(self.view, s));
            out.put(&s.name, kind, s.kind.words().to_string(), Some(told));
        }
    }

    fn names(&self, names: Names, out: &mut Found) {
        let item = self.context.item;
        let home = FileId::default();
        match names {
            Names::Values => {
                // What is declared in the same item comes first.
                let here = |s: &Symbol| {
                    s.at.file == home && (s.whole.start as usize..=s.whole.end as usize).contains(&self.offset)
                };
                self.symbols_if(&[Kind::Param, Kind::Bound], here, out);
                self.parameters(out);
                self.symbols(&[Kind::Const, Kind::Fn], out);
                if !matches!(item, "const" | "fn" | "neuron" | "domain" | "simulate") {
                    self.symbols(&[Kind::InputFunction, Kind::Unknown], out);
                }
            }
            Names::Neurons => {
                self.symbols(&[Kind::Neuron], out);
                for name in prelude::NAMES {
                    let told = prelude_neuron(name).map(|(comment, code)| {
                        let head = code.lines().find(|l| l.starts_with("neuron")).unwrap_or_default();
                        format!("```snn\n{}\n```\n{comment}", head.trim_end_matches('{').trim_end())
                    });
                    out.put(name, CompletionItemKind::CLASS, "a neuron of the prelude".to_string(), told);
                }
            }
            Names::Layers if item == "network" => {
                let owner = self.owner();
                self.symbols_if(&[Kind::Layer], |s| owner.is_none() || s.owner == owner, out);
            }
            Names::Layers => self.symbols(&[Kind::Layer], out),
            Names::Coords => self.symbols(&[Kind::Coord], out),
            Names::Curves => self.symbols(&[Kind::Curve], out),
            Names::States if item == "neuron" => {
                // After `flow` a state, in an expression whatever the neuron has.
                let all = [Kind::State, Kind::NeuronParam, Kind::Input];
                let kinds = if self.context.names.contains(&Names::Values) { &all[..] } else { &all[..1] };
                let owner = self.owner();
                self.symbols_if(kinds, |s| s.owner == owner && owner.is_some(), out);
            }
            Names::States => self.states_of_populations(out),
            Names::Populations => self.symbols(&[Kind::Population], out),
            Names::Metrics => self.symbols(&[Kind::Metric], out),
            Names::Fields => {
                let index = &self.view.index;
                let several = |id: usize| index.members(id).any(|m| m.kind == Kind::Output);
                let id = |s: &Symbol| index.symbols.iter().position(|o| o.at == s.at);
                self.symbols_if(&[Kind::Network], |s| !id(s).is_some_and(several), out);
                self.symbols(&[Kind::Output, Kind::Unknown], out);
            }
        }
    }

    /// The neuron or network that the place is in.
    fn owner(&self) -> Option<usize> {
        let begins = |s: &Symbol| {
            s.at.file == FileId::default()
                && s.whole.start as usize == self.context.start
                && matches!(s.kind, Kind::Neuron | Kind::Network)
        };
        self.view.index.symbols.iter().position(begins)
    }

    /// The parameters of a `fn` whose body is being written, so that it is not in the tree.
    fn parameters(&self, out: &mut Found) {
        if self.context.item != "fn" {
            return;
        }
        let text = &self.view.text()[self.context.start..self.offset];
        let all = tokens(text);
        let inside = all.iter().skip_while(|t| t.text != "(").skip(1).take_while(|t| t.text != ")");
        for t in inside.filter(|t| context::is_name(t.text)) {
            out.put(t.text, CompletionItemKind::VARIABLE, "a parameter".to_string(), None);
        }
    }

    fn states_of_populations(&self, out: &mut Found) {
        let blocks = self.view.file.items.iter().filter_map(|i| match i {
            Item::Simulate(s) => Some(s),
            _ => None,
        });
        for stmt in blocks.flat_map(|s| &s.body) {
            let SimulateStmt::Population { model, .. } = stmt else { continue };
            let owner =
                self.view.index.symbols.iter().position(|s| s.kind == Kind::Neuron && s.name == model.name.text);
            match owner {
                Some(id) => self.symbols_if(&[Kind::State, Kind::Input], |s| s.owner == Some(id), out),
                None => {
                    for state in prelude_states(&model.name.text) {
                        let detail = format!("a state of `{}`", model.name.text);
                        out.put(&state, CompletionItemKind::FIELD, detail, None);
                    }
                }
            }
        }
    }
}
