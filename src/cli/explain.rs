//! `snnc explain CODE`: the page of a message's code.

use super::Exit;
use crate::diag::{Code, codes};

pub fn explain(code: &str) -> Exit {
    let digits = code.trim().trim_start_matches(['S', 's', 'N', 'n']);
    match digits.parse().ok().and_then(|n| codes::find(Code(n))) {
        Some(info) => {
            print!("{}", info.page);
            Exit::Done
        }
        None => {
            let all: Vec<String> = codes::all().map(|c| c.code.to_string()).collect();
            let near = all.iter().max_by(|a, b| {
                let similar = |x: &str| strsim::jaro_winkler(x, code);
                similar(a).total_cmp(&similar(b))
            });
            eprintln!("there is no code `{code}`");
            if let Some(near) = near {
                eprintln!("codes look like {near}; did you mean that one?");
            }
            Exit::WrongInvocation
        }
    }
}
