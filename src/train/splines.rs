//! One-dimensional spline spaces: the test functions of weak forms, and the Gauss points that integrate them.
//!
//! Weak forms need test functions that are smooth, have local support, and vanish, with chosen derivatives, at an end of the
//! interval where a boundary term has no data. Clamped B-splines give all three: at an end only the first m + 1 functions
//! have a derivative of order m that is not zero, so that any set of end conditions concerns a handful of functions only.
//!
//! ```text
//! raw splines  N0 N1 N2 N3 …        psi = 0 at the low end:        N1 N2 N3 …
//!                                   psi' = 0 at the low end:       N0+N1, N2 N3 …
//! ```
//!
//! On a periodic coordinate the knots go on beyond both ends, and a function that leaves at one end comes in at the other: there
//! are as many functions as spans, and no end at all.
//!
//! De Boor, A Practical Guide to Splines (1978); Piegl and Tiller, The NURBS Book (1997), A2.3.

/// Nodes and weights of an integration rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Quadrature {
    pub nodes: Vec<f64>,
    pub weights: Vec<f64>,
}

/// The Gauss-Legendre rule of `n` points on [-1, 1], nodes ascending: exact for polynomials of degree 2 n - 1.
pub fn gauss_legendre(n: usize) -> Quadrature {
    let mut rule = Quadrature { nodes: vec![0.0; n], weights: vec![0.0; n] };
    for i in 0..n {
        let mut x = -libm::cos(std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5));
        let mut slope = 1.0;
        for _ in 0..100 {
            let (p, d) = legendre(n, x);
            slope = d;
            let step = p / d;
            x -= step;
            if step.abs() < 1e-16 {
                slope = legendre(n, x).1;
                break;
            }
        }
        rule.nodes[i] = x;
        rule.weights[i] = 2.0 / ((1.0 - x * x) * slope * slope);
    }
    rule
}

/// The Legendre polynomial of degree `n` and its slope, for |x| < 1.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut p) = (0.0, 1.0);
    for k in 0..n {
        let k = k as f64;
        (before, p) = (p, ((2.0 * k + 1.0) * x * p - k * before) / (k + 1.0));
    }
    (p, n as f64 * (x * p - before) / (x * x - 1.0))
}

/// Clamped B-splines of one degree on spans of [lo, hi]: `spans + degree` functions that add up to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Splines {
    pub degree: usize,
    pub spans: usize,
    pub lo: f64,
    pub hi: f64,
    /// The raw functions i and i + spans are one.
    pub periodic: bool,
    knots: Vec<f64>,
}

impl Splines {
    /// On equal spans.
    pub fn new(lo: f64, hi: f64, spans: usize, degree: usize) -> Splines {
        Splines::on(&equal(lo, hi, spans.max(1)), degree)
    }

    /// On the spans between breaks, which ascend.
    pub fn on(breaks: &[f64], degree: usize) -> Splines {
        let (lo, hi, spans) = (breaks[0], breaks[breaks.len() - 1], breaks.len() - 1);
        let mut knots = vec![lo; degree];
        knots.extend_from_slice(breaks);
        knots.extend(std::iter::repeat_n(hi, degree));
        Splines { degree, spans, lo, hi, periodic: false, knots }
    }

    /// Splines on equal knots that come round: `spans` functions, of which degree + 1 are not zero on a span.
    pub fn periodic(lo: f64, hi: f64, spans: usize, degree: usize) -> Splines {
        // With fewer a function would meet itself.
        Splines::periodic_on(&equal(lo, hi, spans.max(degree + 1)), degree)
    }

    /// The same on the spans between breaks, which ascend and are more than the degree.
    pub fn periodic_on(breaks: &[f64], degree: usize) -> Splines {
        let (lo, hi, spans) = (breaks[0], breaks[breaks.len() - 1], breaks.len() - 1);
        let before = breaks[spans - degree..spans].iter().map(|x| x - (hi - lo));
        let after = breaks[1..=degree].iter().map(|x| x + (hi - lo));
        let knots = before.chain(breaks.iter().copied()).chain(after).collect();
        Splines { degree, spans, lo, hi, periodic: true, knots }
    }

    /// The ends of the spans.
    pub fn breaks(&self) -> &[f64] {
        &self.knots[self.degree..=self.degree + self.spans]
    }

    /// The number of functions; on a periodic coordinate, counted as if they did not come round.
    pub fn len(&self) -> usize {
        self.spans + self.degree
    }

    pub fn is_empty(&self) -> bool {
        false
    }

    /// The span that `x` lies in; points outside count to the nearest.
    pub fn span_of(&self, x: f64) -> usize {
        let within = &self.breaks()[1..self.spans];
        within.partition_point(|b| *b <= x)
    }

    /// Values and derivatives up to `order` at `x` of the functions that are not zero there: the first of them, and
    /// `[order + 1][degree + 1]` numbers.
    pub fn eval(&self, x: f64, order: usize) -> (usize, Vec<f64>) {
        let p = self.degree;
        let first = self.span_of(x);
        let at = first + p; // knots[at] <= x
        let u = &self.knots;
        // ndu[j][r]: the triangle of lower degrees above the diagonal, knot differences below it.
        let mut ndu = vec![vec![0.0; p + 1]; p + 1];
        let (mut left, mut right) = (vec![0.0; p + 1], vec![0.0; p + 1]);
        ndu[0][0] = 1.0;
        for j in 1..=p {
            left[j] = x - u[at + 1 - j];
            right[j] = u[at + j] - x;
            let mut saved = 0.0;
            for r in 0..j {
                ndu[j][r] = right[r + 1] + left[j - r];
                let t = ndu[r][j - 1] / ndu[j][r];
                ndu[r][j] = saved + right[r + 1] * t;
                saved = left[j - r] * t;
            }
            ndu[j][j] = saved;
        }
        let w = p + 1;
        let mut out = vec![0.0; (order + 1) * w];
        for j in 0..=p {
            out[j] = ndu[j][p];
        }
        for r in 0..=p {
            let mut a = vec![vec![0.0; p + 1]; 2];
            a[0][0] = 1.0;
            let (mut s1, mut s2) = (0, 1);
            for k in 1..=order.min(p) {
                let mut d = 0.0;
                let pk = p - k;
                if r >= k {
                    a[s2][0] = a[s1][0] / ndu[pk + 1][r - k];
                    d = a[s2][0] * ndu[r - k][pk];
                }
                let j1 = if r + 1 >= k { 1 } else { k - r };
                let j2 = if r <= pk + 1 { k - 1 } else { p - r };
                for j in j1..=j2 {
                    a[s2][j] = (a[s1][j] - a[s1][j - 1]) / ndu[pk + 1][r + j - k];
                    d += a[s2][j] * ndu[r + j - k][pk];
                }
                if r <= pk {
                    a[s2][k] = -a[s1][k - 1] / ndu[pk + 1][r];
                    d += a[s2][k] * ndu[r][pk];
                }
                out[k * w + r] = d;
                std::mem::swap(&mut s1, &mut s2);
            }
        }
        let mut factor = p as f64;
        for k in 1..=order.min(p) {
            for v in &mut out[k * w..(k + 1) * w] {
                *v *= factor;
            }
            factor *= (p - k) as f64;
        }
        (first, out)
    }

    /// Gauss points in every span, `q` each, ascending.
    pub fn quadrature(&self, q: usize) -> Quadrature {
        let rule = gauss_legendre(q);
        let mut all = Quadrature { nodes: vec![], weights: vec![] };
        for s in 0..self.spans {
            let (a, b) = (self.knots[s + self.degree], self.knots[s + 1 + self.degree]);
            for (x, w) in rule.nodes.iter().zip(&rule.weights) {
                all.nodes.push(a + (b - a) * 0.5 * (x + 1.0));
                all.weights.push(w * 0.5 * (b - a));
            }
        }
        all
    }
}

/// The ends of equal spans of [lo, hi].
pub fn equal(lo: f64, hi: f64, spans: usize) -> Vec<f64> {
    (0..=spans).map(|i| if i == spans { hi } else { lo + (hi - lo) * i as f64 / spans as f64 }).collect()
}

/// A condition at an end: the sum of `factor` times the derivative of `order` is zero. `[(0, 1.0)]`: the function vanishes.
pub type Condition = Vec<(u8, f64)>;

/// A spline space with conditions at the ends. Its functions are combinations of a few neighbouring splines, in the order
/// of their supports: both the first and the last span of function j + 1 are at least those of function j.
#[derive(Debug, Clone, PartialEq)]
pub struct TestSpace {
    pub splines: Splines,
    /// For each raw spline, the functions it takes part in, with its coefficient.
    parts: Vec<Vec<(usize, f64)>>,
    /// First and last span of each function's support.
    support: Vec<(usize, usize)>,
}

impl TestSpace {
    /// `tests` raw splines of `degree` on [lo, hi], less those that the conditions take away. `ends` holds the conditions at
    /// the low and at the high end. At least as many are taken as keep the conditions of
    /// the two ends apart, whatever `tests` says.
    pub fn new(lo: f64, hi: f64, tests: usize, degree: usize, ends: &[Vec<Condition>; 2]) -> TestSpace {
        TestSpace::on(&equal(lo, hi, spans_for(tests, degree, ends)), degree, ends)
    }

    /// The same on the spans between given breaks.
    pub fn on(breaks: &[f64], degree: usize, ends: &[Vec<Condition>; 2]) -> TestSpace {
        let splines = Splines::on(breaks, degree);
        let (lo, hi, spans, n) = (splines.lo, splines.hi, splines.spans, splines.len());
        // Each end is solved in the order from the end inwards.
        let low = end_functions(&splines, lo, &ends[0], false);
        let high = end_functions(&splines, hi, &ends[1], true);
        let mut functions: Vec<(usize, Vec<(usize, f64)>)> = vec![];
        let untouched = low.reach..n - high.reach;
        for (lead, parts) in low.functions {
            functions.push((lead, parts));
        }
        functions.extend(untouched.map(|i| (i, vec![(i, 1.0)])));
        for (lead, parts) in high.functions {
            functions.push((n - 1 - lead, parts.into_iter().map(|(i, c)| (n - 1 - i, c)).collect()));
        }
        functions.sort_by_key(|(lead, _)| *lead);
        let mut parts = vec![vec![]; n];
        let mut support = vec![];
        for (j, (_, members)) in functions.iter().enumerate() {
            let (mut first, mut last) = (usize::MAX, 0);
            for &(i, c) in members {
                parts[i].push((j, c));
                first = first.min(i.saturating_sub(degree));
                last = last.max(i.min(spans - 1));
            }
            support.push((first, last));
        }
        TestSpace { splines, parts, support }
    }

    /// `tests` splines of `degree` that come round, at least degree + 1.
    pub fn periodic(lo: f64, hi: f64, tests: usize, degree: usize) -> TestSpace {
        TestSpace::periodic_on(&equal(lo, hi, tests.max(degree + 1)), degree)
    }

    /// The same on the spans between given breaks, more than the degree.
    pub fn periodic_on(breaks: &[f64], degree: usize) -> TestSpace {
        let splines = Splines::periodic_on(breaks, degree);
        let n = splines.spans;
        let parts = (0..splines.len()).map(|i| vec![(i % n, 1.0)]).collect();
        // Function j is the raw one of that number; the first few also reach over the last spans.
        let support = (0..n).map(|j| if j < degree { (0, n - 1) } else { (j - degree, j) }).collect();
        TestSpace { splines, parts, support }
    }

    /// The number of function `k` of a range from [`TestSpace::eval`], which may run past the last one.
    pub fn index(&self, k: usize) -> usize {
        k % self.len()
    }

    /// The number of functions.
    pub fn len(&self) -> usize {
        self.support.len()
    }

    pub fn is_empty(&self) -> bool {
        self.support.is_empty()
    }

    /// The first and last span on which function `j` is not zero.
    pub fn support(&self, j: usize) -> (usize, usize) {
        self.support[j]
    }

    /// The functions whose support has span `s` in it. Not for periodic splines, whose supports are in no order.
    pub fn over(&self, s: usize) -> std::ops::Range<usize> {
        let first = self.support.partition_point(|&(_, last)| last < s);
        let end = self.support.partition_point(|&(first, _)| first <= s);
        first..end.max(first)
    }

    /// Derivatives of the orders 0 ..= `order` at `x`: the functions that are over that span, and for each order one value
    /// a function. Periodic ranges may run past the last function and go on with the first: see [`TestSpace::index`].
    pub fn eval(&self, x: f64, order: usize) -> (std::ops::Range<usize>, Vec<Vec<f64>>) {
        let (first, raw) = self.splines.eval(x, order);
        let w = self.splines.degree + 1;
        if self.splines.periodic {
            return (first..first + w, raw.chunks_exact(w).map(<[f64]>::to_vec).collect());
        }
        let range = self.over(first);
        let mut out = vec![vec![0.0; range.len()]; order + 1];
        for (k, row) in out.iter_mut().enumerate() {
            for i in 0..w {
                for &(j, c) in &self.parts[first + i] {
                    row[j - range.start] += c * raw[k * w + i];
                }
            }
        }
        (range, out)
    }
}

/// The spans that `tests` raw splines with these conditions at the ends have.
pub fn spans_for(tests: usize, degree: usize, ends: &[Vec<Condition>; 2]) -> usize {
    let reach = ends.iter().flatten().flatten().map(|&(o, _)| o as usize + 1).max().unwrap_or(0);
    tests.max(2 * reach + 1).saturating_sub(degree).max(1)
}

struct End {
    /// Raw splines, counted from the end, that the conditions concern.
    reach: usize,
    /// The functions that remain of them: the spline that each is named after, and what it consists of.
    functions: Vec<(usize, Vec<(usize, f64)>)>,
}

/// A basis of those combinations of the splines next to an end that meet the conditions there,
/// by Gauss-Jordan elimination; pivots are taken nearest to the end, so that 0 ..= m - 1 just drops m splines.
fn end_functions(splines: &Splines, at: f64, conditions: &[Condition], high: bool) -> End {
    let Some(top) = conditions.iter().flatten().map(|(order, _)| *order).max() else {
        return End { reach: 0, functions: vec![] };
    };
    let (top, w) = (top as usize, splines.degree + 1);
    let reach = (top + 1).min(w);
    let (_, values) = splines.eval(at, top);
    let mut rows: Vec<Vec<f64>> = conditions
        .iter()
        .map(|condition| {
            let value = |i: usize| condition.iter().map(|(o, k)| k * values[*o as usize * w + i]).sum::<f64>();
            let row: Vec<f64> = (0..reach).map(|i| value(if high { w - 1 - i } else { i })).collect();
            let scale = row.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            row.iter().map(|v| if scale > 0.0 { v / scale } else { 0.0 }).collect()
        })
        .collect();
    let mut pivots = vec![];
    for col in 0..reach {
        let done = pivots.len();
        let Some(best) = (done..rows.len()).max_by(|&a, &b| rows[a][col].abs().total_cmp(&rows[b][col].abs())) else {
            break;
        };
        if rows[best][col].abs() < 1e-10 {
            continue;
        }
        rows.swap(done, best);
        let p = rows[done][col];
        rows[done].iter_mut().for_each(|v| *v /= p);
        let pivot = rows[done].clone();
        for (i, row) in rows.iter_mut().enumerate() {
            if i != done {
                let f = row[col];
                row.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= f * p);
            }
        }
        pivots.push(col);
    }
    let functions = (0..reach)
        .filter(|c| !pivots.contains(c))
        .map(|free| {
            let mut parts = vec![(free, 1.0)];
            for (row, &col) in rows.iter().zip(&pivots) {
                if row[free].abs() > 1e-12 {
                    parts.push((col, -row[free]));
                }
            }
            (free, parts)
        })
        .collect();
    End { reach, functions }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(vanish: &[Vec<u8>; 2]) -> [Vec<Condition>; 2] {
        vanish.clone().map(|orders| orders.into_iter().map(|o| vec![(o, 1.0)]).collect())
    }

    #[test]
    fn gauss_integrates_polynomials_exactly() {
        for n in 1..=12 {
            let rule = gauss_legendre(n);
            for degree in 0..2 * n {
                let sum: f64 = rule.nodes.iter().zip(&rule.weights).map(|(x, w)| w * x.powi(degree as i32)).sum();
                let exact = if degree % 2 == 0 { 2.0 / (degree as f64 + 1.0) } else { 0.0 };
                assert!((sum - exact).abs() < 1e-14, "{n} points, degree {degree}: {sum}");
            }
            assert!(rule.nodes.windows(2).all(|w| w[0] < w[1]));
        }
    }

    #[test]
    fn splines_add_up_to_one_and_their_derivatives_to_zero() {
        let s = Splines::new(-1.0, 2.0, 7, 3);
        for i in 0..=50 {
            let x = -1.0 + 3.0 * i as f64 / 50.0;
            let (_, v) = s.eval(x, 2);
            assert!((v[..4].iter().sum::<f64>() - 1.0).abs() < 1e-14);
            assert!(v[4..8].iter().sum::<f64>().abs() < 1e-12);
            assert!(v[8..12].iter().sum::<f64>().abs() < 1e-11);
        }
    }

    /// Spans from a tenth of their mean to three times it.
    fn uneven(lo: f64, hi: f64) -> Vec<f64> {
        [0.0, 0.02, 0.03, 0.1, 0.4, 0.41, 0.42, 0.5, 0.8, 0.9, 1.0].iter().map(|p| lo + (hi - lo) * p).collect()
    }

    #[test]
    fn uneven_spans_keep_all_that_equal_ones_have() {
        let breaks = uneven(-1.0, 2.0);
        let s = Splines::on(&breaks, 3);
        assert_eq!((s.len(), s.breaks()), (13, &breaks[..]));
        for i in 0..=50 {
            let x = -1.0 + 3.0 * i as f64 / 50.0;
            let k = s.span_of(x);
            assert!(breaks[k] <= x && (x < breaks[k + 1] || i == 50), "{x} in span {k}");
            let (_, v) = s.eval(x, 1);
            assert!((v[..4].iter().sum::<f64>() - 1.0).abs() < 1e-13 && v[4..8].iter().sum::<f64>().abs() < 1e-9);
        }
        // Gauss points go with the spans, and the integral of a spline is that of de Boor: (knot - knot) / (degree + 1).
        let rule = s.quadrature(3);
        assert!(
            rule.nodes.chunks_exact(3).zip(breaks.windows(2)).all(|(x, b)| x.iter().all(|x| b[0] < *x && *x < b[1]))
        );
        let mut sums = vec![0.0; s.len()];
        for (x, w) in rule.nodes.iter().zip(&rule.weights) {
            let (first, v) = s.eval(*x, 0);
            (0..4).for_each(|i| sums[first + i] += w * v[i]);
        }
        for (i, sum) in sums.iter().enumerate() {
            assert!((sum - (s.knots[i + 4] - s.knots[i]) / 4.0).abs() < 1e-14, "{i}");
        }
        // What vanishes at an end still does.
        let space = TestSpace::on(&breaks, 4, &ends(&[vec![1], vec![0, 2]]));
        let largest = |v: &[f64]| v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        assert!(largest(&space.eval(-1.0, 2).1[1]) < 1e-8 && largest(&space.eval(-1.0, 2).1[0]) > 0.5);
        assert!(largest(&space.eval(2.0, 2).1[0]) < 1e-8 && largest(&space.eval(2.0, 2).1[2]) < 1e-6);
    }

    #[test]
    fn uneven_periodic_splines_are_smooth_where_they_come_round() {
        let space = TestSpace::periodic_on(&uneven(0.0, 1.0), 3);
        let n = space.len();
        assert_eq!(n, 10);
        let dense = |x: f64, order: usize| {
            let (range, v) = space.eval(x, 3);
            let mut all = vec![0.0; n];
            range.clone().for_each(|k| all[space.index(k)] += v[order][k - range.start]);
            all
        };
        for order in 0..3 {
            let (a, b) = (dense(0.0, order), dense(1.0, order));
            let scale = b.iter().fold(1.0f64, |m, x| m.max(x.abs()));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12 * scale), "{order}: {a:?} {b:?}");
        }
        for x in [0.0, 0.015, 0.3, 0.405, 0.99] {
            assert!((dense(x, 0).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn derivatives_agree_with_differences() {
        let s = Splines::new(0.0, 1.0, 5, 5);
        let dense = |x: f64, k: usize| {
            let (first, v) = s.eval(x, 4);
            let mut all = vec![0.0; s.len()];
            all[first..first + 6].copy_from_slice(&v[k * 6..(k + 1) * 6]);
            all
        };
        let h = 1e-5;
        for i in 0..20 {
            let x = 0.013 + i as f64 / 21.0;
            for k in 0..4 {
                let (a, b, d) = (dense(x - h, k), dense(x + h, k), dense(x, k + 1));
                for j in 0..s.len() {
                    let slope = (b[j] - a[j]) / (2.0 * h);
                    assert!((slope - d[j]).abs() < 1e-5 * (1.0 + d[j].abs()) * 50f64.powi(k as i32), "{k} {j} {x}");
                }
            }
        }
    }

    #[test]
    fn conditions_at_the_ends_hold_and_cost_one_function_each() {
        let cases: [[Vec<u8>; 2]; 6] = [
            [vec![], vec![]],
            [vec![0], vec![0]],
            [vec![0, 1], vec![]],
            [vec![1], vec![1]],
            [vec![2], vec![0, 2]],
            [vec![1, 3], vec![0, 1, 3]],
        ];
        for vanish in cases {
            let space = TestSpace::new(0.0, 2.0, 20, 5, &ends(&vanish));
            assert_eq!(space.len(), 20 - vanish[0].len() - vanish[1].len(), "{vanish:?}");
            for (end, at) in [0.0, 2.0].into_iter().enumerate() {
                let (range, v) = space.eval(at, 4);
                for (order, values) in v.iter().enumerate() {
                    let largest = values.iter().fold(0.0f64, |m, x| m.max(x.abs()));
                    let must = vanish[end].contains(&(order as u8));
                    let scale = 10f64.powi(order as i32) * 100.0;
                    assert_eq!(largest < 1e-9 * scale, must, "{vanish:?} end {end} order {order}: {largest} {range:?}");
                }
            }
            for j in 1..space.len() {
                assert!(space.support(j).0 >= space.support(j - 1).0 && space.support(j).1 >= space.support(j - 1).1);
            }
        }
    }

    #[test]
    fn free_functions_are_independent_and_local() {
        let space = TestSpace::new(0.0, 1.0, 16, 3, &ends(&[vec![1], vec![0]]));
        // psi = 1 near the low end is still there: with psi' = 0 the constant is not lost.
        let (_, v) = space.eval(0.0, 0);
        assert!((v[0].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for j in 0..space.len() {
            let (a, b) = space.support(j);
            assert!(b - a <= 4, "function {j} reaches over spans {a} ..= {b}");
        }
    }

    #[test]
    fn combinations_of_derivatives_can_be_made_to_vanish() {
        // psi' + 3 psi = 0 at the low end, psi'' = 2 psi' at the high end.
        let mixed = [vec![vec![(1, 1.0), (0, 3.0)]], vec![vec![(2, 1.0), (1, -2.0)]]];
        let space = TestSpace::new(0.0, 1.0, 14, 4, &mixed);
        assert_eq!(space.len(), 12);
        let (_, low) = space.eval(0.0, 2);
        let (_, high) = space.eval(1.0, 2);
        let largest = |v: &[f64]| v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        assert!(largest(&low[0]) > 0.1 && largest(&low[1]) > 0.1 && largest(&high[1]) > 0.1);
        for (a, b) in low[0].iter().zip(&low[1]) {
            assert!((b + 3.0 * a).abs() < 1e-9);
        }
        for (a, b) in high[1].iter().zip(&high[2]) {
            assert!((b - 2.0 * a).abs() < 1e-7);
        }
    }

    #[test]
    fn periodic_functions_are_alike_and_smooth_where_they_come_round() {
        let (lo, hi, n) = (-1.0, 3.0, 9);
        let space = TestSpace::periodic(lo, hi, n, 3);
        assert_eq!(space.len(), n);
        let dense = |x: f64, order: usize| {
            let (range, v) = space.eval(x, 3);
            let mut all = vec![0.0; n];
            range.clone().for_each(|k| all[space.index(k)] += v[order][k - range.start]);
            all
        };
        for order in 0..3 {
            let (a, b) = (dense(lo, order), dense(hi, order));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9), "{order}: {a:?} {b:?}");
        }
        // A step of one span moves every function to the next, round the end.
        let step = (hi - lo) / n as f64;
        for k in 0..n {
            let (a, b) = (dense(lo + 0.3, 1), dense(lo + 0.3 + k as f64 * step, 1));
            assert!((0..n).all(|j| (a[j] - b[(j + k) % n]).abs() < 1e-9));
        }
        assert!((dense(0.1, 0).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
