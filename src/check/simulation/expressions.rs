//! Expressions of what a simulation gives: the time, noise, a unit's number, random draws.
//!
//! The functions among these are not functions of numbers, so they are taken out before names are resolved, each call
//! becoming a name of its own:
//!
//! ```text
//! 2*normal(1, 0.1) + noise     ->     2*`normal#0` + noise     with given [normal(1, 0.1), StepNormal]
//! ```

use super::Context;
use crate::check::dimensions::Inference;
use crate::check::expr::{Expr, Var};
use crate::check::scope::Names;
use crate::diag::{Sink, simulation as say, types};
use crate::plan::simulation::{Distribution, Given};
use crate::syntax::ast::{self, ExprKind};
use crate::units::Dimension;

/// What may stand in an expression, besides constants and draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// The time, noise, the unit's number: an input.
    Input,
    /// The time and the unit's number: a rate.
    Rate,
    /// The unit's number: a parameter or a start.
    Unit,
    /// A weight or a delay.
    Synapse,
}

/// Names that mean something only here.
const NAMES: &[(&str, &str)] = &[("t", "the time"), ("noise", "noise"), ("index", "a unit's number")];

/// What a name is in every simulation, in words with an article.
pub fn meaning(name: &str) -> Option<&'static str> {
    match name {
        "uniform" | "normal" => Some("a random number"),
        _ => NAMES.iter().find(|(n, _)| *n == name).map(|(_, what)| *what),
    }
}

/// What `t`, `noise` or `index` is, where it may stand.
fn meant(name: &str, scene: Scene) -> Option<Given> {
    match (name, scene) {
        ("t", Scene::Input | Scene::Rate) => Some(Given::Time),
        ("noise", Scene::Input) => Some(Given::StepNormal { scale: 1.0 }),
        ("index", Scene::Input | Scene::Rate | Scene::Unit) => Some(Given::Index),
        _ => None,
    }
}

/// Collects what expressions of one population or connection are given.
pub struct Giver<'c, 's, 'f> {
    pub cx: &'c Context<'s, 'f>,
    pub given: Vec<Given>,
}

/// A name put in place of a call.
struct Hidden {
    name: String,
    place: usize,
}

/// An expression of the same dimension without what is given: of a random number its first argument.
pub fn twin(e: &ast::Expr) -> ast::Expr {
    let number = |unit: Option<&str>| ExprKind::Number {
        value: 1.0,
        unit: unit.map(|u| ast::Name { text: u.into(), span: e.span }),
    };
    let kind = match &*e.kind {
        ExprKind::Name(n) if n == "t" => number(Some("ms")),
        ExprKind::Name(n) if n == "noise" || n == "index" => number(None),
        ExprKind::Call { callee, .. } if callee.text == "noise" => number(None),
        ExprKind::Call { callee, args } if matches!(callee.text.as_str(), "uniform" | "normal") => {
            return args.first().map_or_else(|| e.clone(), |a| twin(&a.value));
        }
        ExprKind::Unary(op, a) => ExprKind::Unary(*op, twin(a)),
        ExprKind::Binary(op, a, b) => ExprKind::Binary(*op, twin(a), twin(b)),
        ExprKind::If { condition, then, otherwise } => {
            ExprKind::If { condition: twin(condition), then: twin(then), otherwise: twin(otherwise) }
        }
        ExprKind::Call { callee, args } => {
            let args = args.iter().map(|a| ast::Arg { value: twin(&a.value), ..a.clone() }).collect();
            ExprKind::Call { callee: callee.clone(), args }
        }
        other => other.clone(),
    };
    ast::Expr { kind: Box::new(kind), span: e.span }
}

/// The two arguments of every random number must be of one dimension.
fn agreeing(e: &ast::Expr, inference: &mut Inference<'_, '_>) {
    if let ExprKind::Call { callee, args } = &*e.kind
        && let ("uniform" | "normal", [a, b]) = (callee.text.as_str(), args.as_slice())
    {
        inference.compare(&callee.text, &a.value, &b.value);
    }
    e.children().into_iter().for_each(|c| agreeing(c, inference));
}

impl Giver<'_, '_, '_> {
    /// A value of the dimension, if one is wanted. `what` begins messages about it: "the input of `exc`".
    pub fn value(
        &mut self,
        e: &ast::Expr,
        scene: Scene,
        wanted: Option<Dimension>,
        what: &str,
        sink: &mut Sink,
    ) -> Option<Expr> {
        let mut hidden = vec![];
        let rewritten = self.rewrite(e, scene, &mut hidden, sink)?;
        let mut names = Names::none(format!("in {what}")).quantities();
        for (name, meaning) in NAMES {
            let Some(given) = meant(name, scene) else {
                names = names.without(*name, *meaning);
                continue;
            };
            if let Some(place) = self.given.iter().position(|g| *g == given) {
                names = names.with(*name, Var::Given(place));
            }
        }
        for h in &hidden {
            names = names.with(h.name.clone(), Var::Given(h.place));
        }
        let value = self.cx.scope.scalar(&rewritten, &names, sink)?;
        if let Expr::Num(v) = value
            && !v.is_finite()
        {
            sink.push(types::not_finite(e.span, v));
            return None;
        }
        self.dimension(e, wanted, what, sink)?;
        Some(value)
    }

    pub fn push(&mut self, given: Given) -> usize {
        self.given.push(given);
        self.given.len() - 1
    }

    fn dimension(&self, e: &ast::Expr, wanted: Option<Dimension>, what: &str, sink: &mut Sink) -> Option<()> {
        if !self.cx.scope.units {
            return Some(());
        }
        let mut inference = Inference::new(self.cx.scope);
        agreeing(e, &mut inference);
        let twin = twin(e);
        match wanted {
            Some(wanted) => {
                inference.want(&twin, &wanted.into(), what, None);
            }
            None => inference.check(&twin),
        }
        inference.finish(sink).then_some(())
    }

    /// The expression with every call that gives something replaced by a name. `None` after a mistake in one.
    fn rewrite(&mut self, e: &ast::Expr, scene: Scene, hidden: &mut Vec<Hidden>, sink: &mut Sink) -> Option<ast::Expr> {
        let mut again = |e: &ast::Expr, this: &mut Self| this.rewrite(e, scene, hidden, sink);
        let kind = match &*e.kind {
            ExprKind::Unary(op, a) => ExprKind::Unary(*op, again(a, self)?),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (again(a, self), again(b, self));
                ExprKind::Binary(*op, a?, b?)
            }
            ExprKind::If { condition, then, otherwise } => {
                let (c, a, b) = (again(condition, self), again(then, self), again(otherwise, self));
                ExprKind::If { condition: c?, then: a?, otherwise: b? }
            }
            ExprKind::Call { callee, args } if matches!(callee.text.as_str(), "noise" | "uniform" | "normal") => {
                let place = self.call(callee, args, scene, sink)?;
                let name = format!("{}#{place}", callee.text);
                hidden.push(Hidden { name: name.clone(), place });
                ExprKind::Name(name)
            }
            ExprKind::Call { callee, args } => {
                let mut all = Vec::with_capacity(args.len());
                for a in args {
                    all.push(ast::Arg { value: again(&a.value, self)?, ..a.clone() });
                }
                ExprKind::Call { callee: callee.clone(), args: all }
            }
            ExprKind::Name(name) => {
                // What is not named need not be given.
                if let Some(given) = meant(name, scene).filter(|g| !self.given.contains(g)) {
                    self.push(given);
                }
                ExprKind::Name(name.clone())
            }
            other => other.clone(),
        };
        Some(ast::Expr { kind: Box::new(kind), span: e.span })
    }

    /// `uniform(a, b)`, `normal(mean, deviation)` or `noise(tau)`.
    fn call(&mut self, callee: &ast::Name, args: &[ast::Arg], scene: Scene, sink: &mut Sink) -> Option<usize> {
        let scope = self.cx.scope;
        if callee.text == "noise" {
            if scene != Scene::Input {
                sink.push(say::noise_out_of_place(callee.span));
                return None;
            }
            let bound = crate::check::args::bind(callee, args, &["tau"], &[], sink);
            let tau = super::positive(bound.require("tau", sink)?, Dimension::TIME, "`tau` of the noise", scope, sink)?;
            return Some(self.push(Given::StepNormal { scale: libm::sqrt(tau / self.cx.times.dt) }));
        }
        let names = if callee.text == "uniform" { ["lo", "hi"] } else { ["mean", "deviation"] };
        let bound = crate::check::args::bind(callee, args, &names, &[], sink);
        let number = |e: Option<&ast::Expr>, sink: &mut Sink| {
            let constants = Names::none("in an argument of a random number").quantities();
            scope.number_of(e?, &constants, sink)
        };
        let (a, b) = (bound.require(names[0], sink), bound.require(names[1], sink));
        let (first, second) = (number(a, sink), number(b, sink));
        let (first, second) = (first?, second?);
        if callee.text == "uniform" {
            if first > second {
                sink.push(types::empty_range(callee.span, first, second));
                return None;
            }
            return Some(self.push(Given::Draw(Distribution::Uniform(first, second))));
        }
        if second < 0.0 {
            sink.push(types::out_of_range(b?.span, "a deviation of at least 0", second));
            return None;
        }
        Some(self.push(Given::Draw(Distribution::Normal(first, second))))
    }
}
