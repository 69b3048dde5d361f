//! Showing messages in the form that was asked for.

use std::io::IsTerminal;

use super::{Colour, Exit, MessageFormat};
use crate::diag::render::{Format, Style, notice, render, sentence};
use crate::diag::{Diagnostic, Notice, Severity};
use crate::source::Sources;

/// How messages are shown in this invocation.
pub struct Messages {
    style: Style,
}

impl Messages {
    pub(super) fn new(format: MessageFormat, color: Colour) -> Messages {
        let format = match format {
            MessageFormat::Fancy => Format::Fancy,
            MessageFormat::Plain => Format::Plain,
            MessageFormat::Json => Format::Json,
        };
        Messages { style: Style { format, color: colour(color), width: 110 } }
    }

    /// Are messages read by a program? Then nothing but messages may stand on the error stream.
    pub fn for_programs(&self) -> bool {
        self.style.format == Format::Json
    }

    /// Prints messages on the error stream, in the order given, and a count of the errors after them.
    pub fn show(&self, messages: &[Diagnostic], sources: &Sources) {
        for m in messages {
            coloured(&render(m, sources, &self.style));
            if self.style.format == Format::Fancy {
                std::eprintln!();
            }
        }
        let errors = messages.iter().filter(|m| m.severity == Severity::Error).count();
        if errors > 0 && !self.for_programs() {
            eprintln!("{errors} error{}", if errors == 1 { "" } else { "s" });
        }
    }

    /// Prints a message about files and folders.
    pub fn notice(&self, about: &Notice) {
        coloured(&notice(about, &self.style));
    }

    /// Prints a message about files and folders that ends the command.
    pub fn refuse(&self, about: &Notice) -> Exit {
        self.notice(about);
        Exit::WrongInvocation
    }

    /// Prints how a command ended, where that is no mistake: it was interrupted.
    pub fn sentence(&self, text: &str) {
        coloured(&sentence(text, Severity::Error, &self.style));
    }

    /// Prints a warning that is about no place in a program: a result that there is reason to doubt.
    pub fn doubt(&self, text: &str) {
        coloured(&sentence(text, Severity::Warning, &self.style));
    }
}

/// Prints what `render` made safe, its colours included.
fn coloured(text: &str) {
    std::eprintln!("{}", text.trim_end());
}

/// What `--color` says, else what the environment says (<https://no-color.org>, <https://bixense.com/clicolors>), else
/// whether a person looks at it.
fn colour(asked: Colour) -> bool {
    let set = |name: &str| std::env::var(name).is_ok_and(|v| !v.is_empty());
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    match asked {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if set("NO_COLOR") => false,
        Colour::Auto if set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") => true,
        Colour::Auto => std::io::stderr().is_terminal() && !is("CLICOLOR", "0"),
    }
}
