//! `snnc export RUN --to FILE.nir` and `snnc import FILE.nir`: networks to and from other simulators.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::messages::Messages;
use super::run::hash;
use super::rundir::{self, Run};
use super::{Exit, bug, check, files, limits};
use crate::check::Options;
use crate::check::model::Model;
use crate::diag::{interchange, runs};
use crate::ir::problem::{Init, Problem};
use crate::nir::export::{self, Weights};
use crate::nir::flow::Decoder;
use crate::nir::graph::{Graph, Value, find};
use crate::nir::{file, import};
use crate::pipeline::{Checked, Source};
use crate::source::{MemoryFiles, Sources, Span};
use crate::train::checkpoint;

#[derive(Args)]
pub struct ExportArguments {
    /// A run's folder; or a program, whose network is written as it starts or with `--weights`
    run: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE.nir")]
    to: PathBuf,
    /// Weights of a program's network, a safetensors file
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Begin behind the encoders: the currents that they put out are the graph's inputs
    #[arg(long)]
    currents: bool,
    /// Write resets by subtraction, which NIR does not have, into metadata
    #[arg(long)]
    subtractive: bool,
    /// Seconds of a unit of time in a program without units
    #[arg(long, value_name = "SECONDS", default_value_t = 1e-3, value_parser = positive)]
    dt: f64,
}

#[derive(Args)]
pub struct ImportArguments {
    /// The NIR graph
    file: PathBuf,
    /// The program to write; its weights are written beside it. FILE.snn in this folder if not given
    #[arg(long, value_name = "FILE.snn")]
    to: Option<PathBuf>,
    /// Overwrite the program if it is there
    #[arg(long)]
    force: bool,
    /// Length of a step; what the file says, or 0.001
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    dt: Option<f64>,
    /// Steps of a simulation; what the file says, or 100
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
    /// How the output signal becomes a field; what the file says, or the mean
    #[arg(long, value_enum)]
    decoder: Option<DecoderChoice>,
}

#[derive(Clone, Copy, ValueEnum)]
enum DecoderChoice {
    Mean,
    Last,
    Sum,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(x) if x > 0.0 && x.is_finite() => Ok(x),
        _ => Err(format!("`{text}` is not a number above 0")),
    }
}

/// A program with its weights: where they come from.
struct Opened {
    checked: Box<Checked>,
    sources: Sources,
    weights: Option<PathBuf>,
}

pub fn export(arguments: &ExportArguments, shown: &Messages) -> Exit {
    let opened = match open(arguments, shown) {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    if let Err(exit) = limits::compilable(&opened.checked.footprint(1), shown) {
        return exit;
    }
    let problem = opened.checked.lower().problem;
    let model = opened.checked.model();
    let options =
        export::Options { currents: arguments.currents, subtractive: arguments.subtractive, seconds: arguments.dt };
    let params = match &opened.weights {
        None => starting(&problem),
        Some(path) => match rundir::weights(path, &problem) {
            Ok(params) => params,
            Err(notice) => return shown.refuse(&notice),
        },
    };
    let weights = Weights { program: &problem.network.primal, values: &params };
    let graph = match export::export(model, weights, options) {
        Ok(graph) => graph,
        Err(messages) => {
            shown.show(&messages, &opened.sources);
            return Exit::ProgramHasErrors;
        }
    };
    let bytes = match file::encode(&graph) {
        Ok(bytes) => bytes,
        Err(e) => {
            bug::report(&e);
            return Exit::Bug;
        }
    };
    if let Err(notice) = files::write(&arguments.to, &bytes) {
        return shown.refuse(&notice);
    }
    if opened.weights.is_none() {
        shown.doubt("the network is not trained: these are the weights that it starts with, random ones as 0");
    }
    print!("{}", exported(&graph, model, &arguments.to));
    Exit::Done
}

/// What was written, and what a reader has to know beside it.
fn exported(graph: &Graph, model: &Model, to: &Path) -> String {
    let mut out = format!("wrote {}: {} nodes, {} edges\n", to.display(), graph.nodes.len(), graph.edges.len());
    let text = |node: &crate::nir::graph::Node, name: &str| match node.noted(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let dt = match find(&graph.metadata, "dt") {
        Some(Value::Array { values, .. }) => values.first().copied().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    let steps = model.network.clocks.first().map_or(0, |c| c.steps);
    for (name, node) in &graph.nodes {
        if let Some(coordinates) = text(node, "coordinates") {
            out.push_str(&format!("{name}: {coordinates}, the same in every step\n"));
        }
        if let Some(encoder) = text(node, "encoder") {
            out.push_str(&format!("{name}: what the encoder puts out ({encoder}); its parameters are in metadata\n"));
        }
        if let (Some(fields), Some(decoder)) = (text(node, "fields"), text(node, "decoder")) {
            let how = match decoder.as_str() {
                "last" => "the last value",
                "sum" => "the sum",
                _ => "the mean",
            };
            out.push_str(&format!("{name}: {fields} is {how} of this signal over {steps} steps of {dt} s\n"));
        }
        if text(node, "reset").is_some() {
            out.push_str(&format!("{name}: resets by subtraction, which stands in metadata alone\n"));
        }
    }
    out
}

fn open(arguments: &ExportArguments, shown: &Messages) -> Result<Opened, Exit> {
    let folder = &arguments.run;
    if !folder.is_dir() {
        let program = super::Program { file: folder.clone(), set: vec![], seed: None, allow_read: vec![] };
        return match check::load(&program, shown)? {
            (_, check::Loaded::Training(checked), sources) => {
                Ok(Opened { checked, sources, weights: arguments.weights.clone() })
            }
            _ => Err(shown.refuse(&runs::not_trained(&folder.display().to_string(), "export"))),
        };
    }
    let run = Run::open(folder, "export", shown)?;
    let weights = arguments.weights.clone().unwrap_or_else(|| folder.join("checkpoint.safetensors"));
    Ok(Opened { checked: run.checked, sources: run.sources, weights: Some(weights) })
}

/// The values that parameters have before anything is drawn.
fn starting(problem: &Problem) -> Vec<f64> {
    let network = &problem.network;
    let start = |(k, init): (usize, &Init)| {
        let value = if let Init::Constant(c) = init { *c } else { 0.0 };
        vec![value; network.primal.params[k].len()]
    };
    network.init.iter().enumerate().flat_map(start).collect()
}

pub fn import(arguments: &ImportArguments, shown: &Messages) -> Exit {
    let from = &arguments.file;
    let name = check::stem(from);
    let to = arguments.to.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.snn")));
    let bytes = match files::read(from) {
        Ok(bytes) => bytes,
        Err(notice) => return shown.refuse(&notice),
    };
    let mut sources = Sources::default();
    let graph = match file::decode(bytes) {
        Ok(graph) => import::flat(&graph),
        Err(why) => {
            let file = sources.add(from.display().to_string(), "");
            shown.show(&[interchange::unreadable(Span::new(file, 0, 0), &why)], &sources);
            return Exit::ProgramHasErrors;
        }
    };
    let file = sources.add(from.display().to_string(), "");
    let (text, ..) = import::listing(&graph, file);
    let mut sources = Sources::default();
    let file = sources.add(from.display().to_string(), text);
    let decoder = arguments.decoder.map(|d| match d {
        DecoderChoice::Mean => Decoder::Mean,
        DecoderChoice::Last => Decoder::Last,
        DecoderChoice::Sum => Decoder::Sum,
    });
    let options = import::Options { dt: arguments.dt, steps: arguments.steps, decoder };
    let imported = match import::import(&graph, file, &name, &options) {
        Ok(imported) => imported,
        Err(messages) => {
            shown.show(&messages, &sources);
            return Exit::ProgramHasErrors;
        }
    };
    if to.exists() && !arguments.force {
        return shown.refuse(&runs::overwrites(&to.display().to_string()));
    }
    let checkpoint = match checkpoint_of(&imported, &to) {
        Ok(bytes) => bytes,
        Err(e) => {
            bug::report(&e);
            return Exit::Bug;
        }
    };
    let weights = to.with_extension("safetensors");
    for (path, bytes) in [(&weights, checkpoint.as_slice()), (&to, imported.text.as_bytes())] {
        if let Err(notice) = files::write(path, bytes) {
            return shown.refuse(&notice);
        }
    }
    println!("wrote {} and {}", to.display(), weights.display());
    println!("say in it what the network is for; then: snnc run {} --weights {}", to.display(), weights.display());
    Exit::Done
}

/// The weights for the program's network; that the program does not check would be a bug.
fn checkpoint_of(imported: &import::Imported, to: &Path) -> Result<Vec<u8>, String> {
    let mut sources = Sources::default();
    let name = to.display().to_string();
    let checking = Source::new(&name, &imported.text).check(&mut sources, &MemoryFiles::default(), &Options::default());
    let said = || checking.messages.iter().map(|m| m.message.clone()).collect::<Vec<_>>().join("; ");
    let checked = checking.program.as_ref().ok_or_else(|| format!("{}\n{}", said(), imported.text))?;
    let problem = checked.lower().problem;
    let mut params = vec![];
    for p in &problem.network.primal.params {
        let found = imported.weights.iter().find(|(name, _)| *name == p.name);
        let (_, values) = found.ok_or_else(|| format!("no values for `{}`", p.name))?;
        if values.len() != p.len() {
            return Err(format!("{} values for `{}`, which has {}", values.len(), p.name, p.len()));
        }
        params.extend(values);
    }
    let meta = checkpoint::Meta {
        program_hash: hash(&imported.text, &[]),
        seed: problem.train.seed,
        phase: String::new(),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    Ok(checkpoint::encode(&problem, &params, &meta)?)
}
