//! What `snnc bench` prints: how fast a program's own steps are, beside what the machine could do.
//!
//! ```text
//! wave: f32, jit, 2 threads, AVX2 and FMA, at most 198 GFLOP/s
//! checked in 4.7 ms, lowered and compiled in 8.1 ms, first step begun after 34.2 ms
//!
//! phase  method                                steps  ms a step  points/s  in kernels  GFLOP/s  of the peak
//! grow   pursuit, 512 of 4000 candidates, …        2      812.4    1.2e+6       71.2%     2.31         1.2%
//! ```

use super::data::LayerRow;
use super::scale::{count, short};
use super::table::columns;

/// A program measured for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchData {
    pub name: String,
    /// `f32` or `f64`.
    pub precision: String,
    pub engine: String,
    /// The instruction set that products use.
    pub instructions: String,
    pub threads: usize,
    /// Operations a second that the threads reach with nothing but multiply-adds.
    pub peak: f64,
    /// Seconds of checking, and of lowering and compiling.
    pub check: f64,
    pub compile: f64,
    /// Seconds from the start of the command to the first step; `None` if there was none.
    pub first_step: Option<f64>,
    /// The head of the first column of `parts`: `phase` or `populations`.
    pub of: &'static str,
    /// What `points/s` counts: `points` or `units`.
    pub points: &'static str,
    pub parts: Vec<Part>,
    pub layers: Vec<LayerRow>,
    pub kernels: Vec<KernelRow>,
}

/// A phase of training, or a simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub name: String,
    pub method: String,
    /// Steps or rounds, and the seconds that they took.
    pub steps: u64,
    pub seconds: f64,
    /// Simulations of one point (of one unit for one time step, in a simulation).
    pub points: u64,
    /// In kernels, the threads' times added up.
    pub kernel_seconds: f64,
    /// Dense-equivalent operations of the kernels.
    pub operations: f64,
}

/// A kernel over the whole measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelRow {
    pub name: String,
    /// Points run, and the seconds they took, the threads' times added up.
    pub points: u64,
    pub seconds: f64,
    /// Dense-equivalent operations of one point.
    pub operations: u64,
    /// Machine code.
    pub code_bytes: usize,
}

pub fn text(b: &BenchData) -> String {
    let s = if b.threads == 1 { "" } else { "s" };
    let mut out = format!(
        "{}: {}, {}, {} thread{s}, {}, at most {} GFLOP/s\nchecked in {:.1} ms, lowered and compiled in {:.1} ms",
        b.name,
        b.precision,
        b.engine,
        b.threads,
        b.instructions,
        digits(b.peak / 1e9),
        b.check * 1e3,
        b.compile * 1e3,
    );
    if let Some(first) = b.first_step {
        out += &format!(", first step begun after {:.1} ms", first * 1e3);
    }
    out += "\n\n";
    out += &parts(b);
    if !b.layers.is_empty() {
        let row =
            |l: &LayerRow| vec![l.name.clone(), l.units.to_string(), l.spike_rate.map_or("graded".into(), digits)];
        let rows: Vec<Vec<String>> = b.layers.iter().map(row).collect();
        let first = if b.of == "phase" { "layer" } else { "population" };
        out += "\n";
        out += &columns(&[first, "neurons", "spikes a neuron and step"], &[1, 2], &rows);
    }
    let run = b.kernels.iter().filter(|k| k.points > 0);
    let rows: Vec<Vec<String>> = run.map(kernel).collect();
    if !rows.is_empty() {
        let header = ["kernel", "runs", "ns a run", "operations a run", "GFLOP/s a thread", "bytes of code"];
        out += "\n";
        out += &columns(&header, &[1, 2, 3, 4, 5], &rows);
    }
    out
}

/// A kernel as compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeRow {
    pub name: String,
    /// Of the IR, after all passes.
    pub instructions: usize,
    /// Machine code.
    pub bytes: usize,
    /// Seconds of code generation.
    pub seconds: f64,
}

/// What `snnc check -v` prints of the code; times in seconds.
pub fn code(kernels: &[CodeRow], lowering: f64, compiling: f64) -> String {
    let row = |k: &CodeRow| {
        let (instructions, bytes) = (count(k.instructions as u64), count(k.bytes as u64));
        vec![k.name.clone(), instructions, bytes, format!("{:.2}", k.seconds * 1e3)]
    };
    let rows: Vec<Vec<String>> = kernels.iter().map(row).collect();
    let s = if kernels.len() == 1 { "" } else { "s" };
    let mut out = format!(
        "{} kernel{s}, {} bytes of code: lowered and optimised in {:.1} ms, compiled in {:.1} ms\n",
        kernels.len(),
        count(kernels.iter().map(|k| k.bytes as u64).sum()),
        lowering * 1e3,
        compiling * 1e3
    );
    out += &columns(&["kernel", "instructions", "bytes of code", "ms"], &[1, 2, 3], &rows);
    out
}

fn parts(b: &BenchData) -> String {
    let row = |p: &Part| {
        let speed = p.operations / p.seconds;
        vec![
            p.name.clone(),
            p.method.clone(),
            p.steps.to_string(),
            digits(p.seconds * 1e3 / p.steps as f64),
            digits(p.points as f64 / p.seconds),
            percent(p.kernel_seconds / (p.seconds * b.threads as f64)),
            digits(speed / 1e9),
            percent(speed / b.peak),
        ]
    };
    let rows: Vec<Vec<String>> = b.parts.iter().filter(|p| p.steps > 0 && p.seconds > 0.0).map(row).collect();
    let rate = format!("{}/s", b.points);
    let header = [b.of, "method", "steps", "ms a step", &rate, "in kernels", "GFLOP/s", "of the peak"];
    columns(&header, &[2, 3, 4, 5, 6, 7], &rows)
}

fn kernel(k: &KernelRow) -> Vec<String> {
    vec![
        k.name.clone(),
        count(k.points),
        digits(k.seconds * 1e9 / k.points as f64),
        count(k.operations),
        digits((k.operations * k.points) as f64 / k.seconds / 1e9),
        if k.code_bytes > 0 { count(k.code_bytes as u64) } else { "–".into() },
    ]
}

/// Three digits are as many as a measurement has.
fn digits(x: f64) -> String {
    let rounded: f64 = format!("{x:.2e}").parse().unwrap_or(x);
    short(rounded)
}

fn percent(x: f64) -> String {
    format!("{:.1}%", 100.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_put_in_their_columns() {
        let part = |name: &str, steps| Part {
            name: name.into(),
            method: "adam, 4 directions".into(),
            steps,
            seconds: 0.5,
            points: 1_000_000,
            kernel_seconds: 0.75,
            operations: 1e9,
        };
        let data = BenchData {
            name: "p".into(),
            precision: "f32".into(),
            engine: "jit".into(),
            instructions: "AVX2".into(),
            threads: 2,
            peak: 1e11,
            check: 0.001,
            compile: 0.0123,
            first_step: Some(0.02),
            of: "phase",
            points: "points",
            parts: vec![part("a", 10), part("never begun", 0)],
            layers: vec![LayerRow { name: "h".into(), units: 64, spike_rate: Some(0.123_456) }],
            kernels: vec![KernelRow {
                name: "network".into(),
                points: 2000,
                seconds: 0.001,
                operations: 5000,
                code_bytes: 4096,
            }],
        };
        let expected = "\
p: f32, jit, 2 threads, AVX2, at most 100 GFLOP/s
checked in 1.0 ms, lowered and compiled in 12.3 ms, first step begun after 20.0 ms

phase  method              steps  ms a step  points/s  in kernels  GFLOP/s  of the peak
a      adam, 4 directions     10         50       2e6       75.0%        2         2.0%

layer  neurons  spikes a neuron and step
h           64                     0.123

kernel    runs  ns a run  operations a run  GFLOP/s a thread  bytes of code
network  2 000       500             5 000                10          4 096
";
        assert_eq!(text(&data).replace('\u{2009}', " "), expected);
    }
}
