//! Calls of a program's own functions: the body with the arguments in place of the parameters.
//!
//! ```text
//! fn sq(a) = a^2      sq(x + 1)    ->    (x + 1)^2
//! ```
//!
//! Functions may call each other but not themselves. What a call becomes is bounded, so that no program can make the checker
//! run out of time, memory or stack.

use super::{ANYTHING, Frame, Resolver, Sort, count};
use crate::check::expr::Expr;
use crate::diag::{names, types};
use crate::syntax::ast;

/// What an expression may become, once functions are inlined: calls in all, and the operations and the height of each call.
/// Beyond, it fills the memory, or the walks over it the stack.
const MOST_CALLS: usize = 2000;
pub(super) const MOST_NODES: usize = 20_000;
/// Operations that are walked through and copied for one expression, sums written out.
pub(super) const MOST_WORK: usize = 1 << 20;
pub(super) const MOST_HEIGHT: usize = 1000;

impl Resolver<'_, '_, '_, '_> {
    pub(super) fn inline(&mut self, e: &ast::Expr, f: &ast::Fn, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        let whole = self.inlined_call(e, f, args, frame);
        // Said once, where the outermost call stands. A function alone is not too large: only a use of it can be.
        if frame.stack.is_empty() && std::mem::take(&mut self.too_large) {
            self.sink.push(names::too_large(e.span, &f.name.text, f.name.span));
            return None;
        }
        whole
    }

    fn inlined_call(&mut self, e: &ast::Expr, f: &ast::Fn, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        let name = &f.name.text;
        self.scope.mark_used(name);
        // Counted before anything is looked at: functions that double at every level would take for ever to refuse.
        self.inlined += 1;
        self.too_large |= self.inlined > MOST_CALLS;
        if self.too_large {
            return None;
        }
        let values: Vec<Option<Expr>> = args.iter().map(|a| self.wanted(&a.value, Sort::Number, frame)).collect();
        if args.len() != f.params.len() {
            let d = types::arity(e.span, name, &count(f.params.len()), args.len());
            self.sink.push(d.label(f.name.span, "it is declared here"));
            return None;
        }
        if let Some(start) = frame.stack.iter().position(|n| n == name) {
            let mut chain: Vec<&str> = frame.stack[start..].iter().map(String::as_str).collect();
            chain.push(name);
            self.sink.push(names::recursive_function(e.span, &chain));
            return None;
        }
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        let bindings = f.params.iter().map(|p| p.text.clone()).zip(values).collect();
        let mut stack = frame.stack.clone();
        stack.push(name.clone());
        let whole = self.wanted(&f.body, Sort::Number, &Frame { bindings, stack })?;
        if self.declaring {
            return Some(ANYTHING);
        }
        let (nodes, height) = whole.extent(MOST_NODES);
        self.too_large |= nodes >= MOST_NODES || height > MOST_HEIGHT;
        (!self.too_large).then_some(whole)
    }
}
