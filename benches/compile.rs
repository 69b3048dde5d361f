//! How long the compiler takes: every example checked, and lowered, optimised and compiled to machine code.
//!
//! ```text
//! cargo bench --bench compile                  all of them
//! cargo bench --bench compile -- kernels/wave  one
//! ```
//! `check/NAME` is text to model, `kernels/NAME` model to machine code that can be called. `snnc check -v` says how that is divided
//! up for a single program.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use snnc::check::Options;
use snnc::exec::Engine;
use snnc::pipeline::{Checking, Source};
use snnc::source::{Files, Sources};

/// The files beside an example.
struct Beside(PathBuf);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|e| e.to_string())
    }
}

fn check(name: &str, text: &str, folder: &Path) -> Checking {
    let files = Beside(folder.to_path_buf());
    Source::new(name, text).check(&mut Sources::default(), &files, &Options { set: vec![], seed: None })
}

fn examples(c: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the examples are there").flatten().map(|e| e.path()).collect();
    names.retain(|p| p.extension().is_some_and(|e| e == "snn"));
    names.sort();
    for path in names {
        let text = fs::read_to_string(&path).expect("UTF-8");
        let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
        c.bench_function(&format!("check/{name}"), |b| {
            b.iter(|| black_box(check(&name, &text, &folder)).messages.len())
        });
        let checked = check(&name, &text, &folder);
        c.bench_function(&format!("kernels/{name}"), |b| {
            b.iter(|| match (&checked.program, &checked.simulation) {
                (Some(program), _) => program.compile(Engine::Jit).expect("compiles").kernels.all().len(),
                (None, Some(simulation)) => simulation.compile(Engine::Jit).expect("compiles").kernels.len(),
                (None, None) => panic!("{name} has errors"),
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    targets = examples
}
criterion_main!(benches);
