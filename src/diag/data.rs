//! Messages about data files (SNN0901 to SNN0905).

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const UNREADABLE: Code = Code(901);
const MISSING_COLUMN: Code = Code(902);
const BAD_CELL: Code = Code(903);
const EMPTY: Code = Code(904);
const REPEATED_COLUMN: Code = Code(905);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "data",
    codes: &[
        CodeInfo { code: UNREADABLE, slug: "unreadable", page: include_str!("../../docs/errors/SNN0901.md") },
        CodeInfo { code: MISSING_COLUMN, slug: "missing_column", page: include_str!("../../docs/errors/SNN0902.md") },
        CodeInfo { code: BAD_CELL, slug: "bad_cell", page: include_str!("../../docs/errors/SNN0903.md") },
        CodeInfo { code: EMPTY, slug: "empty_data", page: include_str!("../../docs/errors/SNN0904.md") },
        CodeInfo { code: REPEATED_COLUMN, slug: "repeated_column", page: include_str!("../../docs/errors/SNN0905.md") },
    ],
};

pub fn unreadable(span: Span, path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(UNREADABLE, span, format!("`{path}` cannot be read: {why}"))
        .help("paths are relative to the program's own folder; `--allow-read DIR` lets it read files of another one")
}

pub fn missing_column(span: Span, coord: &str, columns: &[String], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(MISSING_COLUMN, span, format!("the file has no column for the coordinate `{coord}`"));
    match nearest {
        Some(n) => d.help(format!("its header has `{n}`: rename it to `{coord}`")),
        None => d.help(format!("its header has {}", super::names::list(columns))),
    }
}

/// Columns that something else than a comma separates: the whole header is one name.
pub fn separator(span: Span, sign: char, header: &str) -> Diagnostic {
    let (sign, name) =
        if sign == '\t' { ("tabs".to_string(), "\\t".to_string()) } else { (format!("`{sign}`"), sign.to_string()) };
    let shown = header.replace('\t', "\\t");
    Diagnostic::error(MISSING_COLUMN, span, format!("the columns of the file are separated by {sign}, not by commas"))
        .here(format!("its header is `{shown}`"))
        .help(format!("replace `{name}` by `,` in the file, and decimal commas by points"))
}

pub fn bad_cell(span: Span, line: usize, column: &str, cell: &str) -> Diagnostic {
    let found = if cell.is_empty() { "nothing".to_string() } else { format!("`{cell}`") };
    Diagnostic::error(
        BAD_CELL,
        span,
        format!("line {line}, column `{column}`: expected a finite number, found {found}"),
    )
    .help("mend or remove the line")
}

/// `why` says what is wrong with the line.
pub fn bad_row(span: Span, line: usize, why: &str) -> Diagnostic {
    Diagnostic::error(BAD_CELL, span, format!("line {line}: {why}")).help("mend or remove the line")
}

pub fn empty(span: Span) -> Diagnostic {
    Diagnostic::error(EMPTY, span, "the file has a header and no data")
        .help("a residual without points would mean nothing")
}

pub fn repeated_column(span: Span, column: &str) -> Diagnostic {
    Diagnostic::error(REPEATED_COLUMN, span, format!("two columns of the file are called `{column}`"))
        .help("rename one of them in the header")
}

/// A column that would hide the field it is compared to.
pub fn column_like_field(span: Span, column: &str) -> Diagnostic {
    Diagnostic::error(REPEATED_COLUMN, span, format!("the column `{column}` is called like the network's field"))
        .help("rename it in the header, so that `u = value` can tell the two apart")
}
