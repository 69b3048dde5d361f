//! `snnc show neuron NAME`: the text of a model that comes with the language, to read, copy and change.

use clap::{Args, ValueEnum};

use super::Exit;
use crate::check::{names, prelude};

#[derive(Args)]
pub struct Arguments {
    /// What to show
    #[arg(value_enum)]
    what: What,
    /// Its name; without one, all names are listed
    name: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// A neuron model
    Neuron,
}

pub fn show(arguments: &Arguments) -> Exit {
    let What::Neuron = arguments.what;
    let Some(name) = &arguments.name else {
        prelude::NAMES.iter().for_each(|n| println!("{n}"));
        return Exit::Done;
    };
    match prelude::text(name) {
        Some(text) => {
            print!("{text}");
            Exit::Done
        }
        None => {
            eprintln!("no neuron `{name}` comes with the language");
            match names::nearest(name, prelude::NAMES.iter().copied()) {
                Some(near) => eprintln!("did you mean `{near}`?"),
                None => eprintln!("there are {}", prelude::NAMES.join(", ")),
            }
            Exit::WrongInvocation
        }
    }
}
