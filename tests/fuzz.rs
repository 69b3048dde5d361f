//! The fuzz targets of `fuzz/`, driven for some seconds by mutations of a corpus: the examples, the programs of `tests/ui`, the
//! IR of `tests/ir/cases`, the files of `tests/data`, and every input that once found something (`fuzz/regressions`).
//!
//! The same cases every time. Each runs on a stack of 2 MB, a quarter of what a program has, and is given a generous time. `SNNC_FUZZ=100` searches longer; `fuzz/README.md`
//! says how to search guided by coverage.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use targets::TARGETS;

const STACK: usize = 2 << 20;
/// Far more than any case takes, even on a machine that does much else.
const MOST: Duration = Duration::from_secs(30);

/// Numbers that depend on nothing else than where they begin.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        // xorshift64*, Vigna 2016
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) as usize) % n.max(1)
    }
}

/// Words that mean something to one of the readers.
const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|>",
    "=",
    ":",
    ",",
    "..",
    "->",
    "^",
    "-",
    "if x < 1 then ",
    " else ",
    "1e400",
    "0",
    "-1",
    "nan",
    "4294967295",
    "18446744073709551615",
    "\u{202e}",
    "\u{1b}[31m",
    "\0",
    "\"",
    "#",
    "\n",
    "d(u, x)",
    "sum(i in 0 .. 9, ",
    "const a = ",
    "residual r on interior : ",
    "import \"",
    "neuron n { ",
    "ms",
    "%1 = ",
    "param \"w\" ",
    "steps ",
    "tangent ",
    "mask ",
    "\\u{",
    "mean",
];

fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut out = corpus[chance.below(corpus.len())].clone();
    for _ in 0..1 + chance.below(6) {
        let at = chance.below(out.len() + 1);
        let end = (at + 1 + chance.below(32)).min(out.len());
        match chance.below(8) {
            0 if at < out.len() => out[at] ^= 1 << chance.below(8),
            1 if at < out.len() => out[at] = [0, 1, 0x7f, 0x80, 0xff, b' ', b'9', b'('][chance.below(8)],
            2 => drop(out.splice(at..at, WORDS[chance.below(WORDS.len())].bytes())),
            3 => drop(out.drain(at..end.max(at))),
            4 => {
                let piece = out[at..end.max(at)].to_vec();
                (0..1 + chance.below(8)).for_each(|_| drop(out.splice(at..at, piece.iter().copied())));
            }
            5 => {
                let other = &corpus[chance.below(corpus.len())];
                let from = chance.below(other.len() + 1);
                let piece = &other[from..(from + chance.below(400)).min(other.len())];
                drop(out.splice(at..end.max(at), piece.iter().copied()));
            }
            6 => out.truncate(at),
            _ if at + 8 <= out.len() => {
                let value = [0u64, 1, 0xffff_ffff, 1 << 31, 1 << 40, u64::MAX, 1 << 63, 255][chance.below(8)];
                out[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
            _ => {}
        }
    }
    out
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder with one of these endings, in the order of their names.
fn files(folder: &str, endings: &[&str]) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return vec![] };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.retain(|p| {
        p.is_file() && (endings.is_empty() || p.extension().is_some_and(|e| endings.iter().any(|w| e == *w)))
    });
    paths.sort();
    paths.iter().map(|p| fs::read(p).expect("reads")).collect()
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut all = match target {
        "ir" => files("tests/ir/cases", &["ir"]),
        "csv" => {
            let fitting = b"x,v,weight\n0.25,1,1\n0.5,-1e-3,2\n".to_vec();
            [files("examples", &["csv"]), files("docs/tutorial", &["csv"]), vec![b"x,v\n0.5,1\n".to_vec(), fitting]]
                .concat()
        }
        "npz" => {
            let doubles: Vec<u8> = [0.25f64, 0.5, 0.75].iter().flat_map(|v| v.to_le_bytes()).collect();
            let arrays = vec![
                targets::some_arrays("<f8", "False", &doubles, 3),
                targets::some_arrays(">f4", "True", &[0, 0, 0, 0, 0x3f, 0, 0, 0], 2),
                targets::some_arrays("<i8", "False", &[0, 0, 0, 0, 0, 0, 0, 0], 1),
                targets::some_arrays("|b1", "False", &[0, 1], 2),
            ];
            [files("tests/data", &["npz"]), files("examples", &["npz"]), arrays].concat()
        }
        "nir" => files("tests/data/nir", &["nir"]),
        "checkpoint" => vec![targets::some_checkpoint(), targets::some_bare_checkpoint(), targets::some_state()],
        "resume" => (0..64u8).map(|k| vec![k, k.wrapping_mul(7), k % 4, k % 8, k.wrapping_mul(3)]).collect(),
        _ => [files("examples", &["snn"]), files("tests/ui", &["snn"]), files("tests/syntax", &["snn"])].concat(),
    };
    // What has many programs in it is looked at program by program, and nothing is so long that it takes the time of the others.
    if target == "ir" {
        all = all
            .iter()
            .flat_map(|f| {
                String::from_utf8_lossy(f)
                    .split("\nprogram ")
                    .map(|p| format!("program {p}").into_bytes())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    all.retain(|f| f.len() < if target == "nir" { 100_000 } else { 20_000 });
    all.extend(files(&format!("fuzz/regressions/{target}"), &[]));
    assert!(!all.is_empty(), "{target} has a corpus");
    all
}

/// What went wrong with an input, if something did.
fn tried(run: fn(&[u8]), input: &[u8]) -> Option<String> {
    let begun = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| run(input)));
    let why = match ended {
        Ok(()) if begun.elapsed() <= MOST => return None,
        Ok(()) => format!("{:.1?}", begun.elapsed()),
        Err(e) => match e.downcast::<String>() {
            Ok(text) => *text,
            Err(e) => e.downcast::<&str>().map_or_else(|_| "a panic".into(), |text| text.to_string()),
        },
    };
    Some(why)
}

fn drive(target: &'static str, cases: usize) {
    // `SNNC_FUZZ=100` searches a hundred times as long, and further than the test does.
    let times = std::env::var("SNNC_FUZZ").ok().and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
    let cases = cases * times;
    let run = TARGETS.iter().find(|(name, _)| *name == target).expect("a target of that name").1;
    let work = move || {
        let corpus = corpus(target);
        let mut chance = Chance(0x9E37_79B9_7F4A_7C15 ^ (target.len() + 1000 * times) as u64);
        let mut found = vec![];
        // The input under way, should it end the process: a stack that overflows, or memory that cannot be had.
        let under_way = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{target}-under-way"));
        for k in 0..corpus.len() + cases {
            let input = corpus.get(k).cloned().unwrap_or_else(|| mutated(&corpus, &mut chance));
            fs::write(&under_way, &input).expect("writes");
            if let Some(why) = tried(run, &input) {
                found.push((why, input));
            }
        }
        drop(fs::remove_file(under_way));
        found
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work).expect("starts");
    let found = thread.join().expect("every panic is caught");
    // Kept, so that it can be looked at and put among the regressions.
    let keep = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut said = String::new();
    for (k, (why, input)) in found.iter().enumerate() {
        let path = keep.join(format!("fuzz-{target}-{k}"));
        fs::write(&path, input).expect("writes");
        said += &format!("{}: {why:.500}\n{:.600}\n\n", path.display(), String::from_utf8_lossy(input));
    }
    assert!(found.is_empty(), "{} inputs of {target}:\n{said:.9000}", found.len());
}

/// What `fuzz/run.sh` begins with.
#[test]
#[ignore = "writes `fuzz/corpus`"]
fn corpora() {
    for (target, _) in TARGETS {
        let folder = root().join("fuzz/corpus").join(target);
        fs::create_dir_all(&folder).expect("can be made");
        for (k, input) in corpus(target).iter().enumerate() {
            fs::write(folder.join(format!("seed-{k}")), input).expect("writes");
        }
    }
}

#[test]
fn parser() {
    drive("parser", 1500);
}

#[test]
fn checker() {
    drive("checker", 500);
}

#[test]
fn formatter() {
    drive("formatter", 700);
}

#[test]
fn ir() {
    drive("ir", 6000);
}

#[test]
fn csv() {
    drive("csv", 600);
}

#[test]
fn npz() {
    drive("npz", 600);
}

#[test]
fn checkpoint() {
    drive("checkpoint", 4000);
}

#[test]
fn resume() {
    drive("resume", 300);
}

#[test]
fn nir() {
    drive("nir", 1500);
}
