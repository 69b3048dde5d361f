//! How often a neuron spikes at a constant current: found by simulating it, as `simulate` would.
//!
//! ```text
//! current (pA)   rate (Hz)
//!          500           0
//!          600          12   ######
//! ```

use crate::check::Options;
use crate::exec::Engine;
use crate::pipeline::{CheckedSimulation, Source};
use crate::simulate;
use crate::source::{MemoryFiles, Sources};
use crate::syntax::ast::{Item, Neuron, NeuronStmt};

/// Currents that are tried.
const CURRENTS: usize = 25;
/// Bars are so long at most.
const LONGEST: f64 = 40.0;

/// Spikes a second (or, without units, a unit of time) at each current.
pub struct Curve {
    pub currents: Vec<f64>,
    pub rates: Vec<f64>,
    /// `pA`, or empty.
    pub unit: String,
    /// `Hz`, or empty.
    pub rate_unit: &'static str,
    /// What was simulated: `500ms in steps of 0.02ms`.
    pub how: String,
}

/// The neuron `name` of a program's text, and what else of it a neuron may use.
fn cut(text: &str, name: &str) -> Option<(Neuron, String)> {
    let mut sources = Sources::default();
    let mut sink = crate::diag::Sink::default();
    let file = Source::new("neuron.snn", text).parse(&mut sources, &mut sink)?;
    let mut kept = String::new();
    let mut found = None;
    for item in &file.items {
        let span = item.span();
        match item {
            Item::Neuron(n) if n.name.text == name => found = Some(n.clone()),
            Item::Const(_) | Item::Fn(_) => {}
            _ => continue,
        }
        kept.push_str(&text[span.start as usize..span.end as usize]);
        kept.push('\n');
    }
    Some((found?, kept))
}

/// Why there is no curve.
pub enum NoCurve {
    /// The text has no such neuron, or it has errors.
    NoNeuron,
    /// It never spikes at a constant current, or has no spikes.
    Silent,
}

/// The curve of a neuron of a program's text.
pub fn curve(text: &str, name: &str) -> Result<Curve, NoCurve> {
    let (neuron, items) = cut(text, name).ok_or(NoCurve::NoNeuron)?;
    if !neuron.body.iter().any(|s| matches!(s, NeuronStmt::Spike { .. })) {
        return Err(NoCurve::Silent);
    }
    let input = neuron.body.iter().find_map(|s| match s {
        NeuronStmt::Input { name, unit, .. } => Some((name.text.clone(), unit.as_ref().map(|u| u.text.clone()))),
        _ => None,
    });
    let (input, unit) = input.ok_or(NoCurve::Silent)?;
    let unit = unit.unwrap_or_default();
    // The smallest power of two that makes it spike, then evenly from 0 to four times that.
    let tried = rates(&items, name, &input, &format!("1{unit}*2^(index - 10)"))?;
    let first = tried.0.iter().position(|r| *r > 0.0).ok_or(NoCurve::Silent)?;
    let most = libm::exp2(first as f64 - 10.0 + 1.0);
    let step = most / (CURRENTS - 1) as f64;
    let (rates, rate_unit, how) = rates(&items, name, &input, &format!("{step}{unit}*index"))?;
    let currents = (0..CURRENTS).map(|k| k as f64 * step).collect();
    Ok(Curve { currents, rates, unit, rate_unit, how })
}

type Rates = (Vec<f64>, &'static str, String);

/// Rates of units with the given input. The first fifth of the time is not counted.
fn rates(items: &str, name: &str, input: &str, current: &str) -> Result<Rates, NoCurve> {
    for (duration, dt, timed) in [("1000", "1", false), ("500ms", "0.02ms", true)] {
        let program = format!(
            "{items}\nsimulate {{ duration {duration}  dt {dt}  population p = {name}({CURRENTS}) with {input} = {current}  record spikes of p }}\n"
        );
        let mut sources = Sources::default();
        let options = Options::default();
        let checking = Source::new("curve.snn", &program).check(&mut sources, &MemoryFiles::default(), &options);
        let Some(checked) = checking.simulation else { continue };
        return simulated(&checked, timed)
            .map(|rates| (rates, if timed { "Hz" } else { "" }, format!("{duration} in steps of {dt}")));
    }
    Err(NoCurve::NoNeuron)
}

fn simulated(checked: &CheckedSimulation, timed: bool) -> Result<Vec<f64>, NoCurve> {
    let compiled = checked.compile(Engine::Jit).map_err(|_| NoCurve::NoNeuron)?;
    let sim = &compiled.simulation;
    let outcome = simulate::run(sim, &compiled.kernels, None);
    let from = outcome.steps / 5;
    let mut counts = vec![0.0; CURRENTS];
    for (step, unit) in outcome.spikes.first().into_iter().flatten() {
        if u64::from(*step) >= from {
            counts[*unit as usize] += 1.0;
        }
    }
    let time = (outcome.steps - from) as f64 * sim.dt;
    // Times are held in ms.
    let scale = if timed { 1000.0 } else { 1.0 };
    Ok(counts.into_iter().map(|n| n / time * scale).collect())
}

impl Curve {
    /// As comments, so that they can follow the neuron's text.
    pub fn text(&self) -> String {
        let bracket = |unit: &str| if unit.is_empty() { String::new() } else { format!(" ({unit})") };
        let (x, y) = (format!("current{}", bracket(&self.unit)), format!("rate{}", bracket(self.rate_unit)));
        let mut out = format!(
            "# How often it spikes at a constant current, simulated for {}:\n#\n#   {x:>14}  {y:>12}\n",
            self.how
        );
        let most = self.rates.iter().copied().fold(0.0, f64::max);
        for (current, rate) in self.currents.iter().zip(&self.rates) {
            let bar = "#".repeat((rate / most * LONGEST).round() as usize);
            let (current, rate) = (crate::func::figure(*current, 4), crate::func::figure(*rate, 4));
            out.push_str(format!("#   {current:>14}  {rate:>12}   {bar}").trim_end());
            out.push('\n');
        }
        out
    }
}
