//! What is measured on spike trains: rates, counts, and how irregular they are.
//!
//! ```text
//! spikes of one unit at 10, 20, 40, 50     rate 4 a 50     intervals 10, 20, 10: CV 0.354
//! ```

use crate::plan::simulation::{Measure, Metric};

/// The steps whose spikes lie in the window: a spike of step j happens at (j + 1) dt.
fn within(step: u32, dt: f64, window: (f64, f64)) -> bool {
    let t = (f64::from(step) + 1.0) * dt;
    // An edge that is a multiple of dt is met in spite of rounding.
    t > window.0 + 1e-6 * dt && t <= window.1 + 1e-6 * dt
}

/// A metric of spikes in order of time; NaN where it is not defined.
pub fn measure(metric: &Metric, spikes: &[(u32, u32)], dt: f64) -> f64 {
    let chosen = |unit: u32| metric.units.binary_search(&unit).is_ok();
    let inside = spikes.iter().filter(|(j, u)| chosen(*u) && within(*j, dt, metric.window));
    match metric.measure {
        Measure::SpikeCount => inside.count() as f64,
        Measure::Rate => inside.count() as f64 / (metric.units.len() as f64 * (metric.window.1 - metric.window.0)),
        Measure::Cv => cv(inside.copied()),
    }
}

/// The coefficient of variation of the intervals between a unit's spikes (population standard deviation over mean), the mean
/// over the units that have two intervals; NaN if there are none.
pub fn cv(spikes: impl Iterator<Item = (u32, u32)>) -> f64 {
    #[derive(Clone, Copy, Default)]
    struct Train {
        last: Option<u32>,
        count: f64,
        sum: f64,
        squares: f64,
    }
    let mut trains: std::collections::BTreeMap<u32, Train> = std::collections::BTreeMap::new();
    for (step, unit) in spikes {
        let t = trains.entry(unit).or_default();
        if let Some(last) = t.last {
            let interval = f64::from(step - last);
            t.count += 1.0;
            t.sum += interval;
            t.squares += interval * interval;
        }
        t.last = Some(step);
    }
    let one = |t: &Train| {
        let mean = t.sum / t.count;
        libm::sqrt((t.squares / t.count - mean * mean).max(0.0)) / mean
    };
    let all: Vec<f64> = trains.values().filter(|t| t.count >= 2.0).map(one).collect();
    if all.is_empty() { f64::NAN } else { all.iter().sum::<f64>() / all.len() as f64 }
}

/// Spikes a unit and time in bins of `width` steps; the last bin may be shorter.
pub fn binned_rate(spikes: &[(u32, u32)], units: usize, steps: u64, dt: f64, width: u64) -> Vec<f64> {
    let bins = steps.div_ceil(width) as usize;
    let mut counts = vec![0.0f64; bins];
    for (step, _) in spikes {
        counts[(u64::from(*step) / width) as usize] += 1.0;
    }
    let length = |k: usize| ((k as u64 + 1) * width).min(steps) - k as u64 * width;
    counts.iter().enumerate().map(|(k, c)| c / (units as f64 * length(k) as f64 * dt)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_different_units_are_kept_apart() {
        let spikes = [(9, 0), (12, 1), (19, 0), (22, 1), (32, 1), (39, 0), (49, 0)];
        // Unit 0: 10, 20, 10. Unit 1: 10, 10.
        let expected = (libm::sqrt(600.0 / 3.0 - (40.0f64 / 3.0) * (40.0 / 3.0)) / (40.0 / 3.0) + 0.0) / 2.0;
        assert!((cv(spikes.into_iter()) - expected).abs() < 1e-12);
        assert!(cv([(1, 0), (2, 0), (3, 1)].into_iter()).is_nan());
    }

    #[test]
    fn windows_meet_their_edges() {
        let spikes = [(0, 0), (99, 1), (100, 0), (199, 2)];
        let metric = |measure, window| Metric {
            name: "m".into(),
            measure,
            population: 0,
            units: vec![0, 1],
            window,
            text: String::new(),
        };
        assert_eq!(measure(&metric(Measure::SpikeCount, (0.0, 20.0)), &spikes, 0.1), 3.0);
        assert_eq!(measure(&metric(Measure::SpikeCount, (10.0, 20.0)), &spikes, 0.1), 1.0, "the spike at 10 is before");
        assert_eq!(measure(&metric(Measure::Rate, (0.0, 10.0)), &spikes, 0.1), 2.0 / 20.0);
    }

    #[test]
    fn rates_of_bins_have_the_mean_rate() {
        let spikes = [(0, 0), (3, 1), (9, 0)];
        let rates = binned_rate(&spikes, 2, 10, 0.5, 4);
        assert_eq!(rates, [2.0 / 4.0, 0.0, 1.0 / 2.0]);
    }
}
