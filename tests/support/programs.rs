//! Random programs that pass `verify`, and random numbers to run them on.

use rand::Rng;
use snnc::exec::rng::{Purpose, Stream};
use snnc::func::{Binary, Compare, Surrogate, SurrogateKind, Unary};
use snnc::ir::op::{Elem, Op, ParamId, StateId, Ty, Value};
use snnc::ir::program::{Builder, Input, Output, Pass, Program, Region, Table};

pub const UNARY: &[Unary] = &[
    Unary::Neg,
    Unary::Abs,
    Unary::Sqrt,
    Unary::Floor,
    Unary::Ceil,
    Unary::Sign,
    Unary::Exp,
    Unary::Log,
    Unary::Log2,
    Unary::Sin,
    Unary::Cos,
    Unary::Tan,
    Unary::Asin,
    Unary::Acos,
    Unary::Atan,
    Unary::Sinh,
    Unary::Cosh,
    Unary::Sech,
    Unary::Tanh,
    Unary::Erf,
    Unary::Heaviside,
    Unary::Sigmoid,
    Unary::Relu,
    Unary::Softplus,
    Unary::Gelu,
];

pub const COMPARE: &[Compare] = &[Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];

/// Random numbers, and choices made with them.
#[derive(Clone)]
pub struct Draw(Stream);

impl Draw {
    pub fn new(index: u64) -> Draw {
        Draw(Stream::new(20_260, Purpose::Test, index))
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// In -1..1.
    pub fn number(&mut self) -> f32 {
        self.0.next_u32() as i32 as f32 / 2_147_483_648.0
    }

    /// Mostly of ordinary size, sometimes anything at all.
    pub fn numbers(&mut self, n: usize, wild: bool) -> Vec<f32> {
        const WILD: &[f32] = &[
            0.0,
            -0.0,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            f32::MAX,
            f32::MIN_POSITIVE,
            1e-45,
            -1e-40,
            1e5,
            -3e6,
            5e6,
            88.8,
            -104.0,
            0.5,
            1.0,
        ];
        (0..n)
            .map(|_| match (wild, self.below(8)) {
                (true, 0) => self.one(WILD),
                (true, 1) => f32::from_bits(self.0.next_u32()),
                (_, 2) => self.number() * 20.0,
                _ => self.number() * 2.0,
            })
            .collect()
    }
}

pub fn with_inputs(widths: &[u32]) -> Builder {
    let mut p = Program::new("test");
    for (k, &width) in widths.iter().enumerate() {
        p.inputs.push(Input { name: format!("x{k}"), width });
    }
    Builder::new(p)
}

pub fn output(b: &mut Builder, value: Value) {
    let name = format!("y{}", b.program.outputs.len());
    b.program.outputs.push(Output { name, value });
}

pub fn trace(b: &mut Builder, value: Value) {
    let name = format!("t{}", b.program.traces.len());
    b.program.traces.push(Output { name, value });
}

pub fn surrogate() -> Surrogate {
    Surrogate { kind: SurrogateKind::Triangle, scale: 1.0 }
}

/// What a random program has.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub directions: u32,
    /// Of the first pass through time; each later one has one more. 0: no pass.
    pub steps: u32,
    pub passes: u32,
    /// Only element-wise work in the steps, on one width: the loop over time may move inside.
    pub narrow: bool,
    pub traces: bool,
    pub insts: usize,
}

pub struct Maker {
    b: Builder,
    draw: Draw,
    /// Values of init, and of the region in the making.
    init: Vec<(Value, Ty)>,
    here: Vec<(Value, Ty)>,
    weights: Vec<(ParamId, u32, u32)>,
    vectors: Vec<(ParamId, u32)>,
    widths: Vec<u32>,
}

impl Maker {
    fn push(&mut self, region: Region, op: Op, ty: Ty) -> Value {
        let v = self.b.push(region, op, ty);
        if region == Region::Init {
            self.init.push((v, ty))
        } else {
            self.here.push((v, ty))
        }
        v
    }

    /// A value of that type, if there is one; late ones are likelier.
    fn find(&mut self, ok: impl Fn(Ty) -> bool) -> Option<(Value, Ty)> {
        let all: Vec<(Value, Ty)> = self.init.iter().chain(&self.here).copied().filter(|(_, t)| ok(*t)).collect();
        if all.is_empty() {
            return None;
        }
        let n = all.len();
        let from = if self.draw.chance(60) { n - n.div_ceil(4) } else { 0 };
        Some(all[from + self.draw.below(n - from)])
    }

    fn real(&mut self) -> Option<(Value, Ty)> {
        let tangents = self.draw.chance(50);
        let found = if tangents { self.find(|t| t.elem == Elem::Real && t.tangent) } else { None };
        found.or_else(|| self.find(|t| t.elem == Elem::Real))
    }

    fn random(&mut self, region: Region, narrow: bool) -> Option<()> {
        let real = |w: u32| move |t: Ty| t.elem == Elem::Real && t.width == w;
        let kind = if narrow { self.draw.below(65) } else { self.draw.below(103) };
        match kind {
            0..12 => {
                let f = self.draw.one(UNARY);
                let (a, ty) = self.real()?;
                self.push(region, Op::Unary(f, a), ty);
            }
            12..34 => {
                let f = self.draw.one(Binary::ALL);
                let f = if self.draw.chance(70) { self.draw.one(&Binary::ALL[..3]) } else { f };
                let (a, ty) = self.real()?;
                let (b, other) = self.find(real(ty.width))?;
                let ty = Ty { tangent: ty.tangent || other.tangent, ..ty };
                self.push(region, Op::Binary(f, a, b), ty);
            }
            34..40 => {
                let (a, ty) = self.find(|t| t.elem == Elem::Real && !t.tangent)?;
                let (b, _) = self.find(move |t| t == ty)?;
                let f = self.draw.one(COMPARE);
                self.push(region, Op::Compare(f, a, b), Ty::mask(ty.width));
            }
            40..43 => {
                let (a, ty) = self.find(|t| t.elem == Elem::Mask)?;
                let (b, _) = self.find(move |t| t == ty)?;
                let op = match self.draw.below(3) {
                    0 => Op::And(a, b),
                    1 => Op::Or(a, b),
                    _ => Op::Not(a),
                };
                self.push(region, op, ty);
            }
            43..49 => {
                let (m, mask) = self.find(|t| t.elem == Elem::Mask)?;
                let (a, s) = self.find(real(mask.width))?;
                let (b, t) = self.find(real(mask.width))?;
                self.push(region, Op::Select(m, a, b), Ty { tangent: s.tangent || t.tangent, ..s });
            }
            49..54 => {
                let (of, ty) = self.find(|t| t.elem == Elem::Real && !t.tangent)?;
                let strict = self.draw.chance(50);
                self.push(region, Op::Spike { of, strict, surrogate: surrogate() }, ty);
            }
            54..60 => {
                let (a, ty) = self.find(|t| t.elem == Elem::Real && t.width == 1)?;
                let width = self.draw.one(&self.widths.clone());
                self.push(region, Op::Splat(a, width), Ty { width, ..ty });
            }
            60..62 => {
                let x = f64::from(self.draw.number() * 3.0);
                let tangent = self.b.program.directions > 0 && self.draw.chance(20);
                let ty = if tangent { Ty::tangent(1) } else { Ty::real(1) };
                self.push(region, Op::Const(x), ty);
            }
            62..65 => {
                let (a, s) = self.real()?;
                let (b, t) = self.find(real(s.width))?;
                let (c, u) = self.find(real(s.width))?;
                self.push(region, Op::Fma(a, b, c), Ty { tangent: s.tangent || t.tangent || u.tangent, ..s });
            }
            65..71 => {
                let mut parts = vec![];
                let mut ty = Ty::real(0);
                for _ in 0..1 + self.draw.below(3) {
                    let (v, t) = self.real()?;
                    ty = Ty { width: ty.width + t.width, tangent: ty.tangent || t.tangent, ..ty };
                    parts.push(v);
                }
                if ty.width <= 200 {
                    self.push(region, Op::Concat(parts), ty);
                }
            }
            71..79 => {
                let (of, ty) = self.real()?;
                let len = 1 + self.draw.below(ty.width as usize) as u32;
                // Widths that other values have are of use.
                let len = self.widths.iter().copied().filter(|w| *w <= ty.width).max().unwrap_or(len);
                let start = self.draw.below((ty.width - len + 1) as usize) as u32;
                self.push(region, Op::Slice { of, start, len }, Ty { width: len, ..ty });
            }
            79..85 => {
                let (a, ty) = self.real()?;
                self.push(region, Op::Sum(a), Ty { width: 1, ..ty });
            }
            _ => {
                let (weight, rows, cols) = self.draw.one(&self.weights.clone());
                let (x, ty) = self.find(|t| t.elem == Elem::Real && t.width == rows)?;
                // Half of the products are of spikes.
                let x = if !ty.tangent && self.draw.chance(50) {
                    self.push(region, Op::Spike { of: x, strict: false, surrogate: surrogate() }, ty)
                } else {
                    x
                };
                let direction = self.b.program.directions > 0 && !ty.tangent && self.draw.chance(40);
                let ty = Ty { width: cols, tangent: ty.tangent || direction, ..ty };
                self.push(region, Op::Dense { x, weight, direction }, ty);
            }
        }
        Some(())
    }

    fn sources(&mut self, region: Region) {
        for (p, width) in self.vectors.clone() {
            self.push(region, Op::Param(p), Ty::real(width));
            if self.b.program.directions > 0 {
                self.push(region, Op::Direction(p), Ty::tangent(width));
            }
        }
    }

    pub fn program(shape: Shape, index: u64) -> Program {
        let mut draw = Draw::new(1000 + index);
        let wide = draw.one(&[2, 3, 4, 5, 8, 9, 17, 64]);
        let widths = if shape.narrow { vec![1, wide] } else { vec![1, wide, draw.one(&[1, 3, 6, 12])] };
        let mut b = with_inputs(&[draw.one(&[1, 2, 3]), wide]);
        b.program.directions = shape.directions;
        if shape.steps > 0 {
            b.program.passes = (0..shape.passes).map(|k| Pass::new(shape.steps + k)).collect();
        }
        let mut m = Maker { b, draw, init: vec![], here: vec![], weights: vec![], vectors: vec![], widths };
        for (k, rows) in m.widths.clone().into_iter().enumerate() {
            for (l, cols) in m.widths.clone().into_iter().enumerate() {
                let id = m.b.param(format!("w{k}{l}"), rows, cols, true);
                m.weights.push((id, rows, cols));
            }
            let id = m.b.param(format!("v{k}"), 1, rows, true);
            m.vectors.push((id, rows));
        }
        let passes: Vec<u32> = m.b.program.passes.iter().map(|p| p.steps).collect();
        for (pass, &steps) in passes.iter().enumerate() {
            for k in 0..2 {
                let values = m.draw.numbers(steps as usize, false).into_iter().map(f64::from).collect();
                m.b.program.tables.push(Table { name: format!("table{pass}{k}"), values });
            }
            m.b.param(format!("rows{pass}"), steps, wide, false);
        }

        for k in 0..2 {
            let width = m.b.program.inputs[k].width;
            m.push(Region::Init, Op::Input(k as u32), Ty::real(width));
        }
        m.sources(Region::Init);
        for _ in 0..shape.insts {
            m.random(Region::Init, false);
        }
        for pass in 0..passes.len() as u32 {
            let (step, finish) = (Region::Step(pass), Region::Finish(pass));
            let mut states: Vec<(StateId, Ty)> = vec![];
            for _ in 0..1 + m.draw.below(5) {
                let allowed = m.widths.clone();
                let found = m.find(|t| t.elem == Elem::Real && allowed.contains(&t.width));
                if let Some((v, ty)) = found {
                    states.push((m.b.state(pass, ty, v), ty));
                }
            }
            if shape.narrow {
                let allowed = m.widths.clone();
                m.init.retain(|(_, t)| allowed.contains(&t.width));
            }
            for &(s, ty) in &states {
                m.push(step, Op::State(s), ty);
            }
            m.push(step, Op::Table(2 * pass), Ty::real(1));
            m.push(step, Op::Table(2 * pass + 1), Ty::real(1));
            if !shape.narrow {
                let rows = m.b.program.param_by_name(&format!("rows{pass}")).expect("declared above");
                m.push(step, Op::Row(rows), Ty::real(wide));
                m.sources(step);
            }
            for _ in 0..shape.insts {
                m.random(step, shape.narrow);
            }
            if shape.traces {
                for _ in 0..1 + m.draw.below(4) {
                    let values = m.here.clone();
                    let (v, ty) = m.draw.one(&values);
                    if ty.elem == Elem::Real {
                        trace(&mut m.b, v);
                    }
                }
            }
            for &(s, ty) in &states {
                let next = m.find(|t| t == ty);
                if let Some((v, _)) = next {
                    m.b.set_next(s, v);
                }
            }
            m.here.clear();
            for &(s, ty) in &states {
                m.push(finish, Op::State(s), ty);
            }
            for k in 0..states.len() {
                let v = m.here[k].0;
                output(&mut m.b, v);
            }
            for _ in 0..shape.insts / 3 {
                m.random(finish, false);
            }
            // What is computed after a pass is there for the next.
            let after = std::mem::take(&mut m.here);
            m.init.extend(after);
        }
        for _ in 0..4 {
            if let Some((v, _)) = m.find(|t| t.elem == Elem::Real) {
                output(&mut m.b, v);
            }
        }
        let mut p = m.b.finish();
        if p.directions > 0 && !p.insts().any(|i| i.ty.tangent) {
            p.directions = 0;
        }
        p
    }
}
