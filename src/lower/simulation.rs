//! A checked simulation to programs: each population's step, from the ordinary lowering of its neuron model.
//!
//! The model is emitted as it would be in a network, with states that a program carries from step to step; then the one
//! step is taken out, the states become inputs and outputs, and the runtime carries them. So whatever the lowering of
//! neurons can do, a simulation can.
//!
//! ```text
//! state 0 : 64 = %4 next %9                input "state 0" [64]
//! step { %5 = state 0 : 64  … }     ->     init { %5 = input 2 : 64  … }
//!                                          output "state 0" = %9
//! ```

use super::emit::{Emit, Term};
use super::neuron;
use crate::check::expr::{Expr, Var};
use crate::check::simulation::model::{Connection, Kind, Population, Simulation};
use crate::func::{Surrogate, SurrogateKind};
use crate::ir::op::{Op, Value};
use crate::ir::program::{Input, Output, Pass, Program};
use crate::ir::simulation as ir;
use crate::plan::simulation::Given;
use crate::units::Unit;

/// The most units that one run of a program advances.
const MOST: u32 = 128;

pub fn lower(s: &Simulation) -> ir::Simulation {
    let mut channels: Vec<ir::Channel> = vec![];
    let connections = s.connections.iter().map(|c| connection(c, &mut channels)).collect();
    ir::Simulation {
        dt: s.dt,
        steps: s.steps,
        seed: s.seed,
        populations: s.populations.iter().map(|p| population(p, s)).collect(),
        channels,
        connections,
        records: s.records.clone(),
        report: s.report.clone(),
    }
}

fn connection(c: &Connection, channels: &mut Vec<ir::Channel>) -> ir::Connection {
    let channel = ir::Channel { population: c.to, port: c.port };
    let index = channels.iter().position(|k| *k == channel).unwrap_or_else(|| {
        channels.push(channel);
        channels.len() - 1
    });
    ir::Connection {
        from: c.from,
        to: c.to,
        channel: index,
        pattern: c.pattern,
        autapses: c.autapses,
        given: c.given.clone(),
        weight: of_draws("weight", &c.weight, c.given.len()),
        delay: of_draws("delay", &c.delay, c.given.len()),
    }
}

/// An expression of draws as a program of one point a synapse.
fn of_draws(name: &str, value: &Expr, draws: usize) -> Program {
    let mut program = Program::new(name);
    program.inputs = (0..draws).map(|i| Input { name: format!("given {i}"), width: 1 }).collect();
    let mut e = Emit::new(program);
    let given: Vec<Term> = (0..draws).map(|i| Term::Val(e.input(i as u32, 1))).collect();
    let value = e.expr(value, &|v| variable(v, &given));
    let value = e.wide(value, 1).value;
    e.program().outputs.push(Output { name: name.into(), value });
    e.finish()
}

fn variable(v: &Var, given: &[Term]) -> Term {
    match v {
        Var::Given(i) => given[*i],
        _ => unreachable!("the checker lets only what is given into a simulation's expressions"),
    }
}

fn population(p: &Population, s: &Simulation) -> ir::Population {
    let dt = s.dt;
    let width = p.size.div_ceil(p.size.div_ceil(MOST));
    let mut program = Program::new(format!("step of {}", p.name));
    program.passes.push(Pass::new(1));
    let width_of = |g: &Given| if matches!(g, Given::Time) { 1 } else { width };
    program.inputs =
        p.given.iter().enumerate().map(|(i, g)| Input { name: format!("given {i}"), width: width_of(g) }).collect();
    program.inputs.push(Input { name: "synapses".into(), width });
    let mut e = Emit::new(program);
    let given: Vec<Term> = p.given.iter().enumerate().map(|(i, g)| Term::Val(e.input(i as u32, width_of(g)))).collect();
    let synapses = Term::Val(e.input(given.len() as u32, width));
    let var = |v: &Var| variable(v, &given);
    let (spikes, input) = match &p.kind {
        Kind::Neurons { model, params, input, starts } => {
            let mut model = s.neurons[*model].clone();
            if s.units {
                // What `with` gives is a quantity already, not a number of the input's unit.
                model.input = Unit::NONE;
            }
            let mut params: Vec<Term> = params.iter().map(|p| e.expr(p, &var)).collect();
            for (state, start) in starts {
                // A start of its own is one more parameter that the state starts from.
                model.states[*state].init = Expr::Var(Var::Param(params.len()));
                params.push(e.expr(start, &var));
            }
            let input = e.expr(input, &var);
            let input = e.add(input, synapses);
            let emitted = neuron::step(&mut e, &model, &params, input, dt, width, None);
            (emitted.spikes.unwrap_or(Term::Num(0.0)), input)
        }
        Kind::Poisson { rate, uniform } => {
            let rate = e.expr(rate, &var);
            let chance = e.mul(rate, Term::Num(dt));
            let over = e.sub(chance, given[*uniform]);
            let over = e.wide(over, width);
            let surrogate = Surrogate { kind: SurrogateKind::Triangle, scale: 1.0 };
            (Term::Val(e.spike(over, true, surrogate)), chance)
        }
    };
    let (spikes, input) = (e.wide(spikes, width).value, e.wide(input, width).value);
    let program = e.finish();
    let states = program.states.len();
    let start = start(&program, &p.name);
    let step = step(program, &[("spike", spikes), ("input", input)]);
    ir::Population { name: p.name.clone(), size: p.size, chunk: width, given: p.given.clone(), states, start, step }
}

fn state_name(k: usize) -> String {
    format!("state {k}")
}

/// The states before the first step.
fn start(program: &Program, population: &str) -> Program {
    let outputs =
        program.states.iter().enumerate().map(|(k, s)| Output { name: state_name(k), value: s.init }).collect();
    Program { name: format!("start of {population}"), states: vec![], passes: vec![], outputs, ..program.clone() }
}

/// The one step as straight-line code from states to states.
fn step(mut program: Program, results: &[(&str, Value)]) -> Program {
    let first = program.inputs.len() as u32;
    let mut inside = std::mem::take(&mut program.passes).into_iter().flat_map(|p| p.step).collect::<Vec<_>>();
    for inst in &mut inside {
        if let Op::State(s) = inst.op {
            inst.op = Op::Input(first + s.0);
        }
    }
    let states = std::mem::take(&mut program.states);
    for (k, s) in states.iter().enumerate() {
        program.inputs.push(Input { name: state_name(k), width: s.ty.width });
        program.outputs.push(Output { name: state_name(k), value: s.next });
    }
    program.outputs.extend(results.iter().map(|(name, value)| Output { name: (*name).into(), value: *value }));
    program.init.extend(inside);
    program
}
