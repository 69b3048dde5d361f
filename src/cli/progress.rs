//! How a run tells how far it is: a line that renews itself on a terminal, plain lines otherwise.
//!
//! ```text
//! grow    [=======>      ] 2/4   loss 1.3e-4   error 7.5e-3   2.5 s each   5 s left
//! ```

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::func::figure;
use crate::report::scale::short;
use crate::train::outcome::{Point, Progress};

pub struct Line<'a> {
    phases: Vec<String>,
    bar: Option<ProgressBar>,
    plain: bool,
    interrupted: &'a AtomicBool,
    /// The phase being shown, when it began, and the last step shown.
    phase: Option<(usize, Instant, usize)>,
}

/// Plain lines in a phase, at the most.
const LINES: usize = 10;

impl<'a> Line<'a> {
    pub fn new(phases: Vec<String>, quiet: bool, interrupted: &'a AtomicBool) -> Line<'a> {
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !quiet).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{prefix:<10} [{bar:24}] {pos}/{len}   {msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Line { phases, bar, plain: !terminal && !quiet, interrupted, phase: None }
    }

    /// Leaves the terminal clean.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn words(&self, p: &Point, since: Instant) -> String {
        let error = p.error.map_or(String::new(), |e| format!("   error {}", short(e)));
        let seconds = since.elapsed().as_secs_f64();
        let pace = if p.step > 0 && seconds > 0.0 {
            let each = seconds / p.step as f64;
            let left = p.of.saturating_sub(p.step) as f64 * each;
            // Steps are many and short, rounds few and long.
            let pace =
                if each < 1.0 { format!("{}/s", figure(1.0 / each, 3)) } else { format!("{} s each", figure(each, 2)) };
            format!("   {pace}   {} s left", left.ceil())
        } else {
            String::new()
        };
        let plain = p.plain.map_or(String::new(), |l| format!("   unweighted {}", short(l)));
        format!("loss {}{plain}{error}{pace}", short(p.loss))
    }
}

impl Progress for Line<'_> {
    fn point(&mut self, p: &Point) -> ControlFlow<()> {
        let (since, last) = match self.phase {
            Some((phase, since, last)) if phase == p.phase => (since, last),
            _ => (Instant::now(), 0),
        };
        let name = self.phases.get(p.phase).map_or("", String::as_str);
        let mut shown = last;
        if let Some(bar) = &self.bar {
            bar.set_prefix(name.to_string());
            bar.set_length(p.of as u64);
            bar.set_position(p.step as u64);
            bar.set_message(self.words(p, since));
        }
        if self.plain && (p.step == 0 || p.step == p.of || p.step >= last + p.of.div_ceil(LINES)) {
            eprintln!("{name} {}/{}   {}", p.step, p.of, self.words(p, since));
            shown = p.step;
        }
        self.phase = Some((p.phase, since, shown));
        if self.interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
