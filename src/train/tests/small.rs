//! A network of one layer, u(x) = sum_j w_j unit(a_j x + b_j) + c over x in [-1, 1], and the problem of fitting it to
//! sin 2 pi x, built by hand.

use std::sync::Arc;

use crate::exec::interp::Interpreter;
use crate::exec::kernel::{AnyKernel, DIRECTIONS};
use crate::func::{Binary, MultiIndex, Surrogate, SurrogateKind, Unary};
use crate::ir::op::{Op, ParamId, Ty, Value};
use crate::ir::problem::*;
use crate::ir::program::{Builder, Input, Output, Pass, Program, Region, Table};
use crate::plan::{Dynamics, Method, Phase, Precision, Report, Sampler, StopWhen, Train};
use crate::train::kernels::{Kernels, Observer};

pub const STEPS: u32 = 16;

/// What the layer is made of.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    Tanh,
    /// v <- 0.9 v + i / 10, spike at 1, reset by subtraction, mean of spikes.
    Lif,
}

pub fn io(program: &mut Program, inputs: &[(&str, u32)]) {
    program.inputs = inputs.iter().map(|(n, w)| Input { name: n.to_string(), width: *w }).collect();
}

pub fn real(b: &mut Builder, region: Region, op: Op, width: u32) -> Value {
    b.push(region, op, Ty::real(width))
}

/// Response (and, for a spiking unit, spikes) of `n` units to a current.
pub fn units(b: &mut Builder, unit: Unit, current: Value, n: u32) -> (Value, Option<Value>) {
    use Region::Init;
    let (step, finish) = (Region::Step(0), Region::Finish(0));
    if unit == Unit::Tanh {
        return (real(b, Init, Op::Unary(Unary::Tanh, current), n), None);
    }
    b.program.passes = vec![Pass::new(STEPS)];
    b.program.tables.push(Table { name: "mean".into(), values: vec![1.0 / f64::from(STEPS); STEPS as usize] });
    let zero = real(b, Init, Op::Const(0.0), 1);
    let zero = real(b, Init, Op::Splat(zero, n), n);
    let tenth = real(b, Init, Op::Const(0.1), 1);
    let tenth = real(b, Init, Op::Splat(tenth, n), n);
    let drive = real(b, Init, Op::Binary(Binary::Mul, current, tenth), n);
    let leak = real(b, Init, Op::Const(0.9), 1);
    let leak = real(b, Init, Op::Splat(leak, n), n);
    let theta = real(b, Init, Op::Const(1.0), 1);
    let theta = real(b, Init, Op::Splat(theta, n), n);
    let v = b.state(0, Ty::real(n), zero);
    let mean = b.state(0, Ty::real(n), zero);
    let count = b.state(0, Ty::real(n), zero);
    let v0 = real(b, step, Op::State(v), n);
    let decayed = real(b, step, Op::Binary(Binary::Mul, v0, leak), n);
    let v1 = real(b, step, Op::Binary(Binary::Add, decayed, drive), n);
    let z = real(b, step, Op::Binary(Binary::Sub, v1, theta), n);
    let surrogate = Surrogate { kind: SurrogateKind::Triangle, scale: 1.0 };
    let s = real(b, step, Op::Spike { of: z, strict: false, surrogate }, n);
    let v2 = real(b, step, Op::Binary(Binary::Sub, v1, s), n);
    let w = real(b, step, Op::Table(0), 1);
    let w = real(b, step, Op::Splat(w, n), n);
    let part = real(b, step, Op::Binary(Binary::Mul, s, w), n);
    let m0 = real(b, step, Op::State(mean), n);
    let m1 = real(b, step, Op::Binary(Binary::Add, m0, part), n);
    let c0 = real(b, step, Op::State(count), n);
    let c1 = real(b, step, Op::Binary(Binary::Add, c0, s), n);
    b.set_next(v, v2);
    b.set_next(mean, m1);
    b.set_next(count, c1);
    b.program.traces.push(Output { name: "spikes.h".into(), value: s });
    let mean = real(b, finish, Op::State(mean), n);
    let count = real(b, finish, Op::State(count), n);
    (mean, Some(count))
}

#[derive(Clone, Copy, PartialEq)]
pub enum What {
    Primal,
    Probe,
    Features,
}

/// u(x) = sum_j w_j unit(a_j x + b_j) + c over x in [-1, 1].
pub fn network_program(unit: Unit, n: u32, what: What) -> Program {
    let mut program = Program::new("u");
    io(&mut program, &[("coords", 1)]);
    let mut b = Builder::new(program);
    let weight = b.param("h.weight", 1, n, true);
    let bias = b.param("h.bias", 1, n, true);
    let out = b.param("out.weight", n, 1, true);
    let out_bias = b.param("out.bias", 1, 1, true);
    let x = real(&mut b, Region::Init, Op::Input(0), 1);
    let wx = real(&mut b, Region::Init, Op::Dense { x, weight, direction: false }, n);
    let bias = real(&mut b, Region::Init, Op::Param(bias), n);
    let current = real(&mut b, Region::Init, Op::Binary(Binary::Add, wx, bias), n);
    let (phi, count) = units(&mut b, unit, current, n);
    let region = if unit == Unit::Tanh { Region::Init } else { Region::Finish(0) };
    let mut outputs = vec![];
    if what == What::Features {
        let one = real(&mut b, region, Op::Const(1.0), 1);
        let zero = real(&mut b, region, Op::Const(0.0), 1);
        outputs.extend([("phi.u", phi), ("phi0.u", one), ("offset.u", zero)]);
    } else {
        let y = real(&mut b, region, Op::Dense { x: phi, weight: out, direction: false }, 1);
        let c = real(&mut b, region, Op::Param(out_bias), 1);
        let u = real(&mut b, region, Op::Binary(Binary::Add, y, c), 1);
        outputs.push(("u", u));
        if let Some(count) = count {
            let total = real(&mut b, region, Op::Sum(count), 1);
            outputs.push(("spikes.h", total));
        }
    }
    let mut program = b.finish();
    program.outputs = outputs.into_iter().map(|(n, v)| Output { name: n.into(), value: v }).collect();
    if what != What::Probe {
        program.traces.clear();
    }
    program
}

pub fn response_program(unit: Unit) -> Program {
    let mut program = Program::new("response");
    io(&mut program, &[("current", 1)]);
    let mut b = Builder::new(program);
    let i = real(&mut b, Region::Init, Op::Input(0), 1);
    let (value, count) = units(&mut b, unit, i, 1);
    let mut program = b.finish();
    program.traces.clear();
    program.outputs = vec![Output { name: "response".into(), value: count.unwrap_or(value) }];
    program
}

/// An expression program with one output.
pub fn expression(
    inputs: &[(&str, u32)],
    output: &str,
    build: impl FnOnce(&mut dyn FnMut(Op) -> Value) -> Value,
) -> Program {
    let mut program = Program::new("expression");
    io(&mut program, inputs);
    let mut b = Builder::new(program);
    let value = build(&mut |op| b.push(Region::Init, op, Ty::real(1)));
    let mut program = b.finish();
    program.outputs = vec![Output { name: output.into(), value }];
    program
}

/// sin 2 pi x
pub fn target(push: &mut dyn FnMut(Op) -> Value, x: Value) -> Value {
    let k = push(Op::Const(2.0 * std::f64::consts::PI));
    let a = push(Op::Binary(Binary::Mul, k, x));
    push(Op::Unary(Unary::Sin, a))
}

pub const POINTWISE: &[(&str, u32)] = &[("coords", 1), ("atoms", 1)];

/// u - sin 2 pi x, or u + u^3 - (s + s^3) with s = sin 2 pi x.
pub fn pointwise(linear: bool) -> Pointwise {
    let cubic = |push: &mut dyn FnMut(Op) -> Value, u: Value| {
        let u2 = push(Op::Binary(Binary::Mul, u, u));
        let u3 = push(Op::Binary(Binary::Mul, u2, u));
        push(Op::Binary(Binary::Add, u, u3))
    };
    let value = expression(POINTWISE, "value", |push| {
        let (x, u) = (push(Op::Input(0)), push(Op::Input(1)));
        let s = target(push, x);
        let (u, s) = if linear { (u, s) } else { (cubic(push, u), cubic(push, s)) };
        push(Op::Binary(Binary::Sub, u, s))
    });
    let slopes = expression(POINTWISE, "slopes", |push| {
        let one = push(Op::Const(1.0));
        if linear {
            return one;
        }
        let (u, three) = (push(Op::Input(1)), push(Op::Const(3.0)));
        let u2 = push(Op::Binary(Binary::Mul, u, u));
        let u2 = push(Op::Binary(Binary::Mul, three, u2));
        push(Op::Binary(Binary::Add, one, u2))
    });
    Pointwise { atoms: vec![u_itself()], places: vec![], by: Derivatives::None, value, slopes, linear }
}

pub const BLOCK: u32 = 50;

/// The value of the only field.
pub fn u_itself() -> Atom {
    Atom { field: 0, alpha: MultiIndex::zero(1) }
}

pub fn problem(unit: Unit, n: u32, linear: bool, phases: Vec<Method>) -> (Problem, Kernels) {
    let program = |what| network_program(unit, n, what);
    let roles = [(0, UnitRole::Weight), (1, UnitRole::Bias)];
    let units = Units {
        feeds: vec![0],
        params: roles.iter().map(|&(k, role)| UnitParam { param: ParamId(k), role }).collect(),
        pool: network_program(unit, BLOCK, What::Features),
        block: BLOCK,
        response: (unit == Unit::Lif).then(|| response_program(unit)),
        steps: if unit == Unit::Lif { STEPS } else { 0 },
        on_coords: true,
        pairs: vec![],
        fan_in: 1,
    };
    let network = Network {
        fields: vec![Field { name: "u".into(), readout: Some(0), unknown: None }],
        primal: program(What::Primal),
        probe: program(What::Probe),
        layers: vec![Layer {
            name: "h".into(),
            units: n,
            dt: 1.0,
            spiking: unit == Unit::Lif,
            params: vec![ParamId(0), ParamId(1)],
            states: vec![],
            pursuit: Some(units.clone()),
        }],
        readouts: vec![Readout { weight: Some(ParamId(2)), bias: Some(ParamId(3)), column: Some(0), features: n }],
        features: Some(program(What::Features)),
        init: vec![Init::Normal(2.0), Init::Uniform(-1.0, 1.0), Init::Normal(0.3), Init::Constant(0.0)],
    };
    let kernel = |p: &Program| AnyKernel::Single(Arc::new(Interpreter::new(p.clone())));
    let kernels = Kernels {
        precision: Precision::F32,
        observers: vec![Observer {
            atoms: vec![u_itself()],
            primal: kernel(&network.primal),
            features: Some(kernel(&program(What::Features))),
            pools: vec![Some(kernel(&units.pool))],
            tangents: tangents(unit, n),
        }],
        observer_of: vec![0],
        probe: kernel(&network.probe),
        counts: kernel(&network.primal),
        responses: vec![units.response.as_ref().map(kernel)],
    };
    let exact = expression(&[("coords", 1)], "value", |push| {
        let x = push(Op::Input(0));
        target(push, x)
    });
    let phases = phases
        .into_iter()
        .enumerate()
        .map(|(k, method)| Phase { name: format!("p{k}"), method, stop: StopWhen::default() })
        .collect();
    let problem = Problem {
        coords: vec![Coord { name: "x".into(), lo: -1.0, hi: 1.0, periodic: false }],
        shape: None,
        network,
        residuals: vec![Residual {
            name: "fit".into(),
            weight: 2.0,
            place: Place::Domain,
            points: 128,
            sampler: Sampler::Grid,
            dynamics: Dynamics::default(),
            rows: Rows::Pointwise(pointwise(linear)),
        }],
        exact: vec![Some(exact)],
        reference: None,
        functions: vec![],
        train: Train { seed: 3, precision: Precision::F32, phases, is_default: false },
        report: Report::default(),
    };
    (problem, kernels)
}

/// Directions that the tests ask for: several times as many as kernels take at once.
pub const FORWARD: u32 = 64;

/// du = dphi . w + phi . dw + dc with dphi = (1 - phi^2) dcurrent, for a tanh layer; a spiking one has none here.
pub fn tangents(unit: Unit, n: u32) -> Vec<(u32, AnyKernel)> {
    if unit != Unit::Tanh {
        return vec![];
    }
    let primal = network_program(unit, n, What::Primal);
    let value = |k: usize| primal.init[k].value;
    let (x, phi) = (value(0), primal.init.iter().find(|i| matches!(i.op, Op::Unary(Unary::Tanh, _))).unwrap().value);
    let mut b = Builder::new(primal.clone());
    b.program.directions = DIRECTIONS as u32;
    let mut tangent = |op, width| b.push(Region::Init, op, Ty::tangent(width));
    let dwx = tangent(Op::Dense { x, weight: ParamId(0), direction: true }, n);
    let db = tangent(Op::Direction(ParamId(1)), n);
    let dcurrent = tangent(Op::Binary(Binary::Add, dwx, db), n);
    let dphi = tangent(Op::Binary(Binary::Mul, dcurrent, phi), n);
    let dphi = tangent(Op::Binary(Binary::Mul, dphi, phi), n);
    let dphi = tangent(Op::Binary(Binary::Sub, dcurrent, dphi), n);
    let left = tangent(Op::Dense { x: dphi, weight: ParamId(2), direction: false }, 1);
    let right = tangent(Op::Dense { x: phi, weight: ParamId(2), direction: true }, 1);
    let dc = tangent(Op::Direction(ParamId(3)), 1);
    let dy = tangent(Op::Binary(Binary::Add, left, right), 1);
    let du = tangent(Op::Binary(Binary::Add, dy, dc), 1);
    let mut program = b.finish();
    program.outputs.push(Output { name: tangent_name("u"), value: du });
    vec![(DIRECTIONS as u32, AnyKernel::Single(Arc::new(Interpreter::new(program))))]
}
