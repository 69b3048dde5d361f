//! The folder of a run, opened again: its program, its data files, and the network that it trained.
//!
//! ```text
//! run.json                 the program's text and that of its imports, --set, the seed, every figure of the run
//! inputs/                  copies of the data files that the program reads
//! checkpoint.safetensors   the weights
//! resume.safetensors       only of a run that was stopped: its whole state
//! ```
//! Nothing is used that does not belong together: texts, data files and weights are told by their SHA-256.

use std::path::Path;

use serde_json::Value;

use super::check::{self, Loaded, Read};
use super::messages::Messages;
use super::run::{INPUTS, hash, sha256};
use super::{Exit, files};
use crate::check::Options;
use crate::diag::{Notice, Severity, runs};
use crate::ir::problem::Problem;
use crate::pipeline::Checked;
use crate::source::{Files, MemoryFiles, Sources};
use crate::train::checkpoint::{self, CheckpointError};

/// A run with a trained network.
pub struct Run {
    pub folder: String,
    pub record: Value,
    pub checked: Box<Checked>,
    /// What messages point into.
    pub sources: Sources,
    checkpoint: Vec<u8>,
}

/// `run.json` of a folder.
pub fn record(folder: &Path) -> Result<Value, Notice> {
    let shown = folder.display().to_string();
    let bytes = files::within(folder, "run.json").map_err(|e| {
        let why = match (folder.is_dir(), folder.is_file()) {
            (true, _) => format!("run.json: {e}"),
            (_, true) => "it is a file".to_string(),
            _ => "there is no such folder".to_string(),
        };
        runs::not_a_run(&shown, &why, near(folder).as_deref())
    })?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|e| runs::damaged(&folder.join("run.json").display().to_string(), &format!("it is not JSON: {e}")))?;
    match value["program"]["name"].is_string() {
        true => Ok(value),
        false => Err(runs::not_a_run(&shown, "its run.json is of something else", None)),
    }
}

/// A run's folder that may be meant by the name of a program or of a run.
fn near(folder: &Path) -> Option<String> {
    let stem = folder.file_stem()?;
    let there = Path::new("runs").join(stem);
    there.join("run.json").is_file().then(|| there.display().to_string())
}

/// Where a data file's copy lies in the run's folder: under the path that the program gives, or if that leads out of the program's
/// folder (`--allow-read`) under a name made of it.
pub fn kept_as(path: &str) -> String {
    if files::is_below(path) {
        return format!("{INPUTS}/{path}");
    }
    let name = Path::new(path).file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    format!("{INPUTS}/outside-{}/{name}", &sha256(path.as_bytes())[..16])
}

/// A program's files in the folder of its run, by the paths that it gives, wherever these lead.
pub struct KeptFiles(MemoryFiles);

impl Files for KeptFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.read(path)
    }

    fn leads_out(&self) -> bool {
        true
    }
}

/// The program's files, as the folder keeps them: imports by their text, data files by path and SHA-256.
pub fn kept_files(
    folder: &Path,
    imports: &[(String, String)],
    inputs: &[(String, String)],
) -> Result<KeptFiles, Notice> {
    let mut all = MemoryFiles::default();
    for (path, text) in imports {
        all.0.insert(path.clone(), text.clone().into_bytes());
    }
    for (path, expected) in inputs {
        let at = kept_as(path);
        let shown = folder.join(&at).display().to_string();
        let bytes = files::within(folder, &at).map_err(|e| runs::input_changed(&shown, &e))?;
        if sha256(&bytes) != *expected {
            return Err(runs::input_changed(&shown, "its SHA-256 is another"));
        }
        all.0.insert(path.clone(), bytes);
    }
    Ok(KeptFiles(all))
}

impl Run {
    /// Opens a run for `command`; messages are shown.
    pub fn open(folder: &Path, command: &str, shown: &Messages) -> Result<Run, Exit> {
        let say = |n: Notice| shown.refuse(&n);
        let name = folder.display().to_string();
        let record = record(folder).map_err(say)?;
        if record["kind"] == "simulation" {
            return Err(say(runs::not_trained(&name, command)));
        }
        let json = folder.join("run.json").display().to_string();
        let early = |what: &str| runs::other_layout(&json, &format!("it lacks `{what}`"));
        let p = &record["program"];
        let text = p["text"].as_str().ok_or_else(|| say(early("program.text")))?;
        let pairs = |what: &str, key: &str, value: &str| -> Option<Vec<(String, String)>> {
            let pair = |v: &Value| Some((v[key].as_str()?.to_string(), v[value].as_str()?.to_string()));
            p[what].as_array()?.iter().map(pair).collect()
        };
        let imports = pairs("imports", "path", "text").ok_or_else(|| say(early("program.imports")))?;
        let inputs = pairs("inputs", "path", "sha256").ok_or_else(|| say(early("program.inputs")))?;
        let set = |v: &Value| Some((v["name"].as_str()?.to_string(), v["value"].as_f64()?));
        let set: Option<Vec<(String, f64)>> = p["set"].as_array().and_then(|all| all.iter().map(set).collect());
        let set = set.ok_or_else(|| say(early("program.set")))?;
        let files = kept_files(folder, &imports, &inputs).map_err(say)?;
        let options = Options { set, seed: record["seed"].as_u64() };
        let title = format!("{} in {json}", p["name"].as_str().unwrap_or_default());
        // Warnings were shown when it ran; errors can only come with another version.
        let show = |messages: &[crate::diag::Diagnostic], sources: &Sources| {
            let errors = messages.iter().filter(|m| m.severity == Severity::Error).cloned();
            shown.show(&errors.collect::<Vec<_>>(), sources);
        };
        if p["sha256"] != hash(text, &imports) {
            return Err(say(runs::damaged(&json, "the SHA-256 of the program in it is another")));
        }
        let read = check::understand(&title, text.to_string(), &files, &options, &show)?;
        let Read { loaded: Loaded::Training(checked), sources, .. } = read else {
            return Err(say(runs::not_trained(&name, command)));
        };
        let at = folder.join("checkpoint.safetensors");
        let checkpoint = files::within(folder, "checkpoint.safetensors")
            .map_err(|e| say(runs::damaged(&at.display().to_string(), &e)))?;
        match record["status"]["state"].as_str() {
            Some("finished") | None => {}
            Some("interrupted") => shown.notice(&runs::unfinished(&name, "was interrupted")),
            Some(_) => shown.notice(&runs::unfinished(&name, "diverged")),
        }
        Ok(Run { folder: name, record, checked, sources, checkpoint })
    }

    /// The network's weights.
    pub fn params(&self, problem: &Problem, shown: &Messages) -> Result<Vec<f64>, Exit> {
        let file = format!("{}/checkpoint.safetensors", self.folder);
        let found = checkpoint::decode(problem, &self.checkpoint).map_err(|e| unusable(&file, &e));
        let wanted = self.record["program"]["sha256"].as_str().unwrap_or_default();
        let found = found.and_then(|(params, meta)| match meta.program_hash == wanted {
            true => Ok(params),
            false => Err(runs::other_program(&file, "the SHA-256 of the program that it names is another")),
        });
        found.map_err(|n| shown.refuse(&n))
    }
}

/// The weights in a file of any run, for the network of `problem`.
pub fn weights(path: &Path, problem: &Problem) -> Result<Vec<f64>, Notice> {
    let bytes = files::read(path)?;
    let (params, _) = checkpoint::decode(problem, &bytes).map_err(|e| unusable(&path.display().to_string(), &e))?;
    Ok(params)
}

fn unusable(file: &str, e: &CheckpointError) -> Notice {
    match e {
        CheckpointError::Format(_) | CheckpointError::Damaged | CheckpointError::NotFinite(_) => {
            runs::damaged(file, &e.to_string())
        }
        CheckpointError::Foreign | CheckpointError::Layout(_) => runs::other_layout(file, &e.to_string()),
        CheckpointError::Type { found, wanted, .. } => runs::other_precision(file, found, wanted.name()),
        CheckpointError::Missing(_) | CheckpointError::Unknown(_) | CheckpointError::Shape { .. } => {
            runs::other_program(file, &e.to_string())
        }
    }
}
