//! Messages about `import` and `allow` (SNN0240 to SNN0246).
//!
//! ```text
//! import "../lib.snn"    ->    SNN0241: `../lib.snn` lies outside the program's folder
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const UNREADABLE_IMPORT: Code = Code(240);
const OUTSIDE_IMPORT: Code = Code(241);
const IMPORT_CYCLE: Code = Code(242);
const UNUSED_IMPORT: Code = Code(243);
const IDLE_ALLOW: Code = Code(244);
const ALLOW_OF_ERROR: Code = Code(245);
const UNKNOWN_CODE: Code = Code(246);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "imports",
    codes: &[
        CodeInfo {
            code: UNREADABLE_IMPORT,
            slug: "unreadable_import",
            page: include_str!("../../docs/errors/SNN0240.md"),
        },
        CodeInfo { code: OUTSIDE_IMPORT, slug: "outside_import", page: include_str!("../../docs/errors/SNN0241.md") },
        CodeInfo { code: IMPORT_CYCLE, slug: "import_cycle", page: include_str!("../../docs/errors/SNN0242.md") },
        CodeInfo { code: UNUSED_IMPORT, slug: "unused_import", page: include_str!("../../docs/errors/SNN0243.md") },
        CodeInfo { code: IDLE_ALLOW, slug: "idle_allow", page: include_str!("../../docs/errors/SNN0244.md") },
        CodeInfo { code: ALLOW_OF_ERROR, slug: "allow_of_error", page: include_str!("../../docs/errors/SNN0245.md") },
        CodeInfo { code: UNKNOWN_CODE, slug: "unknown_code", page: include_str!("../../docs/errors/SNN0246.md") },
    ],
};

/// `real` is the path from the program's folder, where it differs from what is written.
pub fn unreadable_import(span: Span, path: &str, real: &str, why: &str) -> Diagnostic {
    let d = Diagnostic::error(UNREADABLE_IMPORT, span, format!("`{path}` cannot be imported: {why}"));
    if path == real {
        d.help("the path is relative to the folder of the file that imports it")
    } else {
        d.help(format!(
            "the path is relative to the folder of the file that imports it: from the program's folder it is `{real}`"
        ))
    }
}

pub fn outside_import(span: Span, path: &str) -> Diagnostic {
    Diagnostic::error(OUTSIDE_IMPORT, span, format!("`{path}` lies outside the program's folder"))
        .help("a program reads only files in its own folder and below: copy the file there, or let it read others by `--allow-read DIR`")
}

/// `chain` are the files on the way, the first and the last the same.
pub fn import_cycle(span: Span, chain: &[String]) -> Diagnostic {
    Diagnostic::error(IMPORT_CYCLE, span, format!("`{}` imports itself: {}", chain[0], chain.join(" -> ")))
        .help("move what both files need into a third one, and import that in both")
}

/// A warning.
pub fn unused_import(span: Span, path: &str) -> Diagnostic {
    Diagnostic::warning(UNUSED_IMPORT, span, format!("nothing that `{path}` declares is used"))
        .help("remove the import, or use something of it")
}

/// A warning.
pub fn repeated_import(span: Span, path: &str, first: Span) -> Diagnostic {
    Diagnostic::warning(UNUSED_IMPORT, span, format!("`{path}` is imported already"))
        .label(first, "imported here first")
        .help("remove one of the two imports")
}

/// A warning.
pub fn idle_allow(span: Span, code: &str, whole_file: bool) -> Diagnostic {
    let place = if whole_file { "file" } else { "item that follows" };
    let d = Diagnostic::warning(IDLE_ALLOW, span, format!("there is no warning {code} in the {place} to silence"));
    if whole_file {
        d.help("remove it")
    } else {
        d.help("remove it; an `allow` stands right before its item, or ends with `in file` to hold for the whole file")
    }
}

pub fn allow_of_error(span: Span, code: &str) -> Diagnostic {
    Diagnostic::error(ALLOW_OF_ERROR, span, format!("{code} is an error, and errors cannot be silenced"))
        .help(format!("mend what it is about (`snnc explain {code}`), and remove this"))
}

pub fn unknown_code(span: Span, code: &str, nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_CODE, span, format!("there is no message with the code `{code}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`? `snnc explain` lists all codes")),
        None => d.help("`snnc explain` lists all codes"),
    }
}
