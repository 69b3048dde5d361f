//! Items and statements: from the grammar's pairs to the tree, one function a construct.
//!
//! Where the grammar promises a part, `need` takes it; its absence would be a disagreement between grammar and parser,
//! a bug of ours and no mistake of the user's.

use pest::iterators::{Pair, Pairs};

use super::expr::{child, children, text_of};
use super::{Rule, Segment};
use crate::diag::Sink;
use crate::syntax::ast::*;

type P<'i> = Pair<'i, Rule>;

fn need<'i>(pair: &P<'i>, rule: Rule) -> P<'i> {
    child(pair, rule).unwrap_or_else(|| unreachable!("the grammar puts {rule:?} into {:?}", pair.as_rule()))
}

fn only<'i>(pair: &P<'i>) -> P<'i> {
    pair.clone().into_inner().next().unwrap_or_else(|| unreachable!("{:?} has a content", pair.as_rule()))
}

impl Segment<'_> {
    pub fn items(&self, pairs: Pairs<'_, Rule>, out: &mut File, sink: &mut Sink) {
        for segment in pairs {
            for item in children(&segment, Rule::item) {
                out.items.push(self.item(&only(&item), sink));
            }
        }
    }

    fn ident(&self, p: &P<'_>) -> Name {
        self.name(&need(p, Rule::ident))
    }

    fn idents(&self, p: &P<'_>) -> Vec<Name> {
        children(p, Rule::ident).map(|n| self.name(&n)).collect()
    }

    fn value_of(&self, p: &P<'_>, sink: &mut Sink) -> Expr {
        self.expr(&need(p, Rule::expr), sink)
    }

    fn exprs(&self, p: &P<'_>, sink: &mut Sink) -> Vec<Expr> {
        children(p, Rule::expr).map(|e| self.expr(&e, sink)).collect()
    }

    fn call_of(&self, p: &P<'_>, sink: &mut Sink) -> Call {
        self.call(&need(p, Rule::call), sink)
    }

    fn string(&self, p: &P<'_>) -> Text {
        let s = need(p, Rule::string);
        Text { text: text_of(&s), span: self.span_of(&s) }
    }

    fn item(&self, p: &P<'_>, sink: &mut Sink) -> Item {
        let span = self.span_of(p);
        match p.as_rule() {
            Rule::const_item => Item::Const(Const { name: self.ident(p), value: self.value_of(p, sink), span }),
            Rule::unknown_item => Item::Unknown(Unknown {
                name: self.ident(p),
                start: self.value_of(p, sink),
                range: child(p, Rule::bounds).map(|b| self.bounds(&b, sink)),
                span,
            }),
            Rule::fn_item => Item::Fn(Fn {
                name: self.ident(p),
                params: self.idents(&need(p, Rule::names_in_parens)),
                body: self.value_of(p, sink),
                span,
            }),
            Rule::import_item => Item::Import(Import { path: self.string(p), span }),
            Rule::allow_item => {
                Item::Allow(Allow { codes: self.idents(p), whole_file: child(p, Rule::whole_file).is_some(), span })
            }
            Rule::domain_item => Item::Domain(self.domain(p, sink)),
            Rule::function_item => {
                let (param, lo, hi) = self.bound_param(&need(p, Rule::bound_param), sink);
                let sensors = child(p, Rule::expr).map(|e| self.expr(&e, sink));
                Item::Function(Function {
                    name: self.ident(p),
                    param,
                    lo,
                    hi,
                    law: self.call_of(p, sink),
                    sensors,
                    span,
                })
            }
            Rule::neuron_item => Item::Neuron(Neuron {
                name: self.name(&need(p, Rule::neuron_name)),
                header: child(p, Rule::neuron_header).map_or_else(Vec::new, |h| self.neuron_params(&h, sink)),
                body: children(p, Rule::neuron_stmt).map(|s| self.neuron_stmt(&only(&s), sink)).collect(),
                span,
            }),
            Rule::network_item => Item::Network(Network {
                name: self.ident(p),
                functions: child(p, Rule::input_functions).map_or_else(Vec::new, |f| self.idents(&f)),
                coords: self.idents(&need(p, Rule::names_in_parens)),
                body: children(p, Rule::network_stmt).map(|s| self.network_stmt(&only(&s), sink)).collect(),
                span,
            }),
            Rule::residual_item => Item::Residual(self.residual(p, sink)),
            Rule::exact_item => Item::Exact(Exact {
                field: self.reference(&need(p, Rule::reference), sink),
                value: match child(p, Rule::expr) {
                    Some(e) => ExactValue::Expr(self.expr(&e, sink)),
                    None => ExactValue::File(self.string(p)),
                },
                span,
            }),
            Rule::train_item => Item::Train(Train {
                body: children(p, Rule::train_stmt).map(|s| self.train_stmt(&only(&s), sink)).collect(),
                span,
            }),
            Rule::report_item => Item::Report(Report {
                body: children(p, Rule::report_stmt).map(|s| self.report_stmt(&only(&s), sink)).collect(),
                span,
            }),
            _ => Item::Simulate(Simulate {
                body: children(p, Rule::simulate_stmt).map(|s| self.simulate_stmt(&only(&s), sink)).collect(),
                span,
            }),
        }
    }

    /// `(s in 0 .. 1)`
    fn bound_param(&self, p: &P<'_>, sink: &mut Sink) -> (Name, Expr, Expr) {
        let (lo, hi) = self.bounds(&need(p, Rule::bounds), sink);
        (self.ident(p), lo, hi)
    }

    fn domain(&self, p: &P<'_>, sink: &mut Sink) -> Domain {
        let mut domain = Domain { coords: vec![], shapes: vec![], curves: vec![], span: self.span_of(p) };
        for stmt in children(p, Rule::domain_stmt) {
            let s = only(&stmt);
            let span = self.span_of(&s);
            match s.as_rule() {
                Rule::shape => domain.shapes.push(self.value_of(&s, sink)),
                Rule::curve => {
                    let (param, lo, hi) = self.bound_param(&need(&s, Rule::bound_param), sink);
                    let point = self.value_of(&s, sink);
                    domain.curves.push(Curve { name: self.ident(&s), param, lo, hi, point, span });
                }
                _ => {
                    let (lo, hi) = self.bounds(&need(&s, Rule::bounds), sink);
                    let periodic = child(&s, Rule::kw_periodic).map(|k| self.span_of(&k));
                    domain.coords.push(Coord { name: self.ident(&s), lo, hi, periodic, span });
                }
            }
        }
        domain
    }

    fn neuron_params(&self, p: &P<'_>, sink: &mut Sink) -> Vec<NeuronParam> {
        let trainable = |t: P<'_>| match child(&t, Rule::per_neuron) {
            Some(_) => Trainable::PerNeuron,
            None => Trainable::PerLayer,
        };
        children(p, Rule::neuron_param)
            .map(|q| NeuronParam {
                name: self.ident(&q),
                default: self.value_of(&q, sink),
                trainable: child(&q, Rule::trainable).map(trainable),
                span: self.span_of(&q),
            })
            .collect()
    }

    fn bindings(&self, p: &P<'_>, sink: &mut Sink) -> Vec<(Name, Expr)> {
        children(p, Rule::binding).map(|b| (self.ident(&b), self.value_of(&b, sink))).collect()
    }

    fn neuron_stmt(&self, p: &P<'_>, sink: &mut Sink) -> NeuronStmt {
        let span = self.span_of(p);
        match p.as_rule() {
            Rule::param_stmt => NeuronStmt::Param(self.neuron_params(p, sink)),
            Rule::input_stmt => {
                NeuronStmt::Input { name: self.ident(p), unit: child(p, Rule::unit).map(|u| self.name(&u)), span }
            }
            Rule::state_stmt => NeuronStmt::State(self.bindings(p, sink)),
            Rule::flow_stmt => NeuronStmt::Flow { name: self.ident(p), value: self.value_of(p, sink), span },
            Rule::update_stmt => NeuronStmt::Update { name: self.ident(p), value: self.value_of(p, sink), span },
            Rule::spike_stmt => NeuronStmt::Spike {
                condition: self.value_of(p, sink),
                surrogate: child(p, Rule::surrogate).map(|s| self.surrogate(&only(&s), sink)),
                span,
            },
            Rule::reset_stmt => {
                let op = match only(&need(p, Rule::reset_op)).as_rule() {
                    Rule::op_add_to => AssignOp::Add,
                    Rule::op_sub_from => AssignOp::Sub,
                    Rule::op_mul_by => AssignOp::Mul,
                    Rule::op_div_by => AssignOp::Div,
                    _ => AssignOp::Set,
                };
                NeuronStmt::Reset { name: self.ident(p), op, value: self.value_of(p, sink), span }
            }
            Rule::refractory_stmt => NeuronStmt::Refractory { value: self.value_of(p, sink), span },
            Rule::integrate_stmt => NeuronStmt::Integrate { method: self.name(&need(p, Rule::method_name)), span },
            Rule::substeps_stmt => NeuronStmt::Substeps { value: self.value_of(p, sink), span },
            _ => NeuronStmt::Emit { value: self.value_of(p, sink), span },
        }
    }

    fn surrogate(&self, p: &P<'_>, sink: &mut Sink) -> Surrogate {
        if p.as_rule() == Rule::call {
            return Surrogate::Named(self.call(p, sink));
        }
        let mut names = self.idents(p).into_iter();
        match (names.next(), names.next()) {
            (Some(name), Some(param)) => {
                Surrogate::Custom { name, param, value: self.value_of(p, sink), span: self.span_of(p) }
            }
            _ => unreachable!("a surrogate of one's own has a name and a parameter"),
        }
    }

    fn network_stmt(&self, p: &P<'_>, sink: &mut Sink) -> NetworkStmt {
        let (span, value) = (self.span_of(p), self.value_of(p, sink));
        match p.as_rule() {
            Rule::steps_stmt => NetworkStmt::Steps { value, span },
            Rule::dt_stmt => NetworkStmt::Dt { value, span },
            Rule::layer_stmt => NetworkStmt::Layer { name: self.ident(p), value, span },
            _ => NetworkStmt::Output { names: self.idents(p), value, span },
        }
    }

    fn residual(&self, p: &P<'_>, sink: &mut Sink) -> Residual {
        let place = need(p, Rule::place);
        let mut sides = self.exprs(p, sink).into_iter();
        let (Some(lhs), Some(rhs)) = (sides.next(), sides.next()) else { unreachable!("a residual has two sides") };
        Residual {
            name: self.ident(p),
            place: self.place(&only(&place), sink),
            place_span: self.span_of(&place),
            lhs,
            rhs,
            options: children(p, Rule::residual_option).map(|o| self.residual_option(&only(&o), sink)).collect(),
            span: self.span_of(p),
        }
    }

    fn place(&self, p: &P<'_>, sink: &mut Sink) -> Place {
        match p.as_rule() {
            Rule::faces => Place::Faces(self.bindings(p, sink)),
            Rule::place_interior => Place::Interior,
            Rule::place_domain => Place::Domain,
            Rule::place_grid => Place::Grid(self.arguments(&need(p, Rule::arguments), sink)),
            Rule::place_data => Place::Data(self.string(p)),
            _ => Place::Curve(self.ident(p)),
        }
    }

    fn residual_option(&self, p: &P<'_>, sink: &mut Sink) -> ResidualOption {
        let span = self.span_of(p);
        match p.as_rule() {
            Rule::by_option => ResidualOption::By(self.call_of(p, sink)),
            Rule::weight_option => ResidualOption::Weight(self.value_of(p, sink), span),
            Rule::points_option => ResidualOption::Points(self.value_of(p, sink), span),
            Rule::sample_option => ResidualOption::Sample(self.ident(p), span),
            Rule::resample_option => ResidualOption::Resample(self.value_of(p, sink), span),
            _ => ResidualOption::Causal(self.call_of(p, sink)),
        }
    }

    fn train_stmt(&self, p: &P<'_>, sink: &mut Sink) -> TrainStmt {
        let span = self.span_of(p);
        match p.as_rule() {
            Rule::seed_stmt => TrainStmt::Seed(self.value_of(p, sink), span),
            Rule::precision_stmt => TrainStmt::Precision(self.ident(p), span),
            _ => TrainStmt::Phase(Phase {
                name: self.ident(p),
                body: children(p, Rule::phase_stmt).map(|s| self.phase_stmt(&only(&s), sink)).collect(),
                span,
            }),
        }
    }

    fn phase_stmt(&self, p: &P<'_>, sink: &mut Sink) -> PhaseStmt {
        let span = self.span_of(p);
        match p.as_rule() {
            Rule::perturb_stmt => PhaseStmt::Perturb {
                what: self.call_of(p, sink),
                options: children(p, Rule::perturb_option).map(|o| self.perturb_option(&only(&o), sink)).collect(),
                span,
            },
            Rule::estimate_stmt => PhaseStmt::Estimate(self.ident(p), span),
            Rule::optimiser_stmt => PhaseStmt::Update(self.call_of(p, sink)),
            Rule::rounds_stmt => PhaseStmt::Rounds(self.value_of(p, sink), span),
            Rule::steps_stmt => PhaseStmt::Steps(self.value_of(p, sink), span),
            Rule::solve_stmt => PhaseStmt::Solve {
                what: self.call_of(p, sink),
                every: child(p, Rule::expr).map(|e| self.expr(&e, sink)),
                span,
            },
            Rule::stalled_stmt => PhaseStmt::StopStalled(self.value_of(p, sink), span),
            Rule::stop_stmt => PhaseStmt::StopWhen(self.value_of(p, sink), span),
            Rule::clip_stmt => PhaseStmt::Clip(self.value_of(p, sink), span),
            Rule::average_stmt => PhaseStmt::Average(self.value_of(p, sink), span),
            _ => PhaseStmt::Batch(self.value_of(p, sink), span),
        }
    }

    fn perturb_option(&self, p: &P<'_>, sink: &mut Sink) -> PerturbOption {
        let span = self.span_of(p);
        match p.as_rule() {
            Rule::directions_option => {
                let mut counts = self.exprs(p, sink).into_iter();
                let least = counts.next().expect("the grammar has one");
                PerturbOption::Directions(least, counts.next(), span)
            }
            Rule::scope_option => PerturbOption::Scope {
                kind: self.name(&need(p, Rule::scope_kind)),
                layers: children(p, Rule::scope_layer).map(|n| self.name(&n)).collect(),
                span,
            },
            Rule::antithetic_option => PerturbOption::Antithetic(span),
            Rule::pool_option => PerturbOption::Pool(self.value_of(p, sink), span),
            _ => PerturbOption::Mutate(self.value_of(p, sink), span),
        }
    }

    fn report_stmt(&self, p: &P<'_>, sink: &mut Sink) -> ReportStmt {
        let span = self.span_of(p);
        match p.as_rule() {
            Rule::metric_stmt => ReportStmt::Metric {
                name: self.ident(p),
                value: self.value_of(p, sink),
                place: child(p, Rule::place).map(|q| (self.place(&only(&q), sink), self.span_of(&q))),
                span,
            },
            Rule::expect_stmt => ReportStmt::Expect { condition: self.value_of(p, sink), span },
            Rule::plot_stmt => ReportStmt::Plot { what: self.exprs(p, sink), span },
            _ => ReportStmt::Save { path: self.string(p), span },
        }
    }

    fn simulate_stmt(&self, p: &P<'_>, sink: &mut Sink) -> SimulateStmt {
        let span = self.span_of(p);
        match p.as_rule() {
            Rule::duration_stmt => SimulateStmt::Duration(self.value_of(p, sink), span),
            Rule::dt_stmt => SimulateStmt::Dt(self.value_of(p, sink), span),
            Rule::seed_stmt => SimulateStmt::Seed(self.value_of(p, sink), span),
            Rule::method_stmt => SimulateStmt::Method(self.name(&need(p, Rule::method_name)), span),
            Rule::population_stmt => SimulateStmt::Population {
                name: self.ident(p),
                model: self.call(&need(p, Rule::neuron_call), sink),
                with: self.bindings(p, sink),
                span,
            },
            Rule::connect_stmt => {
                let mut ends = self.idents(p).into_iter();
                let (Some(from), Some(to)) = (ends.next(), ends.next()) else {
                    unreachable!("a connection has two ends")
                };
                let option = |o: P<'_>, sink: &mut Sink| match child(&o, Rule::connect_flag) {
                    Some(flag) => (self.name(&flag), None),
                    None => (self.name(&need(&o, Rule::connect_word)), Some(self.value_of(&o, sink))),
                };
                let options = children(p, Rule::connect_option).map(|o| option(o, sink)).collect();
                SimulateStmt::Connect { from, to, options, span }
            }
            _ => {
                let recorded =
                    |r: P<'_>, sink: &mut Sink| (self.ident(&r), self.reference(&need(&r, Rule::reference), sink));
                SimulateStmt::Record { what: children(p, Rule::recorded).map(|r| recorded(r, sink)).collect(), span }
            }
        }
    }
}
