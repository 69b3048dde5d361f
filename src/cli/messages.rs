//! Showing messages in the form that was asked for.

use super::MessageFormat;
use crate::diag::render::{Format, Style, render};
use crate::diag::{Diagnostic, Severity};
use crate::source::Sources;

/// How messages are shown in this invocation.
pub struct Messages {
    style: Style,
}

impl Messages {
    pub(super) fn new(format: MessageFormat, color: bool) -> Messages {
        let format = match format {
            MessageFormat::Fancy => Format::Fancy,
            MessageFormat::Plain => Format::Plain,
            MessageFormat::Json => Format::Json,
        };
        Messages { style: Style { format, color, width: 110 } }
    }

    /// Prints messages on the error stream, in the order given, and a count of the errors after them.
    pub fn show(&self, messages: &[Diagnostic], sources: &Sources) {
        for m in messages {
            eprintln!("{}", render(m, sources, &self.style).trim_end());
            if self.style.format == Format::Fancy {
                eprintln!();
            }
        }
        let errors = messages.iter().filter(|m| m.severity == Severity::Error).count();
        if errors > 0 && self.style.format != Format::Json {
            eprintln!("{errors} error{}", if errors == 1 { "" } else { "s" });
        }
    }
}
