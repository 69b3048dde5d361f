//! Where the parts of a program stand, for the formatter: it works on tokens, so that it can lose nothing, and asks the
//! grammar only what a token cannot tell by itself.
//!
//! ```text
//! layer h = f(-x)      Statement at `layer`, Tight at `(`, Sign at `-`
//! ```

use std::collections::BTreeMap;

use pest::Parser;
use pest::iterators::Pair;

use super::scan::{self, Kind};
use super::{Grammar, Rule};

/// What begins at a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Item,
    /// A statement of a block.
    Statement,
    /// A part that may go to a line of its own. A wide one stands off a little: `u = 0   weight 10`.
    Option {
        wide: bool,
    },
    /// A bracket that belongs to the name before it: `f(`, `exc[`.
    Tight,
    /// A minus of one operand.
    Sign,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// By the byte at which the token begins.
    pub marks: BTreeMap<usize, Mark>,
    /// Where numbers begin and end: with their units they may be several tokens.
    pub numbers: BTreeMap<usize, usize>,
}

/// The outline of a text; `None` if it has syntax errors.
pub fn outline(text: &str) -> Option<Outline> {
    let tokens = scan::tokens(text);
    if scan::too_deep(&tokens).is_some() {
        return None;
    }
    let mut starts: Vec<usize> = scan::item_starts(&tokens).into_iter().map(|i| tokens[i].start).collect();
    if tokens[0].kind != Kind::End && starts.first() != Some(&tokens[0].start) {
        return None;
    }
    starts.push(text.len());
    let mut out = Outline::default();
    for range in starts.windows(2) {
        let (base, piece) = (range[0], &text[range[0]..range[1]]);
        for pair in Grammar::parse(Rule::segment, piece).ok()?.flatten() {
            out.add(base, &pair);
        }
    }
    Some(out)
}

impl Outline {
    fn add(&mut self, base: usize, pair: &Pair<'_, Rule>) {
        let start = base + pair.as_span().start();
        let mark = match pair.as_rule() {
            Rule::item => Mark::Item,
            Rule::domain_stmt
            | Rule::neuron_stmt
            | Rule::network_stmt
            | Rule::train_stmt
            | Rule::phase_stmt
            | Rule::report_stmt
            | Rule::simulate_stmt => Mark::Statement,
            Rule::residual_option | Rule::kw_surrogate => Mark::Option { wide: true },
            Rule::perturb_option | Rule::connect_option | Rule::kw_with => Mark::Option { wide: false },
            Rule::arguments
            | Rule::neuron_header
            | Rule::names_in_parens
            | Rule::bound_param
            | Rule::index
            | Rule::input_functions => Mark::Tight,
            Rule::custom_surrogate | Rule::allow_item => {
                let bracket = pair.clone().into_inner().find(|p| p.as_rule() == Rule::t_lparen);
                if let Some(bracket) = bracket {
                    self.marks.insert(base + bracket.as_span().start(), Mark::Tight);
                }
                return;
            }
            Rule::metric_stmt => {
                let on = pair.clone().into_inner().find(|p| p.as_rule() == Rule::kw_on);
                if let Some(on) = on {
                    self.marks.insert(base + on.as_span().start(), Mark::Option { wide: false });
                }
                return;
            }
            Rule::op_neg => Mark::Sign,
            Rule::number => {
                self.numbers.insert(start, base + pair.as_span().end());
                return;
            }
            _ => return,
        };
        // The outermost of those that begin at one token: it comes first.
        self.marks.entry(start).or_insert(mark);
    }
}
