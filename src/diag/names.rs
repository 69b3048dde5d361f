//! Messages about names and items: unknown, taken, missing, unused, not there yet (SNN02xx).
//!
//! ```text
//! d(u, y)    ->    SNN0201: there is no `y` here          help: did you mean `x`?
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const UNKNOWN_NAME: Code = Code(201);
const DUPLICATE_NAME: Code = Code(202);
const RESERVED_NAME: Code = Code(203);
const UNKNOWN_FUNCTION: Code = Code(204);
const UNKNOWN_ARGUMENT: Code = Code(205);
const REPEATED_ARGUMENT: Code = Code(206);
const MISSING_ITEM: Code = Code(207);
const NOT_AVAILABLE: Code = Code(208);
const UNUSED: Code = Code(209);
const RECURSIVE_FUNCTION: Code = Code(210);
const UNKNOWN_OVERRIDE: Code = Code(211);
const OUT_OF_PLACE: Code = Code(212);
const TOO_LARGE: Code = Code(213);
const SEVERAL_OUTPUTS: Code = Code(214);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "names",
    codes: &[
        CodeInfo { code: UNKNOWN_NAME, slug: "unknown_name", page: include_str!("../../docs/errors/SNN0201.md") },
        CodeInfo { code: DUPLICATE_NAME, slug: "duplicate_name", page: include_str!("../../docs/errors/SNN0202.md") },
        CodeInfo { code: RESERVED_NAME, slug: "reserved_name", page: include_str!("../../docs/errors/SNN0203.md") },
        CodeInfo {
            code: UNKNOWN_FUNCTION,
            slug: "unknown_function",
            page: include_str!("../../docs/errors/SNN0204.md"),
        },
        CodeInfo {
            code: UNKNOWN_ARGUMENT,
            slug: "unknown_argument",
            page: include_str!("../../docs/errors/SNN0205.md"),
        },
        CodeInfo {
            code: REPEATED_ARGUMENT,
            slug: "repeated_argument",
            page: include_str!("../../docs/errors/SNN0206.md"),
        },
        CodeInfo { code: MISSING_ITEM, slug: "missing_item", page: include_str!("../../docs/errors/SNN0207.md") },
        CodeInfo { code: NOT_AVAILABLE, slug: "not_available", page: include_str!("../../docs/errors/SNN0208.md") },
        CodeInfo { code: UNUSED, slug: "unused", page: include_str!("../../docs/errors/SNN0209.md") },
        CodeInfo {
            code: RECURSIVE_FUNCTION,
            slug: "recursive_function",
            page: include_str!("../../docs/errors/SNN0210.md"),
        },
        CodeInfo {
            code: UNKNOWN_OVERRIDE,
            slug: "unknown_override",
            page: include_str!("../../docs/errors/SNN0211.md"),
        },
        CodeInfo { code: OUT_OF_PLACE, slug: "out_of_place", page: include_str!("../../docs/errors/SNN0212.md") },
        CodeInfo { code: TOO_LARGE, slug: "too_large", page: include_str!("../../docs/errors/SNN0213.md") },
        CodeInfo { code: SEVERAL_OUTPUTS, slug: "several_outputs", page: include_str!("../../docs/errors/SNN0214.md") },
    ],
};

/// Nothing of this name may stand here.
pub fn unknown_name(span: Span, name: &str, nearest: Option<&str>) -> Diagnostic {
    suggest(Diagnostic::error(UNKNOWN_NAME, span, format!("there is no `{name}` here")), nearest)
}

/// `u_xx` for what is written `d(u, x, x)`.
pub fn derivative(span: Span, name: &str, form: &str) -> Diagnostic {
    Diagnostic::error(UNKNOWN_NAME, span, format!("there is no `{name}` here"))
        .help(format!("a derivative is written `{form}`"))
}

/// Two things of one name. `first` is the other one, unless it is built in.
pub fn duplicate_name(span: Span, what: &str, name: &str, first: Option<Span>) -> Diagnostic {
    let d = Diagnostic::error(DUPLICATE_NAME, span, format!("the {what} `{name}` takes a name that is taken"))
        .help("give one of the two another name");
    match first {
        Some(first) => d.label(first, "it is first used here"),
        None => d,
    }
}

/// A second item of a kind of which there is one: `domain`, `train`, `report`.
pub fn repeated_item(span: Span, what: &str, first: Span) -> Diagnostic {
    Diagnostic::error(DUPLICATE_NAME, span, format!("there is a second {what}"))
        .label(first, "the first is here")
        .help("put all of it into one block")
}

/// A user's name that the language has given away.
pub fn reserved_name(span: Span, name: &str, what: &str) -> Diagnostic {
    Diagnostic::error(RESERVED_NAME, span, format!("`{name}` is {what} of the language and cannot be declared"))
        .help("choose another name")
}

/// A call of something that is no function.
pub fn unknown_function(span: Span, name: &str, nearest: Option<&str>) -> Diagnostic {
    suggest(Diagnostic::error(UNKNOWN_FUNCTION, span, format!("there is no function `{name}`")), nearest)
}

/// `f(tua = 2)`.
pub fn unknown_argument(span: Span, callee: &str, name: &str, params: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_ARGUMENT, span, format!("`{callee}` has no argument `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None if params.is_empty() => d.help("it takes none by name"),
        None => d.help(format!("it takes {}", list(params))),
    }
}

/// `f(tau = 2, tau = 3)`, or by place and by name at once.
pub fn repeated_argument(span: Span, callee: &str, name: &str, first: Span) -> Diagnostic {
    Diagnostic::error(REPEATED_ARGUMENT, span, format!("the argument `{name}` of `{callee}` is given twice"))
        .label(first, "it is given here already")
}

/// The program lacks items that it cannot do without: `domain`, `network`, `residual`.
pub fn missing_item(span: Span, what: &[&str]) -> Diagnostic {
    let example = match what[0] {
        "domain" | "coordinate" => "domain { x in 0 .. 1 }",
        "network" => "network u(x) { output = tuned(x, 64) |> lif |> mean |> dense(1) }",
        _ => "residual fit on domain : u = sin(pi*x)",
    };
    Diagnostic::error(MISSING_ITEM, span, format!("the program has no {}", what.join(" and no ")))
        .help(format!("as in `{example}`"))
}

/// Part of the language, but not of this version. `what` names it: the layer `recurrent`.
pub fn not_available(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error(NOT_AVAILABLE, span, format!("not available yet: {what}"))
        .help("the language has a place for it, this version of snnc does not build it")
}

/// As [`not_available`], with another way to say it.
pub fn not_available_but(span: Span, what: &str, instead: &str) -> Diagnostic {
    Diagnostic { help: Some(instead.to_string()), ..not_available(span, what) }
}

/// A warning.
pub fn unused(span: Span, what: &str, name: &str) -> Diagnostic {
    Diagnostic::warning(UNUSED, span, format!("the {what} `{name}` is never used")).help("remove it, or use it")
}

/// A network's name where a field is wanted, although its outputs have names of their own.
pub fn network_with_outputs(span: Span, network: &str, outputs: &[&str]) -> Diagnostic {
    Diagnostic::error(SEVERAL_OUTPUTS, span, format!("`{network}` is a network whose outputs have names of their own"))
        .help(format!("write one of {}", list(outputs)))
}

/// A warning: columns of a data file that its residual does not use.
pub fn unused_columns(span: Span, columns: &[&str]) -> Diagnostic {
    let verb = if columns.len() == 1 { "is" } else { "are" };
    let noun = if columns.len() == 1 { "column" } else { "columns" };
    Diagnostic::warning(UNUSED, span, format!("the {noun} {} of the file {verb} never used", list(columns)))
        .help("name it in the equation, as in `u = value`, or silence this by `allow(SNN0209)` before the residual")
}

/// `fn f(x) = f(x - 1)`. `chain` are the functions on the way, first and last the same.
pub fn recursive_function(span: Span, chain: &[&str]) -> Diagnostic {
    Diagnostic::error(RECURSIVE_FUNCTION, span, format!("`{}` calls itself: {}", chain[0], chain.join(" -> ")))
        .help("functions are inlined where they are called, so none may lead back to itself")
}

/// `--set` names constants that the program does not have. `span` is the start of the program.
pub fn unknown_override(span: Span, names: &[&str], nearest: Option<&str>) -> Diagnostic {
    let message = match names {
        [one] => format!("`--set {one}`: the program has no constant or unknown of this name"),
        _ => format!("`--set`: the program has no constants or unknowns {}", list(names)),
    };
    suggest(Diagnostic::error(UNKNOWN_OVERRIDE, span, message), nearest)
}

/// A known name where it cannot stand: `what` is what it is ("a coordinate"), `place` what may stand here.
pub fn out_of_place(span: Span, name: &str, what: &str, place: &str) -> Diagnostic {
    Diagnostic::error(OUT_OF_PLACE, span, format!("`{name}` is {what} and cannot stand {place}"))
}

/// A function that becomes too large an expression where it is called.
pub fn too_large(span: Span, name: &str, declared: Span) -> Diagnostic {
    Diagnostic::error(TOO_LARGE, span, format!("`{name}` becomes too large an expression here"))
        .label(declared, "functions are inlined, and so are those that this one calls")
        .help("call fewer functions inside of each other, or write a sum in closed form")
}

/// A sum that is written out, or sums in sums.
pub fn sum_too_large(span: Span) -> Diagnostic {
    Diagnostic::error(TOO_LARGE, span, "the sum becomes too large an expression when it is written out")
        .help("use fewer terms, or write it in closed form")
}

/// A derivative that has too many terms, somewhere in this item.
pub fn derivative_too_large(span: Span) -> Diagnostic {
    Diagnostic::error(TOO_LARGE, span, "derivatives of expressions become too large here")
        .help("use derivatives of lower order, or simpler expressions below them")
}

fn suggest(d: Diagnostic, nearest: Option<&str>) -> Diagnostic {
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d,
    }
}

/// `a`, `b` and `c`.
pub fn list<S: AsRef<str>>(names: &[S]) -> String {
    match names {
        [] => "nothing".to_string(),
        [one] => format!("`{}`", one.as_ref()),
        [init @ .., last] => {
            let init: Vec<String> = init.iter().map(|n| format!("`{}`", n.as_ref())).collect();
            format!("{} and `{}`", init.join(", "), last.as_ref())
        }
    }
}
