//! Nothing is lost, whatever happens while a run writes: it is killed at any moment, the disk is full, the folder cannot be
//! written to, files come back damaged. An earlier result is there whole or replaced whole, and what was killed goes on to the bits
//! of a run that never was.
//!
//! ```text
//! SNNC_KILLS=200 cargo test --release --test crash       more moments than the usual 20
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use rand::{Rng, RngExt};
use snnc::exec::rng::{Purpose, Stream};
use tempfile::TempDir;

/// Rounds, steps of two kinds, resampled points: half a second.
const PROGRAM: &str = "
domain { x in 0 .. 1 }
network u(x) {
  steps 8
  layer h = tuned(x, 24) |> lif(tau = 5)
  output = h |> mean |> dense(1)
}
exact u = sin(pi*x)
residual fit on interior : u = sin(pi*x) points 300 sample uniform resample 8
train {
  seed 5
  phase grow { perturb neurons(h) pool 400 mutate(0.1) update pursuit rounds 3 }
  phase polish { perturb rademacher(sigma = 0.02) directions 8 antithetic estimate difference update adam(rate = 0.01) steps 60 }
}
report { metric l2 = relative_l2(u) on grid(x = 101)  save \"u.npz\" }
";

/// Files that hold a run's result, with nothing in them that differs from run to run.
const RESULTS: [&str; 2] = ["checkpoint.safetensors", "u.npz"];

fn folder() -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("p.snn"), PROGRAM).expect("writes");
    dir
}

fn snnc(dir: &Path, arguments: &str) -> Command {
    let mut command = Command::new(cargo_bin("snnc"));
    command.current_dir(dir).env("NO_COLOR", "1").args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn output(dir: &Path, arguments: &str) -> (i32, String) {
    said(&snnc(dir, arguments).output().expect("runs"))
}

fn said(output: &Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

fn results(run: &Path) -> Vec<Option<Vec<u8>>> {
    RESULTS.iter().map(|name| fs::read(run.join(name)).ok()).collect()
}

fn result_sha256(run: &Path) -> String {
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(run.join("run.json")).expect("is there")).expect("is JSON");
    record["result_sha256"].as_str().expect("a hash").to_string()
}

/// All that a folder holds, by its path from there.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = vec![];
    let mut left = vec![dir.to_path_buf()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).expect("lists") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => left.push(path),
                false => all.push((path.clone(), fs::read(&path).expect("reads"))),
            }
        }
    }
    all.sort();
    all
}

fn kills() -> u64 {
    std::env::var("SNNC_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

/// Killed as `kill -9` does, at moments that a seeded generator draws over the time that the rest of the run takes, in a folder
/// with an earlier result; then gone on with, and killed again, until it ends.
#[test]
fn a_run_killed_at_any_moment_goes_on_to_the_same_bits() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    let begun = Instant::now();
    assert_eq!(output(dir.path(), "run p.snn --quiet --out whole").0, 0);
    let takes = begun.elapsed().as_secs_f64();
    assert_eq!(output(dir.path(), "run p.snn --quiet --out earlier --seed 6").0, 0);
    let (whole, earlier) = (results(&at("whole")), results(&at("earlier")));
    assert!(whole.iter().zip(&earlier).all(|(a, b)| a.is_some() && a != b));
    let (mut killed, mut from_a_state, mut story) = (0, 0, 0);
    while killed < kills() {
        let run = format!("r{story}");
        fs::create_dir(at(&run)).expect("makes");
        for name in RESULTS.iter().chain(&["run.json"]) {
            fs::copy(at("earlier").join(name), at(&run).join(name)).expect("copies");
        }
        let mut random = Stream::new(story, Purpose::Test, 0);
        let mut times = 0;
        loop {
            let resumes = at(&run).join("resume.safetensors").exists();
            let arguments = match resumes {
                true => format!("resume {run} --quiet --checkpoint-every 0 --threads {}", 1 + times % 3),
                false => format!("run p.snn --quiet --out {run} --checkpoint-every 0"),
            };
            let mut command = snnc(dir.path(), &arguments);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
            // The third time it may come to its end.
            let wait = if times < 3 { takes * random.random::<f64>() } else { 600.0 };
            let begun = Instant::now();
            while begun.elapsed().as_secs_f64() < wait && child.try_wait().expect("is ours").is_none() {
                std::thread::sleep(Duration::from_micros(500));
            }
            let ended = child.try_wait().expect("is ours");
            child.kill().expect("is killed, or has ended");
            child.wait().expect("is gone");
            let now = results(&at(&run));
            for ((now, whole), earlier) in now.iter().zip(&whole).zip(&earlier) {
                assert!(now == whole || now == earlier, "story {story}: a result is neither old nor new");
            }
            if let Some(status) = ended {
                assert!(status.success(), "story {story}: {status}");
                break;
            }
            killed += 1;
            from_a_state += u64::from(resumes);
            times += 1;
            let state = fs::read(at(&run).join("resume.safetensors"));
            assert!(state.is_err() || snnc::train::state::decode(&state.expect("read")).is_ok(), "story {story}");
        }
        assert!(results(&at(&run)) == whole, "story {story}: another result");
        assert_eq!(result_sha256(&at(&run)), result_sha256(&at("whole")), "story {story}");
        let names: Vec<_> = contents(&at(&run)).into_iter().map(|(path, _)| path).collect();
        let left = names.iter().filter(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(".snnc-") || name.starts_with("resume")
        });
        assert_eq!(left.count(), 0, "story {story}: what was being written when it was killed is left: {names:?}");
        story += 1;
    }
    assert!(from_a_state * 4 >= killed, "only {from_a_state} of {killed} were killed on their way on");
}

/// A run in a folder with an earlier result and an earlier state, whose writes fail: it says so, with a code, and leaves what there
/// is as it was. `fails` is put before the command of a shell.
#[cfg(unix)]
fn loses_nothing(what: &str, fails: &str, makes_state: bool) {
    let dir = folder();
    assert_eq!(output(dir.path(), "run p.snn --quiet --out r --seed 6").0, 0);
    if makes_state {
        assert_eq!(output(dir.path(), "run p.snn --quiet --out s --max-time 0").0, 130);
        fs::copy(dir.path().join("s/resume.safetensors"), dir.path().join("r/resume.safetensors")).expect("copies");
    }
    let before = contents(&dir.path().join("r"));
    let arguments = if makes_state { "resume r --quiet" } else { "run p.snn --quiet --out r" };
    let line = format!("{fails} exec {} {arguments} --checkpoint-every 0", cargo_bin("snnc").display());
    let mut shell = Command::new("sh");
    shell.current_dir(dir.path()).env("NO_COLOR", "1").args(["-c", &line]);
    let (code, text) = said(&shell.output().expect("a shell"));
    assert!(code == 2 && text.contains("SNN12"), "{what}: {code}\n{text}");
    assert!(before == contents(&dir.path().join("r")), "{what}: something has changed\n{text}");
}

/// No file may become longer than 512 bytes: each write beyond fails as on a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let fails = "trap '' XFSZ; ulimit -f 1;";
    loses_nothing("a run", fails, false);
    loses_nothing("going on", fails, true);
}

/// A real file system that is full, where one can be mounted.
#[cfg(target_os = "linux")]
#[test]
fn a_full_file_system_loses_nothing() {
    let dir = folder();
    fs::create_dir(dir.path().join("small")).expect("makes");
    let line = format!(
        "mount -t tmpfs -o size=64k tmpfs small && cp p.snn small && cd small && {snnc} run p.snn --quiet --out r --seed 6;
         cp -r r ../before; dd if=/dev/zero of=filler bs=1k count=64 2>/dev/null;
         {snnc} run p.snn --quiet --out r --checkpoint-every 0; code=$?; cp -r r ../after; exit $code",
        snnc = cargo_bin("snnc").display()
    );
    let mut shell = Command::new("unshare");
    shell.current_dir(dir.path()).env("NO_COLOR", "1").args(["-rm", "sh", "-c", &line]);
    let Ok(output) = shell.output() else {
        eprintln!("skipped: there is no `unshare`");
        return;
    };
    let (code, text) = said(&output);
    if !dir.path().join("before").exists() {
        eprintln!("skipped: no file system can be mounted here: {text}");
        return;
    }
    assert!(code == 2 && text.contains("SNN12") && text.contains("the disk is full"), "{code}\n{text}");
    let [before, after] = ["before", "after"].map(|name| {
        let all = contents(&dir.path().join(name));
        let short = |p: PathBuf| p.strip_prefix(dir.path().join(name)).expect("is below").to_path_buf();
        all.into_iter().map(|(path, bytes)| (short(path), bytes)).collect::<Vec<_>>()
    });
    assert!(before == after, "something has changed\n{text}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    assert_eq!(output(dir.path(), "run p.snn --quiet --out r --seed 6").0, 0);
    let run = dir.path().join("r");
    let before = contents(&run);
    fs::set_permissions(&run, fs::Permissions::from_mode(0o555)).expect("sets");
    // Nothing is forbidden to root, as which tests may run: it takes another user's place.
    let root = fs::write(run.join("probe"), "").is_ok();
    let _ = fs::remove_file(run.join("probe"));
    let (mut command, user) = match root {
        false => (snnc(dir.path(), "run p.snn --quiet --out r"), "its own"),
        true => {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("sets");
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(cargo_bin("snnc"));
            command.current_dir(dir.path()).env("NO_COLOR", "1").args(["run", "p.snn", "--quiet", "--out", "r"]);
            (command, "another")
        }
    };
    let output = command.output();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("sets");
    let Ok(output) = output else {
        eprintln!("skipped: there is no `setpriv`");
        return;
    };
    let (code, text) = said(&output);
    if root && !text.contains("SNN") {
        eprintln!("skipped: {user} user cannot run the binary here: {text}");
        return;
    }
    assert!(code == 2 && text.contains("SNN12") && text.contains("permission is denied"), "{code}\n{text}");
    assert!(before == contents(&run), "something has changed");
}

/// Bits that flip and files that are cut short, wherever: a message with a code, or (in blanks of a header) the same result.
#[test]
fn damaged_files_are_refused_and_left_alone() {
    let dir = folder();
    assert_eq!(output(dir.path(), "run p.snn --quiet --out whole").0, 0);
    assert_eq!(output(dir.path(), "run p.snn --quiet --out r").0, 0);
    assert_eq!(output(dir.path(), "run p.snn --quiet --out s --max-time 0").0, 130);
    let mut random = Stream::new(9, Purpose::Test, 0);
    let mut refused = 0;
    for (folder, file, arguments) in [
        ("r", "checkpoint.safetensors", "eval r"),
        ("s", "resume.safetensors", "resume s --quiet"),
        ("r", "run.json", "eval r"),
    ] {
        let path = dir.path().join(folder).join(file);
        let good = fs::read(&path).expect("is there");
        for k in 0..16 {
            let mut bad = good.clone();
            let at = random.random_range(0..bad.len());
            match k % 4 {
                0 => bad.truncate(at),
                1 => bad[at] ^= 1 << (random.next_u32() % 8),
                // The first bytes say how long the header is.
                2 => bad[k / 4] ^= 1 << (random.next_u32() % 8),
                _ => bad[at..].fill(0),
            }
            fs::write(&path, &bad).expect("writes");
            let (code, text) = output(dir.path(), arguments);
            match code {
                // A blank of a header is another blank, or a figure of run.json that nothing depends on is another.
                0 if file == "resume.safetensors" => {
                    assert!(
                        results(&dir.path().join("s")) == results(&dir.path().join("whole")),
                        "{k}: another result"
                    );
                }
                0 => assert!(file == "run.json" || bad.len() == good.len(), "{file} {k}: {text}"),
                2 => {
                    assert!(text.contains("SNN12"), "{file} {k}: {text}");
                    assert!(fs::read(&path).expect("is there") == bad, "{file} {k}: it was written to");
                    refused += 1;
                }
                _ => panic!("{file} {k}: {code}\n{text}"),
            }
        }
        fs::write(&path, &good).expect("writes");
    }
    assert!(refused > 36, "only {refused} of 48 were refused");
}
