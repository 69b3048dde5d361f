//! The outline of a file: its items and what they hold.
//!
//! ```text
//! network u(x) { layer h = …  output = … }    ->    u, a network, and in it h, a layer
//! ```

use lsp_types::{DocumentSymbol, SymbolInformation, SymbolKind, Uri};

use super::documents::View;
use super::index::{Kind, Symbol};
use super::text::Lines;
use crate::source::{FileId, Span};
use crate::syntax::ast::{self, Item};

/// The items of the file itself, imported ones left out, in the order of the text.
pub fn outline(view: &View) -> Vec<DocumentSymbol> {
    let lines = Lines::new(view.text());
    let own = view.file.items.iter().filter(|i| i.span().file == FileId::default());
    own.filter_map(|i| item(i, view, &lines)).collect()
}

/// The same as a list, for editors that do not know trees.
#[allow(deprecated)] // The field `deprecated` has to be written down.
pub fn flat(uri: &Uri, symbols: Vec<DocumentSymbol>) -> Vec<SymbolInformation> {
    fn put(uri: &Uri, all: Vec<DocumentSymbol>, within: Option<&str>, out: &mut Vec<SymbolInformation>) {
        for s in all {
            out.push(SymbolInformation {
                name: s.name.clone(),
                kind: s.kind,
                tags: None,
                deprecated: None,
                location: lsp_types::Location::new(uri.clone(), s.range),
                container_name: within.map(str::to_string),
            });
            put(uri, s.children.unwrap_or_default(), Some(&s.name), out);
        }
    }
    let mut out = vec![];
    put(uri, symbols, None, &mut out);
    out
}

fn item(item: &Item, view: &View, lines: &Lines) -> Option<DocumentSymbol> {
    let whole = item.span();
    let within = |at: Span| at.file == whole.file && whole.start <= at.start && at.end <= whole.end;
    let symbols = view.index.symbols.iter().filter(|s| within(s.at) && !matches!(s.kind, Kind::Param | Kind::Bound));
    let (own, held): (Vec<&Symbol>, Vec<&Symbol>) = symbols.partition(|s| s.whole == whole);
    let children = held.into_iter().map(|s| symbol(s, view, lines, vec![])).collect();
    if let Some(s) = own.into_iter().next() {
        return Some(symbol(s, view, lines, children));
    }
    let (name, words) = match item {
        Item::Domain(_) => ("domain".to_string(), "the domain"),
        Item::Exact(e) => (format!("exact {}", view.sources.snippet(e.field.span)), "an exact solution"),
        Item::Train(_) => ("train".to_string(), "the training"),
        Item::Report(_) => ("report".to_string(), "the report"),
        Item::Simulate(_) => ("simulate".to_string(), "the simulation"),
        Item::Import(i) => (format!("import {}", i.path.text), "an import"),
        _ => return None,
    };
    let keyword = Span { end: whole.start + name.split(' ').next().map_or(0, str::len) as u32, ..whole };
    let kind = if matches!(item, Item::Import(_)) { SymbolKind::FILE } else { SymbolKind::NAMESPACE };
    Some(entry(name, words.to_string(), kind, lines.range(whole), lines.range(keyword), children))
}

fn symbol(s: &Symbol, view: &View, lines: &Lines, children: Vec<DocumentSymbol>) -> DocumentSymbol {
    let residual = |r: &ast::Residual| (r.name.span == s.at).then_some(r.place_span);
    let place = view.file.items.iter().find_map(|i| match i {
        Item::Residual(r) => residual(r),
        _ => None,
    });
    let detail = match place {
        Some(place) => format!("a residual on {}", view.sources.snippet(place)),
        None => s.kind.words().to_string(),
    };
    let kind = match s.kind {
        Kind::Const => SymbolKind::CONSTANT,
        Kind::Fn | Kind::InputFunction => SymbolKind::FUNCTION,
        Kind::Neuron => SymbolKind::CLASS,
        Kind::Network => SymbolKind::MODULE,
        Kind::NeuronParam => SymbolKind::PROPERTY,
        Kind::Output | Kind::Layer | Kind::State => SymbolKind::FIELD,
        Kind::Population => SymbolKind::OBJECT,
        Kind::Residual | Kind::Phase => SymbolKind::METHOD,
        Kind::Metric => SymbolKind::NUMBER,
        Kind::Coord | Kind::Curve | Kind::Unknown | Kind::Param | Kind::Bound | Kind::Input => SymbolKind::VARIABLE,
    };
    entry(s.name.clone(), detail, kind, lines.range(s.whole), lines.range(s.at), children)
}

#[allow(deprecated)] // The field `deprecated` has to be written down.
fn entry(
    name: String,
    detail: String,
    kind: SymbolKind,
    range: lsp_types::Range,
    selection_range: lsp_types::Range,
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    let children = (!children.is_empty()).then_some(children);
    DocumentSymbol { name, detail: Some(detail), kind, tags: None, deprecated: None, range, selection_range, children }
}
