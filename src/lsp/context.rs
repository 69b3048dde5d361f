//! What may stand at a place of a text that is being written: found on tokens, because such a text is seldom a program.
//!
//! ```text
//! layer h = tuned(x, 8) |> li|      ->   a layer, a decoder, a neuron; the word typed so far is `li`
//! ```

use super::words::Place;
use crate::syntax::parse::scan::{ITEMS, KEYWORDS, Kind, Token, item_starts, tokens};

/// Declared names that may stand somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Constants, functions, and whatever is in sight in this block.
    Values,
    Neurons,
    Layers,
    Coords,
    Curves,
    States,
    Populations,
    Metrics,
    Fields,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Context<'t> {
    /// The word being typed, in bytes; it ends at or behind the place.
    pub word: (usize, usize),
    /// The item it is in, by its keyword; empty between items.
    pub item: &'t str,
    /// Where that item begins.
    pub start: usize,
    pub places: Vec<Place>,
    pub names: Vec<Names>,
    /// The name before the bracket that is open.
    pub callee: Option<&'t str>,
    /// An argument begins here.
    pub argument: bool,
    /// Stuck to a number.
    pub unit: bool,
    /// In `allow(`.
    pub codes: bool,
}

/// The words that begin a statement, by block.
fn block(name: &str) -> Option<Place> {
    Some(match name {
        "domain" => Place::Domain,
        "neuron" => Place::Neuron,
        "network" => Place::Network,
        "train" => Place::Train,
        "phase" => Place::Phase,
        "report" => Place::Report,
        "simulate" => Place::Simulate,
        _ => return None,
    })
}

/// Does `text` begin a statement in blocks of this kind?
fn begins(place: Place, text: &str) -> bool {
    super::words::WORDS.iter().any(|w| w.place == place && w.text == text)
}

/// What may stand at a byte of a text; `None` in a comment or a string.
pub fn at(text: &str, offset: usize) -> Option<Context<'_>> {
    let all = tokens(text);
    let index = all.partition_point(|t| t.end() < offset);
    // The token that ends at or holds the place, if the place is not before it.
    let here = all[index..].iter().take(2).enumerate().filter(|(_, t)| t.start <= offset && offset <= t.end());
    let here = here
        .map(|(i, t)| (index + i, *t))
        .rfind(|(_, t)| matches!(t.kind, Kind::Word | Kind::Number | Kind::Str | Kind::OpenString));
    if let Some((_, t)) = here
        && matches!(t.kind, Kind::Str | Kind::OpenString)
        && offset > t.start
    {
        return None;
    }
    let (count, word) = match here {
        Some((i, t)) if t.kind == Kind::Word => (i, (t.start, t.end())),
        Some((i, t)) => (i, (t.start + magnitude(t.text), t.end())),
        None => (all.iter().take_while(|t| t.end() <= offset && t.kind != Kind::End).count(), (offset, offset)),
    };
    let before = &all[..count];
    let behind = before.last().map_or(0, Token::end);
    if text[behind..word.0.max(behind)].rsplit('\n').next().is_some_and(|line| line.contains('#')) {
        return None;
    }
    let unit = here.is_some_and(|(_, t)| t.kind == Kind::Number && offset > t.start);
    let begins_line = text[..word.0].rsplit('\n').next().is_some_and(|l| l.trim().is_empty());
    let mut out = Context {
        word,
        item: "",
        start: 0,
        places: vec![],
        names: vec![],
        callee: None,
        argument: false,
        unit,
        codes: false,
    };
    Reader { all: &all, before, begins_line, out: &mut out }.read();
    if unit {
        (out.places, out.names) = (vec![], vec![]);
    }
    Some(out)
}

/// The length of a number without what is stuck to it.
fn magnitude(text: &str) -> usize {
    let b = text.as_bytes();
    let digits = |mut i: usize| {
        while b.get(i).is_some_and(|c| c.is_ascii_digit() || *c == b'.') {
            i += 1;
        }
        i
    };
    let i = digits(0);
    let signed = i + 1 + usize::from(matches!(b.get(i + 1), Some(b'+' | b'-')));
    if matches!(b.get(i), Some(b'e' | b'E')) && digits(signed) > signed { digits(signed) } else { i }
}

struct Reader<'a, 't> {
    all: &'a [Token<'t>],
    before: &'a [Token<'t>],
    begins_line: bool,
    out: &'a mut Context<'t>,
}

impl<'t> Reader<'_, 't> {
    fn text(&self, back: usize) -> &'t str {
        self.before.len().checked_sub(back).map_or("", |i| self.before[i].text)
    }

    fn may(&mut self, places: &[Place], names: &[Names]) {
        self.out.places.extend(places);
        self.out.names.extend(names);
    }

    fn read(&mut self) {
        let starts = item_starts(self.all);
        let Some(item) = starts.iter().copied().rfind(|s| *s < self.before.len()) else {
            return self.may(&[Place::Item], &[]);
        };
        let tokens = &self.before[item..];
        let name = tokens[0].text;
        // The braces that are open, by the token before each.
        let mut open: Vec<usize> = vec![];
        let mut closed = false;
        for (i, t) in tokens.iter().enumerate() {
            match t.text {
                "{" => open.push(i),
                "}" => closed |= open.pop().is_some() && open.is_empty(),
                _ => {}
            }
        }
        if closed {
            return self.may(&[Place::Item], &[]);
        }
        (self.out.item, self.out.start) = (name, tokens[0].start);
        let Some(&brace) = open.last() else { return self.line(name, tokens) };
        let is_phase = brace >= 2 && tokens[brace - 2].text == "phase";
        let Some(place) = block(if is_phase { "phase" } else { name }) else { return };
        self.statement(name, place, &tokens[brace + 1..]);
    }

    /// What has no block, or whose block is not open yet.
    fn line(&mut self, name: &str, tokens: &[Token<'t>]) {
        if self.begins_line && self.out.word.0 > 0 && !self.expects() && self.open(tokens).is_none() {
            self.may(&[Place::Item], &[]);
        }
        if self.inside(name, tokens) || tokens.len() == 1 && !matches!(name, "exact" | "allow" | "import") {
            return;
        }
        match (name, self.text(1)) {
            ("exact", "exact") => self.may(&[], &[Names::Fields]),
            ("exact", _) if tokens.len() == 2 => self.may(&[Place::Joint], &[]),
            ("residual", "on") => self.may(&[Place::Where], &[Names::Coords, Names::Curves]),
            ("residual", ",") if !tokens.iter().any(|t| t.text == ":") => self.may(&[], &[Names::Coords]),
            ("residual", "by") => self.may(&[Place::Method], &[]),
            ("residual", "sample") => self.may(&[Place::Sampler], &[]),
            ("residual", _) if tokens.len() == 2 => self.may(&[Place::Joint], &[]),
            ("function", "~") => self.may(&[Place::Law], &[]),
            ("network" | "train" | "report" | "simulate" | "domain" | "import" | "allow", _) => {}
            _ if self.expects() => self.value(name),
            ("residual", _) if tokens.iter().any(|t| t.text == "=") => {
                self.may(&[Place::ResidualOption, Place::Joint], &[]);
            }
            _ => self.may(&[Place::Joint], &[]),
        }
    }

    fn statement(&mut self, item: &str, place: Place, tokens: &[Token<'t>]) {
        let mut depth = 0;
        let mut first = None;
        for (i, t) in tokens.iter().enumerate() {
            let word = t.kind == Kind::Word && (KEYWORDS.contains(&t.text) || t.begins_line);
            let value = t.text == "spike" && tokens.get(i + 1).is_none_or(|n| n.text != "when") && !t.begins_line;
            match t.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                text if depth == 0 && word && begins(place, text) && !value => first = Some(i),
                _ => {}
            }
        }
        let statement = first.map_or(&tokens[..0], |i| &tokens[i..]);
        let name = statement.first().map_or("", |t| t.text);
        if self.inside(item, tokens) {
            return;
        }
        let alone = statement.len() == 1;
        match (item, name, self.text(1)) {
            (_, "", "" | "{" | "}") => self.may(&[place], &[]),
            (_, "phase" | "layer" | "metric" | "input" | "param" | "curve" | "state" | "save", _) if alone => {}
            ("neuron", "flow" | "update" | "reset", _) if alone => self.may(&[], &[Names::States]),
            ("neuron", "integrate", "integrate") | (_, "method", "method") => self.may(&[Place::Integrator], &[]),
            ("neuron", "spike", "spike") | (_, "stop", "stop") => self.may(&[Place::Joint], &[]),
            ("neuron", "spike", "surrogate") => self.may(&[Place::Surrogate], &[]),
            ("network", _, "|>") => {
                self.may(
                    &[Place::Layer, Place::Decoder, Place::Encoder, Place::Function],
                    &[Names::Neurons, Names::Values],
                );
            }
            (_, "perturb", "perturb") => self.may(&[Place::Perturbation], &[]),
            (_, "perturb", "scope") => self.may(&[Place::Scope], &[]),
            (_, "perturb", "layer" | ",") => self.may(&[Place::PerturbOption, Place::Phase], &[Names::Layers]),
            ("train", "estimate", "estimate") => self.may(&[Place::Estimate], &[]),
            ("train", "update", "update") => self.may(&[Place::Update], &[]),
            (_, "solve", "solve") => self.may(&[Place::Solve], &[]),
            (_, "precision", "precision") => self.may(&[Place::Precision], &[]),
            (_, "stop", "when") => self.may(&[Place::Joint], &[Names::Metrics]),
            ("report", "metric", "=") => self.may(&[Place::Measure], &[]),
            ("report", "metric", "on") => self.may(&[Place::Where], &[]),
            ("report", "expect", "expect") => self.may(&[], &[Names::Metrics]),
            ("report", "plot", "plot" | ",") => self.may(&[Place::Plot], &[]),
            (_, "population", "=") if statement.len() == 3 => self.may(&[], &[Names::Neurons]),
            (_, "connect", "connect" | "->") => self.may(&[], &[Names::Populations]),
            (_, "record", "of") => self.may(&[], &[Names::Populations]),
            (_, "record", "record" | ",") => self.may(&[Place::Draw], &[Names::States]),
            (_, "connect", "to") => self.may(&[], &[Names::States]),
            _ if self.expects() || alone && !matches!(name, "affine" | "") => self.value(item),
            _ => {
                // The statement may be complete, and may go on.
                self.may(&[place, Place::Joint], &[]);
                match name {
                    "perturb" => self.may(&[Place::PerturbOption], &[]),
                    "connect" => self.may(&[Place::ConnectOption], &[]),
                    _ => {}
                }
                if self.text(2) == "->" && item == "train" {
                    self.may(&[Place::Shape], &[]);
                }
            }
        }
    }

    /// The bracket that is open among tokens, by its index.
    fn open(&self, tokens: &[Token<'t>]) -> Option<usize> {
        let mut open = vec![];
        for (i, t) in tokens.iter().enumerate() {
            match t.text {
                "(" | "[" => open.push(i),
                ")" | "]" => drop(open.pop()),
                _ => {}
            }
        }
        open.pop()
    }

    /// In the brackets of a call. True if there is nothing more to say.
    fn inside(&mut self, item: &str, tokens: &[Token<'t>]) -> bool {
        let Some(open) = self.open(tokens) else { return false };
        let callee = open.checked_sub(1).map_or("", |i| tokens[i].text);
        self.out.callee = Some(callee).filter(|c| !c.is_empty());
        self.out.argument = matches!(self.text(1), "(" | ",");
        match callee {
            "allow" => self.out.codes = true,
            "neurons" => self.may(&[], &[Names::Layers]),
            "grid" if matches!(self.text(1), "(" | ",") => self.may(&[], &[Names::Coords]),
            // The arguments of a network are coordinates, those of a function are new names.
            _ if item == "network" && tokens.first().is_some_and(|t| t.text == "network") => {
                self.may(&[], &[Names::Coords]);
            }
            _ if item == "fn" && open == 2 => {}
            _ if item == "report" => self.may(&[Place::Plot], &[Names::Fields, Names::Layers, Names::Populations]),
            _ if self.expects() => self.value(item),
            _ if item == "train" && self.text(2) == "->" => self.may(&[Place::Shape], &[]),
            _ => self.may(&[Place::Joint], &[]),
        }
        true
    }

    /// Does a value have to follow what stands before?
    fn expects(&self) -> bool {
        let Some(t) = self.before.last() else { return false };
        match t.kind {
            Kind::Sign => !matches!(t.text, ")" | "]" | "}" | "'" | "{"),
            Kind::Word => matches!(
                t.text,
                "if" | "then" | "else" | "and" | "or" | "not" | "in" | "when" | "where" | "weight" | "points" | "every"
            ),
            _ => false,
        }
    }

    /// An expression in an item of this kind.
    fn value(&mut self, item: &str) {
        self.may(&[Place::Function, Place::Constant], &[Names::Values]);
        match item {
            "network" => self.may(&[Place::Encoder], &[Names::Layers, Names::Coords]),
            "neuron" => self.may(&[Place::Dynamics], &[Names::States]),
            "domain" => self.may(&[], &[Names::Coords]),
            "residual" | "exact" => self.may(&[], &[Names::Coords, Names::Fields]),
            "simulate" => self.may(&[Place::Draw], &[Names::Populations]),
            _ => {}
        }
    }
}

/// Is this a name that a program may declare?
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && !KEYWORDS.contains(&text) && !ITEMS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` marks the place.
    fn shown(marked: &str) -> String {
        let offset = marked.find('¦').expect("a mark");
        let text = marked.replacen('¦', "", 1);
        match at(&text, offset) {
            None => "nothing".to_string(),
            Some(c) => {
                let word = &text[c.word.0..c.word.1];
                format!("{:?} {:?} `{word}`{}", c.places, c.names, if c.unit { " unit" } else { "" })
            }
        }
    }

    #[test]
    fn what_may_stand_where() {
        let mut out = String::new();
        for marked in [
            "¦",
            "con¦",
            "const a = ¦",
            "const a = 20m¦",
            "# con¦",
            "import \"a¦",
            "domain { x in 0 .. 1 }\n¦",
            "domain {\n  wh¦\n}",
            "network u(¦",
            "network u(x) {\n  la¦\n}",
            "network u(x) {\n  layer h = ¦",
            "network u(x) {\n  layer h = tuned(x, 8) |> li¦\n  output = h\n}",
            "network u(x) {\n  layer h = tuned(x, ¦",
            "neuron n {\n  input i  state v = 0\n  flow ¦",
            "neuron n {\n  spike when v >= 1 ¦",
            "neuron n {\n  spike when v >= 1  surrogate ¦",
            "neuron n {\n  integrate ¦",
            "residual a ¦",
            "residual a on ¦",
            "residual a on interior : d(u, ¦",
            "residual a on interior : u = ¦",
            "residual a on interior : u = 0 ¦",
            "residual a on interior : u = 0 by ¦",
            "train {\n  phase p {\n    ¦",
            "train {\n  phase p {\n    perturb ¦",
            "train {\n  phase p {\n    perturb gaussian(sigma = 1) ¦",
            "train {\n  phase p {\n    perturb gaussian scope layer ¦",
            "train {\n  phase p {\n    perturb neurons(¦)",
            "train {\n  phase p {\n    update ad¦",
            "train {\n  phase p {\n    update adam(rate = 0.1 -> 0.01 ¦)",
            "train {\n  phase p { steps 3 }\n  ¦\n}",
            "report {\n  metric a = ¦",
            "report {\n  plot heatmap(¦",
            "simulate {\n  population p = ¦",
            "simulate {\n  population p = lif(3)\n  connect p -> ¦",
            "simulate {\n  connect p -> p prob¦",
            "allow(¦",
        ] {
            out += &format!("{}  ->  {}\n", marked.replace('\n', "⏎"), shown(marked));
        }
        insta::assert_snapshot!(out);
    }
}
