//! What the fuzzers call, one function a target: any bytes in, and nothing out but a panic where something is wrong.
//!
//! The coverage-guided fuzzers in `fuzz_targets` and the short run in `tests/fuzz.rs` share them.

use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::rc::Rc;

use snnc::check::Options;
use snnc::diag::Sink;
use snnc::diag::render::{Format, Style, render};
use snnc::exec::Engine;
use snnc::ir::{read::read, verify::verify};
use snnc::nir;
use snnc::pipeline::{Compiled, Source};
use snnc::source::{FileId, MemoryFiles, Sources, Span};
use snnc::syntax::{format::format, parse::parse, parse::parse_mended, print::compact};
use snnc::train;
use snnc::train::outcome::{Point, Progress};
use snnc::train::record::Record;
use snnc::train::{checkpoint, state};

/// A target's name and its function.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: &[Target] = &[
    ("parser", parser),
    ("checker", checker),
    ("formatter", formatter),
    ("ir", ir),
    ("csv", csv),
    ("npz", npz),
    ("checkpoint", checkpoint),
    ("resume", resume),
    ("nir", nir_file),
];

/// A program that reads a CSV and an NPZ, and trains in a moment.
pub const PROGRAM: &str = "domain { x in 0 .. 1 }
network u(x) { steps 4  layer h = tuned(x, 4) |> lif(tau = 5)  output = h |> mean |> dense(1) }
residual fit on interior : u = x points 8 sample adaptive resample 1
residual seen on \"d.csv\" : u = v
exact u from \"r.npz\"
train {
  phase grow { perturb neurons(h) pool 8  update pursuit  rounds 1 }
  phase polish { perturb gaussian(sigma = 0.01) directions 2 .. 4  estimate difference  update adam(rate = 0.001)  average 0.9  steps 3 }
}
";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Places lie in the text and on the borders of characters, for messages as for trees.
pub fn parser(bytes: &[u8]) {
    let text = text(bytes);
    let mut sink = Sink::default();
    let file = parse(&text, FileId(0), &mut sink);
    let inside = |s: Span| text.get(s.start as usize..s.end as usize).is_some();
    for item in file.iter().flat_map(|f| &f.items) {
        assert!(inside(item.span()), "an item lies outside of the text: {:?}", item.span());
    }
    for m in sink.into_sorted() {
        assert!(m.labels.iter().all(|l| inside(l.span)), "{m:?} lies outside of the text");
    }
    parse_mended(&text, FileId(0));
}

fn checked(text: &str, files: &[(&str, &[u8])]) {
    let mut all = MemoryFiles::default();
    for (name, bytes) in files {
        all.0.insert((*name).into(), bytes.to_vec());
    }
    let mut sources = Sources::default();
    let checking = Source::new("p.snn", text).check(&mut sources, &all, &Options::default());
    for m in &checking.messages {
        for format in [Format::Fancy, Format::Plain, Format::Json] {
            let shown = render(m, &sources, &Style { format, color: false, width: 100 });
            assert!(shown.contains(&m.code.to_string()), "a message without its code");
            let obeyed = |c: char| snnc::source::is_unsafe(c) && c != '\n' && c != '\t';
            assert!(!shown.chars().any(obeyed), "what a terminal obeys: {shown:?}");
        }
    }
    if let Some(program) = checking.program {
        let _ = program.footprint(1).total();
    }
}

pub fn checker(bytes: &[u8]) {
    checked(&text(bytes), &[("d.csv", b"x,v\n0.5,1\n"), ("probe.csv", b"x,t,value\n0.5,0.5,1\n")]);
}

/// Formatting twice is formatting once, and the tree stays what it is.
pub fn formatter(bytes: &[u8]) {
    let text = text(bytes);
    let tree = |text: &str| parse(text, FileId(0), &mut Sink::default()).map(|f| compact(&f));
    let Some(once) = format(&text) else { return };
    assert_eq!(tree(&once), tree(&text), "the layout changes the program");
    assert_eq!(format(&once).as_deref(), Some(once.as_str()), "the second time is another");
}

/// What reads and verifies prints and reads back as itself.
pub fn ir(bytes: &[u8]) {
    let Ok(program) = read(&text(bytes)) else { return };
    let is_sound = verify(&program).is_ok();
    // Not a number is not itself.
    if is_sound && program == program.clone() {
        assert_eq!(read(&program.to_string()).as_ref(), Ok(&program));
    }
}

pub fn csv(bytes: &[u8]) {
    checked(&PROGRAM.replace("exact u from \"r.npz\"\n", ""), &[("d.csv", bytes)]);
}

/// Bytes that are no archive are arrays, one after the other, and are packed into one: a search never finds a checksum.
pub fn npz(bytes: &[u8]) {
    let packed = if bytes.starts_with(b"PK") { bytes.to_vec() } else { archive(bytes) };
    checked(PROGRAM, &[("d.csv", b"x,v\n0.5,1\n"), ("r.npz", &packed)]);
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// `x` and `u`, the second from where another array begins.
fn archive(bytes: &[u8]) -> Vec<u8> {
    let second = bytes.windows(MAGIC.len()).skip(1).position(|w| w == MAGIC).map_or(bytes.len(), |k| k + 1);
    let (x, u) = bytes.split_at(second);
    let mut zip = zip::ZipWriter::new(Cursor::new(vec![]));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, array) in [("x.npy", x), ("u.npy", u)] {
        zip.start_file(name, options).expect("a name that is free");
        zip.write_all(array).expect("into memory");
    }
    zip.finish().expect("into memory").into_inner()
}

/// Two arrays for [`npz`], by a type and its bytes.
pub fn some_arrays(kind: &str, order: &str, numbers: &[u8], count: usize) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({count},), }}");
    let length = header.len().next_multiple_of(64) + 54;
    let padded = format!("{header:<width$}\n", width = length - 1);
    let array = [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), padded.as_bytes(), numbers];
    array.concat().repeat(2)
}

/// The program, compiled once a thread.
fn with_program<T>(f: impl FnOnce(&Compiled) -> T) -> T {
    thread_local! {
        static COMPILED: Compiled = {
            let mut files = MemoryFiles::default();
            files.0.insert("d.csv".into(), b"x,v\n0.25,1\n0.5,1\n0.75,1\n".to_vec());
            let text = PROGRAM.replace("exact u from \"r.npz\"\n", "");
            let checking = Source::new("p.snn", &text).check(&mut Sources::default(), &files, &Options::default());
            checking.program.expect("it checks").compile(Engine::Interp).expect("it compiles")
        };
    }
    COMPILED.with(f)
}

/// The files of a run: weights, and the state of one that was stopped.
pub fn checkpoint(bytes: &[u8]) {
    let _ = state::decode(bytes);
    with_program(|c| {
        if let Ok((params, _)) = checkpoint::decode(&c.problem, bytes) {
            assert!(params.iter().all(|p| p.is_finite()));
        }
    });
}

/// Weights of the program as a checkpoint, to begin from.
pub fn some_checkpoint() -> Vec<u8> {
    with_program(|c| {
        let params = vec![0.5; c.problem.network.primal.param_len()];
        let meta = checkpoint::Meta { program_hash: "0".into(), seed: 1, phase: String::new(), version: "0".into() };
        checkpoint::encode(&c.problem, &params, &meta).expect("encodes")
    })
}

/// The same without its checksum, so that a search goes beyond it.
pub fn some_bare_checkpoint() -> Vec<u8> {
    let mut bytes = some_checkpoint();
    let word = b"sha256";
    let at = bytes.windows(word.len()).position(|w| w == word).expect("it is there");
    bytes[at + 5] = b'_';
    bytes
}

/// The state of a run that was stopped after its first step.
pub fn some_state() -> Vec<u8> {
    let origin = state::Origin {
        version: "0".into(),
        name: "p".into(),
        file: "/p.snn".into(),
        text: PROGRAM.into(),
        imports: vec![("lib/a.snn".into(), "fn f(x) = x".into())],
        program_hash: "0".into(),
        inputs: vec![("d.csv".into(), "0".into())],
        set: vec![("c".into(), 0.5)],
        seed: 1,
        precision: "f32".into(),
    };
    state::encode(&records()[0], &origin).expect("encodes")
}

/// Keeps the records of a run, each of which it could be stopped at.
#[derive(Default)]
struct Keeper(Vec<Record>);

impl Progress for Keeper {
    fn point(&mut self, _: &Point) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn wants_record(&mut self, _: bool, _: bool) -> bool {
        true
    }

    fn record(&mut self, record: Record, _: bool) {
        self.0.push(record);
    }
}

fn options() -> train::Options<'static> {
    train::Options { seed: 1, ..Default::default() }
}

/// Every record of the program's run, made once a thread.
fn records() -> Rc<[Record]> {
    thread_local! {
        static RECORDS: Rc<[Record]> = with_program(|c| {
            let mut keeper = Keeper::default();
            train::train(&c.problem, &c.kernels, &options(), &mut keeper);
            keeper.0.into()
        });
    }
    RECORDS.with(Rc::clone)
}

/// Goes on from a state with some of its numbers changed, as somebody could who also mends the checksum.
pub fn resume(bytes: &[u8]) {
    let Some((&first, changes)) = bytes.split_first() else { return };
    with_program(|c| {
        let records = records();
        let mut record = records[usize::from(first) % records.len()].clone();
        for change in changes.chunks_exact(4).take(8) {
            let names: Vec<String> = record.numbers.keys().cloned().collect();
            let name = &names[usize::from(change[0]) % names.len()];
            let values = record.numbers.get_mut(name).expect("it is there");
            let value = [0.0, -1.0, 1e300, f64::NAN, f64::INFINITY, 0.5, 3.0, 4e9][usize::from(change[2]) % 8];
            match change[1] % 4 {
                0 => drop(record.numbers.remove(name)),
                1 => values.push(value),
                2 => drop(values.pop()),
                _ => {
                    let n = values.len().max(1);
                    values.iter_mut().skip(usize::from(change[3]) % n).take(1).for_each(|v| *v = value);
                }
            }
        }
        let _ = train::go_on(&c.problem, &c.kernels, &options(), &mut Keeper::default(), &record);
    });
}

/// A graph that can be read is imported or refused.
pub fn nir_file(bytes: &[u8]) {
    let Ok(graph) = nir::file::decode(bytes.to_vec()) else { return };
    let graph = nir::import::flat(&graph);
    let file = Sources::default().add("n.nir", "");
    let _ = nir::import::listing(&graph, file);
    let options = nir::import::Options { dt: None, steps: None, decoder: None };
    let _ = nir::import::import(&graph, file, "n", &options);
}
