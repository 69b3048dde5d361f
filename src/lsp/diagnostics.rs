//! Messages as an editor shows them.
//!
//! ```text
//! error SNN0201 at 24..29 of the program    ->    { range: 1:6-1:11, severity: 1, code: "SNN0201", source: "snnc", … }
//! ```
//!
//! A message belongs to the file that it is about. One about an imported file that is not open is shown at the `import` by
//! which the file came in, and names the place. An open file that another open one imports shows what that program's check
//! says of it; one that nobody imports and that is no program is taken for a library: it does not lack a network, and
//! need not use what it declares.

use std::path::Path;

use lsp_types::{DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location, NumberOrString};

use super::documents::{Document, Documents, place};
use super::text::{Lines, uri_of};
use crate::diag::{Diagnostic, Severity};
use crate::source::{FileId, Sources, Span};
use crate::syntax::parse::scan::{Kind, tokens};

/// The codes that say what a library may do without.
const NOT_OF_LIBRARIES: &[u16] = &[207, 209];

/// The items that make a text more than a library.
const OF_PROGRAMS: &[&str] = &["domain", "network", "residual", "exact", "train", "report", "simulate"];

/// All that is to be shown in a file, in the order of its text.
pub fn of(document: &Document, documents: &Documents) -> Vec<lsp_types::Diagnostic> {
    let importers = documents.importers(&document.path);
    let mut out: Vec<lsp_types::Diagnostic> = vec![];
    if importers.is_empty() {
        let library = !is_program(&document.text);
        let left_out = |m: &&Diagnostic| library && NOT_OF_LIBRARIES.contains(&m.code.0);
        let messages = document.messages.iter().filter(|m| !left_out(m));
        out.extend(messages.filter_map(|m| shown(m, document, documents)));
    }
    for (program, messages) in importers {
        for m in messages {
            let lines = Lines::new(&document.text);
            let d = diagnostic(m, lines.range(m.span()), m.message.clone(), program, documents);
            if !out.iter().any(|o| o.range == d.range && o.code == d.code) {
                out.push(d);
            }
        }
    }
    out.sort_by_key(|d| (d.range.start, d.range.end));
    out
}

/// Does a text hold more than constants, functions and neurons?
fn is_program(text: &str) -> bool {
    tokens(text).iter().any(|t| t.begins_line && t.kind == Kind::Word && OF_PROGRAMS.contains(&t.text))
}

/// A message of a program's check, in the program; `None` if it is shown in another open file.
fn shown(m: &Diagnostic, program: &Document, documents: &Documents) -> Option<lsp_types::Diagnostic> {
    let home = FileId::default();
    let lines = Lines::new(&program.text);
    if m.span().file == home {
        return Some(diagnostic(m, lines.range(m.span()), m.message.clone(), program, documents));
    }
    let path = place(&program.path, &program.sources, m.span().file);
    if path.is_some_and(|p| documents.get(&p).is_some()) {
        return None;
    }
    let (line, column) = program.sources.line_col(m.span().file, m.span().start);
    let message = format!("{}:{line}:{column}: {}", program.sources.get(m.span().file).name, m.message);
    let mut d = diagnostic(m, lines.range(import_of(&program.sources, m.span())), message, program, documents);
    let at = related(m.span(), m.labels[0].text.as_str(), &m.message, program, documents);
    d.related_information.get_or_insert_default().splice(0..0, at);
    Some(d)
}

/// The import of the program by which the file of a place came in, maybe by way of others.
fn import_of(sources: &Sources, mut at: Span) -> Span {
    while at.file != FileId::default() {
        match sources.get(at.file).imported {
            Some(from) => at = from,
            None => return Span::default(),
        }
    }
    at
}

fn diagnostic(
    m: &Diagnostic,
    range: lsp_types::Range,
    mut message: String,
    program: &Document,
    documents: &Documents,
) -> lsp_types::Diagnostic {
    if !m.labels[0].text.is_empty() {
        message += &format!("\n{}", m.labels[0].text);
    }
    if let Some(help) = &m.help {
        message += &format!("\nhelp: {help}");
    }
    let others = m.labels[1..].iter().filter_map(|l| related(l.span, &l.text, "here", program, documents));
    let others: Vec<DiagnosticRelatedInformation> = others.collect();
    let unused = m.severity == Severity::Warning && m.code.0 == 209;
    lsp_types::Diagnostic {
        range,
        severity: Some(match m.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(m.code.to_string())),
        source: Some("snnc".to_string()),
        message,
        related_information: (!others.is_empty()).then_some(others),
        tags: unused.then(|| vec![DiagnosticTag::UNNECESSARY]),
        ..Default::default()
    }
}

/// Another place that a message points at. The prelude's texts are in no folder.
fn related(
    span: Span,
    text: &str,
    otherwise: &str,
    program: &Document,
    documents: &Documents,
) -> Option<DiagnosticRelatedInformation> {
    let path = place(&program.path, &program.sources, span.file)?;
    let uri = documents.get(&path).map_or_else(|| uri_of(Path::new(&path)), |d| Some(d.uri.clone()))?;
    let lines = Lines::new(&program.sources.get(span.file).text);
    let message = if text.is_empty() { otherwise } else { text }.to_string();
    Some(DiagnosticRelatedInformation { location: Location::new(uri, lines.range(span)), message })
}
