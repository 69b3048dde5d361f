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

use super::scan::{self, ITEMS, KEYWORDS, Kind, Token};
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

/// The word for a rule that is part of something which has one: only where nothing better is known.
fn last_resort(rule: Rule) -> String {
    match rule {
        Rule::op_not | Rule::op_neg | Rule::value | Rule::argument | Rule::spread | Rule::piped => {
            "an expression".into()
        }
        Rule::named_argument | Rule::in_argument | Rule::arguments => "an argument".into(),
        Rule::range_end => "`..`".into(),
        Rule::schedule_end => "`->`".into(),
        Rule::index | Rule::input_functions => "`[`".into(),
        Rule::connect_word | Rule::recorded | Rule::if_name | Rule::if_neuron => "a name".into(),
        Rule::whole_file | Rule::kw_file => "`in file`".into(),
        Rule::shape | Rule::curve => "a statement of a domain".into(),
        Rule::place_domain | Rule::place_grid | Rule::place_data | Rule::place_curve => "a place".into(),
        Rule::trainable => "`trainable`".into(),
        rule => {
            let name = format!("{rule:?}");
            match name.strip_prefix("kw_") {
                Some(word) => format!("`{word}`"),
                None if name.ends_with("_stmt") || name.ends_with("_block") => "a statement".into(),
                None if name.ends_with("_option") => "an option".into(),
                None => "an item".into(),
            }
        }
    }
}

/// What may stand wherever an expression goes on, the least telling first: it is left out where something else is expected.
const GOES_ON: &[&str] = &["a unit", "`[`", "`(`", "`->`", "an operator", "`..`"];

/// The words that begin a statement, by block: the rule of the statement, the block's name, the words.
pub const BLOCKS: &[(Rule, &str, &[&str])] = &[
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
        &["perturb", "estimate", "update", "rounds", "steps", "solve", "stop", "clip", "average", "batch"],
    ),
    (Rule::report_stmt, "report", &["metric", "expect", "plot", "save"]),
    (Rule::simulate_stmt, "simulate", &["duration", "dt", "seed", "method", "population", "connect", "record"]),
];

/// The words that begin an option, by its rule.
const OPTIONS: &[(Rule, &[&str])] = &[
    (Rule::residual_option, &["by", "weight", "points", "sample", "resample", "causal"]),
    (Rule::perturb_option, &["directions", "scope", "antithetic", "pool", "mutate"]),
    (Rule::item, ITEMS),
];

/// What other languages say in training, and what it is written like here: by the rule of the statement.
const HABITS: &[(&[&str], &str)] = &[
    (
        &["optimizer", "optimiser", "optim", "adam", "sgd", "lbfgs", "lr", "learning_rate", "rate"],
        "update adam(rate = 0.01)",
    ),
    (&["epochs", "epoch", "iterations", "iters", "iterate", "max_iter", "maxiter"], "steps 1000"),
    (&["batch_size", "batchsize", "minibatch"], "batch 128"),
    (&["grad_clip", "clip_norm", "max_norm"], "clip 1"),
    (&["patience", "early_stopping", "tol", "tolerance"], "stop when stalled 200"),
];

/// What a word of other languages is written like, in a phase (or in training, outside of one).
fn habit(word: &str) -> Option<&'static str> {
    HABITS.iter().find(|(words, _)| words.contains(&word)).map(|(_, form)| *form)
}

/// The rules that could have gone on at the place of an error.
pub fn expected_rules(e: &pest::error::Error<Rule>) -> &[Rule] {
    match &e.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        ErrorVariant::CustomError { .. } => &[],
    }
}

impl Segment<'_> {
    /// Where in the file the parser got stuck.
    pub fn at(&self, e: &pest::error::Error<Rule>) -> usize {
        self.base
            + match e.location {
                InputLocation::Pos(p) => p,
                InputLocation::Span((p, _)) => p,
            }
    }

    /// The message for a segment that could not be parsed.
    pub fn explain(&self, e: &pest::error::Error<Rule>) -> Diagnostic {
        let at = self.at(e);
        let index = self.tokens.partition_point(|t| t.end() <= at);
        let found = self.tokens.get(index).or(self.rest.first());
        let span = found.map_or(Span::new(self.file, at, at), |t| span_of(self.file, t));
        let before = index.checked_sub(1).and_then(|i| self.tokens.get(i));
        let rules = expected_rules(e);
        if let Some(slip) = self.slip(index, before, span, rules) {
            return slip;
        }
        let mut expected: Vec<&str> = vec![];
        for word in rules.iter().filter_map(|r| words(*r)) {
            if !expected.contains(&word) {
                expected.push(word);
            }
        }
        let spare: Vec<String> = rules.iter().map(|r| last_resort(*r)).collect();
        if expected.is_empty() {
            expected.extend(spare.iter().map(String::as_str));
            expected.dedup();
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
        let hint = match expected.as_slice() {
            ["`..`"] => Some(Hint::Range),
            _ => self.hint(found, before, index, rules),
        };
        say::unexpected(span, &expected, &describe(found), hint)
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
        let next = self.tokens.get(index + 1).map_or("", |t| t.text);
        // What was meant is known from what stands around it.
        let form = match (found.text, next) {
            (_, "=") if wanted(Rule::network_stmt) && found.kind == Kind::Word => Some("layer NAME = …"),
            (_, "=") if wanted(Rule::neuron_stmt) && found.kind == Kind::Word => Some("state NAME = …"),
            (_, "'" | "/") if wanted(Rule::neuron_stmt) && found.kind == Kind::Word => Some("flow NAME' = …"),
            (_, "=") if wanted(Rule::report_stmt) && found.kind == Kind::Word => Some("metric NAME = …"),
            _ if wanted(Rule::kw_on) && item == "residual" => Some("residual NAME on x = 0 : u = 0"),
            _ if item == "fn" && (wanted(Rule::t_eq) || found.text == "{") => Some("fn f(x) = x^2"),
            _ if item == "domain" && wanted(Rule::kw_in) => Some("x in 0 .. 1"),
            _ if item == "allow" => Some("allow(SNN0209)"),
            _ => None,
        };
        if found.kind == Kind::Word && (wanted(Rule::train_stmt) || wanted(Rule::phase_stmt)) {
            match habit(found.text) {
                Some(form) if wanted(Rule::phase_stmt) => return Some(Hint::Write(form)),
                Some(form) => return Some(Hint::InPhase(form)),
                None => {}
            }
        }
        let begins = |w: &&str| say::nearest(found.text, [*w]).is_some();
        let misspelt = BLOCKS.iter().any(|(rule, _, words)| wanted(*rule) && words.iter().any(begins));
        if let Some(form) = form.filter(|_| !misspelt) {
            return Some(Hint::Write(form));
        }
        if wanted(Rule::t_comma) && item == "report" && next == "(" {
            return Some(Hint::Comma);
        }
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
            _ if wanted(Rule::t_prime) => Some(Hint::Flow),
            "=" if wanted(Rule::t_assign) => Some(Hint::Update),
            "=" if wanted(Rule::op_eq) => Some(Hint::Compare),
            "=" if wants_expression && before.is_some_and(|b| is_option(b.text)) => Some(Hint::NoEquals),
            "[" if wants_expression && before.is_none_or(|b| b.text != "in") => Some(Hint::NoLists),
            "," if before.is_some_and(|b| b.kind == Kind::Number) && next.starts_with(|c: char| c.is_ascii_digit()) => {
                Some(Hint::Point)
            }
            "," if item == "residual" && wanted(Rule::residual_option) => Some(Hint::OneEquation),
            "," if BLOCKS.iter().any(|(rule, ..)| wanted(*rule)) => Some(Hint::NoSeparator),
            "}" if wanted(Rule::item) => Some(Hint::NothingOpen),
            ")" | "," if wanted(Rule::kw_in) && item == "function" => Some(Hint::Function),
            ")" | "]" if scan::open_bracket(self.tokens, found.start).is_none_or(|b| b.text == "{") => {
                Some(Hint::NoBracketOpen)
            }
            "[" if before.is_some_and(|b| b.text == "in") => Some(Hint::Range),
            "'" if wants_expression || wanted(Rule::string) => Some(Hint::Quotes),
            "(" if before.and_then(|b| say::nearest(b.text, ["grid"])).is_some() => Some(Hint::Nearest("grid")),
            _ if wanted(Rule::kw_when) => Some(Hint::When),
            _ if wanted(Rule::kw_else) => Some(Hint::Else),
            _ if wanted(Rule::string) => Some(Hint::Quotes),
            _ if wanted(Rule::t_eq) && item == "residual" && self.tokens[..index].iter().any(|t| t.is_sign(":")) => {
                Some(Hint::Equation)
            }
            // The next statement is no name that was meant.
            word if BLOCKS.iter().any(|(_, block, words)| *block == item && words.contains(&word)) => None,
            _ if found.is_keyword() && wants_expression && !found.begins_line => Some(Hint::Keyword(found.text)),
            _ => None,
        }
    }
}

/// A word that is followed by a value.
fn is_option(word: &str) -> bool {
    OPTIONS[..2].iter().any(|(_, words)| words.contains(&word))
        || BLOCKS.iter().any(|(.., words)| words.contains(&word) && !KEYWORDS.contains(&word))
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
