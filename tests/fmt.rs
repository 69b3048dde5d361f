//! The formatter: the tree stays, comments stay, and a second time nothing changes.
//!
//! Programs are drawn from the grammar with random blanks, line breaks and comments between their tokens; beside them, all
//! programs of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use proptest::prelude::*;

use snnc::diag::Sink;
use snnc::source::FileId;
use snnc::syntax::format::format;
use snnc::syntax::parse::parse;
use snnc::syntax::print::print;

fn tree(text: &str) -> Option<String> {
    let mut sink = Sink::default();
    let file = parse(text, FileId(0), &mut sink)?;
    (!sink.has_errors()).then(|| print(&file))
}

/// The comments of a text without strings that hold a `#`.
fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|l| l.find('#').map(|at| l[at..].trim_end())).collect()
}

/// What is wrong with how a program is formatted.
fn wrong(text: &str) -> Option<String> {
    let Some(before) = tree(text) else { return Some(format!("does not parse:\n{text}")) };
    let Some(once) = format(text) else { return Some(format!("is not formatted:\n{text}")) };
    let after = tree(&once);
    if after.as_ref() != Some(&before) {
        return Some(format!("another tree:\n{text}\n-- becomes --\n{once}"));
    }
    if comments(text) != comments(&once) {
        return Some(format!("other comments:\n{text}\n-- becomes --\n{once}"));
    }
    if once.lines().any(|l| l.ends_with(' ')) || once.contains("\n\n\n") {
        return Some(format!("blanks at the end of a line, or two blank lines:\n{once}"));
    }
    let twice = format(&once);
    if twice.as_ref() != Some(&once) {
        return Some(format!(
            "not stable:\n{text}\n-- becomes --\n{once}\n-- becomes --\n{}",
            twice.unwrap_or_default()
        ));
    }
    None
}

// ---- programs from the grammar ---------------------------------------------------------------------------------------

/// Draws tokens; small numbers from a counter-based mixer, so that a seed is a program.
struct Draw {
    state: u64,
    out: Vec<String>,
}

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn put(&mut self, tokens: &str) {
        self.out.extend(tokens.split_whitespace().map(str::to_string));
    }

    fn name(&mut self) {
        let name = self.pick(&["u", "x", "t", "h", "tau", "points", "steps", "long_name_of_a_value", "weight", "e0"]);
        self.put(name);
    }

    fn number(&mut self) {
        let n = self.pick(&["1", "2.5", ".5", "2.", "1e-3", "20ms", "1.5pA/ms", "-65mV", "3s^2", "0", "1000000"]);
        match n.strip_prefix('-') {
            Some(rest) => self.put(&format!("- {rest}")),
            None => self.put(n),
        }
    }

    fn expr(&mut self, depth: usize) {
        let operands = if depth == 0 { 1 } else { 1 + self.below(4) };
        for k in 0..operands {
            // No comparisons: they may not be chained.
            let op = if k > 0 { self.pick(&["+", "-", "*", "/", "^", "|>", "and", "or", "+", "*"]) } else { "" };
            self.put(op);
            // Behind `|>`, `if` is a neuron.
            if op == "|>" {
                self.call(depth - 1);
                continue;
            }
            if self.chance(6) {
                let sign = self.pick(&["-", "not"]);
                self.put(sign);
            }
            self.operand(depth);
        }
    }

    fn operand(&mut self, depth: usize) {
        match if depth == 0 { self.below(2) } else { self.below(7) } {
            0 => self.number(),
            1 => self.name(),
            2 => {
                self.put("(");
                self.expr(depth - 1);
                self.put(")");
            }
            3 => {
                self.put("if");
                self.expr(depth - 1);
                self.put("then");
                self.expr(depth - 1);
                self.put("else");
                self.expr(depth - 1);
            }
            4 => {
                self.put("G [");
                self.expr(depth - 1);
                self.put("]");
            }
            _ => self.call(depth - 1),
        }
    }

    fn call(&mut self, depth: usize) {
        let name = self.pick(&["sin", "d", "dense", "tuned", "adam", "a_function_with_a_long_name"]);
        self.put(name);
        self.put("(");
        for k in 0..self.below(5) {
            if k > 0 {
                self.put(",");
            }
            match self.below(5) {
                0 => {
                    self.put("rate =");
                    self.expr(depth);
                    self.put("->");
                    self.expr(depth);
                    self.put("cosine");
                }
                1 => {
                    self.put("k in");
                    self.expr(depth);
                    self.put("..");
                    self.expr(depth);
                }
                2 => {
                    self.put("tau =");
                    self.expr(depth);
                }
                _ => self.expr(depth),
            }
        }
        self.put(")");
    }

    fn many(&mut self, most: usize, mut one: impl FnMut(&mut Draw)) {
        for _ in 0..self.below(most + 1) {
            one(self);
        }
    }

    /// Words, with `E` for an expression and `C` for a call.
    fn shape(&mut self, shape: &str) {
        for word in shape.split_whitespace() {
            match word {
                "E" => self.expr(2),
                "C" => self.call(1),
                word => self.put(word),
            }
        }
    }

    fn any(&mut self, shapes: &[&str]) {
        let shape = self.pick(shapes);
        self.shape(shape);
    }

    fn item(&mut self) {
        match self.below(12) {
            0 => self.any(&["const c = E", "const long_name = E", "unknown nu = E in E .. E", "fn f ( x , y ) = E"]),
            1 => self.any(&["import \"a.snn\"", "allow ( SNN0209 , SNN0607 ) in file", "allow ( SNN0209 )"]),
            2 => self.any(&["function a ( s in E .. E ) ~ C sensors E", "exact u = E", "exact u from \"a.npz\""]),
            3 => {
                self.put("domain {");
                self.many(4, |d| {
                    d.any(&["x in E .. E", "t in E .. E periodic", "where E", "curve rim ( s in E .. E ) = E"]);
                });
                self.put("}");
            }
            4 => {
                self.put("neuron lif");
                if self.chance(2) {
                    self.shape("( tau = E , theta = E trainable per neuron )");
                }
                self.put("{");
                self.many(6, |d| {
                    d.any(&[
                        "param a = E , b = E trainable",
                        "input i : pA/ms",
                        "state v = E , w = E",
                        "flow v ' = E",
                        "update v := E",
                        "spike when E surrogate triangle ( width = E )",
                        "spike when E surrogate s ( z ) = E",
                        "reset v -= E",
                        "reset v = E",
                        "refractory E",
                        "integrate exact",
                        "substeps E",
                        "emit E * spike",
                    ]);
                });
                self.put("}");
            }
            5 | 6 => {
                self.put("network u ( x , t ) {");
                self.many(5, |d| {
                    d.any(&["steps E", "dt E", "layer h = E", "layer longer = E", "output = E", "output a , b = E"])
                });
                self.put("}");
            }
            7 | 8 => {
                self.any(&["residual wave on", "residual a_longer_name on"]);
                self.any(&["interior", "domain", "x = E , t = E", "grid ( x = E )", "\"a.csv\"", "rim"]);
                self.shape(": E = E");
                self.many(3, |d| {
                    d.any(&["by C", "weight E", "points E", "sample sobol", "resample E", "causal ( eps = E )"])
                });
            }
            9 => {
                self.put("train {");
                self.many(3, |d| {
                    if d.chance(3) {
                        d.any(&["seed E", "precision f32"]);
                        return;
                    }
                    d.put("phase grow {");
                    d.many(5, |d| {
                        d.any(&[
                            "perturb C directions E scope layer h , g antithetic",
                            "perturb neurons ( h ) pool E mutate ( E )",
                            "estimate forward",
                            "update C",
                            "rounds E",
                            "steps E",
                            "solve readout ( ridge = E ) every E",
                            "stop when stalled E",
                            "stop when E",
                        ]);
                    });
                    d.put("}");
                });
                self.put("}");
            }
            10 => {
                self.put("report {");
                self.many(4, |d| {
                    d.any(&["metric m = C on grid ( x = E )", "expect E", "plot C , C , loss , C", "save \"a.npz\""])
                });
                self.put("}");
            }
            _ => {
                self.put("simulate {");
                self.many(4, |d| {
                    d.any(&[
                        "duration E",
                        "dt E",
                        "method rk4",
                        "population p = adex ( E ) with i = E , v = E",
                        "connect a -> b probability E weight E",
                        "record v of p [ E .. E ] , spikes of p",
                    ]);
                });
                self.put("}");
            }
        }
    }

    /// The tokens with something between them. `comments` is how often that is a comment.
    fn text(&mut self, comments: usize) -> String {
        let tokens = std::mem::take(&mut self.out);
        let mut out = String::new();
        let mut before = "";
        for (k, token) in tokens.iter().enumerate() {
            let sign = |t: &str| "()[]{},".contains(t);
            let gap = match self.below(12) {
                0..3 if sign(before) || sign(token) || "*/".contains(token.as_str()) || "*/".contains(before) => {
                    "".into()
                }
                0..6 => " ".into(),
                6 => "\n".into(),
                7 => "\n\n\n  ".into(),
                8 => "\t \r\n".into(),
                9 if self.chance(comments) => format!("  # behind {k}\n"),
                10 if self.chance(comments) => format!("\n   # own {k}, \"quoted\" {{ (\n"),
                11 if self.chance(comments) => format!(" #\n\n# one {k}\n\n\n# two\n\n"),
                _ => "  ".into(),
            };
            out.push_str(&gap);
            out.push_str(token);
            before = token;
        }
        out
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_program_keeps_its_tree_and_its_comments(seed in any::<u64>(), items in 1usize..6, comments in 1usize..5) {
        let mut draw = Draw { state: seed, out: vec![] };
        for _ in 0..items {
            draw.item();
            // Items begin lines, or follow one another on one.
        }
        let text = draw.text(comments);
        // A unit may come out of a number and what happens to stand close to it; then the program is another one, or none.
        prop_assume!(tree(&text).is_some());
        if let Some(what) = wrong(&text) {
            panic!("{what}");
        }
    }
}

#[test]
fn most_drawn_programs_are_programs() {
    let parses = |seed: u64| {
        let mut draw = Draw { state: seed, out: vec![] };
        (0..3).for_each(|_| draw.item());
        tree(&draw.text(2)).is_some()
    };
    let count = (0..200).filter(|s| parses(*s)).count();
    assert!(count > 180, "only {count} of 200");
}

// ---- the programs of the repository ----------------------------------------------------------------------------------

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut out = vec![];
    let mut todo = vec![root().join(folder)];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

#[test]
fn the_programs_of_the_repository_keep_their_trees() {
    let mut texts: Vec<String> = ["examples", "src/prelude", "tests/ui", "tests/syntax"]
        .iter()
        .flat_map(|f| below(f, "snn"))
        .map(|p| fs::read_to_string(p).expect("UTF-8"))
        .collect();
    for page in below("docs", "md") {
        let text = fs::read_to_string(page).expect("UTF-8");
        texts.extend(text.split("```snn").skip(1).filter_map(|b| {
            let body = b.split_once('\n')?.1;
            Some(body.split("```").next()?.to_string())
        }));
    }
    let tried: Vec<&String> = texts.iter().filter(|t| tree(t).is_some()).collect();
    assert!(tried.len() > 100, "only {} programs", tried.len());
    let wrong: Vec<String> = tried.iter().filter_map(|t| wrong(t)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn examples_and_prelude_are_formatted() {
    let mut command = Command::cargo_bin("snnc").expect("the binary is built");
    let files = ["examples", "src/prelude"].iter().flat_map(|f| below(f, "snn"));
    let output = command.args(["fmt", "--check"]).args(files).output().expect("runs");
    let names = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "run `snnc fmt` on\n{names}");
}

// ---- layout ----------------------------------------------------------------------------------------------------------

#[test]
fn the_usual_layout() {
    let rough = include_str!("syntax/rough.snn");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "syntax" }, {
        insta::assert_snapshot!("formatted", format(rough).expect("parses"));
    });
    assert_eq!(wrong(rough), None);
}

#[test]
fn a_long_if_has_a_line_for_each_case() {
    let rough = "fn f(z) = 5*z*if z > 1.0000001 and z < 1000000 then if z < 5 then sin(2*pi*z)*exp(-z) else cos(z) + 1 \
                 else if z < -1.000001 then -1000000*cos(z) else z\n\
                 fn g(z) = if z > 1.0000001 and z < 1000000 then if z < 5 then sin(2*pi*z)*exp(-z) else cos(z) + 1 \
                 else if z < -1.000001 then -1000000*cos(z) else z\n";
    let usual = "fn f(z) =\n\
                 \u{20} 5*z*if z > 1.0000001 and z < 1000000 then if z < 5 then sin(2*pi*z)*exp(-z) else cos(z) + 1\n\
                 \u{20}   else if z < -1.000001 then -1000000*cos(z)\n\
                 \u{20}   else z\n\
                 fn g(z) =\n\
                 \u{20} if z > 1.0000001 and z < 1000000 then if z < 5 then sin(2*pi*z)*exp(-z) else cos(z) + 1\n\
                 \u{20} else if z < -1.000001 then -1000000*cos(z)\n\
                 \u{20} else z\n";
    assert_eq!(format(rough).as_deref(), Some(usual));
    assert_eq!(wrong(rough), None);
}

// ---- the command -----------------------------------------------------------------------------------------------------

fn snnc(folder: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::cargo_bin("snnc").expect("the binary is built");
    let output = command.current_dir(folder).args(arguments).write_stdin(input).output().expect("runs");
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_changes_what_it_should() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    fs::write(at("rough.snn"), "const  c=2\n").expect("writes");
    fs::write(at("fine.snn"), "const c = 2\n").expect("writes");
    fs::write(at("broken.snn"), "const  c = = 2\n").expect("writes");

    let (code, out, err) = snnc(dir.path(), &["fmt", "--check", "rough.snn", "fine.snn"], "");
    assert_eq!((code, out.as_str(), err.as_str()), (1, "rough.snn\n", ""));
    let (code, out, _) = snnc(dir.path(), &["fmt", "--stdout", "rough.snn"], "");
    assert_eq!((code, out.as_str()), (0, "const c = 2\n"));
    assert_eq!(fs::read_to_string(at("rough.snn")).expect("is there"), "const  c=2\n", "nothing was written so far");

    let (code, out, err) = snnc(dir.path(), &["fmt", "broken.snn", "rough.snn", "fine.snn", "none.snn"], "");
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    for word in ["SNN0101", "broken.snn", "none.snn"] {
        assert!(err.contains(word), "no {word} in\n{err}");
    }
    assert_eq!(fs::read_to_string(at("rough.snn")).expect("is there"), "const c = 2\n");
    assert_eq!(fs::read_to_string(at("broken.snn")).expect("is there"), "const  c = = 2\n");
    assert_eq!(snnc(dir.path(), &["fmt", "--check", "rough.snn", "fine.snn"], "").0, 0);
    assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 3, "nothing else is left");

    let (code, out, _) = snnc(dir.path(), &["fmt", "-"], "fn f(x)=x");
    assert_eq!((code, out.as_str()), (0, "fn f(x) = x\n"));
    let (code, out, err) = snnc(dir.path(), &["fmt", "-"], "fn f(x) x");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("standard input"), "{err}");
    assert_eq!(snnc(dir.path(), &["fmt"], "").0, 2);
    assert_eq!(snnc(dir.path(), &["fmt", "--check", "--stdout", "fine.snn"], "").0, 2);
}
