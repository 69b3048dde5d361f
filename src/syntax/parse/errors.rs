//! Syntax errors in the language's own words.
//!
//! The grammar knows at the furthest point it reached which rules could have gone on. Each rule has words here; what was
//! found is the token that stands there. Typical slips are recognised first and get a message of their own.
//!
//! ```text
//! residual a on interior u = 1
//!                        ^ SNN0108: expected `:` before the equation
//! ```

use pest::error::{ErrorVariant, InputLocation};

use super::scan::{self, ITEMS, Kind, Token};
use super::{Rule, Segment, span_of};
use crate::diag::Diagnostic;
use crate::diag::syntax::{self as say, Hint};
use crate::source::Span;

/// The word for a rule, or `None` if the rule is only a part of something that has one.
fn words(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::expr | Rule::operand | Rule::reference | Rule::callee | Rule::number | Rule::parens | Rule::if_expr => {
            "an expression"
        }
        Rule::ident | Rule::neuron_name | Rule::method_name | Rule::scope_kind | Rule::scope_layer => "a name",
        Rule::string | Rule::string_text => "a text in quotes",
        Rule::unit | Rule::unit_part => "a unit",
        Rule::arguments | Rule::neuron_header | Rule::names_in_parens | Rule::bound_param => "`(`",
        Rule::call | Rule::neuron_call | Rule::surrogate | Rule::custom_surrogate => "a name",
        Rule::item | Rule::EOI => "the next item",
        Rule::reset_op | Rule::op_add_to | Rule::op_sub_from | Rule::op_mul_by | Rule::op_div_by => "`=` or `-=`",
        Rule::domain_stmt | Rule::coord => "a coordinate, as in `x in 0 .. 1`",
        Rule::neuron_stmt => "a statement of a neuron (`input`, `state`, `flow`, `spike`, `reset`, …)",
        Rule::network_stmt => "a statement of a network (`layer`, `output`, `steps`, `dt`)",
        Rule::train_stmt => "a statement of the training (`phase`, `seed`)",
        Rule::phase_stmt => "a statement of a phase (`perturb`, `estimate`, `update`, `steps`, `rounds`, `solve`, …)",
        Rule::report_stmt => "a statement of a report (`metric`, `expect`, `plot`, `save`)",
        Rule::simulate_stmt => "a statement of a simulation",
        Rule::place | Rule::faces | Rule::place_interior => {
            "a place (`interior`, `domain`, `x = 0`, `grid(…)`, a file in quotes)"
        }
        Rule::residual_option => "an option of the residual (`by`, `weight`, `points`, `sample`)",
        Rule::perturb_option => "an option (`directions`, `scope`, `antithetic`, `pool`, `mutate`)",
        Rule::binding | Rule::neuron_param => "a name and its value",
        Rule::bounds => "a range, as in `0 .. 1`",
        Rule::op_pipe
        | Rule::op_or
        | Rule::op_and
        | Rule::op_le
        | Rule::op_ge
        | Rule::op_eq
        | Rule::op_ne
        | Rule::op_lt
        | Rule::op_gt
        | Rule::op_add
        | Rule::op_sub
        | Rule::op_mul
        | Rule::op_div
        | Rule::op_pow => "an operator",
        Rule::t_eq => "`=`",
        Rule::t_assign => "`:=`",
        Rule::t_colon => "`:`",
        Rule::t_comma => "`,`",
        Rule::t_dots => "`..`",
        Rule::t_arrow => "`->`",
        Rule::t_tilde => "`~`",
        Rule::t_prime => "`'`",
        Rule::t_lparen => "`(`",
        Rule::t_rparen => "`)`",
        Rule::t_lbracket => "`[`",
        Rule::t_rbracket => "`]`",
        Rule::t_lbrace => "`{`",
        Rule::t_rbrace => "`}`",
        rule => return keyword(rule),
    })
}

/// `kw_then` is "`then`".
fn keyword(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::kw_in => "`in`",
        Rule::kw_on => "`on`",
        Rule::kw_by => "`by`",
        Rule::kw_when => "`when`",
        Rule::kw_then => "`then`",
        Rule::kw_else => "`else`",
        Rule::kw_from => "`from`",
        Rule::kw_sensors => "`sensors`",
        Rule::kw_periodic => "`periodic`",
        Rule::kw_surrogate => "`surrogate`",
        Rule::kw_trainable => "`trainable`",
        Rule::kw_per | Rule::per_neuron => "`per neuron`",
        Rule::kw_every => "`every`",
        Rule::kw_stalled => "`stalled`",
        Rule::kw_of => "`of`",
        Rule::kw_with => "`with`",
        _ => return None,
    })
}

/// What may stand wherever an expression goes on, the least telling first: it is left out where something else is expected.
const GOES_ON: &[&str] = &["a unit", "`[`", "`(`", "`->`", "an operator", "`..`"];

/// The words that begin a statement, by block: the rule of the statement, the block's name, the words.
const BLOCKS: &[(Rule, &str, &[&str])] = &[
    (Rule::domain_stmt, "domain", &["where", "curve"]),
    (
        Rule::neuron_stmt,
        "neuron",
        &["param", "input", "state", "flow", "update", "spike", "reset", "refractory", "integrate", "substeps", "emit"],
    ),
    (Rule::network_stmt, "network", &["layer", "output", "steps", "dt"]),
    (Rule::train_stmt, "train", &["phase", "seed", "precision"]),
    (
        Rule::phase_stmt,
        "phase",
        &["perturb", "estimate", "update", "rounds", "steps", "solve", "stop", "clip", "batch"],
    ),
    (Rule::report_stmt, "report", &["metric", "expect", "plot", "save"]),
    (Rule::simulate_stmt, "simulate", &["duration", "dt", "method", "population", "connect", "record"]),
];

/// The words that begin an option, by its rule.
const OPTIONS: &[(Rule, &[&str])] = &[
    (Rule::residual_option, &["by", "weight", "points", "sample", "resample", "causal"]),
    (Rule::perturb_option, &["directions", "scope", "antithetic", "pool", "mutate"]),
    (Rule::item, ITEMS),
];

impl Segment<'_> {
    /// The message for a segment that could not be parsed.
    pub fn explain(&self, e: &pest::error::Error<Rule>) -> Diagnostic {
        let at = self.base
            + match e.location {
                InputLocation::Pos(p) => p,
                InputLocation::Span((p, _)) => p,
            };
        let index = self.tokens.partition_point(|t| t.end() <= at);
        let found = self.tokens.get(index).or(self.rest.first());
        let span = found.map_or(Span::new(self.file, at, at), |t| span_of(self.file, t));
        let before = index.checked_sub(1).and_then(|i| self.tokens.get(i));
        let rules = match &e.variant {
            ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
            ErrorVariant::CustomError { .. } => &[],
        };
        if let Some(slip) = self.slip(index, before, span, rules) {
            return slip;
        }
        let mut expected: Vec<&str> = vec![];
        for word in rules.iter().filter_map(|r| words(*r)) {
            if !expected.contains(&word) {
                expected.push(word);
            }
        }
        let goes_on = expected.contains(&"an operator");
        for word in GOES_ON {
            if expected.len() > 1 {
                expected.retain(|w| w != word);
            }
        }
        if goes_on && expected == ["the next item"] {
            expected.insert(0, "an operator");
        }
        let found = found.filter(|_| index < self.tokens.len());
        // An item that ends too early is mended at its end, not where the next one begins.
        let span = if found.is_some() { span } else { before.map_or(span, |t| span_of(self.file, t)) };
        say::unexpected(span, &expected, &describe(found), self.hint(found, before, index, rules))
    }

    /// How to mend it, where the words around it tell.
    fn hint<'s>(
        &self,
        found: Option<&Token<'s>>,
        before: Option<&Token<'s>>,
        index: usize,
        rules: &[Rule],
    ) -> Option<Hint<'s>> {
        let wanted = |r: Rule| rules.contains(&r);
        let item = self.tokens.first().map_or("", |t| t.text);
        let Some(found) = found else {
            return match () {
                () if wanted(Rule::t_eq) && item == "residual" => Some(Hint::Equation),
                () if wanted(Rule::kw_else) => Some(Hint::Else),
                () => None,
            };
        };
        if found.kind == Kind::Word {
            let near = || {
                let options = OPTIONS.iter().filter(|(rule, _)| wanted(*rule)).map(|(_, words)| *words);
                let statements = BLOCKS.iter().filter(|(rule, ..)| wanted(*rule)).map(|(.., words)| *words);
                say::nearest(found.text, options.chain(statements).flatten().copied())
            };
            if let Some(word) = near() {
                return Some(Hint::Nearest(word));
            }
            if BLOCKS.iter().any(|(rule, ..)| wanted(*rule)) || wanted(Rule::item) {
                let home = BLOCKS.iter().find(|(rule, _, words)| !wanted(*rule) && words.contains(&found.text));
                if let Some((_, block, _)) = home {
                    return Some(Hint::BelongsTo { word: found.text, block });
                }
            }
        }
        let wants_expression = wanted(Rule::operand) || wanted(Rule::expr);
        match found.text {
            "=" if wanted(Rule::t_prime) => Some(Hint::Flow),
            "=" if wanted(Rule::t_assign) => Some(Hint::Update),
            "=" if wanted(Rule::op_eq) => Some(Hint::Compare),
            "," if BLOCKS.iter().any(|(rule, ..)| wanted(*rule)) => Some(Hint::NoSeparator),
            "}" if wanted(Rule::item) => Some(Hint::NothingOpen),
            "'" if wants_expression || wanted(Rule::string) => Some(Hint::Quotes),
            "(" if before.and_then(|b| say::nearest(b.text, ["grid"])).is_some() => Some(Hint::Nearest("grid")),
            _ if wanted(Rule::kw_when) => Some(Hint::When),
            _ if wanted(Rule::kw_else) => Some(Hint::Else),
            _ if wanted(Rule::string) => Some(Hint::Quotes),
            _ if wanted(Rule::t_eq) && item == "residual" && self.tokens[..index].iter().any(|t| t.is_sign(":")) => {
                Some(Hint::Equation)
            }
            _ if found.is_keyword() && wants_expression && !found.begins_line => Some(Hint::Keyword(found.text)),
            _ => None,
        }
    }

    /// Slips that are common enough for a message of their own.
    fn slip(&self, index: usize, before: Option<&Token<'_>>, span: Span, rules: &[Rule]) -> Option<Diagnostic> {
        // What cannot be part of any program is said first, wherever in the item the parser stopped.
        for t in self.tokens {
            let span = span_of(self.file, t);
            match t.kind {
                Kind::OpenString => return Some(say::open_string(span)),
                Kind::Stray => return Some(say::stray(span, t.text)),
                Kind::Sign => {
                    let meant = match t.text {
                        "**" => "^",
                        "&&" => "and",
                        "||" => "or",
                        "=>" => ">=",
                        "=<" => "<=",
                        _ => continue,
                    };
                    return Some(say::foreign_operator(span, t.text, meant));
                }
                _ => {}
            }
        }
        let first = self.tokens.first()?;
        let wanted = |r: Rule| rules.contains(&r);
        let Some(found) = self.tokens.get(index) else {
            // The item ends too early: the bracket that was left open says more than what could have come next.
            let end = self.tokens.last().map_or(self.base, Token::end);
            let open = scan::open_bracket(self.tokens, end)?;
            let last = self.tokens.last()?;
            return Some(say::unclosed(
                span_of(self.file, &open),
                open.text,
                span_of(self.file, last),
                "the item ends here",
            ));
        };
        if found.kind == Kind::Word && (index == 0 || (wanted(Rule::item) && found.begins_line)) {
            let block = BLOCKS.iter().find(|(.., words)| words.contains(&found.text)).map(|(_, block, _)| *block);
            let defines = self.tokens.get(index + 1).is_some_and(|t| t.is_sign("="));
            let hint = match block {
                Some(block) => Hint::BelongsTo { word: found.text, block },
                None if defines => Hint::Constant(found.text),
                None => say::nearest(found.text, ITEMS.iter().copied()).map_or(Hint::Items(ITEMS), Hint::Nearest),
            };
            return Some(say::unknown_item(span, found.text, hint));
        }
        // A list that runs into the next statement, or into the end of its block.
        let closes = [Rule::t_rparen, Rule::t_rbracket].iter().any(|r| wanted(*r));
        if closes && (found.text == "}" || (found.is_keyword() && found.begins_line)) {
            let open = scan::open_bracket(self.tokens, found.start)?;
            return Some(say::unclosed(span_of(self.file, &open), open.text, span, "not expected before it is closed"));
        }
        let wants_name = [Rule::ident, Rule::neuron_name, Rule::callee].iter().any(|r| wanted(*r));
        if found.kind == Kind::Word && found.is_keyword() && wants_name && !self.begins_statement(index) {
            return Some(say::keyword_as_name(span, found.text));
        }
        if found.is_sign("==") && wanted(Rule::t_eq) {
            return Some(say::double_equals(span));
        }
        // A residual whose equation is written with `==`: the comparison was taken for the left side.
        if first.text == "residual"
            && wanted(Rule::t_eq)
            && let Some(t) = self.tokens.iter().rev().find(|t| t.is_sign("=="))
        {
            return Some(say::double_equals(span_of(self.file, t)));
        }
        if first.text == "residual" && !self.tokens[..index].iter().any(|t| t.is_sign(":")) && wanted(Rule::t_colon) {
            return Some(say::missing_colon(span));
        }
        if let Some(b) = before {
            let number = b.kind == Kind::Number;
            if number && found.kind == Kind::Word && !found.is_keyword() && is_unit(found.text) && !found.begins_line {
                return Some(say::unit_apart(span_of(self.file, b).to(span), b.text, found.text));
            }
        }
        if found.kind == Kind::Number && found.text.ends_with(|c: char| c.is_alphabetic() || c == '_') {
            let letters = found.text.trim_start_matches(|c: char| !c.is_alphabetic() && c != '_');
            return Some(match crate::units::nearest(letters) {
                Some(unit) => crate::diag::units::unknown_unit(span, letters, Some(&unit)),
                None => say::stuck_letters(span, found.text),
            });
        }
        None
    }

    /// A keyword that begins a line is more likely the next statement than a name.
    fn begins_statement(&self, index: usize) -> bool {
        self.tokens[index].begins_line
    }
}

fn is_unit(text: &str) -> bool {
    const UNITS: &[&str] = &["V", "A", "S", "F", "Hz", "s", "m", "Ohm", "C", "K"];
    const SCALES: &[&str] = &["", "f", "p", "n", "u", "µ", "μ", "m", "k", "M", "G"];
    SCALES.iter().any(|p| text.strip_prefix(p).is_some_and(|rest| UNITS.contains(&rest)))
}

/// What was found, in words.
fn describe(token: Option<&Token<'_>>) -> String {
    match token {
        None => "the end of the item".into(),
        Some(t) => match t.kind {
            Kind::End => "the end of the file".into(),
            Kind::Word if t.is_keyword() => format!("the keyword `{}`", t.text),
            _ => format!("`{}`", t.text),
        },
    }
}
