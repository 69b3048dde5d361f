//! Units and dimensions of quantities.
//!
//! ```text
//! 20ms   ->   20, a time          0.1nS  ->   0.1, a conductance          2kHz   ->   2, a frequency
//! 1.5V   ->   1500, a voltage     show(0.25, time)   ->   "250us"
//! ```
//!
//! Values are held in one coherent system in which those of a neuron are near 1, so that single precision is comfortable:
//! ms, mV, pA, and what follows from them (nS, pF, fC, GOhm, kHz, aJ), with um, K and amol (1mM = 1) for the rest. Every
//! factor is a power of ten. Guarantee: a literal is scaled by one correctly rounded operation.

use std::fmt;

/// An exponent: a fraction in lowest terms, `den > 0`. Square roots make halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio {
    num: i32,
    den: i32,
}

impl Ratio {
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };
    pub const ONE: Ratio = Ratio { num: 1, den: 1 };

    pub fn new(num: i32, den: i32) -> Ratio {
        let (mut a, mut b) = (num.unsigned_abs(), den.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let g = (a.max(1) as i32) * den.signum();
        Ratio { num: num / g, den: den / g }
    }

    /// The fraction with a denominator of at most 6 that this number is, if it is one of a sensible size.
    pub fn of(x: f64) -> Option<Ratio> {
        (1..=6).find_map(|den| {
            let num = x * f64::from(den);
            let whole = num.round();
            ((num - whole).abs() < 1e-9 && whole.abs() < 1000.0).then(|| Ratio::new(whole as i32, den))
        })
    }

    pub fn is_zero(self) -> bool {
        self.num == 0
    }

    pub fn plus(self, other: Ratio) -> Ratio {
        Ratio::new(self.num * other.den + other.num * self.den, self.den * other.den)
    }

    pub fn times(self, other: Ratio) -> Ratio {
        Ratio::new(self.num * other.num, self.den * other.den)
    }

    pub fn negative(self) -> Ratio {
        Ratio { num: -self.num, den: self.den }
    }

    /// `None` for zero.
    pub fn inverse(self) -> Option<Ratio> {
        (self.num != 0).then(|| Ratio::new(self.den, self.num))
    }

    fn whole(self) -> Option<i32> {
        (self.den == 1).then_some(self.num)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.den {
            1 => write!(f, "{}", self.num),
            den => write!(f, "({}/{den})", self.num),
        }
    }
}

/// Exponents of length, mass, time, current, temperature and amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dimension([Ratio; 6]);

impl Default for Dimension {
    fn default() -> Dimension {
        Dimension::NONE
    }
}

impl Dimension {
    /// Of a plain number.
    pub const NONE: Dimension = Dimension([Ratio::ZERO; 6]);
    pub const LENGTH: Dimension = Dimension::whole([1, 0, 0, 0, 0, 0]);
    pub const TIME: Dimension = Dimension::whole([0, 0, 1, 0, 0, 0]);
    pub const CURRENT: Dimension = Dimension::whole([0, 0, 0, 1, 0, 0]);
    pub const TEMPERATURE: Dimension = Dimension::whole([0, 0, 0, 0, 1, 0]);
    pub const AMOUNT: Dimension = Dimension::whole([0, 0, 0, 0, 0, 1]);
    pub const FREQUENCY: Dimension = Dimension::whole([0, 0, -1, 0, 0, 0]);
    pub const VOLTAGE: Dimension = Dimension::whole([2, 1, -3, -1, 0, 0]);
    pub const CONDUCTANCE: Dimension = Dimension::whole([-2, -1, 3, 2, 0, 0]);
    pub const RESISTANCE: Dimension = Dimension::whole([2, 1, -3, -2, 0, 0]);
    pub const CAPACITANCE: Dimension = Dimension::whole([-2, -1, 4, 2, 0, 0]);
    pub const CHARGE: Dimension = Dimension::whole([0, 0, 1, 1, 0, 0]);
    pub const ENERGY: Dimension = Dimension::whole([2, 1, -2, 0, 0, 0]);
    pub const POWER: Dimension = Dimension::whole([2, 1, -3, 0, 0, 0]);
    pub const CONCENTRATION: Dimension = Dimension::whole([-3, 0, 0, 0, 0, 1]);

    const fn whole(e: [i32; 6]) -> Dimension {
        let mut out = [Ratio::ZERO; 6];
        let mut i = 0;
        while i < 6 {
            out[i] = Ratio { num: e[i], den: 1 };
            i += 1;
        }
        Dimension(out)
    }

    pub fn is_none(&self) -> bool {
        *self == Dimension::NONE
    }

    pub fn times(&self, other: &Dimension) -> Dimension {
        Dimension(std::array::from_fn(|i| self.0[i].plus(other.0[i])))
    }

    pub fn over(&self, other: &Dimension) -> Dimension {
        Dimension(std::array::from_fn(|i| self.0[i].plus(other.0[i].negative())))
    }

    pub fn power(&self, by: Ratio) -> Dimension {
        Dimension(self.0.map(|e| e.times(by)))
    }

    /// `a voltage`, or `None` for one without a name of its own.
    pub fn name(&self) -> Option<&'static str> {
        if self.is_none() {
            return Some("a plain number");
        }
        NAMED.iter().find(|n| n.dimension == *self).map(|n| n.name)
    }

    /// `a voltage (mV)`, `mV/ms`.
    pub fn describe(&self) -> String {
        match self.name() {
            Some(name) if self.is_none() => name.to_string(),
            Some(name) if *self == Dimension::FREQUENCY => format!("{name} (1/ms)"),
            Some(name) => format!("{name} ({})", self.unit()),
            None => format!("`{}`", self.unit()),
        }
    }

    /// The unit in which a value is held, as one would write it: `mV`, `pA/ms`. Empty for a plain number.
    pub fn unit(&self) -> String {
        if self.is_none() {
            return String::new();
        }
        if let Some(named) = NAMED.iter().find(|n| n.dimension == *self) {
            return named.unit.to_string();
        }
        // One unit over another reads best, where it is one.
        for top in NAMED {
            for bottom in NAMED.iter().filter(|n| n.as_divisor) {
                for power in 1..=3 {
                    if top.dimension.over(&bottom.dimension.power(Ratio::new(power, 1))) == *self {
                        let power = if power == 1 { String::new() } else { format!("^{power}") };
                        return format!("{}/{}{power}", top.unit, bottom.unit);
                    }
                }
            }
        }
        // The rest is a product of powers: mass comes in only with a voltage.
        let volts = self.0[1];
        let rest = self.over(&Dimension::VOLTAGE.power(volts));
        let parts = [
            ("mV", volts),
            ("pA", rest.0[3]),
            ("ms", rest.0[2]),
            ("um", rest.0[0]),
            ("K", rest.0[4]),
            ("amol", rest.0[5]),
        ];
        let text = |(unit, e): &(&str, Ratio)| match *e {
            Ratio::ONE => unit.to_string(),
            e => format!("{unit}^{e}"),
        };
        let over = |(unit, e): &(&str, Ratio)| text(&(*unit, e.negative()));
        let above: Vec<String> = parts.iter().filter(|(_, e)| e.num > 0).map(text).collect();
        let below: Vec<String> = parts.iter().filter(|(_, e)| e.num < 0).map(over).collect();
        let above = if above.is_empty() { "1".to_string() } else { above.join("*") };
        let below: String = below.iter().map(|u| format!("/{u}")).collect();
        above + &below
    }
}

struct Named {
    dimension: Dimension,
    name: &'static str,
    /// That in which values are held, of factor 1.
    unit: &'static str,
    /// What a value may be shown in, from small to large, as powers of ten of the unit.
    shown: &'static [(&'static str, i32)],
    as_divisor: bool,
}

const fn named(
    dimension: Dimension,
    name: &'static str,
    unit: &'static str,
    shown: &'static [(&'static str, i32)],
    as_divisor: bool,
) -> Named {
    Named { dimension, name, unit, shown, as_divisor }
}

const NAMED: &[Named] = &[
    named(Dimension::TIME, "a time", "ms", &[("us", -3), ("ms", 0), ("s", 3)], true),
    named(Dimension::VOLTAGE, "a voltage", "mV", &[("uV", -3), ("mV", 0), ("V", 3)], true),
    named(Dimension::CURRENT, "a current", "pA", &[("fA", -3), ("pA", 0), ("nA", 3), ("uA", 6)], false),
    named(Dimension::CONDUCTANCE, "a conductance", "nS", &[("pS", -3), ("nS", 0), ("uS", 3), ("mS", 6)], false),
    named(Dimension::CAPACITANCE, "a capacitance", "pF", &[("fF", -3), ("pF", 0), ("nF", 3), ("uF", 6)], false),
    named(Dimension::RESISTANCE, "a resistance", "GOhm", &[("kOhm", -6), ("MOhm", -3), ("GOhm", 0)], false),
    named(Dimension::CHARGE, "a charge", "fC", &[("fC", 0), ("pC", 3), ("nC", 6)], false),
    named(Dimension::FREQUENCY, "a rate", "kHz", &[("Hz", -3), ("kHz", 0), ("MHz", 3)], false),
    named(Dimension::ENERGY, "an energy", "mV*fC", &[], false),
    named(Dimension::POWER, "a power", "fW", &[("fW", 0), ("pW", 3), ("nW", 6)], false),
    named(Dimension::LENGTH, "a length", "um", &[("nm", -3), ("um", 0), ("mm", 3), ("m", 6)], true),
    named(Dimension::TEMPERATURE, "a temperature", "K", &[("K", 0)], true),
    named(Dimension::CONCENTRATION, "a concentration", "mM", &[("nM", -6), ("uM", -3), ("mM", 0), ("M", 3)], false),
    named(Dimension::AMOUNT, "an amount", "amol", &[("amol", 0), ("fmol", 3), ("pmol", 6), ("nmol", 9)], false),
];

/// A unit: its dimension, and the power of ten by which its numbers become those of the system values are held in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    pub dimension: Dimension,
    ten: i32,
}

impl Unit {
    pub const NONE: Unit = Unit { dimension: Dimension::NONE, ten: 0 };

    /// That in which values of a dimension are held.
    pub fn held(dimension: Dimension) -> Unit {
        Unit { dimension, ten: 0 }
    }

    /// `x` of this unit, in the system values are held in.
    pub fn hold(&self, x: f64) -> f64 {
        scale(x, self.ten)
    }
}

/// x 10^ten, rounded once: powers of ten up to 22 are exact, and so is what they are divided by.
fn scale(x: f64, ten: i32) -> f64 {
    let power = |n: i32| (0..n).fold(1.0, |p, _| p * 10.0);
    if ten >= 0 { x * power(ten) } else { x / power(-ten) }
}

/// Symbol, dimension, and its power of ten in SI units.
const SYMBOLS: &[(&str, Dimension, i32)] = &[
    ("Ohm", Dimension::RESISTANCE, 0),
    ("\u{3a9}", Dimension::RESISTANCE, 0),
    ("\u{2126}", Dimension::RESISTANCE, 0),
    ("mol", Dimension::AMOUNT, 0),
    ("Hz", Dimension::FREQUENCY, 0),
    ("V", Dimension::VOLTAGE, 0),
    ("A", Dimension::CURRENT, 0),
    ("S", Dimension::CONDUCTANCE, 0),
    ("F", Dimension::CAPACITANCE, 0),
    ("C", Dimension::CHARGE, 0),
    ("J", Dimension::ENERGY, 0),
    ("W", Dimension::POWER, 0),
    ("K", Dimension::TEMPERATURE, 0),
    // Molar: mol/l, a thousand of them to a cubic metre.
    ("M", Dimension::CONCENTRATION, 3),
    ("s", Dimension::TIME, 0),
    ("m", Dimension::LENGTH, 0),
];

const PREFIXES: &[(&str, i32)] = &[
    ("", 0),
    ("a", -18),
    ("f", -15),
    ("p", -12),
    ("n", -9),
    ("u", -6),
    ("\u{b5}", -6),
    ("\u{3bc}", -6),
    ("m", -3),
    ("c", -2),
    ("k", 3),
    ("M", 6),
    ("G", 9),
];

/// What the six base dimensions are held in, as powers of ten of SI units: um, ng, ms, pA, K, amol. The nanogram is what
/// makes the millivolt 1.
const HELD: [i32; 6] = [-6, -12, -3, -12, 0, -18];

fn si_to_held(dimension: &Dimension) -> i32 {
    dimension.0.iter().zip(HELD).map(|(e, ten)| -e.whole().unwrap_or(0) * ten).sum()
}

/// Reads a unit: `mV`, `pA/ms`, `uF/cm^2`, `nS*mV`, `1/ms`. `None` if it is not one.
pub fn parse(text: &str) -> Option<Unit> {
    let mut out = Unit::NONE;
    for (k, over) in text.split('/').enumerate() {
        for part in over.split('*') {
            if part == "1" && k == 0 {
                continue;
            }
            let (name, power) = match part.split_once('^') {
                Some((name, power)) => (name, power.parse::<i32>().ok().filter(|p| p.abs() <= 12)?),
                None => (part, 1),
            };
            let one = symbol(name)?;
            let power = if k == 0 { power } else { -power };
            out.dimension = out.dimension.times(&one.dimension.power(Ratio::new(power, 1)));
            out.ten += one.ten * power;
        }
    }
    Some(out)
}

fn symbol(name: &str) -> Option<Unit> {
    // A whole symbol first: `m` is the metre, `M` the molar.
    PREFIXES.iter().find_map(|(prefix, ten)| {
        let rest = name.strip_prefix(prefix)?;
        let (_, dimension, si) = SYMBOLS.iter().find(|(s, ..)| *s == rest)?;
        Some(Unit { dimension: *dimension, ten: ten + si + si_to_held(dimension) })
    })
}

/// The unit that a misspelt one is likely to be: `mv` -> `mV`, `msec` -> `ms`, `pa` -> `pA`.
pub fn nearest(text: &str) -> Option<String> {
    const SPELT: &[(&str, &str)] = &[
        ("sec", "s"),
        ("secs", "s"),
        ("second", "s"),
        ("seconds", "s"),
        ("volt", "V"),
        ("volts", "V"),
        ("amp", "A"),
        ("amps", "A"),
        ("siemens", "S"),
        ("farad", "F"),
        ("hertz", "Hz"),
        ("hz", "Hz"),
        ("ohm", "Ohm"),
        ("ohms", "Ohm"),
        ("mho", "S"),
    ];
    let mut out = String::new();
    let mut changed = false;
    for piece in text.split_inclusive(['/', '*']) {
        let part = piece.trim_end_matches(['/', '*']);
        let mend = || {
            if parse(part).is_some() {
                return Some(part.to_string());
            }
            let (name, power) = part.split_once('^').map_or((part, String::new()), |(n, p)| (n, format!("^{p}")));
            let found = PREFIXES.iter().find_map(|(prefix, _)| {
                let rest = name.strip_prefix(prefix).filter(|r| !r.is_empty())?;
                let spelt = SPELT.iter().find(|(s, _)| rest.eq_ignore_ascii_case(s)).map(|(_, unit)| *unit);
                let cased = || SYMBOLS.iter().find(|(s, ..)| s.eq_ignore_ascii_case(rest)).map(|(s, ..)| *s);
                Some(format!("{prefix}{}", spelt.or_else(cased)?))
            })?;
            Some(found + &power)
        };
        let mended = mend()?;
        changed |= mended != part;
        out += &mended;
        out += &piece[part.len()..];
    }
    (changed && parse(&out).is_some()).then_some(out)
}

/// A value as it is held, in a unit in which it reads well: `show(1500, voltage)` is `1.5V`.
pub fn show(value: f64, dimension: &Dimension) -> String {
    if dimension.is_none() {
        return short(value);
    }
    let named = NAMED.iter().find(|n| n.dimension == *dimension).filter(|n| !n.shown.is_empty());
    let Some(named) = named else {
        // A product would continue the expression it stands in, so it is not stuck to the number.
        let unit = dimension.unit();
        return match parse_literal(&unit) {
            true => short(value) + &unit,
            false => format!("{} {unit}", short(value)),
        };
    };
    let size = value.abs();
    let fits = |(_, ten): &&(&str, i32)| scale(size, -ten) >= 1.0;
    let held = named.shown.iter().find(|(_, ten)| *ten == 0);
    let best = if size == 0.0 { held } else { named.shown.iter().rev().find(fits) };
    let (unit, ten) = best.unwrap_or(&named.shown[0]);
    short(scale(value, -ten)) + unit
}

/// Whether a unit may be attached to a literal: the language takes quotients there, not products.
fn parse_literal(unit: &str) -> bool {
    !unit.contains(['*', '(']) && !unit.starts_with('1') && parse(unit).is_some()
}

/// Six digits, without trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.5e}").parse::<f64>().unwrap_or(value);
    format!("{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(x: f64, unit: &str) -> (f64, Dimension) {
        let unit = parse(unit).unwrap_or_else(|| panic!("{unit} is a unit"));
        (unit.hold(x), unit.dimension)
    }

    #[test]
    fn units_of_a_neuron_are_near_one_and_coherent() {
        for (x, unit, want, name) in [
            (20.0, "ms", 20.0, "a time"),
            (-70.6, "mV", -70.6, "a voltage"),
            (281.0, "pF", 281.0, "a capacitance"),
            (30.0, "nS", 30.0, "a conductance"),
            (1.0, "nA", 1000.0, "a current"),
            (1.0, "GOhm", 1.0, "a resistance"),
            (50.0, "Hz", 0.05, "a rate"),
            (50.0, "1/s", 0.05, "a rate"),
            (1.0, "fC", 1.0, "a charge"),
            (2.0, "uS*mV", 2000.0, "a current"),
            (3.0, "nS*mV", 3.0, "a current"),
            (4.0, "pA*ms", 4.0, "a charge"),
            (1.0, "mM", 1.0, "a concentration"),
            (1.0, "W", 1e15, "a power"),
        ] {
            let (value, dimension) = held(x, unit);
            assert_eq!((value, dimension.name()), (want, Some(name)), "{x}{unit}");
        }
        assert_eq!(held(1.5, "pA/ms"), (1.5, Dimension::CURRENT.over(&Dimension::TIME)));
        assert_eq!(held(1.0, "uF/cm^2").0, 0.01);
        assert_eq!(held(120.0, "mS/cm^2").0, 1.2);
        assert_eq!(held(35.4, "m").0, 35.4e6);
    }

    #[test]
    fn what_values_are_held_in_reads_back_as_one() {
        for n in NAMED {
            assert_eq!(held(1.0, n.unit), (1.0, n.dimension), "{}", n.unit);
            for (unit, ten) in n.shown {
                assert_eq!(held(1.0, unit), (scale(1.0, *ten), n.dimension), "{unit}");
            }
        }
        for unit in ["pA/ms", "mV/ms", "nS/ms", "mV^2/ms", "pA/um^2", "mV^2*ms", "1/mV", "kHz/mV", "1/ms^2"] {
            let dimension = parse(unit).expect("a unit").dimension;
            let shown = dimension.unit();
            assert_eq!(held(1.0, &shown), (1.0, dimension), "{unit} as {shown}");
        }
    }

    #[test]
    fn what_is_no_unit_is_refused_and_mended() {
        for bad in ["", "mv", "x", "ms/", "1", "mV^", "msec", "kg"] {
            let unit = parse(bad);
            assert!(unit.is_none() || bad == "1", "{bad}");
        }
        assert_eq!(nearest("mv").as_deref(), Some("mV"));
        assert_eq!(nearest("msec").as_deref(), Some("ms"));
        assert_eq!(nearest("pa/msec").as_deref(), Some("pA/ms"));
        assert_eq!(nearest("uf/cm^2").as_deref(), Some("uF/cm^2"));
        assert_eq!(nearest("parsec"), None);
        assert_eq!(nearest("ms"), None);
    }

    #[test]
    fn quantities_are_shown_in_a_readable_unit() {
        assert_eq!(show(0.25, &Dimension::TIME), "250us");
        assert_eq!(show(1500.0, &Dimension::VOLTAGE), "1.5V");
        assert_eq!(show(-70.6, &Dimension::VOLTAGE), "-70.6mV");
        assert_eq!(show(0.05, &Dimension::FREQUENCY), "50Hz");
        assert_eq!(show(0.0, &Dimension::CURRENT), "0pA");
        assert_eq!(show(2.0, &Dimension::NONE), "2");
        assert_eq!(show(1.5, &Dimension::CURRENT.over(&Dimension::TIME)), "1.5pA/ms");
        assert_eq!(show(0.1 + 0.2, &Dimension::TIME), "300us");
    }

    #[test]
    fn halves_come_of_square_roots() {
        let half = Dimension::TIME.power(Ratio::of(0.5).expect("a half"));
        assert_eq!(half.unit(), "ms^(1/2)");
        assert_eq!(half.times(&half), Dimension::TIME);
        assert_eq!(Ratio::of(std::f64::consts::PI), None);
    }
}
