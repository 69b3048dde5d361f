//! `snnc explain CODE`: the page of a message's code. Without one, a list of all codes.

use super::Exit;
use super::messages::Messages;
use crate::diag::{Code, codes, lints, runs};

pub fn explain(code: Option<&str>, shown: &Messages) -> Exit {
    let Some(code) = code else {
        list();
        return Exit::Done;
    };
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
            shown.refuse(&runs::not_found("code", code, near.map(String::as_str), &[]))
        }
    }
}

/// All codes by family, each with the title of its page. Codes that warn may be silenced, which the list tells.
fn list() {
    for family in codes::FAMILIES.iter().filter(|f| !f.codes.is_empty()) {
        println!("{}", family.name);
        for info in family.codes {
            let title = info.page.lines().next().unwrap_or_default();
            let title = title.split_once(": ").map_or(title, |(_, title)| title);
            let kind = if lints::may_be_allowed(info.code) { "  (a warning)" } else { "" };
            println!("  {}  {title}{kind}", info.code);
        }
        println!();
    }
    println!("`snnc explain CODE` prints the page of one; `allow(CODE)` silences a warning.");
}
