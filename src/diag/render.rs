//! Showing a message: drawn with its source for a person, on one line for tools that read lines, as JSON for editors.
//!
//! ```text
//! plain:  wave.snn:12:5: error SNN0201: there is no `omgea` here
//!           help: did you mean `omega`?
//! ```
//!
//! The JSON form is one object a message, on one line (`docs/reference/messages.md` has the same table for users):
//!
//! | key | value |
//! |---|---|
//! | `code` | `"SNN0201"`, or `null` if the message is about no place in a program |
//! | `severity` | `"error"` or `"warning"` |
//! | `message` | the sentence |
//! | `help` | the help line, or `null` |
//! | `labels` | a list, the first one primary: `file`, `text`, `start` and `end` (bytes), `line` and `column` (from 1) |

use std::fmt::Write;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};
use serde_json::json;

use super::{Diagnostic, Notice, Severity};
pub use crate::source::is_unsafe;
use crate::source::{FileId, Sources, Span, safe_json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Fancy,
    Plain,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub format: Format,
    pub color: bool,
    /// Columns of the terminal; only the fancy form breaks lines.
    pub width: usize,
}

/// The text of a message, its last line ended.
pub fn render(d: &Diagnostic, sources: &Sources, style: &Style) -> String {
    match style.format {
        Format::Fancy => fancy(d, sources, style),
        Format::Plain => plain(d, sources),
        Format::Json => json_line(d, sources),
    }
}

/// A message that is about no place in a program, in one sentence. Its last line is ended.
pub fn sentence(text: &str, severity: Severity, style: &Style) -> String {
    match (style.format, severity) {
        (Format::Json, _) => {
            let severity = word(severity);
            let value = json!({ "code": null, "severity": severity, "message": text, "help": null, "labels": [] });
            safe_json(&value.to_string()) + "\n"
        }
        (Format::Fancy | Format::Plain, Severity::Error) => format!("{}\n", safe(text)),
        (Format::Fancy | Format::Plain, Severity::Warning) => format!("warning: {}\n", safe(text)),
    }
}

/// A message about files and folders. Its last line is ended.
pub fn notice(n: &Notice, style: &Style) -> String {
    let (code, severity) = (n.code.to_string(), word(n.severity));
    match style.format {
        Format::Json => {
            let value = json!({
                "code": code, "severity": severity, "message": n.message, "help": n.help, "labels": [],
            });
            safe_json(&value.to_string()) + "\n"
        }
        Format::Plain => format!("{severity} {code}: {}\n  help: {}\n", safe_line(&n.message), indented(&n.help)),
        Format::Fancy => {
            let report = MietteDiagnostic::new(safe_line(&n.message)).with_code(code).with_help(safe(&n.help));
            let report = report.with_severity(match n.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            });
            let handler = handler(style);
            let mut out = String::new();
            match handler.render_report(&mut out, &report) {
                Ok(()) => out.lines().map(|l| l.trim_end().to_string() + "\n").collect(),
                Err(_) => notice(n, &Style { format: Format::Plain, ..*style }),
            }
        }
    }
}

fn handler(style: &Style) -> GraphicalReportHandler {
    let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    GraphicalReportHandler::new_themed(theme).with_width(style.width).with_context_lines(1).with_links(false)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn severity(d: &Diagnostic) -> &'static str {
    word(d.severity)
}

/// Characters of a text out of a program or file at the most, where a message quotes it.
const MOST_QUOTED: usize = 2000;
/// Bytes of a line at the most for it to be drawn.
const MOST_DRAWN: usize = 400;

/// Text that somebody else may have written, safe on a terminal. Lines and tabs stay.
pub fn safe(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) && c != '\n' && c != '\t' { '\u{FFFD}' } else { c }).collect()
}

/// The same on a single line, and not endlessly long: a name with a line break in it could pass for a message of its own.
fn safe_line(text: &str) -> String {
    let mut out: String =
        text.chars().take(MOST_QUOTED).map(|c| if is_unsafe(c) && c != '\t' { '\u{FFFD}' } else { c }).collect();
    if text.chars().nth(MOST_QUOTED).is_some() {
        out.push('…');
    }
    out
}

/// Several lines, of which only the first could be taken for one of ours.
fn indented(text: &str) -> String {
    safe(text).replace('\n', "\n    ")
}

fn plain(d: &Diagnostic, sources: &Sources) -> String {
    let mut out = String::new();
    for (i, label) in d.labels.iter().enumerate() {
        let (line, column) = sources.line_col(label.span.file, label.span.start);
        let name = safe_line(&sources.get(label.span.file).name);
        let _ = if i == 0 {
            writeln!(out, "{name}:{line}:{column}: {} {}: {}", severity(d), d.code, safe_line(&d.message))
        } else {
            writeln!(out, "  {name}:{line}:{column}: {}", safe_line(&label.text))
        };
    }
    if let Some(help) = &d.help {
        let _ = writeln!(out, "  help: {}", indented(help));
    }
    out
}

fn json_line(d: &Diagnostic, sources: &Sources) -> String {
    let label = |l: &super::Label| {
        let (line, column) = sources.line_col(l.span.file, l.span.start);
        json!({
            "file": sources.get(l.span.file).name, "text": l.text, "start": l.span.start, "end": l.span.end,
            "line": line, "column": column,
        })
    };
    let value = json!({
        "code": d.code.to_string(), "severity": severity(d), "message": d.message, "help": d.help,
        "labels": d.labels.iter().map(label).collect::<Vec<_>>(),
    });
    safe_json(&value.to_string()) + "\n"
}

/// Labels in the file of the first are drawn there; those in other files follow, each in a drawing of its own.
fn fancy(d: &Diagnostic, sources: &Sources, style: &Style) -> String {
    let main = d.span().file;
    // A line that fills screens says less than its place.
    if d.labels.iter().any(|l| has_long_line(&sources.get(l.span.file).text, l.span)) {
        return plain(d, sources);
    }
    let mut out = draw(d, main, sources, style, d.help.as_deref());
    let mut others: Vec<FileId> = d.labels.iter().map(|l| l.span.file).filter(|f| *f != main).collect();
    others.sort_unstable();
    others.dedup();
    for file in others {
        out.push_str(&draw(d, file, sources, style, None));
    }
    // miette pads lines; trailing blanks would only be in the way.
    out.lines().map(|l| l.trim_end().to_string() + "\n").collect()
}

fn draw(d: &Diagnostic, file: FileId, sources: &Sources, style: &Style, help: Option<&str>) -> String {
    let source = sources.get(file);
    let mut report = MietteDiagnostic::new(safe_line(&d.message))
        .with_code(d.code.to_string())
        .with_severity(match d.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
        .with_labels(d.labels.iter().enumerate().filter(|(_, l)| l.span.file == file).map(|(i, l)| {
            let text = (!l.text.is_empty()).then(|| safe_line(&l.text));
            let (start, len) = (l.span.start as usize, (l.span.end - l.span.start) as usize);
            if i == 0 {
                LabeledSpan::new_primary_with_span(text, (start, len))
            } else {
                LabeledSpan::new(text, start, len)
            }
        }));
    if let Some(help) = help {
        report = report.with_help(safe(help));
    }
    let handler = handler(style);
    let report = miette::Report::new(report)
        .with_source_code(NamedSource::new(safe_line(&source.name), safe_source(&source.text)));
    let mut out = String::new();
    match handler.render_report(&mut out, report.as_ref()) {
        Ok(()) => out,
        // Spans come from the same text, so this cannot happen; should it, the plain form still says everything.
        Err(_) => plain(d, sources),
    }
}

/// Whether what is drawn of a span, its own lines and one before and behind, has a line that is too long for that.
fn has_long_line(text: &str, span: Span) -> bool {
    let (start, end) = ((span.start as usize).min(text.len()), (span.end as usize).min(text.len()));
    let before = text.as_bytes()[..start].rsplit(|b| *b == b'\n').take(2).map(<[u8]>::len).sum::<usize>();
    let behind = text.as_bytes()[end..].split(|b| *b == b'\n').take(2).map(<[u8]>::len).sum::<usize>();
    let longest = text.as_bytes()[start..end].split(|b| *b == b'\n').map(<[u8]>::len).max().unwrap_or(0);
    before + behind + longest > MOST_DRAWN
}

/// As [`safe`], but every character keeps its length in bytes, so that spans stay where they are. A carriage return stays where it
/// ends a line; elsewhere a terminal would write over what stands before it.
fn safe_source(text: &str) -> String {
    let same_length = |c: char| match c.len_utf8() {
        1 => ' ',
        2 => '\u{b7}',
        3 => '\u{FFFD}',
        _ => '\u{1f7c6}',
    };
    let mut rest = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        let stays = matches!(c, '\n' | '\t') || (c == '\r' && rest.peek() == Some(&'\n'));
        out.push(if is_unsafe(c) && !stays { same_length(c) } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;
    use crate::source::Span;

    fn message() -> (Diagnostic, Sources) {
        let mut sources = Sources::default();
        let a = sources.add("a.snn", "const c = 2\nfit = \u{1b}[31m omgea\n");
        let b = sources.add("b.snn", "fn omega(x) = x\n");
        let d = Diagnostic::error(Code(201), Span::new(a, 24, 29), "there is no `omgea` here")
            .here("not known")
            .label(Span::new(b, 3, 8), "declared here")
            .help("did you mean `omega`?");
        (d, sources)
    }

    #[test]
    fn every_form_shows_code_place_and_help() {
        let (d, sources) = message();
        for format in [Format::Fancy, Format::Plain, Format::Json] {
            let shown = render(&d, &sources, &Style { format, color: false, width: 100 });
            for word in
                ["SNN0201", "there is no `omgea` here", "declared here", "did you mean `omega`?", "a.snn", "b.snn"]
            {
                assert!(shown.contains(word), "{format:?} lacks {word}:\n{shown}");
            }
            assert!(!shown.contains('\u{1b}'), "control characters do not reach the terminal");
        }
    }

    #[test]
    fn no_character_that_a_terminal_obeys_gets_through() {
        let evil = "a\u{1b}[31m\u{9b}31m\u{202e}\u{7}b\nerror SNN0000: none\r";
        let mut sources = Sources::default();
        let id = sources.add(format!("{evil}.snn"), format!("# {evil}\nconst x = y # {evil}\n"));
        let at = sources.get(id).text.find("y #").expect("is there");
        let d = Diagnostic::error(Code(201), Span::new(id, at, at + 1), format!("`{evil}`")).here(evil).help(evil);
        let about = Notice { code: Code(1220), severity: Severity::Error, message: evil.into(), help: evil.into() };
        for format in [Format::Fancy, Format::Plain, Format::Json] {
            let style = Style { format, color: false, width: 100 };
            for shown in [render(&d, &sources, &style), notice(&about, &style), sentence(evil, Severity::Error, &style)]
            {
                let bad = |c: char| is_unsafe(c) && c != '\n';
                assert!(!shown.chars().any(bad), "{format:?}: {shown:?}");
                if format == Format::Json {
                    let value: serde_json::Value = serde_json::from_str(&shown).expect("is JSON");
                    assert!(
                        value["message"].as_str().is_some_and(|m| m.contains(evil)),
                        "programs get the text itself"
                    );
                }
            }
            let all = render(&d, &sources, &style) + &notice(&about, &style);
            assert!(!all.lines().any(|l| l.starts_with("error SNN0000")), "{format:?}: a forged message\n{all}");
        }
    }

    /// Alone, a carriage return is no line's end, and sends a terminal back to the beginning of its line.
    #[test]
    fn carriage_returns_end_lines_or_are_not_shown() {
        for (text, line) in [("const a = 1\r\r\r\nconst x = y\r\n", 2), ("\rconst x =\r\r y", 1)] {
            let mut sources = Sources::default();
            let id = sources.add("a.snn", text);
            let at = text.find('y').expect("is there");
            let first = text.find("const").expect("is there");
            let d = Diagnostic::error(Code(201), Span::new(id, at, at + 1), "no `y` here").here("here");
            let d = d.label(Span::new(id, first, first + 5), "and here");
            let shown = render(&d, &sources, &Style { format: Format::Fancy, color: false, width: 100 });
            assert!(!shown.contains('\r') && shown.contains(&format!("a.snn:{line}:")), "{shown:?}");
        }
    }

    #[test]
    fn what_fills_screens_is_not_drawn() {
        let mut sources = Sources::default();
        let id = sources.add("a.snn", format!("const a = {}1\n", "1 + ".repeat(10_000)));
        let d = Diagnostic::error(Code(201), Span::new(id, 10, 11), "x".repeat(10_000)).here("here");
        for format in [Format::Fancy, Format::Plain] {
            let shown = render(&d, &sources, &Style { format, color: false, width: 100 });
            assert!(shown.len() < 10_000, "{} bytes", shown.len());
        }
    }

    #[test]
    fn plain_is_readable_by_tools() {
        let (d, sources) = message();
        let shown = render(&d, &sources, &Style { format: Format::Plain, color: false, width: 100 });
        assert_eq!(
            shown,
            "a.snn:2:13: error SNN0201: there is no `omgea` here\n  b.snn:1:4: declared here\n  help: did you mean `omega`?\n"
        );
    }

    #[test]
    fn json_is_one_object_on_one_line() {
        let (d, sources) = message();
        let shown = render(&d, &sources, &Style { format: Format::Json, color: false, width: 100 });
        let value: serde_json::Value = serde_json::from_str(&shown).expect("is JSON");
        assert_eq!(value["labels"][0]["line"], 2);
        assert_eq!(shown.matches('\n').count(), 1);
    }
}
