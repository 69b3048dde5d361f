//! `snnc new NAME`: a program to begin with, commented, that runs as it is.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::messages::Messages;
use super::{Exit, files};
use crate::diag::runs;

#[derive(Args)]
pub struct Arguments {
    /// The program's name: NAME.snn is written
    name: PathBuf,
    /// What kind of program
    #[arg(long, value_enum, default_value_t = Template::Pde)]
    template: Template,
}

#[derive(Clone, Copy, ValueEnum)]
enum Template {
    /// A partial differential equation with its conditions
    Pde,
    /// A system of ordinary differential equations
    Ode,
    /// An operator: the solution for any input function
    Operator,
    /// An unknown coefficient, from data
    Inverse,
    /// A curve through data
    Regression,
    /// Populations of neurons, simulated
    Simulate,
}

impl Template {
    /// The program, and the data that it reads.
    fn text(self) -> (&'static str, Option<&'static str>) {
        match self {
            Template::Pde => (include_str!("../templates/pde.snn"), None),
            Template::Ode => (include_str!("../templates/ode.snn"), None),
            Template::Operator => (include_str!("../templates/operator.snn"), None),
            Template::Inverse => {
                (include_str!("../templates/inverse.snn"), Some(include_str!("../templates/inverse.csv")))
            }
            Template::Regression => {
                (include_str!("../templates/regression.snn"), Some(include_str!("../templates/regression.csv")))
            }
            Template::Simulate => (include_str!("../templates/simulate.snn"), None),
        }
    }
}

pub fn new(arguments: &Arguments, shown: &Messages) -> Exit {
    let given = &arguments.name;
    let file = if given.extension().is_some_and(|e| e == "snn") { given.clone() } else { with_ending(given, ".snn") };
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let (text, data) = arguments.template.text();
    let data = data.map(|data| (file.with_file_name(format!("{stem}.csv")), data));
    if let Some(there) = [Some(&file), data.as_ref().map(|(path, _)| path)].into_iter().flatten().find(|p| p.exists()) {
        return shown.refuse(&runs::exists(&there.display().to_string()));
    }
    let text = text.replace("NAME", &stem);
    let write = |path: &Path, text: &str| {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        let done = folder.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
            // Not even between the look and this may another file be lost.
            use std::io::Write;
            std::fs::File::create_new(path).and_then(|mut f| f.write_all(text.as_bytes()))
        });
        done.map_err(|e| shown.refuse(&files::cannot_write(path, &e)))
    };
    if data.is_some_and(|(path, data)| write(&path, data).is_err()) || write(&file, &text).is_err() {
        return Exit::WrongInvocation;
    }
    let shown = file.display();
    println!("{shown} is there: look at it, then\n\n    snnc check {shown} -v\n    snnc run {shown}\n");
    Exit::Done
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}
