//! Messages about folders of runs, their checkpoints, files, and what commands are given beside a program (SNN12xx).
//!
//! ```text
//! snnc predict runs/wave --grid x=201   ->   SNN1211: the grid says nothing of `t`      help: --grid x=201,t=201
//! ```
//! They are about no place in a program, so each is a [`Notice`].

use super::{Code, CodeInfo, Family, Notice, Severity};

const NOT_A_RUN: Code = Code(1201);
const NOT_TRAINED: Code = Code(1202);
const DAMAGED: Code = Code(1203);
const OTHER_PRECISION: Code = Code(1204);
const OTHER_PROGRAM: Code = Code(1205);
const OTHER_LAYOUT: Code = Code(1206);
const INPUT_CHANGED: Code = Code(1207);
const NOTHING_TO_RESUME: Code = Code(1208);
const EDITED: Code = Code(1209);
const DOES_NOT_FIT: Code = Code(1210);
const GRID: Code = Code(1211);
const POINTS_FILE: Code = Code(1212);
const OUTSIDE: Code = Code(1213);
const INPUT_FUNCTION: Code = Code(1214);
const OUT_FORMAT: Code = Code(1215);
const NO_EXACT: Code = Code(1216);
const EXISTS: Code = Code(1217);
const NOT_FOUND: Code = Code(1218);
const UNFINISHED: Code = Code(1219);
const CANNOT_READ: Code = Code(1220);
const CANNOT_WRITE: Code = Code(1221);
const NOT_FOR_SIMULATIONS: Code = Code(1222);
const EXPECTATION: Code = Code(1223);
const OPTIONS: Code = Code(1224);
const TOO_MUCH_MEMORY: Code = Code(1225);
const TOO_MUCH_CODE: Code = Code(1226);

macro_rules! info {
    ($code:expr, $slug:expr, $page:expr) => {
        CodeInfo { code: $code, slug: $slug, page: include_str!(concat!("../../docs/errors/", $page, ".md")) }
    };
}

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "files and folders of runs",
    codes: &[
        info!(NOT_A_RUN, "not_a_run", "SNN1201"),
        info!(NOT_TRAINED, "not_trained", "SNN1202"),
        info!(DAMAGED, "damaged_checkpoint", "SNN1203"),
        info!(OTHER_PRECISION, "other_precision", "SNN1204"),
        info!(OTHER_PROGRAM, "other_program", "SNN1205"),
        info!(OTHER_LAYOUT, "other_layout", "SNN1206"),
        info!(INPUT_CHANGED, "input_changed", "SNN1207"),
        info!(NOTHING_TO_RESUME, "nothing_to_resume", "SNN1208"),
        info!(EDITED, "edited_program", "SNN1209"),
        info!(DOES_NOT_FIT, "state_does_not_fit", "SNN1210"),
        info!(GRID, "grid_of_a_command", "SNN1211"),
        info!(POINTS_FILE, "points_file", "SNN1212"),
        info!(OUTSIDE, "points_outside", "SNN1213"),
        info!(INPUT_FUNCTION, "input_function", "SNN1214"),
        info!(OUT_FORMAT, "out_format", "SNN1215"),
        info!(NO_EXACT, "no_exact_to_compare", "SNN1216"),
        info!(EXISTS, "exists_already", "SNN1217"),
        info!(NOT_FOUND, "nothing_of_that_name", "SNN1218"),
        info!(UNFINISHED, "unfinished_run", "SNN1219"),
        info!(CANNOT_READ, "cannot_read", "SNN1220"),
        info!(CANNOT_WRITE, "cannot_write", "SNN1221"),
        info!(NOT_FOR_SIMULATIONS, "not_for_simulations", "SNN1222"),
        info!(EXPECTATION, "expectation_fails", "SNN1223"),
        info!(OPTIONS, "options_of_a_command", "SNN1224"),
        info!(TOO_MUCH_MEMORY, "too_much_memory", "SNN1225"),
        info!(TOO_MUCH_CODE, "too_much_code", "SNN1226"),
    ],
};

fn error(code: Code, message: impl Into<String>, help: impl Into<String>) -> Notice {
    Notice { code, severity: Severity::Error, message: message.into(), help: help.into() }
}

/// `near`: a folder of a run that may be meant.
pub fn not_a_run(folder: &str, why: &str, near: Option<&str>) -> Notice {
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a run's folder is what `snnc run FILE` leaves, runs/NAME if no --out was given".to_string(),
    };
    error(NOT_A_RUN, format!("`{folder}` is not the folder of a run: {why}"), help)
}

pub fn not_trained(folder: &str, command: &str) -> Notice {
    let message = format!("`{folder}` holds a simulation, but `snnc {command}` needs a trained network");
    error(NOT_TRAINED, message, "a simulation has no weights to keep: `snnc run` it again, which gives the same bits")
}

pub fn damaged(file: &str, why: &str) -> Notice {
    error(
        DAMAGED,
        format!("`{file}` is damaged: {why}"),
        "`snnc run` the program again, or take the file from a copy of the folder",
    )
}

pub fn other_precision(file: &str, found: &str, wanted: &str) -> Notice {
    let message = format!("`{file}` has {found} weights, but the program runs in {wanted}");
    error(
        OTHER_PRECISION,
        message,
        "the file belongs to a run in another `precision`: training cannot go on, nor be judged, in this one",
    )
}

pub fn other_program(file: &str, why: &str) -> Notice {
    let help = "weights and `run.json` of one folder belong together: were files copied from another run?";
    error(OTHER_PROGRAM, format!("`{file}` is of another program: {why}"), help)
}

pub fn other_layout(file: &str, why: &str) -> Notice {
    error(
        OTHER_LAYOUT,
        format!("`{file}` cannot be read by this version of snnc: {why}"),
        "use the version that wrote it, or `snnc run` the program again",
    )
}

/// A data file's copy in the run's folder, or the file itself.
pub fn input_changed(file: &str, why: &str) -> Notice {
    let message = format!("the data file `{file}` is not the one that the run read: {why}");
    error(INPUT_CHANGED, message, "put the file back as it was, or `snnc run` the program again")
}

pub fn nothing_to_resume(folder: &str, finished: bool) -> Notice {
    let why = if finished { "the run has finished" } else { "it holds no state of a run that was stopped" };
    let help = match finished {
        true => {
            "to train longer, give the schedule more steps and `snnc run` it; `snnc eval` and `snnc predict` use what there is"
        }
        false => {
            "`snnc run` keeps its state in resume.safetensors every 30 seconds (--checkpoint-every) and when it is interrupted"
        }
    };
    error(NOTHING_TO_RESUME, format!("there is nothing to resume in `{folder}`: {why}"), help)
}

pub fn edited(program: &str, what: &str) -> Notice {
    let help = "`--as-begun` goes on with the program as it was, `--edited` with the program as it is now, if its weights and phases \
                still fit; `snnc run` begins anew";
    error(EDITED, format!("`{program}` has changed since the run began: {what}"), help)
}

pub fn does_not_fit(file: &str, why: &str) -> Notice {
    let help =
        "networks, residuals and the phases so far must be those that the run began with; `snnc run` begins anew";
    error(DOES_NOT_FIT, format!("the state in `{file}` does not fit the program: {why}"), help)
}

pub fn grid(why: &str, example: &str) -> Notice {
    error(GRID, why, format!("one entry for each coordinate, a number of points or one place: --grid {example}"))
}

pub fn points_file(file: &str, why: &str, coords: &[String]) -> Notice {
    let help =
        format!("a CSV whose first line names its columns, {} among them, and a number in every cell", list(coords));
    error(POINTS_FILE, format!("`{file}` cannot serve as points: {why}"), help)
}

/// `first`: the first of them, `x = 1.2, t = 0`.
pub fn outside(count: usize, of: usize, first: &str, domain: &str, filled: bool) -> Notice {
    let what = match filled {
        true => "the network was not trained there, and its values mean little",
        false => "no values are given there",
    };
    let help = match filled {
        true => "leave out --extrapolate to have no values there",
        false => "--extrapolate gives the network's values all the same; it was not trained there",
    };
    let lie = if count == 1 { "lies" } else { "lie" };
    let message = format!("{count} of {of} points {lie} outside the domain ({domain}), the first at {first}: {what}");
    Notice { severity: Severity::Warning, ..error(OUTSIDE, message, help) }
}

pub fn input_function(why: &str, example: &str) -> Notice {
    error(
        INPUT_FUNCTION,
        why,
        format!("a CSV of places and values, {example}, or --draw N for a function like those of training"),
    )
}

/// There are no input functions.
pub fn no_functions(what: &str) -> Notice {
    error(
        INPUT_FUNCTION,
        format!("{what} needs an operator, but the program's network takes no input functions"),
        "leave it out",
    )
}

pub fn out_format(file: &str, why: &str) -> Notice {
    error(
        OUT_FORMAT,
        format!("cannot write `{file}`: {why}"),
        "the ending says how: .csv for any points, .npz for numpy, .vtk for up to 3 coordinates",
    )
}

pub fn no_exact(why: &str) -> Notice {
    error(NO_EXACT, why, "`exact u = …` in the program gives the solution to compare with")
}

pub fn exists(path: &str) -> Notice {
    error(
        EXISTS,
        format!("`{path}` is there already, and is not overwritten"),
        "choose another name, or move the file away",
    )
}

pub fn overwrites(path: &str) -> Notice {
    error(EXISTS, format!("`{path}` is there already"), "--force overwrites it, --to names another file")
}

/// A layer, neuron, metric or template that there is none of.
pub fn not_found(what: &str, name: &str, near: Option<&str>, all: &[String]) -> Notice {
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", list(all)),
    };
    error(NOT_FOUND, format!("there is no {what} `{name}`"), help)
}

/// Warns that what is shown is not the end of the run.
pub fn unfinished(folder: &str, state: &str) -> Notice {
    let help = format!("`snnc resume {folder}` goes on with it, if its state was kept");
    Notice { severity: Severity::Warning, ..error(UNFINISHED, format!("the run in `{folder}` {state}"), help) }
}

/// `why`: the system's words, or what is wrong with the file's text.
pub fn cannot_read(file: &str, why: &str) -> Notice {
    error(CANNOT_READ, format!("cannot read `{file}`: {why}"), "paths count from the folder in which snnc is started")
}

pub fn cannot_write(file: &str, why: &str) -> Notice {
    error(
        CANNOT_WRITE,
        format!("cannot write `{file}`: {why}"),
        "what was there before is unchanged; name another place",
    )
}

/// `what`: the option or command.
pub fn not_for_simulations(what: &str, why: &str) -> Notice {
    error(
        NOT_FOR_SIMULATIONS,
        format!("{what} means nothing for a simulation: {why}"),
        "it goes with programs that train a network; leave it out",
    )
}

/// `text`: as in the program, `l2 < 1e-3`.
pub fn expectation(text: &str, value: &str, trained: bool) -> Notice {
    let help = match trained {
        true => {
            "the results are written all the same; the schedule may need more rounds or steps, the network more neurons"
        }
        false => "the results are written all the same",
    };
    error(EXPECTATION, format!("expect {text} does not hold: the value is {value}"), help)
}

/// Options that a command has, but not in this way.
pub fn options(why: &str, help: &str) -> Notice {
    error(OPTIONS, why, help)
}

/// Bytes with three digits, `1.25 GB`.
pub fn bytes(n: f64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let k = (0..units.len()).rev().find(|k| n >= 1000f64.powi(*k as i32)).unwrap_or(0);
    match (n / 1000f64.powi(k as i32), k) {
        (n, 0) => format!("{n:.0} bytes"),
        (n, _) if n >= 1e6 => format!("{n:.1e} {}", units[k]),
        (n, _) if n >= 99.95 => format!("{n:.0} {}", units[k]),
        (n, _) if n >= 9.995 => format!("{n:.1} {}", units[k]),
        (n, _) => format!("{n:.2} {}", units[k]),
    }
}

/// `parts`: what it takes it for, the largest first, and what makes that smaller. `whose`: where the limit comes from.
pub fn too_much_memory(total: f64, most: f64, whose: &str, parts: &[(String, f64, &str)]) -> Notice {
    let some: Vec<String> = parts.iter().take(3).map(|(what, n, _)| format!("{what} {}", bytes(*n))).collect();
    let message = format!(
        "the program would take about {} of memory, and {whose} {}: {}",
        bytes(total),
        bytes(most),
        some.join(", ")
    );
    let smaller = parts.first().map_or("", |(.., smaller)| smaller);
    error(TOO_MUCH_MEMORY, message, format!("{smaller}; `--max-memory SIZE` lets the program take more"))
}

/// A simulation whose spikes, or the room for those under way, take more than there was room for.
pub fn too_many_spikes(what: &str, steps: u64, most: f64) -> Notice {
    let message =
        format!("{what} take more than the {} of memory that are left for them, after {steps} steps", bytes(most));
    let help = "what was simulated so far is saved; simulate less at once, or let it take more by `--max-memory SIZE`";
    error(TOO_MUCH_MEMORY, message, help)
}

/// A layer too wide, or too many steps of it, for what kernels index.
pub fn too_wide(numbers: f64, most: f64) -> Notice {
    let message =
        format!("a kernel of the program would work on {numbers:.2e} numbers at once, and {most:.2e} are the most");
    error(TOO_MUCH_CODE, message, "use narrower layers or fewer steps")
}

pub fn too_much_code(instructions: f64, most: f64) -> Notice {
    let message = format!(
        "the program comes to about {instructions:.0} instructions, and {most:.0} are the most that is compiled"
    );
    error(
        TOO_MUCH_CODE,
        message,
        "use fewer or larger layers in place of many small ones, and derivatives of lower order",
    )
}

fn list(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}
