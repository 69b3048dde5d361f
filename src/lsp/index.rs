//! Who declares which name, and where it is used: what definition, references, rename, hover and symbols stand on.
//!
//! ```text
//! fn sq(a) = a^2   const c = sq(2)    ->    sq: declared at 3, used at 28    a (of sq): declared at 6, used at 11
//! ```
//!
//! It is made from the syntax tree alone, so that it is there for a program with mistakes, too. Names that mean nothing are
//! left out; those of the language have no declaration.

use std::collections::BTreeMap;

use crate::source::Span;
use crate::syntax::ast::*;

/// What a declared name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Const,
    Fn,
    Coord,
    Curve,
    InputFunction,
    Unknown,
    Neuron,
    Network,
    Output,
    Population,
    Layer,
    /// Of a `fn`, a curve, an input function or a surrogate.
    Param,
    /// The variable of a `sum` or an `integral`.
    Bound,
    NeuronParam,
    State,
    Input,
    Residual,
    Phase,
    Metric,
}

impl Kind {
    /// With an article, as messages want it.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Const => "a constant",
            Kind::Fn => "a function",
            Kind::Coord => "a coordinate",
            Kind::Curve => "a curve",
            Kind::InputFunction => "an input function",
            Kind::Unknown => "an unknown",
            Kind::Neuron => "a neuron",
            Kind::Network => "a network",
            Kind::Output => "a field",
            Kind::Population => "a population",
            Kind::Layer => "a layer",
            Kind::Param | Kind::NeuronParam => "a parameter",
            Kind::Bound => "a bound variable",
            Kind::State => "a state",
            Kind::Input => "an input",
            Kind::Residual => "a residual",
            Kind::Phase => "a phase",
            Kind::Metric => "a metric",
        }
    }

    /// Does it share the name space of a whole program?
    pub fn is_global(self) -> bool {
        use Kind::*;
        matches!(self, Const | Fn | Coord | Curve | InputFunction | Unknown | Neuron | Network | Output)
    }
}

#[derive(Debug, Clone)]
pub struct Symbol {
    pub name: String,
    pub kind: Kind,
    /// The name where it is declared.
    pub at: Span,
    /// The declaration: the item or the statement.
    pub whole: Span,
    /// What it belongs to: the neuron of a state, the network of a layer.
    pub owner: Option<usize>,
}

#[derive(Debug, Clone, Default)]
pub struct Index {
    pub symbols: Vec<Symbol>,
    /// Where each is used, in the order of the text.
    pub uses: Vec<(Span, usize)>,
    /// All expressions, outermost.
    pub expressions: Vec<Expr>,
    pub imports: Vec<Text>,
}

impl Index {
    pub fn new(file: &File) -> Index {
        let mut walk = Walk::default();
        file.items.iter().for_each(|i| walk.declare(i));
        file.items.iter().for_each(|i| walk.item(i));
        walk.index
    }

    /// The symbol that is declared or used at a byte of a file, and the name's place.
    pub fn at(&self, file: crate::source::FileId, offset: usize) -> Option<(usize, Span)> {
        let here = |s: &Span| s.file == file && (s.start as usize..=s.end as usize).contains(&offset);
        let declared = self.symbols.iter().enumerate().map(|(i, s)| (i, s.at));
        let used = self.uses.iter().map(|(s, i)| (*i, *s));
        declared.chain(used).find(|(_, s)| here(s))
    }

    /// The places of a symbol: its declaration and its uses.
    pub fn places(&self, symbol: usize) -> Vec<Span> {
        let used = self.uses.iter().filter(|(_, s)| *s == symbol).map(|(at, _)| *at);
        let mut all: Vec<Span> = std::iter::once(self.symbols[symbol].at).chain(used).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What a neuron, network or function holds.
    pub fn members(&self, owner: usize) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().filter(move |s| s.owner == Some(owner))
    }
}

#[derive(Default)]
struct Walk {
    index: Index,
    globals: BTreeMap<String, usize>,
    /// Of neurons: parameters, states, input. Of networks: layers.
    members: BTreeMap<usize, Vec<(String, usize)>>,
    /// The innermost last.
    locals: Vec<(String, usize)>,
    /// The program's own neurons that layers end with.
    neurons: BTreeMap<usize, usize>,
}

impl Walk {
    fn add(&mut self, name: &Name, kind: Kind, whole: Span, owner: Option<usize>) -> usize {
        self.index.symbols.push(Symbol { name: name.text.clone(), kind, at: name.span, whole, owner });
        let id = self.index.symbols.len() - 1;
        if let Some(owner) = owner.filter(|_| !kind.is_global()) {
            self.members.entry(owner).or_default().push((name.text.clone(), id));
        }
        id
    }

    /// The first of several of one name is the one that counts.
    fn global(&mut self, name: &Name, kind: Kind, whole: Span) -> usize {
        let id = self.add(name, kind, whole, None);
        self.globals.entry(name.text.clone()).or_insert(id);
        id
    }

    /// The names that may be used before they are declared.
    fn declare(&mut self, item: &Item) {
        match item {
            Item::Const(i) => drop(self.global(&i.name, Kind::Const, i.span)),
            Item::Unknown(i) => drop(self.global(&i.name, Kind::Unknown, i.span)),
            Item::Fn(i) => {
                let id = self.global(&i.name, Kind::Fn, i.span);
                i.params.iter().for_each(|p| {
                    self.add(p, Kind::Param, i.span, Some(id));
                });
            }
            Item::Domain(i) => {
                i.coords.iter().for_each(|c| {
                    self.global(&c.name, Kind::Coord, c.span);
                });
                for c in &i.curves {
                    let id = self.global(&c.name, Kind::Curve, c.span);
                    self.add(&c.param, Kind::Param, c.span, Some(id));
                }
            }
            Item::Function(i) => {
                let id = self.global(&i.name, Kind::InputFunction, i.span);
                self.add(&i.param, Kind::Param, i.span, Some(id));
            }
            Item::Neuron(i) => self.neuron_names(i),
            Item::Network(i) => {
                let id = self.global(&i.name, Kind::Network, i.span);
                for stmt in &i.body {
                    match stmt {
                        NetworkStmt::Layer { name, span, .. } => drop(self.add(name, Kind::Layer, *span, Some(id))),
                        NetworkStmt::Output { names, span, .. } => {
                            for name in names.iter().filter(|n| n.text != i.name.text) {
                                let output = self.add(name, Kind::Output, *span, Some(id));
                                self.globals.entry(name.text.clone()).or_insert(output);
                            }
                        }
                        NetworkStmt::Steps { .. } | NetworkStmt::Dt { .. } => {}
                    }
                }
            }
            Item::Residual(i) => drop(self.add(&i.name, Kind::Residual, i.span, None)),
            Item::Train(i) => {
                for stmt in &i.body {
                    if let TrainStmt::Phase(p) = stmt {
                        self.add(&p.name, Kind::Phase, p.span, None);
                    }
                }
            }
            Item::Report(i) => {
                for stmt in &i.body {
                    if let ReportStmt::Metric { name, span, .. } = stmt {
                        self.add(name, Kind::Metric, *span, None);
                    }
                }
            }
            Item::Simulate(i) => {
                for stmt in &i.body {
                    if let SimulateStmt::Population { name, span, .. } = stmt {
                        self.add(name, Kind::Population, *span, None);
                    }
                }
            }
            Item::Import(i) => self.index.imports.push(i.path.clone()),
            Item::Exact(_) | Item::Allow(_) => {}
        }
    }

    fn neuron_names(&mut self, i: &Neuron) {
        let id = self.global(&i.name, Kind::Neuron, i.span);
        i.header.iter().for_each(|p| {
            self.add(&p.name, Kind::NeuronParam, p.span, Some(id));
        });
        for stmt in &i.body {
            match stmt {
                NeuronStmt::Param(all) => {
                    all.iter().for_each(|p| {
                        self.add(&p.name, Kind::NeuronParam, p.span, Some(id));
                    });
                }
                NeuronStmt::Input { name, span, .. } => drop(self.add(name, Kind::Input, *span, Some(id))),
                NeuronStmt::State(all) => {
                    for (name, start) in all {
                        self.add(name, Kind::State, name.span.to(start.span), Some(id));
                    }
                }
                _ => {}
            }
        }
    }

    // ---- uses ----

    fn of_name(&self, name: &str) -> Option<usize> {
        let local = self.locals.iter().rev().find(|(n, _)| n == name).map(|(_, id)| *id);
        local.or_else(|| self.globals.get(name).copied())
    }

    fn used(&mut self, name: &str, at: Span) -> Option<usize> {
        let id = self.of_name(name)?;
        self.index.uses.push((at, id));
        Some(id)
    }

    fn name(&mut self, name: &Name) -> Option<usize> {
        self.used(&name.text, name.span)
    }

    /// A name that belongs to something: a state of a neuron.
    fn member(&mut self, owner: Option<usize>, name: &Name) {
        let found = owner.and_then(|o| self.members.get(&o)).and_then(|m| m.iter().find(|(n, _)| *n == name.text));
        if let Some((_, id)) = found {
            self.index.uses.push((name.span, *id));
        }
    }

    /// Runs with more names in sight.
    fn with(&mut self, names: Vec<(String, usize)>, inside: impl FnOnce(&mut Walk)) {
        let before = self.locals.len();
        self.locals.extend(names);
        inside(self);
        self.locals.truncate(before);
    }

    /// The symbols of a kind, as names in sight; the first of a name comes last, where it is found first.
    fn all(&self, kinds: &[Kind]) -> Vec<(String, usize)> {
        let all = self.index.symbols.iter().enumerate().filter(|(_, s)| kinds.contains(&s.kind));
        all.map(|(i, s)| (s.name.clone(), i)).rev().collect()
    }

    fn declared_at(&self, at: Span) -> Option<usize> {
        self.index.symbols.iter().position(|s| s.at == at)
    }

    /// What belongs to the symbol declared here.
    fn inside(&self, at: Span) -> Vec<(String, usize)> {
        self.declared_at(at).and_then(|id| self.members.get(&id)).cloned().unwrap_or_default()
    }

    fn root(&mut self, e: &Expr) {
        self.index.expressions.push(e.clone());
        self.expr(e);
    }

    fn expr(&mut self, e: &Expr) {
        match &*e.kind {
            ExprKind::Name(name) => drop(self.used(name, e.span)),
            ExprKind::Call { callee, args } => self.call(callee, args),
            ExprKind::Index { base, indices, args } => {
                self.name(base);
                indices.iter().for_each(|i| self.expr(i));
                args.iter().flatten().for_each(|a| self.expr(&a.value));
            }
            _ => e.children().into_iter().for_each(|c| self.expr(c)),
        }
    }

    fn call(&mut self, callee: &Name, args: &[Arg]) {
        if let ("sum" | "integral", Some(ExprKind::In(variable, range))) =
            (callee.text.as_str(), args.first().map(|a| &*a.value.kind))
        {
            self.expr(range);
            let whole = args.iter().fold(callee.span, |s, a| s.to(a.span));
            let id = self.add(variable, Kind::Bound, whole, None);
            self.with(vec![(variable.text.clone(), id)], |w| args[1..].iter().for_each(|a| w.expr(&a.value)));
            return;
        }
        let target = self.name(callee);
        // `membrane(h, w)`: a state of the neurons that `h` ends with.
        let state = (callee.text == "membrane").then(|| args.get(1)).flatten();
        if let (Some(state), ExprKind::Name(layer)) =
            (state, args.first().map_or(&ExprKind::Tuple(vec![]), |a| &*a.value.kind))
            && let ExprKind::Name(name) = &*state.value.kind
        {
            let model = self.of_name(layer).and_then(|l| self.neurons.get(&l)).copied();
            self.member(model, &Name { text: name.clone(), span: state.value.span });
            self.expr(&args[0].value);
            return;
        }
        for arg in args {
            if let Some(name) = &arg.name {
                self.member(target, name);
            }
            self.expr(&arg.value);
        }
    }

    /// `triangle(width = 1)`, `gaussian(sigma = s)`: the name is one of the language.
    fn options(&mut self, call: &Call) {
        call.args.iter().for_each(|a| self.root(&a.value));
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Const(i) => self.root(&i.value),
            Item::Unknown(i) => {
                self.root(&i.start);
                i.range.iter().for_each(|(lo, hi)| [lo, hi].into_iter().for_each(|e| self.root(e)));
            }
            Item::Fn(i) => self.with(self.inside(i.name.span), |w| w.root(&i.body)),
            Item::Domain(i) => {
                i.coords.iter().for_each(|c| [&c.lo, &c.hi].into_iter().for_each(|e| self.root(e)));
                i.shapes.iter().for_each(|e| self.root(e));
                for c in &i.curves {
                    [&c.lo, &c.hi].into_iter().for_each(|e| self.root(e));
                    self.with(self.inside(c.name.span), |w| w.root(&c.point));
                }
            }
            Item::Function(i) => {
                [&i.lo, &i.hi].into_iter().chain(&i.sensors).for_each(|e| self.root(e));
                self.options(&i.law);
            }
            Item::Neuron(i) => self.neuron(i),
            Item::Network(i) => {
                i.functions.iter().chain(&i.coords).for_each(|n| {
                    self.name(n);
                });
                self.with(self.inside(i.name.span), |w| {
                    for stmt in &i.body {
                        match stmt {
                            NetworkStmt::Steps { value, .. } | NetworkStmt::Dt { value, .. } => w.root(value),
                            NetworkStmt::Layer { name, value, .. } => {
                                w.root(value);
                                w.ends_with(name, value);
                            }
                            NetworkStmt::Output { names, value, .. } => {
                                // `output u = …` in the network `u` names the network's field once more.
                                names.iter().filter(|n| n.text == i.name.text).for_each(|n| {
                                    w.name(n);
                                });
                                w.root(value);
                            }
                        }
                    }
                });
            }
            Item::Residual(i) => self.residual(i),
            Item::Exact(i) => {
                self.root(&i.field);
                if let ExactValue::Expr(e) = &i.value {
                    self.root(e);
                }
            }
            Item::Train(i) => self.train(i),
            Item::Report(i) => self.report(i),
            Item::Simulate(i) => self.simulate(i),
            Item::Import(_) | Item::Allow(_) => {}
        }
    }

    /// Notes the neuron at the end of a layer.
    fn ends_with(&mut self, layer: &Name, value: &Expr) {
        let ExprKind::Pipe(_, last) = &*value.kind else { return };
        let name = match &*last.kind {
            ExprKind::Name(name) => name,
            ExprKind::Call { callee, .. } => &callee.text,
            _ => return,
        };
        if let (Some(layer), Some(neuron)) = (self.declared_at(layer.span), self.globals.get(name)) {
            self.neurons.insert(layer, *neuron);
        }
    }

    fn neuron(&mut self, i: &Neuron) {
        i.header.iter().for_each(|p| self.root(&p.default));
        self.with(self.inside(i.name.span), |w| {
            for stmt in &i.body {
                match stmt {
                    NeuronStmt::Param(all) => all.iter().for_each(|p| w.root(&p.default)),
                    NeuronStmt::State(all) => all.iter().for_each(|(_, e)| w.root(e)),
                    NeuronStmt::Flow { name, value, .. }
                    | NeuronStmt::Update { name, value, .. }
                    | NeuronStmt::Reset { name, value, .. } => {
                        w.name(name);
                        w.root(value);
                    }
                    NeuronStmt::Spike { condition, surrogate, .. } => {
                        w.root(condition);
                        match surrogate {
                            Some(Surrogate::Named(call)) => w.options(call),
                            Some(Surrogate::Custom { param, value, span, .. }) => {
                                let id = w.add(param, Kind::Param, *span, None);
                                w.with(vec![(param.text.clone(), id)], |w| w.root(value));
                            }
                            None => {}
                        }
                    }
                    NeuronStmt::Refractory { value, .. }
                    | NeuronStmt::Substeps { value, .. }
                    | NeuronStmt::Emit { value, .. } => w.root(value),
                    NeuronStmt::Input { .. } | NeuronStmt::Integrate { .. } => {}
                }
            }
        });
    }

    /// The names that a place brings with it.
    fn place(&mut self, place: &Place) -> Vec<(String, usize)> {
        match place {
            Place::Faces(all) => {
                for (name, value) in all {
                    self.name(name);
                    self.root(value);
                }
            }
            Place::Grid(args) => {
                for arg in args {
                    arg.name.iter().for_each(|n| {
                        self.name(n);
                    });
                    self.root(&arg.value);
                }
            }
            Place::Curve(name) => {
                let id = self.name(name);
                return id.and_then(|id| self.members.get(&id)).cloned().unwrap_or_default();
            }
            Place::Interior | Place::Domain | Place::Data(_) => {}
        }
        vec![]
    }

    fn residual(&mut self, i: &Residual) {
        let names = self.place(&i.place);
        self.with(names, |w| [&i.lhs, &i.rhs].into_iter().for_each(|e| w.root(e)));
        for option in &i.options {
            match option {
                ResidualOption::By(call) | ResidualOption::Causal(call) => self.options(call),
                ResidualOption::Weight(e, _) if matches!(&*e.kind, ExprKind::Name(n) if n == "auto") => {}
                ResidualOption::Weight(e, _) | ResidualOption::Points(e, _) | ResidualOption::Resample(e, _) => {
                    self.root(e);
                }
                ResidualOption::Sample(..) => {}
            }
        }
    }

    fn train(&mut self, i: &Train) {
        let layers = self.all(&[Kind::Layer]);
        self.with(layers, |w| {
            for stmt in &i.body {
                match stmt {
                    TrainStmt::Seed(e, _) => w.root(e),
                    TrainStmt::Precision(..) => {}
                    TrainStmt::Phase(p) => p.body.iter().for_each(|s| w.phase(s)),
                }
            }
        });
    }

    fn phase(&mut self, stmt: &PhaseStmt) {
        match stmt {
            PhaseStmt::Perturb { what, options, .. } => {
                self.options(what);
                for option in options {
                    match option {
                        PerturbOption::Directions(e, most, _) => {
                            self.root(e);
                            most.iter().for_each(|e| self.root(e));
                        }
                        PerturbOption::Pool(e, _) | PerturbOption::Mutate(e, _) => self.root(e),
                        PerturbOption::Scope { layers, .. } => layers.iter().for_each(|l| {
                            self.name(l);
                        }),
                        PerturbOption::Antithetic(_) => {}
                    }
                }
            }
            PhaseStmt::Update(call) => self.options(call),
            PhaseStmt::Rounds(e, _)
            | PhaseStmt::Steps(e, _)
            | PhaseStmt::StopStalled(e, _)
            | PhaseStmt::Clip(e, _)
            | PhaseStmt::Average(e, _)
            | PhaseStmt::Batch(e, _) => self.root(e),
            PhaseStmt::Solve { what, every, .. } => {
                self.options(what);
                every.iter().for_each(|e| self.root(e));
            }
            PhaseStmt::StopWhen(e, _) => self.with(self.all(&[Kind::Metric]), |w| w.root(e)),
            PhaseStmt::Estimate(..) => {}
        }
    }

    fn report(&mut self, i: &Report) {
        let (metrics, rest) = (self.all(&[Kind::Metric]), self.all(&[Kind::Layer, Kind::Population]));
        self.with(rest, |w| {
            for stmt in &i.body {
                match stmt {
                    ReportStmt::Metric { value, place, .. } => {
                        w.root(value);
                        place.iter().for_each(|(p, _)| drop(w.place(p)));
                    }
                    ReportStmt::Expect { condition, .. } => w.with(metrics.clone(), |w| w.root(condition)),
                    ReportStmt::Plot { what, .. } => what.iter().for_each(|e| w.root(e)),
                    ReportStmt::Save { .. } => {}
                }
            }
        });
    }

    fn simulate(&mut self, i: &Simulate) {
        // The neuron of each population.
        let mut models: BTreeMap<&str, Option<usize>> = BTreeMap::new();
        for stmt in &i.body {
            if let SimulateStmt::Population { name, model, .. } = stmt {
                models.insert(&name.text, self.globals.get(&model.name.text).copied());
            }
        }
        let of = |name: &str| models.get(name).copied().flatten();
        let populations = self.all(&[Kind::Population]);
        self.with(populations, |w| {
            for stmt in &i.body {
                match stmt {
                    SimulateStmt::Duration(e, _) | SimulateStmt::Dt(e, _) | SimulateStmt::Seed(e, _) => w.root(e),
                    SimulateStmt::Method(..) => {}
                    SimulateStmt::Population { name, model, with, .. } => {
                        w.name(&model.name);
                        for arg in &model.args {
                            arg.name.iter().for_each(|n| w.member(of(&name.text), n));
                            w.root(&arg.value);
                        }
                        for (member, value) in with {
                            w.member(of(&name.text), member);
                            w.root(value);
                        }
                    }
                    SimulateStmt::Connect { from, to, options, .. } => {
                        [from, to].into_iter().for_each(|n| {
                            w.name(n);
                        });
                        for (option, value) in options {
                            match value.as_ref().map(|v| (v, &*v.kind)) {
                                Some((v, ExprKind::Name(text))) if option.text == "to" => {
                                    w.member(of(&to.text), &Name { text: text.clone(), span: v.span });
                                }
                                Some((v, _)) => w.root(v),
                                None => {}
                            }
                        }
                    }
                    SimulateStmt::Record { what, .. } => {
                        for (variable, population) in what {
                            let name = match &*population.kind {
                                ExprKind::Name(n) => n.as_str(),
                                ExprKind::Index { base, .. } => &base.text,
                                _ => "",
                            };
                            w.member(of(name), variable);
                            w.root(population);
                        }
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::syntax::parse::parse_mended;

    fn show(text: &str) -> String {
        let index = Index::new(&parse_mended(text, FileId::default()));
        let mut out = String::new();
        for (i, s) in index.symbols.iter().enumerate() {
            let owner = s.owner.map_or(String::new(), |o| format!(" of {}", index.symbols[o].name));
            let places: Vec<String> = index.places(i).iter().map(|p| p.start.to_string()).collect();
            out += &format!("{} {}{owner}: {}\n", s.kind.words(), s.name, places.join(" "));
        }
        out
    }

    #[test]
    fn names_are_found_where_they_mean_something() {
        insta::assert_snapshot!(show(
            "const s = 2\nfn sq(s) = s^2\ndomain { x in 0 .. s }\nnetwork u(x) {\n  layer h = tuned(x, 8) |> cell(tau = s)\n  \
             output = h |> mean |> dense(1)\n}\nneuron cell(tau = 1) { input i state v = 0 flow v' = (i - v)/tau }\n\
             residual f on x = 0 : u = sum(s in 1 .. 3, s*x) + sq(s)\ntrain { phase p { perturb neurons(h) } }\n\
             report { metric m = rmse(u) expect m < s }"
        ));
    }

    #[test]
    fn a_block_with_a_mistake_keeps_its_other_statements() {
        let shown = show("network u(x) {\n  layer h = = 2\n  layer k = tuned(x, 8)\n  output = k\n}\n");
        assert!(shown.contains("a layer k of u: 39 66"), "{shown}");
    }

    #[test]
    fn a_membrane_has_the_states_of_its_layers_neuron() {
        let shown = show(
            "const w = 1\nneuron c { input i state w = 0 flow w' = i - w }\nnetwork u(x) {\n  layer h = tuned(x, 8) |> c()\n  \
             output = membrane(h, w) |> last |> dense(1)\n}",
        );
        let uses =
            |head: &str| shown.lines().find(|l| l.starts_with(head)).unwrap().split(": ").nth(1).unwrap().to_string();
        assert_eq!(uses("a constant w"), "6");
        assert_eq!(uses("a state w").split(' ').count(), 4, "{shown}");
    }

    #[test]
    fn members_of_a_population_are_those_of_its_neuron() {
        let shown = show(
            "neuron c { input i state v = 0 flow v' = i - v }\nsimulate { population p = c(3) with v = 1\n\
             connect p -> p weight 1 to v record v of p[0] }",
        );
        assert!(shown.contains("a population p: 71 99 104 132"), "{shown}");
        assert!(shown.contains("a state v of c: 25 36 45 85 118 127"), "{shown}");
    }
}
