//! The arrays of a simulation, as an NPZ that `numpy.load` reads.
//!
//! | key | shape |
//! |---|---|
//! | `POPULATION.spike_times`, `POPULATION.spike_units` | `[spikes]`, in order of time and unit |
//! | `POPULATION.rate`, `POPULATION.rate_times` | `[bins]`: spikes a unit and time, and where the bins begin |
//! | `t` | `[steps]`, the end of each step; only if something is recorded |
//! | `POPULATION.NAME`, `POPULATION.NAME_units` | `[steps, units]`, and which units they are |

use std::io::Cursor;

use super::SimulationData;
use crate::report::npz::add;

/// The bytes of the archive.
///
/// # Errors
/// Only if an array cannot be encoded, which would be a bug; the sentence says what happened.
pub fn encode(run: &SimulationData) -> Result<Vec<u8>, String> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for p in &run.populations {
        let Some(spikes) = &p.spikes else { continue };
        let n = [spikes.len() as u64];
        let times: Vec<f64> = spikes.iter().map(|(j, _)| run.time(u64::from(*j))).collect();
        let units: Vec<f64> = spikes.iter().map(|(_, u)| f64::from(*u)).collect();
        add(&mut zip, &format!("{}.spike_times", p.name), &n, &times)?;
        add(&mut zip, &format!("{}.spike_units", p.name), &n, &units)?;
        let begins: Vec<f64> = (0..p.rates.len()).map(|k| (k as u64 * p.bin) as f64 * run.dt).collect();
        let n = [p.rates.len() as u64];
        add(&mut zip, &format!("{}.rate_times", p.name), &n, &begins)?;
        add(&mut zip, &format!("{}.rate", p.name), &n, &p.rates)?;
    }
    if !run.traces.is_empty() {
        let times: Vec<f64> = (0..run.steps).map(|j| run.time(j)).collect();
        add(&mut zip, "t", &[run.steps], &times)?;
    }
    for t in &run.traces {
        let name = format!("{}.{}", run.populations[t.population].name, t.name);
        let values: Vec<f64> = t.values.iter().map(|v| f64::from(*v)).collect();
        let units: Vec<f64> = t.units.iter().map(|u| f64::from(*u)).collect();
        add(&mut zip, &name, &[run.steps, units.len() as u64], &values)?;
        add(&mut zip, &format!("{name}_units"), &[units.len() as u64], &units)?;
    }
    Ok(zip.finish().map_err(|e| e.to_string())?.into_inner())
}
