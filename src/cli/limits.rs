//! `--max-memory`: what a program may take, and the message for one that would take more.
//!
//! ```text
//! MemAvailable 14.2 GB, control group allows 4 GB more   ->   half of 4 GB, unless --max-memory says otherwise
//! ```
//! What is free is what the kernel says it is (`/proc/meminfo`), or what is left of the limit of a control group, as containers
//! have them, whichever is less. Where neither is told, it is taken to be 8 GB.

use std::path::{Path, PathBuf};

use clap::Args;

use super::messages::Messages;
use super::{Exit, bug};
use crate::diag::runs;
use crate::exec::Engine;
use crate::pipeline::footprint::{Footprint, MOST_INSTRUCTIONS, MOST_NUMBERS};
use crate::pipeline::{Bug, Checked, CheckedSimulation, Compiled, CompiledSimulation};

/// Taken to be free where the system does not say.
const UNKNOWN: f64 = 8e9;

#[derive(Args, Clone, Default)]
pub struct Limits {
    /// Memory that the program may take, as in 500M or 16G; half of what is free if not given
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_memory: Option<Size>,
}

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size(pub f64);

fn size(text: &str) -> Result<Size, String> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1.0,
        "K" | "KB" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        "T" | "TB" => 1e12,
        "KIB" => 1024.0,
        "MIB" => 1_048_576.0,
        "GIB" => 1_073_741_824.0,
        "TIB" => 1_099_511_627_776.0,
        _ => return Err("expected a size, as in 500M, 16G or 2GiB".into()),
    };
    match number.trim().parse::<f64>() {
        Ok(n) if n > 0.0 && n.is_finite() => Ok(Size(n * factor)),
        _ => Err("expected a size, as in 500M, 16G or 2GiB".into()),
    }
}

impl Limits {
    /// Bytes that may be taken, and where the number comes from.
    fn most(&self) -> (f64, &'static str) {
        match self.max_memory {
            Some(Size(most)) => (most, "--max-memory allows"),
            None => (0.5 * free().unwrap_or(UNKNOWN), "half of what is free is"),
        }
    }

    /// Bytes that may be taken besides what is counted already.
    pub fn left(&self, taken: &Footprint) -> f64 {
        (self.most().0 - taken.total()).max(0.0)
    }

    /// Refuses what would take more than it may.
    ///
    /// # Errors
    /// How to exit; the message is shown.
    pub fn admit(&self, taken: &Footprint, shown: &Messages) -> Result<(), Exit> {
        compilable(taken, shown)?;
        let (most, whose) = self.most();
        if taken.total() <= most {
            return Ok(());
        }
        let parts: Vec<(String, f64, &str)> = taken.parts().into_iter().map(|p| (p.what, p.bytes, p.smaller)).collect();
        Err(shown.refuse(&runs::too_much_memory(taken.total(), most, whose, &parts)))
    }

    /// Compiles a program that may be trained.
    ///
    /// # Errors
    /// How to exit; the message is shown.
    pub fn compile(
        &self,
        checked: &Checked,
        engine: Engine,
        threads: usize,
        shown: &Messages,
    ) -> Result<Compiled, Exit> {
        self.admit(&checked.footprint(threads), shown)?;
        checked.compile(engine).map_err(ours)
    }

    /// Compiles a program that has been trained, to be asked at so many points.
    ///
    /// # Errors
    /// How to exit; the message is shown.
    pub fn compile_to_ask(
        &self,
        checked: &Checked,
        engine: Engine,
        threads: usize,
        points: f64,
        shown: &Messages,
    ) -> Result<Compiled, Exit> {
        self.admit(&checked.footprint_to_ask(threads, points), shown)?;
        checked.compile(engine).map_err(ours)
    }

    /// Compiles a simulation; with it the bytes that its spikes may take.
    ///
    /// # Errors
    /// How to exit; the message is shown.
    pub fn compile_simulation(
        &self,
        checked: &CheckedSimulation,
        engine: Engine,
        shown: &Messages,
    ) -> Result<(CompiledSimulation, f64), Exit> {
        let taken = checked.footprint();
        self.admit(&taken, shown)?;
        Ok((checked.compile(engine).map_err(ours)?, self.left(&taken)))
    }
}

/// Refuses a program whose code would take too long to make.
///
/// # Errors
/// How to exit; the message is shown.
pub fn compilable(taken: &Footprint, shown: &Messages) -> Result<(), Exit> {
    if taken.numbers > MOST_NUMBERS {
        return Err(shown.refuse(&runs::too_wide(taken.numbers, MOST_NUMBERS)));
    }
    match taken.instructions > MOST_INSTRUCTIONS {
        true => Err(shown.refuse(&runs::too_much_code(taken.instructions, MOST_INSTRUCTIONS))),
        false => Ok(()),
    }
}

fn ours(e: Bug) -> Exit {
    bug::report(&e.to_string());
    Exit::Bug
}

/// Bytes that can be had, as far as the system says.
pub fn free() -> Option<f64> {
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?.trim();
        Some(1024.0 * line.strip_suffix("kB")?.trim().parse::<f64>().ok()?)
    });
    let group = group().into_iter().chain(Some(PathBuf::from("/sys/fs/cgroup"))).find_map(|g| left_of(&g));
    match (available, group) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The folder of this process's control group.
fn group() -> Option<PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    // `0::/path` in the second version, `5:memory:/path` in the first.
    text.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, kinds, path) = (parts.next()?, parts.next()?, parts.next()?);
        let below = path.trim_start_matches('/');
        match kinds {
            "" => Some(Path::new("/sys/fs/cgroup").join(below)),
            kinds if kinds.split(',').any(|k| k == "memory") => Some(Path::new("/sys/fs/cgroup/memory").join(below)),
            _ => None,
        }
    })
}

/// What a control group has left of its limit; `None` if it has none.
fn left_of(group: &Path) -> Option<f64> {
    let number = |name: &str| std::fs::read_to_string(group.join(name)).ok()?.trim().parse::<f64>().ok();
    let second = number("memory.max").zip(number("memory.current"));
    let (limit, used) = second.or_else(|| number("memory.limit_in_bytes").zip(number("memory.usage_in_bytes")))?;
    // The first version says a number near 2^63 for no limit.
    (limit < 1e18).then_some((limit - used).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [("1000", 1e3), ("500M", 5e8), ("1.5 GB", 1.5e9), ("2GiB", 2_147_483_648.0), ("1t", 1e12)]
        {
            assert_eq!(size(text), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "M", "-1G", "0", "1X", "inf", "1e999", "nan"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_group_has_what_is_left_of_its_limit() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(left_of(dir.path()), None);
        std::fs::write(dir.path().join("memory.max"), "max\n").expect("writes");
        std::fs::write(dir.path().join("memory.current"), "1000\n").expect("writes");
        assert_eq!(left_of(dir.path()), None);
        std::fs::write(dir.path().join("memory.max"), "5000\n").expect("writes");
        assert_eq!(left_of(dir.path()), Some(4000.0));
    }
}
