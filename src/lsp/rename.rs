//! References and renaming, over all open files and what they import.
//!
//! ```text
//! h -> hidden    ->    layer hidden = …   output = hidden |> mean   perturb neurons(hidden)
//! ```
//!
//! A new name is refused if it would change what the program means: the program is read once more with it, and every name has
//! to stand for what it stood for before, and no error may be there that was not there before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lsp_types::{Range, TextEdit, Uri};

use super::context::is_name;
use super::documents::{Disk, Documents, View};
use super::index::Symbol;
use super::text::{Lines, uri_of};
use super::words;
use crate::check::prelude;
use crate::source::FileId;
use crate::syntax::parse::scan::{ITEMS, KEYWORDS, Kind, tokens};

/// Where a symbol is, in each file, in bytes.
type Places = BTreeMap<PathBuf, BTreeSet<(usize, usize)>>;

/// A symbol's places, and the texts of the files that they are in.
struct Found {
    places: Places,
    texts: BTreeMap<PathBuf, String>,
    /// The open files in which it is.
    programs: Vec<PathBuf>,
}

/// The symbol under the cursor, or why there is none that could be renamed.
fn symbol(view: &View, offset: usize) -> Result<(&Symbol, Range), String> {
    if let Some((id, span)) = view.index.at(FileId::default(), offset) {
        return Ok((&view.index.symbols[id], Lines::new(view.text()).range(span)));
    }
    let all = tokens(view.text());
    let here = all.iter().find(|t| t.kind == Kind::Word && t.start <= offset && offset <= t.end());
    let word = here.map_or("", |t| t.text);
    Err(if KEYWORDS.contains(&word) && word != "if" {
        format!("`{word}` is a word of the language and cannot be renamed")
    } else if prelude::has(word) {
        format!("`{word}` is a neuron that comes with the language and cannot be renamed")
    } else if words::find(word, &[]).next().is_some() {
        format!("`{word}` comes with the language and cannot be renamed")
    } else {
        "there is no name here that the program declares".to_string()
    })
}

/// The name under the cursor and where it stands.
///
/// # Errors
/// Nothing that could be renamed stands there; a sentence for the user.
pub fn prepare(view: &View, offset: usize) -> Result<(Range, String), String> {
    symbol(view, offset).map(|(s, range)| (range, s.name.clone()))
}

/// All places of a symbol: in this file, in what it imports, and in open files that import the one in which it is declared.
fn find(documents: &Documents, disk: &dyn Disk, view: &View, wanted: &Symbol) -> Found {
    let mut found = Found { places: Places::new(), texts: BTreeMap::new(), programs: vec![] };
    let declared = view.place(wanted.at.file);
    for document in documents.all() {
        let Some(other) = documents.view(&document.path, disk) else { continue };
        let same =
            |s: &&Symbol| s.name == wanted.name && s.at.start == wanted.at.start && other.place(s.at.file) == declared;
        let ids = other.index.symbols.iter().enumerate().filter(|(_, s)| same(s)).map(|(i, _)| i);
        for id in ids {
            found.programs.push(document.path.clone());
            for span in other.index.places(id) {
                let Some(path) = other.place(span.file) else { continue };
                found.texts.entry(path.clone()).or_insert_with(|| other.sources.get(span.file).text.clone());
                found.places.entry(path).or_default().insert((span.start as usize, span.end as usize));
            }
        }
    }
    found.programs.dedup();
    found
}

/// Where the symbol under the cursor is used, its declaration last or left out.
pub fn references(
    documents: &Documents,
    disk: &dyn Disk,
    view: &View,
    offset: usize,
    declaration: bool,
) -> Vec<lsp_types::Location> {
    let Ok((wanted, _)) = symbol(view, offset) else { return vec![] };
    let declared = view.place(wanted.at.file).map(|p| (p, wanted.at.start as usize));
    let found = find(documents, disk, view, wanted);
    let mut out = vec![];
    for (path, places) in &found.places {
        let (Some(uri), lines) = (uri(documents, path), Lines::new(&found.texts[path])) else { continue };
        let kept = |start: usize| declaration || declared.as_ref().is_none_or(|d| *d != (path.clone(), start));
        let kept = places.iter().filter(|(start, _)| kept(*start));
        out.extend(kept.map(|(start, end)| lsp_types::Location::new(uri.clone(), lines.between(*start, *end))));
    }
    out
}

fn uri(documents: &Documents, path: &Path) -> Option<Uri> {
    documents.get(path).map_or_else(|| uri_of(path), |d| Some(d.uri.clone()))
}

/// The edits that give the symbol under the cursor another name.
///
/// # Errors
/// The name cannot be given; a sentence for the user.
pub fn rename(
    documents: &Documents,
    disk: &dyn Disk,
    view: &View,
    offset: usize,
    name: &str,
) -> Result<Vec<(Uri, Vec<TextEdit>)>, String> {
    let (wanted, _) = symbol(view, offset)?;
    let old = &wanted.name;
    if KEYWORDS.contains(&name) || ITEMS.contains(&name) {
        return Err(format!("`{name}` is a word of the language and cannot be a name"));
    }
    if !is_name(name) {
        return Err(format!(
            "`{name}` is not a name: a name is made of letters, digits and `_` and begins with no digit"
        ));
    }
    if name == old {
        return Ok(vec![]);
    }
    let found = find(documents, disk, view, wanted);
    let mut instead = BTreeMap::new();
    for (path, places) in &found.places {
        let mut text = found.texts[path].clone();
        places.iter().rev().for_each(|(start, end)| text.replace_range(*start..*end, name));
        instead.insert(path.clone(), text);
    }
    for program in &found.programs {
        let (Some(before), Some(after)) = (documents.view(program, disk), documents.view_with(program, disk, &instead))
        else {
            continue;
        };
        if meaning(&before) != meaning(&after) {
            return Err(format!("`{old}` cannot be renamed to `{name}`: other names would change what they stand for"));
        }
        let had = documents.errors_with(program, disk, &BTreeMap::new());
        let has = documents.errors_with(program, disk, &instead);
        let count = |all: &[crate::diag::Diagnostic], code| all.iter().filter(|m| m.code == code).count();
        if let Some(new) = has.iter().find(|m| count(&has, m.code) > count(&had, m.code)) {
            return Err(format!("`{old}` cannot be renamed to `{name}`: {}", new.message));
        }
    }
    let edits = found.places.iter().filter_map(|(path, places)| {
        let lines = Lines::new(&found.texts[path]);
        let edit = |(start, end): &(usize, usize)| TextEdit::new(lines.between(*start, *end), name.to_string());
        Some((uri(documents, path)?, places.iter().map(edit).collect()))
    });
    Ok(edits.collect())
}

/// Which name stands for what, apart from how it is spelt: what is declared, and where which of it is used.
#[derive(PartialEq)]
struct Meaning {
    declared: Vec<(super::index::Kind, Option<usize>)>,
    used: Vec<(FileId, usize)>,
}

fn meaning(view: &View) -> Meaning {
    Meaning {
        declared: view.index.symbols.iter().map(|s| (s.kind, s.owner)).collect(),
        used: view.index.uses.iter().map(|(at, id)| (at.file, *id)).collect(),
    }
}
