//! Keeps the state of a run on disk while it trains, so that it can be gone on with: every so often, and when it is stopped.
//!
//! ```text
//! runs/wave/resume.safetensors     replaced whole or not at all; gone once the run has finished
//! ```

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;

use super::files;
use super::messages::Messages;
use super::progress::Line;
use super::run::INTERRUPTED;
use crate::report::write;
use crate::train::outcome::{Point, Progress, Status};
use crate::train::record::Record;
use crate::train::state::{Origin, encode};

/// The state's name in the folder of a run.
pub const STATE: &str = "resume.safetensors";
/// What becomes of the state of another run that was stopped in the same folder.
const OLD: &str = "resume.old.safetensors";

/// How a run is stopped and kept.
#[derive(Args, Clone)]
pub struct Arguments {
    /// Stop after so many seconds as Ctrl-C would; `snnc resume` goes on
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub max_time: Option<f64>,
    /// Seconds between two times that the state is written, for `snnc resume`: 30 without; 0 after every step
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub checkpoint_every: Option<f64>,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.0..=1e8).contains(&s) => Ok(s),
        _ => Err("expected seconds, 0 or more".into()),
    }
}

/// Set once `--max-time` is over.
static OUT_OF_TIME: AtomicBool = AtomicBool::new(false);

/// Why a run was interrupted.
pub fn why_stopped() -> &'static str {
    if OUT_OF_TIME.load(Ordering::Relaxed) { "stopped by --max-time" } else { "interrupted" }
}

/// Interrupts the run when its time is over.
pub fn set_alarm(arguments: &Arguments) {
    let ring = || {
        OUT_OF_TIME.store(true, Ordering::Relaxed);
        INTERRUPTED.store(true, Ordering::Relaxed);
    };
    match arguments.max_time {
        None => {}
        // Before anything is trained, however long a thread takes to start.
        Some(0.0) => ring(),
        Some(seconds) => drop(std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs_f64(seconds));
            ring();
        })),
    }
}

pub struct Saver<'a> {
    line: Line<'a>,
    path: PathBuf,
    origin: Origin,
    every: Duration,
    written: Instant,
    /// The state before the step under way, unless it is on disk.
    latest: Option<Record>,
    trouble: Option<String>,
}

impl<'a> Saver<'a> {
    pub fn new(line: Line<'a>, out: &Path, origin: Origin, arguments: &Arguments) -> Saver<'a> {
        let every = Duration::from_secs_f64(arguments.checkpoint_every.unwrap_or(30.0));
        let path = out.join(STATE);
        Saver { line, path, origin, every, written: Instant::now(), latest: None, trouble: None }
    }

    /// What of a state is in the folder already belongs to a run that was stopped: it is put aside. A sentence if there was one.
    pub fn make_room(out: &Path) -> Option<String> {
        let (from, to) = (out.join(STATE), out.join(OLD));
        if !from.exists() {
            return None;
        }
        std::fs::rename(&from, &to).ok()?;
        Some(format!("{} was kept of a run that was stopped; it is now {}", from.display(), to.display()))
    }

    fn is_due(&self) -> bool {
        self.written.elapsed() >= self.every
    }

    fn write(&mut self) {
        let Some(record) = self.latest.take() else { return };
        let result = encode(&record, &self.origin)
            .map_err(|e| e.to_string())
            .and_then(|bytes| write::atomically(&self.path, &bytes).map_err(|e| files::words(&e)));
        self.trouble = result.err();
        self.written = Instant::now();
    }

    /// Leaves the terminal clean, and on disk what the run needs: its state if it was stopped, else nothing.
    pub fn finish(&mut self, status: &Status, shown: &Messages) {
        self.line.finish();
        match status {
            Status::Interrupted => self.write(),
            Status::Finished | Status::Diverged { .. } => self.latest = None,
        }
        if let Some(why) = &self.trouble {
            shown.doubt(&format!("the run's state could not be kept in {}: {why}", self.path.display()));
        }
    }

    /// The results of a run that has ended are written: its state is of no more use.
    pub fn remove(&self, status: &Status) {
        if *status != Status::Interrupted {
            // Where it cannot be removed it is still only a state to go on from.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Progress for Saver<'_> {
    fn point(&mut self, point: &Point) -> std::ops::ControlFlow<()> {
        self.line.point(point)
    }

    fn wants_record(&mut self, stopping: bool, long: bool) -> bool {
        stopping || long || self.is_due()
    }

    fn record(&mut self, record: Record, stopping: bool) {
        self.latest = Some(record);
        if stopping || self.is_due() {
            self.write();
        }
    }
}
