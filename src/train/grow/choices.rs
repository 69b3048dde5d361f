//! The ways in which a round of a pursuit chooses among candidates.

use faer::Mat;

use super::{Layer, REPLACED};
use crate::train::frame::Frame;
use crate::train::observe::Features;
use crate::train::pursuit::Pursuit;
use crate::train::solve::{Linear, join};
use crate::train::system::Columns;

/// A way of choosing: units in use (the first candidates) that stay whatever happens, and a pursuit of the others.
pub(super) struct Choice {
    pub kept: Vec<usize>,
    pub pursuit: Pursuit,
}

/// The ways in which a round chooses: all units anew; and, if there are units in use, only the weaker of them anew. The
/// first finds the better sets where there are many candidates; but greedy as it is it may do worse than what there was,
/// which the second hardly can. The exact readout decides between them.
pub(super) fn choices(
    frame: &Frame<'_>,
    linear: &Linear,
    current: &Features,
    layer: &Layer<'_>,
    in_use: bool,
) -> Vec<Choice> {
    let group = layer.plan.feeds.len();
    // What other layers feed is there whatever is chosen here.
    let fixed = join(linear.fixed.as_ref(), current.rows(frame, &layer.plan.feeds).as_ref());
    let pursuit = |fixed: &Mat<f64>| Pursuit::new(&linear.target, fixed.as_ref(), group);
    let mut choices = vec![Choice { kept: vec![], pursuit: pursuit(&fixed) }];
    let strong = layer.units - layer.units.div_ceil(REPLACED);
    if in_use && strong > 0 {
        let fed: Vec<Columns> = layer.plan.feeds.iter().map(|k| current.readouts[*k].phi.clone()).collect();
        let rows = grouped(frame, &fed, layer.units);
        let mut among = pursuit(&fixed);
        among.add(rows.as_ref());
        let kept = among.select(strong).picks;
        let of_unit = |j: usize| kept[j / group] * group + j % group;
        let kept_rows = Mat::from_fn(rows.nrows(), kept.len() * group, |i, j| rows[(i, of_unit(j))]);
        choices.push(Choice { pursuit: pursuit(&join(fixed.as_ref(), kept_rows.as_ref())), kept });
    }
    choices
}

/// The rows of the first `count` units: for each unit one column a readout that it feeds.
pub(super) fn grouped(frame: &Frame<'_>, fed: &[Columns], count: usize) -> Mat<f64> {
    let mut parts: Vec<Mat<f64>> = fed.iter().map(|columns| frame.apply(columns)).collect();
    let group = parts.len();
    match parts.pop() {
        Some(mut only) if group == 1 => {
            only.truncate(frame.rows(), count);
            only
        }
        last => {
            parts.extend(last);
            Mat::from_fn(frame.rows(), count * group, |i, j| parts[j % group][(i, j / group)])
        }
    }
}

impl Choice {
    /// As many candidates as the layer has units.
    pub fn finish(self, layer: &Layer<'_>) -> Vec<usize> {
        let mut picks = self.kept;
        picks.extend(self.pursuit.select(layer.units - picks.len()).picks);
        picks
    }
}
