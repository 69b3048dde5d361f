//! Error measures of a field against its exact solution on the same points.
//!
//! ```text
//! relative_l2([1, 2], [1, 1]) = sqrt((0 + 1) / (1 + 1)) = 0.707…
//! ```
//!
//! Sums run in index order. A NaN in the field gives a NaN, never a small number.

use crate::plan::MetricKind;

/// The measure `kind` of `field - exact`.
pub fn measure(kind: MetricKind, field: &[f64], exact: &[f64]) -> f64 {
    kind.measure(field, exact)
}

/// The name of a measure in programs.
pub fn name(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::RelativeL2 => "relative_l2",
        MetricKind::Rmse => "rmse",
        MetricKind::MeanAbsolute => "mean_absolute",
        MetricKind::MaxError => "max_error",
        MetricKind::Residual => "residual",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_agree_with_their_definitions() {
        let (u, e) = ([1.0, 2.0, -1.0], [1.0, 1.0, 1.0]);
        assert!((measure(MetricKind::RelativeL2, &u, &e) - (5.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((measure(MetricKind::Rmse, &u, &e) - (5.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(measure(MetricKind::MeanAbsolute, &u, &e), 1.0);
        assert_eq!(measure(MetricKind::MaxError, &u, &e), 2.0);
    }

    #[test]
    fn nan_is_never_hidden_and_zero_is_defined() {
        for kind in [MetricKind::RelativeL2, MetricKind::Rmse, MetricKind::MeanAbsolute, MetricKind::MaxError] {
            assert!(measure(kind, &[0.0, f64::NAN, 3.0], &[0.0, 1.0, 1.0]).is_nan());
        }
        assert_eq!(measure(MetricKind::RelativeL2, &[0.0], &[0.0]), 0.0);
        assert_eq!(measure(MetricKind::RelativeL2, &[1.0], &[0.0]), f64::INFINITY);
    }
}
