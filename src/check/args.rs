//! Arguments of a call, by place and by name, matched to what the callee takes.
//!
//! ```text
//! dense(64, bias = none)   with ["n", "init", "bias"]   ->   n: 64, bias: none
//! ```
//!
//! Too many, unknown and repeated ones are reported here; a missing one when it is asked for by [`Bound::require`].

use crate::check::names::nearest;
use crate::diag::{Sink, names, types};
use crate::source::Span;
use crate::syntax::ast::{Arg, Expr, ExprKind, Name};

/// What [`bind`] found: one place a parameter.
#[derive(Debug)]
pub struct Bound<'a, 'p> {
    callee: &'a str,
    span: Span,
    params: &'p [&'p str],
    values: Vec<Option<&'a Expr>>,
}

/// Matches `args` to `params`. A bare name in `flags` (`frozen`) counts as given by name wherever it stands, and its
/// value is that name. Always yields something, so that the rest of the call can be checked.
pub fn bind<'a, 'p>(
    callee: &'a Name,
    args: &'a [Arg],
    params: &'p [&'p str],
    flags: &[&str],
    sink: &mut Sink,
) -> Bound<'a, 'p> {
    let mut values: Vec<Option<&'a Expr>> = vec![None; params.len()];
    let mut place = 0;
    let mut extra = None;
    for arg in args {
        let flag = match &*arg.value.kind {
            ExprKind::Name(n) if arg.name.is_none() && flags.contains(&n.as_str()) => Some(n.as_str()),
            _ => None,
        };
        let (index, name, at) = match (&arg.name, flag) {
            (Some(name), _) => (params.iter().position(|p| *p == name.text), name.text.as_str(), name.span),
            (None, Some(flag)) => (params.iter().position(|p| *p == flag), flag, arg.span),
            (None, None) => {
                place += 1;
                if place > params.len() - flags.iter().filter(|f| params.contains(f)).count() {
                    extra.get_or_insert(arg.span);
                    continue;
                }
                (Some(place - 1), params[place - 1], arg.span)
            }
        };
        let Some(index) = index else {
            let near = nearest(name, params.iter().copied());
            sink.push(names::unknown_argument(at, &callee.text, name, params, near));
            continue;
        };
        match values[index] {
            Some(first) => sink.push(names::repeated_argument(arg.span, &callee.text, name, first.span)),
            None => values[index] = Some(&arg.value),
        }
    }
    if let Some(span) = extra {
        let most = params.len() - flags.iter().filter(|f| params.contains(f)).count();
        let expected = match most {
            0 => "no arguments by place".to_string(),
            1 => "at most 1 argument by place".to_string(),
            n => format!("at most {n} arguments by place"),
        };
        sink.push(types::arity(span, &callee.text, &expected, place));
    }
    Bound { callee: &callee.text, span: callee.span, params, values }
}

impl<'a> Bound<'a, '_> {
    /// The argument for `param`, if it was given. `param` must be one of the parameters.
    pub fn get(&self, param: &str) -> Option<&'a Expr> {
        let index = self.params.iter().position(|p| *p == param).expect("a parameter of the callee");
        self.values[index]
    }

    /// As [`Bound::get`], reporting its absence.
    pub fn require(&self, param: &str, sink: &mut Sink) -> Option<&'a Expr> {
        let value = self.get(param);
        if value.is_none() {
            sink.push(types::missing_argument(self.span, self.callee, param));
        }
        value
    }

    /// True if a flag such as `frozen` was given.
    pub fn has(&self, flag: &str) -> bool {
        self.get(flag).is_some()
    }
}
