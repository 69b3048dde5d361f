//! The functions of the language: one list, shared by the checker, the IR and the engines.
//!
//! `eval` is the definition in double precision, used wherever a value is computed once (constants, boundary data, exact
//! solutions). The single-precision vector forms that kernels run live in `exec/math.rs`. Both are ours or `libm`'s, never
//! the platform's, so that every machine and every engine gets the same bits.

/// A function of one number, applied to each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unary {
    Neg,
    Abs,
    Sqrt,
    Floor,
    Ceil,
    /// -1, 0 or 1.
    Sign,
    Exp,
    Log,
    Log2,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    /// 1 / cosh(x)
    Sech,
    Tanh,
    Erf,
    /// 1 where x >= 0, else 0.
    Heaviside,
    /// 1 / (1 + exp(-x))
    Sigmoid,
    /// max(x, 0)
    Relu,
    /// log(1 + exp(x))
    Softplus,
    /// x/2 (1 + erf(x / sqrt 2)), Hendrycks and Gimpel, arXiv 1606.08415.
    Gelu,
}

/// A function of two numbers, applied element by element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    /// `if a < b then a else b`
    Min,
    /// `if a > b then a else b`
    Max,
    Atan2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compare {
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

impl Unary {
    /// All that can be called by name in a program, with the name. `step` is another name of `heaviside`.
    pub const NAMED: &'static [(&'static str, Unary)] = &[
        ("abs", Unary::Abs),
        ("sqrt", Unary::Sqrt),
        ("floor", Unary::Floor),
        ("ceil", Unary::Ceil),
        ("sign", Unary::Sign),
        ("exp", Unary::Exp),
        ("log", Unary::Log),
        ("log2", Unary::Log2),
        ("sin", Unary::Sin),
        ("cos", Unary::Cos),
        ("tan", Unary::Tan),
        ("asin", Unary::Asin),
        ("acos", Unary::Acos),
        ("atan", Unary::Atan),
        ("sinh", Unary::Sinh),
        ("cosh", Unary::Cosh),
        ("sech", Unary::Sech),
        ("tanh", Unary::Tanh),
        ("erf", Unary::Erf),
        ("step", Unary::Heaviside),
        ("heaviside", Unary::Heaviside),
        ("sigmoid", Unary::Sigmoid),
        ("relu", Unary::Relu),
        ("softplus", Unary::Softplus),
        ("gelu", Unary::Gelu),
    ];

    pub fn by_name(name: &str) -> Option<Unary> {
        Unary::NAMED.iter().find(|(n, _)| *n == name).map(|(_, f)| *f)
    }

    /// The name in programs and in printed IR.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Heaviside => "heaviside",
            f => Unary::NAMED.iter().find(|(_, g)| *g == f).map_or("?", |(n, _)| n),
        }
    }

    /// The definition, in double precision.
    pub fn eval(self, x: f64) -> f64 {
        match self {
            Unary::Neg => -x,
            Unary::Abs => x.abs(),
            Unary::Sqrt => x.sqrt(),
            Unary::Floor => x.floor(),
            Unary::Ceil => x.ceil(),
            Unary::Sign => {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    x
                }
            }
            Unary::Exp => libm::exp(x),
            Unary::Log => libm::log(x),
            Unary::Log2 => libm::log2(x),
            Unary::Sin => libm::sin(x),
            Unary::Cos => libm::cos(x),
            Unary::Tan => libm::tan(x),
            Unary::Asin => libm::asin(x),
            Unary::Acos => libm::acos(x),
            Unary::Atan => libm::atan(x),
            Unary::Sinh => libm::sinh(x),
            Unary::Cosh => libm::cosh(x),
            Unary::Sech => 1.0 / libm::cosh(x),
            Unary::Tanh => libm::tanh(x),
            Unary::Erf => libm::erf(x),
            Unary::Heaviside => {
                if x >= 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Unary::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Unary::Relu => {
                if x > 0.0 {
                    x
                } else {
                    0.0
                }
            }
            Unary::Softplus => {
                if x > 30.0 {
                    x
                } else {
                    libm::log1p(libm::exp(x))
                }
            }
            Unary::Gelu => 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        }
    }

    /// Its value jumps somewhere.
    pub fn jumps(self) -> bool {
        matches!(self, Unary::Floor | Unary::Ceil | Unary::Sign | Unary::Heaviside)
    }

    /// Infinitely often differentiable wherever it is defined, so that a jet may pass through it.
    pub fn is_smooth(self) -> bool {
        !matches!(self, Unary::Abs | Unary::Floor | Unary::Ceil | Unary::Sign | Unary::Heaviside | Unary::Relu)
    }
}

impl Binary {
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Pow => "pow",
            Binary::Min => "min",
            Binary::Max => "max",
            Binary::Atan2 => "atan2",
        }
    }

    pub const ALL: &'static [Binary] =
        &[Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow, Binary::Min, Binary::Max, Binary::Atan2];

    /// Those that a program calls by name.
    pub fn by_name(name: &str) -> Option<Binary> {
        match name {
            "min" => Some(Binary::Min),
            "max" => Some(Binary::Max),
            "atan2" => Some(Binary::Atan2),
            _ => None,
        }
    }

    pub fn eval(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Pow => libm::pow(a, b),
            Binary::Min => {
                if a < b {
                    a
                } else {
                    b
                }
            }
            Binary::Max => {
                if a > b {
                    a
                } else {
                    b
                }
            }
            Binary::Atan2 => libm::atan2(a, b),
        }
    }
}

impl Compare {
    pub fn name(self) -> &'static str {
        match self {
            Compare::Lt => "lt",
            Compare::Le => "le",
            Compare::Gt => "gt",
            Compare::Ge => "ge",
            Compare::Eq => "eq",
            Compare::Ne => "ne",
        }
    }

    pub fn eval(self, a: f64, b: f64) -> bool {
        match self {
            Compare::Lt => a < b,
            Compare::Le => a <= b,
            Compare::Gt => a > b,
            Compare::Ge => a >= b,
            Compare::Eq => a == b,
            Compare::Ne => a != b,
        }
    }
}

/// The derivative that stands in for that of the spike, as a function of z = membrane potential minus threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surrogate {
    pub kind: SurrogateKind,
    /// Half-width w (triangle, rectangle), standard deviation (gaussian) or slope k (the rest); always positive.
    pub scale: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SurrogateKind {
    /// max(0, 1 - |z|/w) / w
    Triangle,
    /// 1/(2w) where |z| < w
    Rectangle,
    /// 1 / (1 + k|z|)^2, Zenke and Ganguli, Neural Computation 30 (2018).
    FastSigmoid,
    /// k s (1 - s), s = sigmoid(k z)
    Sigmoid,
    /// (k/2) / (1 + (pi k z / 2)^2), Fang et al., ICCV 2021.
    Atan,
    /// exp(-z^2/(2 w^2)) / (w sqrt(2 pi)): the Stein form, the mean derivative of a threshold smoothed by Gaussian noise.
    Gaussian,
}

impl SurrogateKind {
    pub const NAMED: &'static [(&'static str, SurrogateKind)] = &[
        ("triangle", SurrogateKind::Triangle),
        ("rectangle", SurrogateKind::Rectangle),
        ("fast_sigmoid", SurrogateKind::FastSigmoid),
        ("sigmoid", SurrogateKind::Sigmoid),
        ("atan", SurrogateKind::Atan),
        ("gaussian", SurrogateKind::Gaussian),
    ];

    pub fn name(self) -> &'static str {
        SurrogateKind::NAMED.iter().find(|(_, k)| *k == self).map_or("?", |(n, _)| n)
    }
}

/// A partial derivative: how often with respect to each coordinate of the domain, in order. All zeros: the field itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MultiIndex(pub Vec<u8>);

impl MultiIndex {
    pub fn zero(coords: usize) -> MultiIndex {
        MultiIndex(vec![0; coords])
    }

    /// The total order.
    pub fn order(&self) -> usize {
        self.0.iter().map(|&n| n as usize).sum()
    }

    /// Once more with respect to coordinate `i`.
    pub fn plus(&self, i: usize) -> MultiIndex {
        let mut m = self.clone();
        m.0[i] += 1;
        m
    }
}

/// A figure for a message: so many digits at the most, an exponent only where it is below a thousandth or 10000 and more.
pub fn figure(v: f64, digits: usize) -> String {
    let after = digits.saturating_sub(1);
    let v = format!("{v:.after$e}").parse().unwrap_or(v);
    if v == 0.0 || !v.is_finite() || (1e-3..1e4).contains(&v.abs()) { format!("{v}") } else { format!("{v:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_plain_where_they_can_be() {
        let shown = |v| figure(v, 4);
        assert_eq!([682.14, 12.006, -0.001, 0.0, 9999.6].map(shown), ["682.1", "12.01", "-0.001", "0", "1e4"]);
        assert_eq!([1.23456e-4, 5e7, f64::INFINITY].map(shown), ["1.235e-4", "5e7", "inf"]);
    }
}
