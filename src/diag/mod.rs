//! Messages: what they say, their codes, and how they are shown.
//!
//! A [`Diagnostic`] is data: a code, labelled spans, a help line. Phases push them into a [`Sink`] and go on, so that one
//! run reports every independent mistake. All wording lives here: each family of codes has a module (`syntax`, `names`,
//! `domain`, `types`, `units`, `neurons`, `networks`, `functions`, `residuals`, `geometry`, `training`, `reports`, `data`,
//! `simulation`, `numerics`, `runs`) with a table of its codes and one constructor function a code. A phase calls
//! `sink.push(diag::names::unknown_name(span, "lif2", Some("lif")))` and never writes prose.
//!
//! The source text is attached only by the renderers, when a message is printed.

pub mod codes;
pub mod data;
pub mod domain;
pub mod functions;
pub mod geometry;
pub mod imports;
pub mod interchange;
pub mod lints;
pub mod names;
pub mod networks;
pub mod neurons;
pub mod numerics;
pub mod options;
pub mod render;
pub mod reports;
pub mod residuals;
pub mod runs;
pub mod simulation;
pub mod syntax;
pub mod training;
pub mod types;
pub mod units;

pub use codes::{CodeInfo, Family};

use crate::source::Span;

/// A message's number, shown as `SNN0203`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SNN{:04}", self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// One message. `labels[0]` is the place it is about; the rest point at what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop: expected and found, in the language's own words.
    pub message: String,
    pub labels: Vec<Label>,
    /// How to mend it.
    pub help: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub span: Span,
    /// May be empty for the primary label.
    pub text: String,
}

impl Diagnostic {
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: vec![Label { span, text: String::new() }],
            help: None,
        }
    }

    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    /// Text under the primary span.
    pub fn here(mut self, text: impl Into<String>) -> Diagnostic {
        self.labels[0].text = text.into();
        self
    }

    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// The place the message is about.
    pub fn span(&self) -> Span {
        self.labels[0].span
    }
}

/// A message that is about no place in a program, but about files, folders and what a command was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub code: Code,
    pub severity: Severity,
    /// As of a [`Diagnostic`].
    pub message: String,
    /// How to mend it.
    pub help: String,
}

/// Collects messages while a phase runs.
#[derive(Debug, Clone, Default)]
pub struct Sink {
    messages: Vec<Diagnostic>,
}

impl Sink {
    /// Errors at the most, and as many warnings.
    pub const MOST: usize = 100;

    /// Keeps a message; the same code at the same place is kept once. Of errors as of warnings the first [`Sink::MOST`] are
    /// kept: who wrote the others would not read them.
    pub fn push(&mut self, d: Diagnostic) {
        if self.messages.iter().any(|m| m.code == d.code && m.span() == d.span()) {
            return;
        }
        match self.messages.iter().filter(|m| m.severity == d.severity).count() {
            n if n < Sink::MOST => self.messages.push(d),
            n if n == Sink::MOST => self.messages.push(syntax::too_many(d.span(), d.severity, Sink::MOST)),
            _ => {}
        }
    }

    /// Keeps the messages of another sink.
    pub fn absorb(&mut self, other: Sink) {
        other.messages.into_iter().for_each(|d| self.push(d));
    }

    pub fn has_errors(&self) -> bool {
        self.messages.iter().any(|m| m.severity == Severity::Error)
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Drops the messages for which `keep` is false.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.messages.retain(keep);
    }

    /// All messages so far, to be added to.
    pub fn messages_mut(&mut self) -> impl Iterator<Item = &mut Diagnostic> {
        self.messages.iter_mut()
    }

    /// All messages in source order.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.messages.sort_by_key(|m| (m.span(), m.code));
        self.messages
    }
}
