//! A program in its usual layout: `snnc fmt`.
//!
//! ```text
//! network u(x){steps 8                       network u(x) {
//!   layer h=tuned(x,12)|>lif   # grown  ->     steps 8
//!     output=h|>mean|>dense( 1 )}              layer h = tuned(x, 12) |> lif  # grown
//!                                              output  = h |> mean |> dense(1)
//!                                            }
//! ```
//!
//! It works on tokens, and only on what stands between them: every token and every comment of the text comes out again, in
//! order, so that the tree stays the same. Formatting what it made changes nothing.
//!
//! Kept as the author chose: blank lines (one at the most), statements that share a line, blocks on one line, and whether
//! `*` and `/` stand close. All else follows from the tokens. Equal signs of constants and of layers stand below one another, and
//! so do the names, places and equations of residuals.

mod atoms;
mod doc;

use crate::diag::Sink;
use crate::source::FileId;
use crate::syntax::parse::outline::{Mark, outline};
use crate::syntax::parse::parse;
use crate::syntax::parse::scan::{KEYWORDS, Kind};
use crate::syntax::print::compact;
use atoms::{Atom, Comment, atoms};
use doc::{Doc, WIDTH, layout};

/// The text in its usual layout; `None` if it has syntax errors.
pub fn format(text: &str) -> Option<String> {
    let outline = outline(text)?;
    let atoms = atoms(text, &outline);
    let printer = Printer { atoms: &atoms, closes: closes(&atoms) };
    let last = atoms.len() - 1;
    let units = printer.units(0, last, Mark::Item);
    let mut rows = printer.rows(&units, 0, false);
    printer.comments(&atoms[last].own, 0, &mut rows);
    Some(written(rows))
}

/// As [`format`], but `None` also where the layout would change what is said, which would be a bug.
pub fn format_faithfully(text: &str) -> Option<String> {
    let tree = |text: &str| parse(text, FileId::default(), &mut Sink::default()).as_ref().map(compact);
    format(text).filter(|new| tree(new) == tree(text))
}

/// An item or a statement: its atoms up to the `{` if it has a block, and what stands in that.
struct Unit {
    first: usize,
    /// Behind its last atom, or behind the `{`.
    end: usize,
    block: Option<Block>,
}

struct Block {
    body: Vec<Unit>,
    /// The `}`.
    close: usize,
}

/// A part of the output.
enum Row<'t> {
    Blank,
    Comment {
        indent: usize,
        text: &'t str,
    },
    Code {
        indent: usize,
        /// May hold line breaks.
        text: String,
        trail: Option<&'t str>,
        cells: Option<Cells>,
    },
}

/// A row of a table: rows of one kind that follow one another are aligned.
#[derive(PartialEq)]
struct Cells {
    kind: &'static str,
    parts: Vec<String>,
}

/// What may be broken, the loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Break {
    Option,
    Colon,
    Comma,
    Pipe,
    Equals,
    Else,
    Then,
    Or,
    And,
    Sum,
    Product,
}

const ASSIGN: &[&str] = &["=", ":=", "+=", "-=", "*=", "/="];

/// Statements that are lists, and may be broken at their commas.
const LISTS: &[&str] = &["plot", "param", "state", "record", "population"];

/// Which `if` an `else` belongs to, on the way along a row of tokens. `else if` goes on with the same one.
#[derive(Default)]
struct Cases {
    /// One for each `then` whose `if` may not have ended: has it had its `else`?
    open: Vec<bool>,
    goes_on: bool,
}

impl Cases {
    fn pass(&mut self, word: &str, next: &str) {
        match word {
            "then" if self.goes_on => {
                self.goes_on = false;
                self.open.last_mut().into_iter().for_each(|had| *had = false);
            }
            "then" => self.open.push(false),
            "else" => {
                self.open.truncate(self.closed());
                self.open.last_mut().into_iter().for_each(|had| *had = true);
                self.goes_on = next == "if" && !self.open.is_empty();
            }
            _ => {}
        }
    }

    /// How deep an `else` would stand that came now, from 1; 0 if its `then` came before.
    fn closed(&self) -> usize {
        self.open.iter().rposition(|had| !had).map_or(0, |k| k + 1)
    }

    /// The same of a `then`.
    fn opened(&self) -> usize {
        self.open.len() + usize::from(!self.goes_on)
    }
}

struct Printer<'a, 't> {
    atoms: &'a [Atom<'t>],
    /// For each bracket that opens, the one that closes it.
    closes: Vec<usize>,
}

/// The last atom closes what nothing else does.
fn closes(atoms: &[Atom<'_>]) -> Vec<usize> {
    let mut out = vec![atoms.len() - 1; atoms.len()];
    let mut open = vec![];
    for (i, atom) in atoms.iter().enumerate().filter(|(_, a)| a.kind == Kind::Sign) {
        match atom.text {
            "(" | "[" | "{" => open.push(i),
            ")" | "]" | "}" => open.pop().into_iter().for_each(|at: usize| out[at] = i),
            _ => {}
        }
    }
    out
}

impl<'t> Printer<'_, 't> {
    fn is(&self, i: usize, text: &str) -> bool {
        self.atoms[i].is(text)
    }

    /// The units between two atoms; each begins with `mark`.
    fn units(&self, from: usize, to: usize, mark: Mark) -> Vec<Unit> {
        let mut out = vec![];
        let mut i = from;
        while i < to {
            let first = i;
            i += 1;
            while i < to && self.atoms[i].mark != Some(mark) && !self.is(i - 1, "{") {
                i += 1;
            }
            let mut block = None;
            let end = i;
            if self.is(i - 1, "{") {
                let close = self.close(i - 1);
                block = Some(Block { body: self.units(i, close, Mark::Statement), close });
                i = close + 1;
            }
            out.push(Unit { first, end, block });
        }
        out
    }

    /// The bracket that closes the one at `open`.
    fn close(&self, open: usize) -> usize {
        self.closes[open]
    }

    // ---- units to rows ----------------------------------------------------------------------------------------------

    /// `apart`: every statement gets a line of its own, however it was written.
    fn rows(&self, units: &[Unit], indent: usize, apart: bool) -> Vec<Row<'t>> {
        let mut out: Vec<Row<'t>> = vec![];
        let mut after_block = false;
        for (k, unit) in units.iter().enumerate() {
            let first = &self.atoms[unit.first];
            let last = unit.block.as_ref().map_or(unit.end, |b| b.close + 1) - 1;
            let one_line = self.one_line(unit, indent);
            // Blocks of many lines stand apart from other items.
            let is_block = one_line.is_none() && unit.block.is_some();
            if k > 0 && indent == 0 && (is_block || after_block) {
                out.push(Row::Blank);
            }
            after_block = is_block;
            self.comments(&first.own, indent, &mut out);
            if first.blank {
                blank(&mut out);
            }
            let trail = self.atoms[last].trail;
            if !apart
                && !first.newline
                && let Some(text) = &one_line
                && let Some(Row::Code { text: before, trail: behind @ None, cells, .. }) = out.last_mut()
                && !before.contains('\n')
                && indent + before.chars().count() + 2 + text.chars().count() <= WIDTH
                && k > 0
                && self.one_line(&units[k - 1], indent).is_some()
            {
                *before = format!("{before}  {text}");
                *behind = trail;
                *cells = None;
                continue;
            }
            match (one_line, &unit.block) {
                (Some(text), _) => out.push(Row::Code { indent, text, trail, cells: self.cells(unit) }),
                (None, None) => {
                    let text = layout(&self.statement(unit.first, unit.end), indent);
                    out.push(Row::Code { indent, text, trail, cells: None });
                }
                (None, Some(block)) => {
                    let text = layout(&self.statement(unit.first, unit.end), indent);
                    out.push(Row::Code { indent, text, trail: self.atoms[unit.end - 1].trail, cells: None });
                    // A block that was on one line and has no room there is taken apart.
                    let apart = block.body.first().is_some_and(|u| !self.atoms[u.first].newline);
                    out.extend(self.rows(&block.body, indent + 2, apart));
                    let mut at_end = self.atoms[block.close].own.clone();
                    if let (true, Some(first)) = (block.body.is_empty(), at_end.first_mut()) {
                        first.blank = false;
                    }
                    self.comments(&at_end, indent + 2, &mut out);
                    out.push(Row::Code { indent, text: "}".into(), trail, cells: None });
                }
            }
        }
        out
    }

    fn comments(&self, comments: &[Comment<'t>], indent: usize, out: &mut Vec<Row<'t>>) {
        for c in comments {
            if c.blank {
                blank(out);
            }
            out.push(Row::Comment { indent, text: c.text });
        }
    }

    /// A unit on one line, if it fits there, and its block, if it has one, was written so.
    fn one_line(&self, unit: &Unit, indent: usize) -> Option<String> {
        let inside = |i: usize| self.atoms[i].own.is_empty() && self.atoms[i - 1].trail.is_none();
        let text = match &unit.block {
            None => {
                if !(unit.first + 1..unit.end).all(inside) {
                    return None;
                }
                self.flat(unit.first, unit.end)
            }
            Some(block) => {
                let broken = (unit.end..=block.close).any(|i| self.atoms[i].newline);
                if broken || !(unit.first + 1..=block.close).all(inside) {
                    return None;
                }
                let head = self.flat(unit.first, unit.end);
                let body: Vec<String> =
                    block.body.iter().map(|u| self.one_line(u, indent)).collect::<Option<Vec<_>>>()?;
                if body.is_empty() { format!("{head}}}") } else { format!("{head} {} }}", body.join("  ")) }
            }
        };
        (indent + text.chars().count() <= WIDTH).then_some(text)
    }

    /// The parts of a unit that are aligned with those of its neighbours.
    fn cells(&self, unit: &Unit) -> Option<Cells> {
        let (first, end) = (unit.first, unit.end);
        let find = |from: usize, text: &str| {
            let mut i = from;
            while i < end && !self.is(i, text) {
                i = if self.is(i, "(") || self.is(i, "[") { self.close(i) + 1 } else { i + 1 };
            }
            (i < end).then_some(i)
        };
        let cut = |kind, at: &[usize]| {
            let ends: Vec<usize> = at.iter().copied().chain([end]).collect();
            let starts = std::iter::once(first).chain(at.iter().copied());
            let parts = starts.zip(&ends).map(|(from, to)| self.flat(from, *to)).collect();
            Some(Cells { kind, parts })
        };
        match self.atoms[first].text {
            "const" => cut("const", &[find(first, "=")?]),
            "layer" | "output" => cut("layer", &[find(first, "=")?]),
            "residual" => {
                let on = find(first, "on")?;
                cut("residual", &[on, find(on, ":")?])
            }
            _ => None,
        }
    }

    // ---- between atoms ----------------------------------------------------------------------------------------------

    /// Blanks between the atom at `i` and the one before it, on one line.
    fn blanks(&self, i: usize) -> usize {
        let (before, atom) = (&self.atoms[i - 1], &self.atoms[i]);
        let touches = |k: usize| self.atoms[k - 1].end() == self.atoms[k].start;
        let close = |k: usize| touches(k) && touches(k + 1);
        let has_unit =
            |a: &Atom<'_>| a.kind == Kind::Number && a.text.ends_with(|c: char| !c.is_ascii_digit() && c != '.');
        // Whether the operator at `k` stands close to its sides. Behind a unit, `/` and `^` may not come closer than they
        // were: they would become part of it.
        let tight = |k: usize| match self.atoms[k].text {
            "*" | "/" => close(k),
            "^" => !has_unit(&self.atoms[k - 1]) || close(k),
            _ => false,
        };
        if before.kind == Kind::Sign {
            match before.text {
                "(" | "[" => return 0,
                "*" | "/" | "^" if tight(i - 1) => return 0,
                "-" if before.mark == Some(Mark::Sign) => return 0,
                _ => {}
            }
        }
        if atom.kind == Kind::Sign {
            match atom.text {
                "," | ")" | "]" | "'" => return 0,
                "*" | "/" | "^" if tight(i) => return 0,
                "(" | "[" if atom.mark == Some(Mark::Tight) => return 0,
                // `mutate(0.1)` is written close, `weight (1 + a)` is not: as the author chose, but never after a keyword.
                "(" if before.kind == Kind::Word && !KEYWORDS.contains(&before.text) && touches(i) => return 0,
                "}" if before.is("{") => return 0,
                _ => {}
            }
        }
        if atom.mark == Some(Mark::Option { wide: true }) && !self.follows_option(i) { 2 } else { 1 }
    }

    /// Only the first of several options stands off.
    fn follows_option(&self, i: usize) -> bool {
        let is_item = |a: &Atom<'_>| matches!(a.mark, Some(Mark::Item | Mark::Statement));
        let before = self.atoms[..i].iter().rev().take_while(|a| !is_item(a));
        before.clone().any(|a| a.mark == Some(Mark::Option { wide: true }))
    }

    /// Atoms on one line, without their comments.
    fn flat(&self, from: usize, to: usize) -> String {
        let mut out = String::new();
        for i in from..to {
            if i > from {
                out.extend(std::iter::repeat_n(' ', self.blanks(i)));
            }
            out.push_str(self.atoms[i].text);
        }
        out
    }

    // ---- atoms to documents -----------------------------------------------------------------------------------------

    /// A unit, or its part up to the `{`. Comments before its first and behind its last atom are not part of it.
    fn statement(&self, first: usize, end: usize) -> Doc {
        let mut breaks = vec![Break::Option, Break::Pipe, Break::Equals];
        if self.is(first, "residual") {
            breaks.push(Break::Colon);
        }
        if LISTS.contains(&self.atoms[first].text) {
            breaks.push(Break::Comma);
        }
        let range = Range { from: first, to: end, first, end };
        Doc::Group(vec![self.range(range, &breaks)])
    }

    /// A stretch of atoms. `allowed` are the breaks that only some statements have.
    fn range(&self, range: Range, allowed: &[Break]) -> Doc {
        let breaks = self.breaks(range, allowed);
        let Some(loosest) = breaks.iter().map(|(_, kind)| *kind).min() else {
            return self.tight(range);
        };
        let mut pieces = vec![];
        let mut from = range.from;
        for (i, _) in breaks.into_iter().filter(|(_, kind)| *kind == loosest) {
            pieces.push((from, i));
            from = i;
        }
        pieces.push((from, range.to));
        let is_chain = loosest == Break::Else && self.is(range.from, "if");
        // Commas of a statement come before what is tighter in its parts.
        let inner: Vec<Doc> = pieces
            .iter()
            .enumerate()
            .flat_map(|(k, &(from, to))| {
                let line = (k > 0).then(|| Doc::Line(self.blanks(from)));
                line.into_iter().chain([self.range(Range { from, to, ..range }, allowed)])
            })
            .collect();
        // `else` stands below its `if`.
        Doc::Group(vec![if is_chain { Doc::List(inner) } else { Doc::Nest(inner) }])
    }

    /// The places in a range that may be broken, outside of the brackets within it: before which atom, and the kind.
    fn breaks(&self, range: Range, allowed: &[Break]) -> Vec<(usize, Break)> {
        let mut out = vec![];
        let mut i = range.from;
        let mut ifs = Cases::default();
        while i < range.to {
            if i > range.from
                && let Some(kind) = self.break_at(i, &ifs, allowed)
            {
                out.push((i, kind));
            }
            ifs.pass(self.atoms[i].text, self.atoms.get(i + 1).map_or("", |a| a.text));
            i = if self.is(i, "(") || self.is(i, "[") { self.close(i) + 1 } else { i + 1 };
        }
        out
    }

    /// The break before the atom at `i`, which stands in these `if`s.
    fn break_at(&self, i: usize, ifs: &Cases, allowed: &[Break]) -> Option<Break> {
        let (before, atom) = (&self.atoms[i - 1], &self.atoms[i]);
        let found = match atom.text {
            _ if matches!(atom.mark, Some(Mark::Option { .. })) => Break::Option,
            _ if before.is(":") => Break::Colon,
            _ if before.is(",") => Break::Comma,
            _ if before.kind == Kind::Sign && ASSIGN.contains(&before.text) => Break::Equals,
            "|>" => Break::Pipe,
            // What belongs to an `if` inside of another one stays with it.
            "else" if ifs.closed() <= 1 => Break::Else,
            "then" if ifs.opened() <= 1 => Break::Then,
            "or" => Break::Or,
            "and" => Break::And,
            "+" | "-" if atom.mark != Some(Mark::Sign) && atom.kind == Kind::Sign => Break::Sum,
            "*" | "/" if self.blanks(i) > 0 && atom.kind == Kind::Sign => Break::Product,
            _ => return None,
        };
        let special = matches!(found, Break::Option | Break::Colon | Break::Comma | Break::Equals);
        (!special || allowed.contains(&found)).then_some(found)
    }

    /// Atoms that are broken only inside of their brackets.
    fn tight(&self, range: Range) -> Doc {
        let mut out = vec![];
        let mut i = range.from;
        while i < range.to {
            if i > range.from && self.blanks(i) > 0 {
                out.push(Doc::Blank(self.blanks(i)));
            }
            self.atom(i, range, &mut out);
            if self.is(i, "(") || self.is(i, "[") {
                let close = self.close(i);
                out.push(self.brackets(i, close, range));
                i = close;
                self.atom(i, range, &mut out);
            }
            i += 1;
        }
        Doc::List(out)
    }

    /// What stands in brackets, with the places where it can be broken.
    fn brackets(&self, open: usize, close: usize, range: Range) -> Doc {
        let inside = Range { from: open + 1, to: close, ..range };
        if inside.from == inside.to {
            return Doc::List(vec![]);
        }
        let mut inner = vec![Doc::Line(0)];
        let mut from = inside.from;
        for (i, _) in self.breaks(inside, &[Break::Comma]).into_iter().filter(|(_, kind)| *kind == Break::Comma) {
            inner.push(self.range(Range { from, to: i, ..range }, &[Break::Equals]));
            inner.push(Doc::Line(1));
            from = i;
        }
        inner.push(self.range(Range { from, to: inside.to, ..range }, &[Break::Equals]));
        Doc::Group(vec![Doc::Nest(inner), Doc::Line(0)])
    }

    /// An atom with the comments around it, without those that belong to the whole unit.
    fn atom(&self, i: usize, range: Range, out: &mut Vec<Doc>) {
        let atom = &self.atoms[i];
        if i > range.first {
            for c in &atom.own {
                out.extend([Doc::Hard, Doc::Text(c.text.to_string()), Doc::Hard]);
            }
        }
        out.push(Doc::Text(atom.text.to_string()));
        if i + 1 < range.end
            && let Some(trail) = atom.trail
        {
            out.extend([Doc::Text(format!("  {trail}")), Doc::Hard]);
        }
    }
}

/// A stretch of atoms, and that of the unit it belongs to.
#[derive(Clone, Copy)]
struct Range {
    from: usize,
    to: usize,
    first: usize,
    end: usize,
}

/// One blank line, but none at the beginning of a block, which begins with no row, and never two.
fn blank(out: &mut Vec<Row<'_>>) {
    if !matches!(out.last(), None | Some(Row::Blank)) {
        out.push(Row::Blank);
    }
}

// ---- rows to text ----------------------------------------------------------------------------------------------------

/// The most blanks that alignment may cost.
const MOST_PADDING: usize = 32;

fn width(text: &str) -> usize {
    text.chars().count()
}

fn written(mut rows: Vec<Row<'_>>) -> String {
    let mut at = 0;
    while at < rows.len() {
        let end = (at + 1..rows.len()).find(|&i| !goes_with(&rows[at], &rows[i])).unwrap_or(rows.len());
        align(&mut rows[at..end]);
        at = end;
    }
    let mut out = String::new();
    let mut at = 0;
    while at < rows.len() {
        match &rows[at] {
            Row::Blank => out.push('\n'),
            Row::Comment { indent, text } => {
                out.push_str(&" ".repeat(*indent));
                out.push_str(text);
                out.push('\n');
            }
            Row::Code { indent, text, trail, .. } => {
                out.push_str(&" ".repeat(*indent));
                out.push_str(text);
                if let Some(trail) = trail {
                    let column = comment_column(&rows, at);
                    let last = text.rsplit('\n').next().unwrap_or_default();
                    // Later lines of a text bring their indentation along.
                    let used = if text.contains('\n') { width(last) } else { indent + width(last) };
                    out.push_str(&" ".repeat(column - used));
                    out.push_str(trail);
                }
                out.push('\n');
            }
        }
        at += 1;
    }
    out
}

fn goes_with(a: &Row<'_>, b: &Row<'_>) -> bool {
    match (a, b) {
        (Row::Code { indent: i, cells: Some(a), .. }, Row::Code { indent: j, cells: Some(b), .. }) => {
            i == j && a.kind == b.kind
        }
        _ => false,
    }
}

/// Pads the cells of rows that go together, unless a line became too long or the blanks too many.
fn align(rows: &mut [Row<'_>]) {
    let cells = |r: &Row<'_>| match r {
        Row::Code { cells: Some(c), .. } => c.parts.iter().map(|p| width(p)).collect(),
        _ => vec![],
    };
    let widths: Vec<Vec<usize>> = rows.iter().map(cells).collect();
    let Some(count) = widths.first().map(Vec::len).filter(|n| *n > 1) else { return };
    let column = |k: usize| widths.iter().map(|w| w[k]).max().unwrap_or(0);
    let columns: Vec<usize> = (0..count - 1).map(column).collect();
    let padding = |w: &Vec<usize>| columns.iter().zip(w).map(|(c, w)| c - w).sum::<usize>();
    let total = columns.iter().sum::<usize>() + count - 1;
    let fits = |w: &Vec<usize>| total + w[count - 1] + 2 <= WIDTH && padding(w) <= MOST_PADDING;
    if !widths.iter().all(fits) {
        return;
    }
    for row in rows {
        if let Row::Code { text, cells: Some(cells), .. } = row {
            let padded = cells.parts.iter().zip(columns.iter().map(Some).chain([None]));
            let parts: Vec<String> =
                padded.map(|(p, c)| p.clone() + &" ".repeat(c.map_or(0, |c| c - width(p)))).collect();
            *text = parts.join(" ");
        }
    }
}

/// Rows on either side that a comment is put in line with at the most.
const NEIGHBOURS: usize = 500;

/// The column of the comment behind a row: the same for neighbours, if that costs few blanks.
fn comment_column(rows: &[Row<'_>], at: usize) -> usize {
    let end = |r: &Row<'_>, depth: usize| match r {
        Row::Code { indent, text, trail: Some(_), .. } if *indent == depth && !text.contains('\n') => {
            Some(indent + width(text))
        }
        _ => None,
    };
    let Row::Code { indent, text, .. } = &rows[at] else { return 0 };
    let Some(own) = end(&rows[at], *indent) else { return width(text.rsplit('\n').next().unwrap_or_default()) + 2 };
    let up = rows[..at].iter().rev().take(NEIGHBOURS).map_while(|r| end(r, *indent));
    let down = rows[at + 1..].iter().take(NEIGHBOURS).map_while(|r| end(r, *indent));
    let all: Vec<usize> = up.chain([own]).chain(down).collect();
    let (least, most) = (all.iter().min().copied().unwrap_or(own), all.iter().max().copied().unwrap_or(own));
    if most - least <= MOST_PADDING { most + 2 } else { own + 2 }
}
