//! Axes: from numbers to pixels, with round ticks and readable labels.
//!
//! ```text
//! Scale::linear(0.0, 1.0).ticks(5)  ->  0, 0.2, 0.4, 0.6, 0.8, 1
//! Scale::log(1e-4, 1.0).ticks(5)    ->  1e-4, 1e-3, 1e-2, 0.1, 1
//! ```

/// Maps an interval to 0 ..= 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    lo: f64,
    hi: f64,
    log: bool,
}

impl Scale {
    /// An interval without extent is widened, so that a constant can be drawn.
    pub fn linear(lo: f64, hi: f64) -> Scale {
        if !(lo.is_finite() && hi.is_finite()) {
            return Scale { lo: 0.0, hi: 1.0, log: false };
        }
        let pad = if hi > lo { 0.0 } else { lo.abs().max(1.0) * 0.5 };
        Scale { lo: lo - pad, hi: hi + pad, log: false }
    }

    /// The interval that covers the finite values, a little wider.
    pub fn covering(values: impl Iterator<Item = f64>) -> Scale {
        let (lo, hi) = range(values);
        let margin = 0.05 * (hi - lo);
        Scale::linear(lo - margin, hi + margin)
    }

    /// Whole decades around the positive values.
    pub fn log_covering(values: impl Iterator<Item = f64>) -> Scale {
        let (lo, hi) = range(values.filter(|v| *v > 0.0));
        if !(lo > 0.0 && hi.is_finite()) {
            return Scale { lo: 0.1, hi: 1.0, log: true };
        }
        let lo = libm::pow(10.0, libm::log10(lo).floor());
        let hi = libm::pow(10.0, libm::log10(hi).ceil());
        Scale { lo, hi: if hi > lo { hi } else { lo * 10.0 }, log: true }
    }

    /// What is at 0 and at 1.
    pub fn ends(&self) -> (f64, f64) {
        (self.lo, self.hi)
    }

    pub fn place(&self, v: f64) -> f64 {
        if self.log {
            (libm::log10(v.max(self.lo)) - libm::log10(self.lo)) / (libm::log10(self.hi) - libm::log10(self.lo))
        } else {
            (v - self.lo) / (self.hi - self.lo)
        }
    }

    /// About `want` round numbers within the interval.
    pub fn ticks(&self, want: usize) -> Vec<f64> {
        if self.log {
            let (a, b) = (libm::log10(self.lo).round() as i32, libm::log10(self.hi).round() as i32);
            let every = ((b - a) as usize / want.max(1) + 1) as i32;
            return (a..=b).filter(|d| (d - a) % every == 0).map(|d| libm::pow(10.0, d as f64)).collect();
        }
        let raw = (self.hi - self.lo) / want.max(1) as f64;
        let power = libm::pow(10.0, libm::log10(raw).floor());
        let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= raw * 0.999).unwrap_or(raw);
        let first = (self.lo / step - 1e-9).ceil() as i64;
        let last = (self.hi / step + 1e-9).floor() as i64;
        (first..=last).map(|k| k as f64 * step).collect()
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
    for v in values.filter(|v| v.is_finite()) {
        lo = lo.min(v);
        hi = hi.max(v);
    }
    (lo, hi)
}

/// Four significant digits at the most, an exponent where that is shorter: `0.25`, `1e-3`, `12345`.
pub fn short(v: f64) -> String {
    if v == 0.0 {
        return "0".into();
    }
    if !v.is_finite() {
        return if v.is_nan() {
            "NaN".into()
        } else if v > 0.0 {
            "∞".into()
        } else {
            "−∞".into()
        };
    }
    let magnitude = v.abs();
    if (1e-2..1e5).contains(&magnitude) {
        let decimals = (3 - libm::log10(magnitude).floor() as i32).clamp(0, 6) as usize;
        let text = format!("{v:.decimals$}");
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text };
    }
    let text = format!("{v:.2e}");
    match text.split_once('e') {
        Some((m, e)) => {
            let m = if m.contains('.') { m.trim_end_matches('0').trim_end_matches('.') } else { m };
            format!("{m}e{e}")
        }
        None => text,
    }
}

/// A large count with thin separators: `12 345 678`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let labels = |s: Scale, n| s.ticks(n).into_iter().map(short).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(Scale::linear(0.0, 1.0), 5), "0 0.2 0.4 0.6 0.8 1");
        assert_eq!(labels(Scale::linear(-1.3, 1.3), 5), "-1 0 1");
        assert_eq!(labels(Scale::log_covering([2e-4, 0.5].into_iter()), 8), "1e-4 1e-3 0.01 0.1 1");
    }

    #[test]
    fn degenerate_ranges_can_be_drawn() {
        for s in [
            Scale::linear(2.0, 2.0),
            Scale::covering(std::iter::empty()),
            Scale::covering([f64::NAN].into_iter()),
            Scale::log_covering([0.0, -1.0].into_iter()),
        ] {
            assert!(s.place(2.0).is_finite());
            assert!(!s.ticks(5).is_empty());
        }
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(0.0041234), "4.12e-3");
        assert_eq!(short(123.456), "123.5");
        assert_eq!(short(-0.5), "-0.5");
        assert_eq!(count(12345678), "12\u{2009}345\u{2009}678");
    }
}
