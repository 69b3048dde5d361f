//! Weak forms as whitened linear systems.
//!
//! A weak form says R(psi) = 0 for every test function psi, where R holds integrals of the field (never of its derivatives)
//! against L* psi, and data. With Gauss points x_n, weights w_n and B = sqrt(w_n) (L* psi_m)(x_n) this is B' sqrt(w) u = b.
//! Solved as it stands it is dominated by the roughest test functions. *Whitening* makes it isotropic: with B = Q R, take
//!
//! ```text
//! r = scale R'^-1 (B' sqrt(w) u - b)  =  scale Q' sqrt(w) (u - exact)
//! ```
//!
//! which is the L2 projection of the *error* itself onto the range of L*, whatever the equation. The scale is
//! sqrt(rows / volume), so that the mean of r squared is at most, and for enough test functions close to, the mean squared
//! error over the domain. With several fields in the form B has the rows of all of them, and the error is that of all fields
//! together; an unknown scalar is no function of the points and takes no part in the whitening. Nonlinear terms are linearised about a field for the whitening only; the moments stay exact.
//!
//! Test functions are tensor products of splines ([`TestSpace`]), ordered with the last coordinate fastest, as the points are.

mod arrays;
mod grading;

use std::ops::Range;
use std::sync::Arc;

use faer::reborrow::*;
use faer::{Mat, MatMut};
use rayon::prelude::*;

use crate::exec::interp::eval;
use crate::exec::kernel::Numbers;
use crate::exec::micro::sweep;
use crate::func::MultiIndex;
use crate::ir::problem::{Coord, Integrand, Weak};
use crate::ir::program::Program;
use crate::train::linalg::BLOCK;
use crate::train::splines::{Condition, Quadrature, TestSpace, spans_for};
use crate::train::staircase::{Staircase, Step};

pub use grading::{Grading, PARTS};

/// Gauss points a knot span and coordinate for the field: 3, or 2 where that would make too many points. A spiking field
/// jumps, so that more test functions are worth more than more points for each of them. With 2 points the moments of the
/// exact two-mode wave err by 5e-4 at 36 functions a coordinate and by 2e-4 at 48, with 3 by 2e-6, all below what a layer of
/// spiking neurons reaches there.
pub(crate) fn field_points(coords: usize, spans: usize, degree: usize) -> usize {
    let (most, three) = (12_000.0, libm::pow(3.0 * spans as f64, coords as f64));
    let least = if three <= most { 3 } else { 2 };
    // The rule is exact for the test functions themselves.
    least.max((degree + 1).div_ceil(2))
}

/// Test functions a coordinate, before the end conditions take theirs, where the program does not say: about four times as
/// many as a typical layer has units. Measured with 512 units on the wave equation: 28, 36, 48, 64 functions a coordinate
/// give relative errors of 0.007, 0.004, 0.0025, 0.0024 after three rounds, in time proportional to their square; with 128
/// units on Poisson's equation 64, 100, 200, 400 give 0.0014, 0.0009, 0.0005, 0.0003.
pub fn default_tests(coords: usize) -> usize {
    match coords {
        0 | 1 => 320,
        2 => 48,
        3 => 14,
        4 => 8,
        _ => 5,
    }
}

/// Test functions a coordinate at most by default, by the highest derivative on them.
fn most_tests(order: usize) -> usize {
    match order {
        0..=4 => usize::MAX,
        _ => 48,
    }
}

/// The same where every coordinate is periodic: the system is then dense, and its factor costs the third power.
fn default_periodic_tests(coords: usize) -> usize {
    match coords {
        2 => 28,
        3 => 9,
        n => default_tests(n),
    }
}

/// Test functions a coordinate, before the end conditions take theirs.
pub fn tests_of(weak: &Weak, coords: &[Coord]) -> usize {
    let d = coords.len();
    weak.tests.unwrap_or_else(|| {
        let tests = if coords.iter().all(|c| c.periodic) { default_periodic_tests(d) } else { default_tests(d) };
        // More would lose the lower terms of an equation of high order in the rounding of its highest one.
        tests.min(most_tests(weak.volume.iter().map(|t| t.test.order()).max().unwrap_or(0)))
    })
}

/// A weak form on its quadrature points. Everything that does not depend on the field is computed once.
#[derive(Debug)]
pub struct WeakSystem {
    axes: Vec<Axis>,
    /// `[points][coords]`
    points: Vec<f64>,
    /// `[points]`
    weights: Vec<f64>,
    volume: f64,
    tests: usize,
    /// The coordinate along which the system is factored: the first that is not periodic.
    lead: Option<usize>,
    /// The test functions in the order of the factor's columns, those along `lead` slowest.
    columns: Vec<usize>,
    /// Test functions over each point: `starts[n] .. starts[n + 1]` in `which` and in all the values below.
    starts: Vec<usize>,
    which: Vec<u32>,
    /// The fields in the form, and whether each is a function of the points (no unknown).
    fields: Vec<usize>,
    varies: Vec<bool>,
    /// L* psi of the linear terms, for each field.
    linear: Vec<Vec<f64>>,
    nonlinear: Vec<NonlinearTerm>,
    /// The part of the moments without the field: source terms and boundary data.
    load: Vec<f64>,
    /// How the spans are graded, if they are not equal.
    grading: Option<Grading>,
}

#[derive(Debug)]
struct Axis {
    space: TestSpace,
    /// Gauss points in each span.
    per_span: usize,
    rule: Quadrature,
}

#[derive(Debug)]
struct NonlinearTerm {
    /// coef D^test psi.
    values: Vec<f64>,
    /// Inputs `coords`, `fields`; outputs `value`, `slopes`.
    integrand: Program,
}

impl Axis {
    /// Along coordinate `k`.
    fn new(
        coords: &[Coord],
        k: usize,
        tests: usize,
        degree: usize,
        ends: &[Vec<Condition>; 2],
        grading: Option<&Grading>,
    ) -> Axis {
        let (coord, coords) = (&coords[k], coords.len());
        let space = match (coord.periodic, grading) {
            (true, None) => TestSpace::periodic(coord.lo, coord.hi, tests, degree),
            (true, Some(g)) => TestSpace::periodic_on(&g.breaks(k, tests.max(degree + 1)), degree),
            (false, None) => TestSpace::new(coord.lo, coord.hi, tests, degree, ends),
            (false, Some(g)) => TestSpace::on(&g.breaks(k, spans_for(tests, degree, ends)), degree, ends),
        };
        let per_span = field_points(coords, space.splines.spans, degree);
        let rule = space.splines.quadrature(per_span);
        Axis { space, per_span, rule }
    }

    /// The same space, integrated by another number of points.
    fn refined(&self, per_span: usize) -> Axis {
        Axis { space: self.space.clone(), per_span, rule: self.space.splines.quadrature(per_span) }
    }

    fn len(&self) -> usize {
        self.rule.nodes.len()
    }
}

/// The tensor product of one-dimensional rules: points `[n][d]` and weights, the last coordinate fastest.
fn tensor(axes: &[&Quadrature]) -> (Vec<f64>, Vec<f64>) {
    let d = axes.len();
    let n: usize = axes.iter().map(|a| a.nodes.len()).product();
    let (mut points, mut weights) = (vec![0.0; n * d], vec![1.0; n]);
    for i in 0..n {
        let mut rest = i;
        for k in (0..d).rev() {
            let m = axes[k].nodes.len();
            points[i * d + k] = axes[k].nodes[rest % m];
            weights[i] *= axes[k].weights[rest % m];
            rest /= m;
        }
    }
    (points, weights)
}

/// One-dimensional test functions at the nodes of a rule: `table[node]` = the functions over it and their derivatives.
type Table = Vec<(std::ops::Range<usize>, Vec<Vec<f64>>)>;

fn table(space: &TestSpace, nodes: &[f64], order: usize) -> Table {
    nodes.iter().map(|&x| space.eval(x, order)).collect()
}

/// Visits the test functions over point `i` of a tensor grid: their number, in the order of the pattern, and their
/// derivative `alpha`.
fn visit(tables: &[Table], lens: &[usize], i: usize, alpha: &MultiIndex, mut f: impl FnMut(usize, f64)) {
    let d = tables.len();
    let mut at: Vec<(&std::ops::Range<usize>, &[f64])> = Vec::with_capacity(d);
    let mut rest = i;
    for k in (0..d).rev() {
        let m = tables[k].len();
        let (range, values) = &tables[k][rest % m];
        at.push((range, &values[alpha.0[k] as usize]));
        rest /= m;
    }
    at.reverse();
    if at.iter().any(|(r, _)| r.is_empty()) {
        return;
    }
    let mut odometer = vec![0usize; d];
    loop {
        let (mut test, mut value) = (0, 1.0);
        for k in 0..d {
            // A periodic range goes on with the first function.
            test = test * lens[k] + (at[k].0.start + odometer[k]) % lens[k];
            value *= at[k].1[odometer[k]];
        }
        f(test, value);
        let mut k = d;
        loop {
            if k == 0 {
                return;
            }
            k -= 1;
            odometer[k] += 1;
            if odometer[k] < at[k].0.len() {
                break;
            }
            odometer[k] = 0;
        }
    }
}

impl WeakSystem {
    /// `is_unknown` says which fields are the same at all points.
    pub fn assemble(weak: &Weak, coords: &[Coord], is_unknown: impl Fn(usize) -> bool) -> Arc<WeakSystem> {
        WeakSystem::graded(weak, coords, is_unknown, None)
    }

    /// The same on graded spans.
    pub fn graded(
        weak: &Weak,
        coords: &[Coord],
        is_unknown: impl Fn(usize) -> bool,
        grading: Option<&Grading>,
    ) -> Arc<WeakSystem> {
        let d = coords.len();
        let tests = tests_of(weak, coords);
        let order = |k: usize| {
            let volume = weak.volume.iter().map(|t| t.test.0[k]);
            let boundary = weak.boundary.iter().map(|t| t.test.0[k]);
            volume.chain(boundary).max().unwrap_or(0) as usize
        };
        let orders: Vec<usize> = (0..d).map(order).collect();
        let axes: Vec<Axis> =
            (0..d).map(|k| Axis::new(coords, k, tests, (orders[k] + 1).max(3), &ends(weak, k), grading)).collect();
        let lens: Vec<usize> = axes.iter().map(|a| a.space.len()).collect();
        let count: usize = lens.iter().product();
        let (points, weights) = tensor(&axes.iter().map(|a| &a.rule).collect::<Vec<_>>());
        let tables: Vec<Table> = axes.iter().zip(&orders).map(|(a, &o)| table(&a.space, &a.rule.nodes, o)).collect();
        let n = weights.len();

        let zero = MultiIndex::zero(d);
        let (mut starts, mut which) = (vec![0], vec![]);
        for i in 0..n {
            visit(&tables, &lens, i, &zero, |test, _| which.push(test as u32));
            starts.push(which.len());
        }
        // coef D^test psi at every point, in the order of `which`.
        let values = |coef: &Program, test: &MultiIndex| {
            let c = eval(coef, &[&points]);
            let mut all = Vec::with_capacity(which.len());
            for (i, c) in c.iter().enumerate() {
                visit(&tables, &lens, i, test, |_, v| all.push(c * v));
            }
            all
        };
        let mut linear = vec![vec![0.0; which.len()]; weak.fields.len()];
        let mut nonlinear = vec![];
        let mut load = vec![0.0; count];
        for term in &weak.volume {
            match &term.integrand {
                Integrand::Field(k) => {
                    linear[*k].iter_mut().zip(values(&term.coef, &term.test)).for_each(|(f, v)| *f += v);
                }
                Integrand::Function(program) => nonlinear
                    .push(NonlinearTerm { values: values(&term.coef, &term.test), integrand: (**program).clone() }),
                Integrand::One => add_data(&mut load, &axes, &lens, &term.coef, &term.test, None),
            }
        }
        for term in &weak.boundary {
            let at = if term.high { coords[term.coord].hi } else { coords[term.coord].lo };
            add_data(&mut load, &axes, &lens, &term.coef, &term.test, Some((term.coord, at)));
        }
        let volume = coords.iter().map(|c| c.hi - c.lo).product();
        let fields = weak.fields.clone();
        let varies = fields.iter().map(|f| !is_unknown(*f)).collect();
        let lead = coords.iter().position(|c| !c.periodic);
        let columns = columns(&lens, lead.unwrap_or(0));
        Arc::new(WeakSystem {
            axes,
            points,
            weights,
            volume,
            tests: count,
            lead,
            columns,
            starts,
            which,
            fields,
            varies,
            linear,
            nonlinear,
            load,
            grading: grading.cloned(),
        })
    }

    /// How the spans are graded, if they are not equal.
    pub fn graded_by(&self) -> Option<&Grading> {
        self.grading.as_ref()
    }

    /// The fields that are observed at the points.
    pub fn fields(&self) -> &[usize] {
        &self.fields
    }

    /// Where the field is needed, `[points][coords]`.
    pub fn points(&self) -> &[f64] {
        &self.points
    }

    /// The number of those points.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Quadrature weights of the points; they add up to the volume of the domain.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The number of test functions.
    pub fn tests(&self) -> usize {
        self.tests
    }

    /// No term is nonlinear: one linearisation serves for ever.
    pub fn is_linear(&self) -> bool {
        self.nonlinear.is_empty()
    }

    /// The whitened system, linearised about fields given at the points, `[fields][points]` (0 if `None`).
    pub fn linearise(self: &Arc<Self>, u: Option<&[Vec<f64>]>) -> Linearised {
        let zeros;
        let u = match u {
            Some(u) => u,
            None => {
                zeros = vec![vec![0.0; self.len()]; self.fields.len()];
                &zeros
            }
        };
        assert!(u.len() == self.fields.len() && u.iter().all(|u| u.len() == self.len()));
        let mut operators = self.linear.clone();
        for term in &self.nonlinear {
            let (_, slopes) = term.at(&self.points, u);
            for (operator, slope) in operators.iter_mut().zip(&slopes) {
                for (i, s) in slope.iter().enumerate() {
                    let over = self.starts[i]..self.starts[i + 1];
                    operator[over.clone()].iter_mut().zip(&term.values[over]).for_each(|(o, v)| *o += s * v);
                }
            }
        }
        let whitener = self.factor(&operators);
        let scale = (whitener.kept().len() as f64 / self.volume).sqrt();
        let mut system = Linearised { system: self.clone(), operators, whitener, scale, target: vec![] };
        // r(u) ~ apply(u) - target, exact at the fields themselves.
        let mut applied = vec![0.0; self.tests];
        for (operator, u) in system.operators.iter().zip(u) {
            applied.iter_mut().zip(system.moments(operator, u)).for_each(|(a, m)| *a += m);
        }
        let applied = system.whiten(&applied);
        let residual = system.residual(u);
        system.target = applied.iter().zip(&residual).map(|(a, r)| a - r).collect();
        system
    }

    /// R of B = sqrt(w) L* psi, span after span of the leading coordinate, in the order of `columns`.
    fn factor(&self, operators: &[Vec<f64>]) -> Staircase {
        let varying: Vec<&Vec<f64>> = operators.iter().zip(&self.varies).filter(|(_, v)| **v).map(|(o, _)| o).collect();
        let mut place = vec![0; self.tests];
        self.columns.iter().enumerate().for_each(|(k, &test)| place[test] = k);
        let step = |points: &[usize], window: Range<usize>, finished: usize| {
            let mut step = Step { window, starts: vec![0], entries: vec![], finished };
            for &i in points {
                let w = self.weights[i].sqrt();
                for operator in &varying {
                    step.entries.extend((self.starts[i]..self.starts[i + 1]).map(|k| {
                        let column = place[self.which[k] as usize] - step.window.start;
                        (column as u32, w * operator[k])
                    }));
                    step.starts.push(step.entries.len());
                }
            }
            step
        };
        let Some(lead) = self.lead else {
            // Every function is a neighbour of every other, round the end.
            let all: Vec<usize> = (0..self.len()).collect();
            return Staircase::new(self.tests, 1, |_| step(&all, 0..self.tests, self.tests));
        };
        let axis = &self.axes[lead];
        let rest_tests = self.tests / axis.space.len().max(1);
        let stride: usize = self.axes[lead + 1..].iter().map(Axis::len).product();
        let spans = axis.space.splines.spans;
        Staircase::new(self.tests, spans, |s| {
            let over = axis.space.over(s);
            let here = |i: &usize| i / stride % axis.len() / axis.per_span == s;
            let points: Vec<usize> = match lead {
                0 => (s * axis.per_span * stride..(s + 1) * axis.per_span * stride).collect(),
                _ => (0..self.len()).filter(here).collect(),
            };
            let finished = if s + 1 == spans { self.tests } else { axis.space.over(s + 1).start * rest_tests };
            step(&points, over.start * rest_tests..over.end * rest_tests, finished)
        })
    }
}

/// The conditions on test functions at the ends of a coordinate.
fn ends(weak: &Weak, coord: usize) -> [Vec<Condition>; 2] {
    [false, true].map(|high| {
        let vanish = weak.vanish[coord][usize::from(high)].iter().map(|&order| vec![(order, 1.0)]);
        let ties = weak.ties.iter().filter(|t| (t.coord, t.high) == (coord, high)).map(|t| t.parts.clone());
        vanish.chain(ties).collect()
    })
}

/// All test functions, coordinate `lead` slowest and the others in their order.
fn columns(lens: &[usize], lead: usize) -> Vec<usize> {
    let count: usize = lens.iter().product();
    let stride: usize = lens[lead + 1..].iter().product();
    let mut all: Vec<usize> = (0..count).collect();
    all.sort_by_key(|test| (test / stride % lens[lead], *test));
    all
}

/// Adds ∫ coef D^test psi over the domain, or over the face where a coordinate has a given value, to the load. Data are
/// smooth but known only as programs: they get more Gauss points than the field.
fn add_data(
    load: &mut [f64],
    axes: &[Axis],
    lens: &[usize],
    coef: &Program,
    test: &MultiIndex,
    face: Option<(usize, f64)>,
) {
    let per_span = if axes.len() <= 2 { 8 } else { 4 };
    let fine: Vec<Axis> = axes.iter().map(|a| a.refined(per_span)).collect();
    let rules: Vec<Quadrature> = fine
        .iter()
        .enumerate()
        .map(|(k, a)| match face {
            Some((coord, at)) if coord == k => Quadrature { nodes: vec![at], weights: vec![1.0] },
            _ => a.rule.clone(),
        })
        .collect();
    let (points, weights) = tensor(&rules.iter().collect::<Vec<_>>());
    let tables: Vec<Table> =
        axes.iter().zip(&rules).zip(&test.0).map(|((a, r), &o)| table(&a.space, &r.nodes, o as usize)).collect();
    let c = eval(coef, &[&points]);
    for (i, (c, w)) in c.iter().zip(&weights).enumerate() {
        visit(&tables, lens, i, test, |m, v| load[m] += c * w * v);
    }
}

impl NonlinearTerm {
    /// The integrand and its slopes, `[fields][points]`, at every point.
    fn at(&self, points: &[f64], u: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let fields: Vec<f64> = (0..u[0].len()).flat_map(|i| u.iter().map(move |u| u[i])).collect();
        let out = eval(&self.integrand, &[points, &fields]);
        let width = self.integrand.output_len().max(1);
        let value = self.integrand.output_offset("value").unwrap_or(0);
        let slopes = self.integrand.output_offset("slopes").unwrap_or(1);
        let column = |at: usize| -> Vec<f64> { out.chunks_exact(width).map(|c| c[at]).collect() };
        (column(value), (0..u.len()).map(|f| column(slopes + f)).collect())
    }
}

/// A weak form linearised about a field, and whitened.
#[derive(Debug)]
pub struct Linearised {
    system: Arc<WeakSystem>,
    /// L* psi for each field, slopes of the nonlinear terms included.
    operators: Vec<Vec<f64>>,
    whitener: Staircase,
    scale: f64,
    target: Vec<f64>,
}

impl Linearised {
    /// Whether it came from this system.
    pub fn is_of(&self, system: &Arc<WeakSystem>) -> bool {
        Arc::ptr_eq(&self.system, system)
    }

    /// Where the field is needed, `[points][coords]`.
    pub fn points(&self) -> &[f64] {
        self.system.points()
    }

    /// The number of equations.
    pub fn rows(&self) -> usize {
        self.whitener.kept().len()
    }

    /// What `apply` of the field should give.
    pub fn target(&self) -> &[f64] {
        &self.target
    }

    /// The whitened operator on functions given at the points, `f[fields][points][m]` (empty: 0): `rows x m`.
    pub fn apply(&self, f: &[Numbers], m: usize) -> Mat<f64> {
        let s = &*self.system;
        assert!(f.iter().all(|f| f.is_empty() || f.len() == s.len() * m));
        let given: Vec<(&Vec<f64>, &Numbers)> = self.operators.iter().zip(f).filter(|(_, f)| !f.is_empty()).collect();
        let rows = self.rows();
        let mut all = Mat::zeros(rows, m);
        let mut rest = all.as_mut();
        let mut parts = vec![];
        for start in (0..m).step_by(BLOCK) {
            let (part, right) = rest.split_at_col_mut(BLOCK.min(m - start));
            parts.push((start, part));
            rest = right;
        }
        parts.into_par_iter().for_each_init(Vec::new, |z, (start, mut out)| {
            let width = out.ncols();
            z.clear();
            z.resize(s.tests * width, 0.0);
            for (operator, f) in &given {
                match f {
                    Numbers::Single(f) => {
                        sweep::moments(&s.weights, &s.starts, &s.which, operator, f, m, start, width, z);
                    }
                    Numbers::Double(f) => {
                        sweep::moments_double(&s.weights, &s.starts, &s.which, operator, f, m, start, width, z);
                    }
                }
            }
            let kept = self.whitener.kept();
            for c in 0..width {
                for (r, out) in out.rb_mut().col_mut(c).iter_mut().enumerate() {
                    *out = self.scale * z[s.columns[kept[r]] * width + c];
                }
            }
            self.whitener.solve_transposed(out);
        });
        all
    }

    /// The whitened moments of the weak form itself, nonlinear terms in full: 0 for the solution. The mean of the squares is
    /// about the mean squared error of `u` near it.
    pub fn residual(&self, u: &[Vec<f64>]) -> Vec<f64> {
        let s = &*self.system;
        let mut z = vec![0.0; s.tests];
        for (operator, u) in s.linear.iter().zip(u) {
            z.iter_mut().zip(self.moments(operator, u)).for_each(|(z, m)| *z += m);
        }
        for term in &s.nonlinear {
            let (value, _) = term.at(&s.points, u);
            z.iter_mut().zip(self.moments(&term.values, &value)).for_each(|(z, m)| *z += m);
        }
        z.iter_mut().zip(&s.load).for_each(|(z, l)| *z += l);
        self.whiten(&z)
    }

    /// Integrals of g against each of the functions whose values are given.
    fn moments(&self, values: &[f64], g: &[f64]) -> Vec<f64> {
        let s = &*self.system;
        let mut z = vec![0.0; s.tests];
        for (i, g) in g.iter().enumerate() {
            let g = g * s.weights[i];
            for k in s.starts[i]..s.starts[i + 1] {
                z[s.which[k] as usize] += g * values[k];
            }
        }
        z
    }

    fn whiten(&self, z: &[f64]) -> Vec<f64> {
        let s = &*self.system;
        let mut out: Vec<f64> = self.whitener.kept().iter().map(|&j| self.scale * z[s.columns[j]]).collect();
        let rows = out.len();
        self.whitener.solve_transposed(MatMut::from_column_major_slice_mut(&mut out, rows, 1));
        out
    }
}

#[cfg(test)]
mod tests;
