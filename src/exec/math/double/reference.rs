//! The functions to about a hundred bits, for the tests: a number is the unevaluated sum of two (Dekker, 1971; the sums and
//! products of Joldes, Muller and Popescu, 2017), the functions are series and one step of Newton's method. Nothing is
//! shared with what is tested.

use crate::func::Unary;

/// The sum of both; the second is at most half a unit in the last place of the first.
#[derive(Debug, Clone, Copy)]
pub struct Twice(pub f64, pub f64);

const PI: Twice = Twice(std::f64::consts::PI, 1.224_646_799_147_353_2e-16);
const LN_2: Twice = Twice(std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
const TWO_OVER_ROOT_PI: Twice = Twice(std::f64::consts::FRAC_2_SQRT_PI, 1.533_545_961_316_588e-17);
const ROOT_HALF: Twice = Twice(std::f64::consts::FRAC_1_SQRT_2, -4.833_646_656_726_457e-17);

/// pi/2: three parts of 33 bits and one of 53.
const HALF_PI: [f64; 4] =
    [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_711_166_5e-21, 8.478_427_660_368_9e-32];

const ONE: Twice = Twice(1.0, 0.0);

fn sum(a: f64, b: f64) -> Twice {
    let s = a + b;
    let t = s - a;
    Twice(s, (a - (s - t)) + (b - t))
}

/// For |a| >= |b|.
fn quick(a: f64, b: f64) -> Twice {
    let s = a + b;
    Twice(s, b - (s - a))
}

impl Twice {
    fn of(x: f64) -> Twice {
        Twice(x, 0.0)
    }

    fn plus(self, o: Twice) -> Twice {
        let (s, t) = (sum(self.0, o.0), sum(self.1, o.1));
        let v = quick(s.0, s.1 + t.0);
        quick(v.0, t.1 + v.1)
    }

    fn minus(self, o: Twice) -> Twice {
        self.plus(o.negative())
    }

    fn negative(self) -> Twice {
        Twice(-self.0, -self.1)
    }

    fn times(self, o: Twice) -> Twice {
        let p = self.0 * o.0;
        let low = self.0.mul_add(o.0, -p) + (self.0 * o.1 + self.1 * o.0);
        quick(p, low)
    }

    fn over(self, o: Twice) -> Twice {
        let first = self.0 / o.0;
        let rest = self.minus(o.times(Twice::of(first)));
        let second = rest.0 / o.0;
        let rest = rest.minus(o.times(Twice::of(second)));
        quick(first, second).plus(Twice::of(rest.0 / o.0))
    }

    fn root(self) -> Twice {
        if self.0 == 0.0 {
            return self;
        }
        if self.0 < 1e-250 {
            return self.scaled(400).root().scaled(-200);
        }
        let r = self.0.sqrt();
        let rest = self.minus(Twice::of(r).times(Twice::of(r)));
        quick(r, rest.0 / (2.0 * r))
    }

    /// Times a power of two.
    fn scaled(self, n: i32) -> Twice {
        Twice(libm::ldexp(self.0, n), libm::ldexp(self.1, n))
    }

    fn abs(self) -> Twice {
        if self.0 < 0.0 { self.negative() } else { self }
    }
}

/// x - x^3/3! + … for a sign of -1, x + x^3/3! + … for one of 1; or the even powers. |x| < 1.
fn series(x: Twice, sign: f64, odd: bool) -> Twice {
    let square = x.times(x);
    let mut term = if odd { x } else { ONE };
    let mut all = term;
    let mut n = if odd { 1.0 } else { 0.0 };
    for _ in 0..16 {
        term = term.times(square).over(Twice::of(sign * (n + 1.0) * (n + 2.0)));
        all = all.plus(term);
        n += 2.0;
    }
    all
}

/// 2 artanh(s) for a small s.
fn artanh2(s: Twice) -> Twice {
    let square = s.times(s);
    let (mut power, mut all) = (s, s);
    for k in 1..12 {
        power = power.times(square);
        all = all.plus(power.over(Twice::of(f64::from(2 * k + 1))));
    }
    all.scaled(1)
}

fn exp(x: Twice) -> Twice {
    if x.0 > 715.0 || x.0 < -760.0 {
        return Twice::of(if x.0 > 0.0 { f64::INFINITY } else { 0.0 });
    }
    let n = (x.0 / LN_2.0).round();
    let r = x.minus(LN_2.times(Twice::of(n))).scaled(-3);
    let mut y = series(r, 1.0, true).plus(series(r, 1.0, false));
    for _ in 0..3 {
        y = y.times(y);
    }
    y.scaled(n as i32)
}

fn log(x: Twice) -> Twice {
    if !(x.0 > 0.0 && x.0 < f64::INFINITY) {
        return Twice::of(libm::log(x.0));
    }
    if (x.0 - 1.0).abs() < 1e-2 {
        return log1p(x.minus(ONE));
    }
    if !(1e-290..=1e290).contains(&x.0) {
        let n = libm::frexp(x.0).1;
        let small = if x.0 < 1.0 { x.scaled(600).scaled(-n - 600) } else { x.scaled(-n) };
        return log(small).plus(LN_2.times(Twice::of(f64::from(n))));
    }
    let y = Twice::of(libm::log(x.0));
    y.plus(x.times(exp(y.negative())).minus(ONE))
}

/// log(1 + e), e > -1/2
fn log1p(e: Twice) -> Twice {
    if e.0.abs() < 0.02 { artanh2(e.over(e.plus(Twice::of(2.0)))) } else { log(ONE.plus(e)) }
}

/// Sine and cosine; |x| below two million.
fn sin_cos(x: Twice) -> (Twice, Twice) {
    let n = (x.0 / PI.0 * 2.0).round();
    let r = HALF_PI.iter().fold(Twice(x.0, 0.0), |r, part| r.minus(Twice::of(n).times(Twice::of(*part))));
    let r = r.plus(Twice::of(x.1));
    let (s, c) = (series(r, -1.0, true), series(r, -1.0, false));
    match n.rem_euclid(4.0) as u8 {
        0 => (s, c),
        1 => (c, s.negative()),
        2 => (s.negative(), c.negative()),
        _ => (c.negative(), s),
    }
}

fn asin(x: Twice) -> Twice {
    if x.0.abs() > 0.7 {
        let z = ONE.minus(x.abs()).scaled(-1);
        let y = PI.scaled(-1).minus(asin(z.root()).scaled(1));
        return if x.0 < 0.0 { y.negative() } else { y };
    }
    let y = Twice::of(libm::asin(x.0));
    let (s, c) = sin_cos(y);
    y.plus(x.minus(s).over(c))
}

fn acos(x: Twice) -> Twice {
    if x.0 > 0.5 {
        return asin(ONE.minus(x).scaled(-1).root()).scaled(1);
    }
    PI.scaled(-1).minus(asin(x))
}

fn atan(x: Twice) -> Twice {
    let y = Twice::of(libm::atan(x.0));
    let (s, c) = sin_cos(y);
    y.plus(x.times(c).minus(s).over(x.times(s).plus(c)))
}

/// Finite arguments whose quotient is neither too large nor too small.
pub fn atan2(y: f64, x: f64) -> Twice {
    let a = atan(Twice::of(y.abs()).over(Twice::of(x.abs())));
    let a = if x < 0.0 { PI.minus(a) } else { a };
    if y < 0.0 { a.negative() } else { a }
}

/// exp(|x|)/2
fn half_exp(x: Twice) -> Twice {
    exp(x.abs().minus(LN_2))
}

fn sinh(x: Twice) -> Twice {
    if x.0.abs() < 0.7 {
        return series(x, 1.0, true);
    }
    let e = half_exp(x);
    let y = if x.0.abs() > 100.0 { e } else { e.minus(Twice::of(0.25).over(e)) };
    if x.0 < 0.0 { y.negative() } else { y }
}

fn cosh(x: Twice) -> Twice {
    let e = half_exp(x);
    if x.0.abs() > 100.0 { e } else { e.plus(Twice::of(0.25).over(e)) }
}

/// 2/sqrt(pi) exp(-x^2) (x + 2 x^3/3 + 4 x^5/15 + …), whose terms have one sign; 1 from 7 on.
fn erf(x: Twice) -> Twice {
    if x.0.abs() > 7.0 {
        return Twice::of(x.0.signum());
    }
    let square = x.times(x);
    let (mut term, mut all) = (x, x);
    let mut n = 1.0;
    while n < 7.0 || term.0.abs() > 1e-35 * all.0.abs() {
        n += 2.0;
        term = term.times(square).scaled(1).over(Twice::of(n));
        all = all.plus(term);
        if term.0 == 0.0 {
            break;
        }
    }
    all.times(exp(square.negative())).times(TWO_OVER_ROOT_PI)
}

/// For a positive base.
pub fn pow(x: f64, y: f64) -> Twice {
    exp(log(Twice::of(x)).times(Twice::of(y)))
}

/// The function, for finite arguments inside its domain.
pub fn unary(f: Unary, x: f64) -> Twice {
    let t = Twice::of(x);
    match f {
        Unary::Sqrt => t.root(),
        Unary::Exp => exp(t),
        Unary::Log => log(t),
        Unary::Log2 => log(t).over(LN_2),
        Unary::Sin => sin_cos(t).0,
        Unary::Cos => sin_cos(t).1,
        Unary::Tan => {
            let (s, c) = sin_cos(t);
            s.over(c)
        }
        Unary::Asin => asin(t),
        Unary::Acos => acos(t),
        Unary::Atan => atan(t),
        Unary::Sinh => sinh(t),
        Unary::Cosh => cosh(t),
        Unary::Sech => ONE.over(cosh(t)),
        Unary::Tanh if x.abs() < 0.35 => sinh(t).over(cosh(t)),
        Unary::Tanh => {
            let e = exp(t.abs().scaled(1).negative());
            let y = ONE.minus(e).over(ONE.plus(e));
            if x < 0.0 { y.negative() } else { y }
        }
        Unary::Erf => erf(t),
        Unary::Sigmoid => {
            let e = exp(t.abs().negative());
            let one_or_e = if x < 0.0 { e } else { ONE };
            one_or_e.over(ONE.plus(e))
        }
        Unary::Softplus => {
            let rest = log1p(exp(t.abs().negative()));
            if x > 0.0 { t.plus(rest) } else { rest }
        }
        Unary::Gelu => t.scaled(-1).times(ONE.plus(erf(t.times(ROOT_HALF)))),
        // Exact in the definition.
        _ => Twice::of(f.eval(x)),
    }
}

/// By mpmath, in 400 bits.
#[rustfmt::skip]
#[allow(clippy::unreadable_literal, clippy::approx_constant, clippy::inconsistent_digit_grouping)]
const KNOWN: &[(Unary, f64, Twice)] = &[
    (Unary::Exp, 1.0, Twice(2.718281828459045, 1.4456468917292502e-16)),
    (Unary::Exp, -300.25, Twice(4.009422364622857e-131, -9.421845746665655e-148)),
    (Unary::Exp, 0.3, Twice(1.3498588075760032, -9.447314673432387e-17)),
    (Unary::Exp, 709.5, Twice(1.3549863193146328e+308, -1.950359478583155e+290)),
    (Unary::Log, 3.0, Twice(1.0986122886681098, -9.07129723500153e-17)),
    (Unary::Log, 1.0000001, Twice(9.999999505838704e-08, 1.5249709528441489e-24)),
    (Unary::Log, 1e-310, Twice(-713.8013788281542, -8.592254740270771e-15)),
    (Unary::Log, 1e+300, Twice(690.7755278982137, 2.3747660028800243e-14)),
    (Unary::Log, 0.5, Twice(-0.6931471805599453, -2.3190468138462996e-17)),
    (Unary::Log2, 10.0, Twice(3.321928094887362, 1.661617516973592e-16)),
    (Unary::Sin, 1.0, Twice(0.8414709848078965, 1.776845092935536e-18)),
    (Unary::Sin, 1234567.0, Twice(0.36445217478755626, 2.0966318596409486e-17)),
    (Unary::Sin, 3.141592653589793, Twice(1.2246467991473532e-16, -2.99476980971834e-33)),
    (Unary::Cos, 1.5, Twice(0.0707372016677029, 3.683512075225569e-18)),
    (Unary::Cos, -1000000.0, Twice(0.9367521275331447, 4.637088260214747e-17)),
    (Unary::Tan, 1.0, Twice(1.5574077246549023, -6.186464176037592e-17)),
    (Unary::Tan, 11.0, Twice(-225.95084645419513, -1.2217000310482306e-14)),
    (Unary::Asin, 0.3, Twice(0.3046926540153975, -2.7469740051157017e-17)),
    (Unary::Asin, -0.99, Twice(-1.4292568534704693, -6.909416818000846e-17)),
    (Unary::Acos, 0.3, Twice(1.2661036727794992, -7.78313736852488e-17)),
    (Unary::Acos, -0.99, Twice(3.000053180265366, -9.171809678765519e-17)),
    (Unary::Acos, 0.999, Twice(0.044725087168733454, -3.3530251181836818e-18)),
    (Unary::Atan, 0.5, Twice(0.4636476090008061, 2.2698777452961687e-17)),
    (Unary::Atan, -20.0, Twice(-1.5208379310729538, -1.642754647897768e-17)),
    (Unary::Atan, 10000000000.0, Twice(1.5707963266948965, 6.950637705727703e-17)),
    (Unary::Atan, 1e-05, Twice(9.999999999666668e-06, -4.575803486027043e-22)),
    (Unary::Sinh, 0.2, Twice(0.201336002541094, 9.868384930084555e-18)),
    (Unary::Sinh, -3.0, Twice(-10.017874927409903, 6.97789774734877e-16)),
    (Unary::Sinh, 710.0, Twice(1.1169973830808555e+308, 5.772538034401481e+291)),
    (Unary::Cosh, 0.1, Twice(1.0050041680558035, 9.55546062395436e-17)),
    (Unary::Cosh, 30.0, Twice(5343237290762.231, -0.0003718172656278412)),
    (Unary::Tanh, 0.2, Twice(0.197375320224904, 6.334792292201447e-18)),
    (Unary::Tanh, -2.0, Twice(-0.9640275800758169, 1.9413550547557176e-17)),
    (Unary::Erf, 0.1, Twice(0.1124629160182849, 9.255497413884101e-19)),
    (Unary::Erf, -0.9, Twice(-0.7969082124228322, 2.3193178035628794e-17)),
    (Unary::Erf, 3.0, Twice(0.9999779095030014, 5.363397058636269e-17)),
    (Unary::Erf, 5.5, Twice(0.9999999999999927, -3.03759554483649e-17)),
    (Unary::Sigmoid, -30.0, Twice(9.357622968839299e-14, 8.837142511495094e-31)),
    (Unary::Sigmoid, 2.0, Twice(0.8807970779778824, 1.8545107241082462e-17)),
    (Unary::Softplus, -30.0, Twice(9.357622968839737e-14, -6.166501881941325e-31)),
    (Unary::Softplus, 0.5, Twice(0.9740769841801067, -5.522109052790765e-18)),
    (Unary::Softplus, 4.0, Twice(4.0181499279178094, 2.9065938690506653e-16)),
    (Unary::Gelu, -1.0, Twice(-0.15865525393145705, -4.9468552901786335e-18)),
    (Unary::Gelu, 2.5, Twice(2.4844758366855597, -5.106362162524265e-17)),
];

#[test]
fn the_reference_itself_has_a_hundred_bits_less_a_few() {
    for &(f, x, want) in KNOWN {
        let got = unary(f, x);
        let off = (got.0 - want.0) + (got.1 - want.1);
        assert!(off.abs() <= 1e-28 * want.0.abs(), "{}({x}): {got:?} {want:?}", f.name());
    }
}
