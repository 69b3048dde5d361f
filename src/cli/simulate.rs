//! `snnc run FILE` of a simulation: compile, simulate, measure, write, and say what came out.

use std::path::Path;
use std::time::Instant;

use super::messages::Messages;
use super::run::{Arguments, INTERRUPTED, NotSaved, handle_interrupts, hash, own_folder, save_plots, texts, threads};
use super::{Exit, check, diverged, files, saver};
use crate::diag::runs;
use crate::func::figure;
use crate::pipeline::{CheckedSimulation, CompiledSimulation};
use crate::plan::simulation as plan;
use crate::report::data::{ExpectRow, ProgramInfo, Times};
use crate::report::simulation::{
    Connection, Metric, Plot, Population, SimulationData, State, Trace, arrays, figures, page, text,
};
use crate::report::write;
use crate::simulate::{self, Outcome, Status, measure};
use crate::source::Sources;

/// Bins of the population rates, about.
const BINS: u64 = 200;

pub fn run(
    arguments: &Arguments,
    program: String,
    checked: &CheckedSimulation,
    begun: Instant,
    sources: &Sources,
    shown: &Messages,
) -> Exit {
    let check_seconds = begun.elapsed().as_secs_f64();
    let name = check::stem(&arguments.program.file);
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("runs").join(&name));
    if let Err(notice) = own_folder(&out, arguments.out.is_some()) {
        return shown.refuse(&notice);
    }
    [out.clone(), out.join("plots")].iter().for_each(|folder| write::clear(folder));
    let (pool, threads) = match threads(arguments.threads, shown) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let (engine, engine_name) = arguments.engine.engine();
    let compiling = Instant::now();
    let (compiled, room) = match arguments.limits.compile_simulation(checked, engine, shown) {
        Ok(compiled) => compiled,
        Err(exit) => return exit,
    };
    let mut times = Times { check: check_seconds, compile: compiling.elapsed().as_secs_f64(), ..Times::default() };
    let imports = texts(checked.imports());
    let info = ProgramInfo {
        name,
        hash: hash(&program, &imports),
        text: program,
        imports,
        constants: checked.model().constants.clone(),
        file: String::new(),
        set: arguments.program.set.clone(),
        inputs: vec![],
        seed: checked.model().seed,
        engine: engine_name.into(),
        threads,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    if !arguments.quiet && !shown.for_programs() {
        let sim = &compiled.simulation;
        let units: u64 = sim.populations.iter().map(|p| u64::from(p.size)).sum();
        eprintln!("{}: {units} units, {} steps", info.name, sim.steps);
    }
    handle_interrupts();
    saver::set_alarm(&arguments.saving);
    let started = Instant::now();
    let outcome =
        pool.install(|| simulate::run_within(&compiled.simulation, &compiled.kernels, Some(&INTERRUPTED), room));
    times.train = started.elapsed().as_secs_f64();
    let broken = match &outcome.status {
        Status::Diverged { broken, .. } => {
            diverged::simulation(checked.model(), outcome.steps, broken, checked.time_unit())
        }
        Status::Finished | Status::Interrupted | Status::Full { .. } => None,
    };
    let data = gather(info, checked, &compiled, outcome, times);
    if let Err(e) = save(&out, &data, compiled.simulation.report.save.as_deref()) {
        return e.exit(shown);
    }
    if !arguments.quiet {
        tell(&data, &out);
    }
    shown.show(broken.as_slice(), sources);
    verdict(&data, room, shown)
}

/// What values are held in, as the report names it, and the factor to what it shows.
struct Units {
    time: &'static str,
    rate: &'static str,
    rate_factor: f64,
}

fn units(checked: &CheckedSimulation) -> Units {
    let time = checked.time_unit();
    match checked.model().units {
        // Times are held in ms, so rates in kHz.
        true => Units { time, rate: "Hz", rate_factor: 1000.0 },
        false => Units { time, rate: "", rate_factor: 1.0 },
    }
}

fn gather(
    info: ProgramInfo,
    checked: &CheckedSimulation,
    compiled: &CompiledSimulation,
    outcome: Outcome,
    times: Times,
) -> SimulationData {
    let sim = &compiled.simulation;
    let units = units(checked);
    let measured: Vec<f64> =
        sim.report.metrics.iter().map(|m| measure::measure(m, &outcome.spikes[m.population], sim.dt)).collect();
    let shown = |m: &plan::Metric, value: f64| match m.measure {
        plan::Measure::Rate => (value * units.rate_factor, units.rate),
        plan::Measure::SpikeCount | plan::Measure::Cv => (value, ""),
    };
    let metrics = sim.report.metrics.iter().zip(&measured).map(|(m, value)| {
        let (value, unit) = shown(m, *value);
        Metric { name: m.name.clone(), text: m.text.clone(), value, unit: unit.into() }
    });
    let expects = sim.report.expects.iter().map(|e| {
        let found = sim.report.metrics.iter().zip(&measured).find(|(m, _)| m.name == e.metric);
        let (value, held) = found.map_or((f64::NAN, f64::NAN), |(m, v)| (shown(m, *v).0, *v));
        ExpectRow { metric: e.metric.clone(), text: e.text.clone(), value, holds: e.comparison.holds(held, e.bound) }
    });
    let (metrics, expects) = (metrics.collect(), expects.collect());
    let steps = outcome.steps;
    let bin = (steps / BINS).max(1);
    let duration = steps as f64 * sim.dt;
    let populations =
        sim.populations.iter().zip(checked.model().silent()).zip(outcome.spikes).map(|((p, silent), spikes)| {
            Population {
                name: p.name.clone(),
                units: p.size as usize,
                rate: spikes.len() as f64 / (f64::from(p.size) * duration) * units.rate_factor,
                cv: measure::cv(spikes.iter().copied()),
                rates: measure::binned_rate(&spikes, p.size as usize, steps, sim.dt, bin)
                    .into_iter()
                    .map(|r| r * units.rate_factor)
                    .collect(),
                bin,
                spikes: (!silent).then_some(spikes),
            }
        });
    let populations: Vec<Population> = populations.collect();
    let connections = sim.connections.iter().zip(&outcome.synapses).map(|(c, n)| Connection {
        from: sim.populations[c.from].name.clone(),
        to: sim.populations[c.to].name.clone(),
        synapses: *n,
    });
    let traces = sim.records.iter().zip(outcome.records).map(|(r, values)| Trace {
        population: r.population,
        name: r.name.clone(),
        unit: r.unit.clone(),
        units: r.units.clone(),
        values,
    });
    let plots = sim.report.plots.iter().map(|p| match p {
        plan::Plot::Raster(p) => Plot::Raster(*p),
        plan::Plot::Rates => Plot::Rates,
        plan::Plot::Traces(p) => Plot::Traces(*p),
    });
    SimulationData {
        status: match outcome.status {
            Status::Finished => State::Finished,
            Status::Interrupted => State::Interrupted,
            Status::Full { what } => State::Full { what: what.into() },
            Status::Diverged { what, .. } => State::Diverged { what },
        },
        dt: sim.dt,
        steps,
        time_unit: units.time.into(),
        rate_unit: units.rate.into(),
        connections: connections.collect(),
        traces: traces.collect(),
        plots: plots.collect(),
        program: info,
        populations,
        metrics,
        expects,
        times,
    }
}

fn save(out: &Path, run: &SimulationData, name: Option<&str>) -> Result<(), NotSaved> {
    let put = |name: &str, bytes: &[u8]| files::write(&out.join(name), bytes);
    let usual = format!("{}.npz", run.program.name);
    put(name.unwrap_or(&usual), &arrays::encode(run)?)?;
    put("run.json", text::json(run).as_bytes())?;
    save_plots(out, &figures::figures(run))?;
    Ok(put("report.html", page::html(run).as_bytes())?)
}

fn tell(run: &SimulationData, out: &Path) {
    println!("\n{}", text::populations(run));
    if !run.connections.is_empty() {
        println!("{}", text::connections(run));
    }
    if !run.metrics.is_empty() {
        println!("{}", text::metrics(run));
    }
    let seconds = run.times.train;
    println!("{seconds:.2} s; results in {}: open {}", out.display(), out.join("report.html").display());
}

/// `room`: bytes that there were for spikes.
fn verdict(run: &SimulationData, room: f64, shown: &Messages) -> Exit {
    match &run.status {
        State::Interrupted => {
            let why = saver::why_stopped();
            shown.sentence(&format!("{why} after {} steps; what was simulated is saved", run.steps));
            Exit::Interrupted
        }
        State::Full { what } => shown.refuse(&runs::too_many_spikes(what, run.steps, room)),
        // What broke has been said.
        State::Diverged { .. } => Exit::Diverged,
        State::Finished => {
            let failed: Vec<_> = run.expects.iter().filter(|e| !e.holds).collect();
            for e in &failed {
                shown.notice(&runs::expectation(&e.text, &figure(e.value, 6), false));
            }
            if failed.is_empty() { Exit::Done } else { Exit::ExpectDoesNotHold }
        }
    }
}
