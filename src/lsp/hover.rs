//! What is under the cursor: a declared name, a word of the language, a code, or what an expression comes to.

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind};

use super::context;
use super::documents::{Document, View};
use super::facts::{Facts, prelude_neuron, prelude_parameter};
use super::index::{Kind, Symbol};
use super::text::Lines;
use super::words;
use crate::check::model::Method;
use crate::check::prelude;
use crate::diag::codes;
use crate::source::{FileId, Span};
use crate::syntax::parse::scan::{self, tokens};

pub fn hover(document: &Document, view: &View, offset: usize) -> Option<Hover> {
    let lines = Lines::new(view.text());
    let all = tokens(view.text());
    let token = all.iter().rfind(|t| t.start <= offset && offset <= t.end() && t.kind != scan::Kind::End);
    let word = token.filter(|t| t.kind == scan::Kind::Word);
    let at = word.map(|t| Span::new(FileId::default(), t.start, t.end()));
    let named = view.index.at(FileId::default(), offset);
    let about = if let Some((id, span)) = named {
        Some((span, symbol(document, view, &view.index.symbols[id])))
    } else if let (Some(word), Some(at)) = (word, at)
        && let Some(text) = of_language(view.text(), word.text, word.start)
    {
        Some((at, text))
    } else {
        let found = Facts::new(view).expression(offset);
        found.map(|(span, text)| (span, format!("```snn\n{}\n```\n{text}", view.sources.snippet(span))))
    };
    let (span, value) = match (about, about_message(document, offset)) {
        (Some((span, text)), Some((_, page))) => (span, format!("{text}\n\n---\n\n{page}")),
        (Some(found), None) | (None, Some(found)) => found,
        (None, None) => return None,
    };
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    Some(Hover { contents, range: Some(lines.range(span)) })
}

/// What the page of a message under the cursor says first.
fn about_message(document: &Document, offset: usize) -> Option<(Span, String)> {
    let here = |s: Span| s.file == FileId::default() && (s.start as usize..=s.end as usize).contains(&offset);
    let message = document.messages.iter().find(|m| here(m.span()))?;
    let mut parts = codes::find(message.code)?.page.split("\n\n");
    let title = parts.next()?.trim_start_matches("# ");
    let told = format!("**{title}**\n\n{}\n\n`snnc explain {}` shows an example.", parts.next()?, message.code);
    Some((message.span(), told))
}

/// Code, what it is, and the comment beside it.
fn symbol(document: &Document, view: &View, symbol: &Symbol) -> String {
    let declared = declaration(view, symbol);
    let mut out = format!("```snn\n{declared}\n```\n{}", Facts::new(view).of(symbol));
    if symbol.kind == Kind::Residual
        && let Some(how) = method(document, &symbol.name)
    {
        out += &format!(": {how}");
    }
    let file = view.sources.get(symbol.at.file);
    if symbol.at.file != FileId::default() {
        out += &format!("\n\nfrom `{}`", file.name);
    }
    if let Some(comment) = comment(&file.text, symbol.whole) {
        out += &format!("\n\n{comment}");
    }
    out
}

/// The declaration without its block, on a few lines at the most.
pub fn declaration(view: &View, symbol: &Symbol) -> String {
    let text = view.sources.snippet(symbol.whole);
    let head = match symbol.kind {
        Kind::Neuron | Kind::Network | Kind::Phase => text.split('{').next().unwrap_or(text).trim_end(),
        _ => text,
    };
    let lines: Vec<&str> = head.lines().take(12).collect();
    lines.join("\n")
}

/// The comment lines right above a declaration, or the one behind it on its line.
pub fn comment(text: &str, whole: Span) -> Option<String> {
    let start = text[..whole.start as usize].rfind('\n').map_or(0, |i| i + 1);
    let above: Vec<&str> = text[..start].lines().rev().take_while(|l| l.trim_start().starts_with('#')).collect();
    let alone = text[start..whole.start as usize].trim().is_empty();
    let behind = text[whole.end as usize..].lines().next().unwrap_or_default().trim();
    let told: Vec<&str> = match behind.strip_prefix('#') {
        Some(behind) => vec![behind.trim()],
        None if alone => above.iter().rev().map(|l| l.trim_start().trim_start_matches('#').trim()).collect(),
        None => vec![],
    };
    (!told.is_empty()).then(|| told.join("\n"))
}

/// By which method a residual's derivatives are obtained, if the program has no errors.
fn method(document: &Document, residual: &str) -> Option<String> {
    let program = document.program.as_ref().filter(|_| !document.stale)?;
    let model = program.model();
    let r = model.residuals.iter().find(|r| r.name == residual)?;
    let how = match &r.method {
        Method::Value => "its value is compared".to_string(),
        Method::Jet => "by jet".to_string(),
        Method::Stencil { h } => format!("by stencil(h = {h})"),
        Method::Smoothing { sigma } => format!("by smoothing(sigma = {sigma})"),
        Method::Weak(_) => "by weak".to_string(),
        Method::Absorbed { by, .. } => format!("a natural term of `{}`", model.residuals[*by].name),
    };
    Some(r.method_reason.as_ref().map_or(how.clone(), |why| format!("{how} ({why})")))
}

/// A word that comes with the language.
fn of_language(text: &str, word: &str, start: usize) -> Option<String> {
    if let Some(info) = codes::all().find(|c| c.code.to_string() == word) {
        return Some(info.page.to_string());
    }
    let context = context::at(text, start);
    if let Some(callee) = context.as_ref().and_then(|c| c.callee.filter(|_| c.argument))
        && text[start + word.len()..].trim_start().starts_with('=')
        && let Some(found) = argument(callee, word)
    {
        return Some(found);
    }
    let places = context.as_ref().map(|c| c.places.as_slice()).unwrap_or_default();
    let neuron = || {
        let (comment, code) = prelude_neuron(word)?;
        Some(format!("```snn\n{code}\n```\na neuron of the prelude\n\n{comment}"))
    };
    // `if` is a neuron after a pipe, and a choice elsewhere.
    let wanted = context.as_ref().is_some_and(|c| c.names.contains(&context::Names::Neurons));
    if prelude::has(word) && (wanted || word != "if") {
        return neuron();
    }
    let found = words::find(word, places).next()?;
    Some(format!("```snn\n{}\n```\n{}", found.form, found.meaning))
}

/// An argument that is given by its name: `lif(tau = 3)`.
fn argument(callee: &str, name: &str) -> Option<String> {
    if let Some(declared) = prelude_parameter(callee, name) {
        return Some(format!("```snn\n{declared}\n```\na parameter of `{callee}`"));
    }
    let (_, names) = words::ARGUMENTS.iter().find(|(c, _)| *c == callee)?;
    let whole = words::find(callee, &[]).next().filter(|_| names.contains(&name))?;
    Some(format!("```snn\n{}\n```\n`{name}` is an argument of `{callee}`: {}", whole.form, whole.meaning))
}
