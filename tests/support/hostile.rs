//! A folder in which the binary is run on files that mean no good.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a command came to.
pub struct Answer {
    /// `None` if it was ended by a signal.
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

/// Far more than anything here takes, even on a machine that does much else.
const MOST: Duration = Duration::from_secs(120);

pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("makes folders");
        fs::write(path, bytes).expect("writes");
    }

    /// All files, links among them, by their path from here.
    pub fn files(&self) -> Vec<String> {
        let (mut out, mut todo) = (vec![], vec![PathBuf::new()]);
        while let Some(folder) = todo.pop() {
            for entry in fs::read_dir(self.path().join(&folder)).expect("lists").flatten() {
                let path = folder.join(entry.file_name());
                match entry.file_type().expect("a kind").is_dir() {
                    true => todo.push(path),
                    false => out.push(path.display().to_string()),
                }
            }
        }
        out
    }

    /// Runs the binary here; one that does not end is ended, and counts as ended by a signal.
    pub fn snnc(&self, arguments: &[&str]) -> Answer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_snnc"))
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let read = |from: &mut dyn Read| {
            let mut bytes = vec![];
            from.read_to_end(&mut bytes).expect("reads");
            bytes
        };
        let (out, err) = std::thread::scope(|scope| {
            let out = scope.spawn(move || read(&mut out));
            let err = scope.spawn(move || read(&mut err));
            let begun = Instant::now();
            while child.try_wait().expect("waits").is_none() {
                if begun.elapsed() > MOST {
                    child.kill().expect("ends");
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            (out.join().expect("reads"), err.join().expect("reads"))
        });
        Answer { code: child.wait().expect("waits").code(), out, err }
    }
}

/// A network of `x` with one layer.
pub fn network(layer: &str) -> String {
    format!("domain {{ x in 0 .. 1 }}\nnetwork u(x) {{ layer h = {layer} output = h |> mean |> dense(1) }}\n")
}

/// A whole program with an expression in its residual.
pub fn program(e: &str) -> String {
    network("tuned(x, 8) |> lif(tau = 5)") + &format!("residual fit on interior : u = {e}\n")
}
