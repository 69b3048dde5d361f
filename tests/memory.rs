//! What a program is reckoned to take: more where a number in it is larger, and not far from what it takes.

use std::process::{Command, Stdio};
use std::time::Duration;

use snnc::check::Options;
use snnc::pipeline::Source;
use snnc::source::{MemoryFiles, Sources};

/// Bytes that a program is reckoned to take on two threads.
fn reckoned(text: &str) -> f64 {
    let mut sources = Sources::default();
    let checking = Source::new("p.snn", text).check(&mut sources, &MemoryFiles::default(), &Options::default());
    match (checking.program, checking.simulation) {
        (Some(program), _) => program.footprint(2).total(),
        (_, Some(simulation)) => simulation.footprint().total(),
        _ => panic!("{text}\n{:?}", checking.messages),
    }
}

const TRAINED: &str = "domain { x in 0 .. 1  y in 0 .. 1 }
network u(x, y) { steps STEPS  layer h = tuned(x, y, UNITS) |> lif  output = h |> mean |> dense(1) }
residual inside on interior : -d(u, x, x) - d(u, y, y) = 1 by weak(tests = TESTS)
residual edge on x = 0, x = 1, y = 0, y = 1 : u = 0 points POINTS
exact u = 0
train {
  phase grow { perturb neurons(h) pool POOL  update pursuit  rounds 1 }
  phase polish { perturb gaussian(sigma = 0.01) directions DIRECTIONS  estimate difference  update adam(rate = 0.001)  steps 3 }
}
report { metric l2 = rmse(u) on grid(x = GRID, y = GRID)  plot raster(h) }
";

const SIMULATED: &str = "neuron c { input i  state v = 0  flow v' = i - v  spike when v >= 1  reset v = 0 }
simulate {
  duration STEPS  dt 1
  population a = c(UNITS)
  connect a -> a indegree DEGREE weight 1 delay DELAY
  record v of a[0 .. RECORDED]
}
";

/// A word of a program, and numbers to put there.
type Rising = (&'static str, &'static [u64]);

#[test]
fn the_estimate_never_falls_where_a_number_rises() {
    let cases: [(&str, &[Rising]); 2] = [
        (
            TRAINED,
            &[
                ("STEPS", &[8, 64, 1000]),
                ("UNITS", &[16, 256, 2048]),
                ("TESTS", &[8, 24, 96]),
                ("POINTS", &[16, 1000, 100_000]),
                ("POOL", &[4000, 20_000, 200_000]),
                ("DIRECTIONS", &[2, 64, 1024]),
                ("GRID", &[11, 101, 1001]),
            ],
        ),
        (
            SIMULATED,
            &[
                ("STEPS", &[20_000, 40_000]),
                ("UNITS", &[1000, 100_000]),
                ("DEGREE", &[1, 10, 100]),
                ("DELAY", &[1, 100, 10_000]),
                ("RECORDED", &[0, 10, 99]),
            ],
        ),
    ];
    for (text, numbers) in cases {
        for (name, values) in numbers {
            let with = |value: u64| {
                let rest = numbers.iter().filter(|(other, _)| other != name);
                let text = rest.fold(text.to_string(), |t, (other, values)| t.replace(other, &values[0].to_string()));
                reckoned(&text.replace(name, &value.to_string()))
            };
            let all: Vec<f64> = values.iter().map(|v| with(*v)).collect();
            assert!(all.windows(2).all(|w| w[1] >= w[0]), "{name}: {all:?}");
            // Phases and the report follow each other: what is small beside the largest of them does not count.
            let is_small = text == TRAINED && matches!(*name, "STEPS" | "DIRECTIONS");
            assert!(is_small || all[all.len() - 1] > all[0], "{name} counts for something: {all:?}");
        }
    }
}

/// The largest memory that a process has had, as long as it is there to be asked.
fn peak(process: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.trim();
    Some(1024.0 * line.strip_suffix("kB")?.trim().parse::<f64>().ok()?)
}

/// Never less than what is taken, and not many times as much.
#[cfg(target_os = "linux")]
#[test]
fn the_estimate_is_not_far_from_what_a_run_takes() {
    let small = TRAINED.replace("POINTS", "50").replace("DIRECTIONS", "4").replace("STEPS", "16");
    let candidates = small.replace("UNITS", "64").replace("TESTS", "40").replace("POOL", "6000").replace("GRID", "51");
    let grid = small.replace("UNITS", "16").replace("TESTS", "8").replace("POOL", "50").replace("GRID", "1200");
    for (name, text) in [("candidates", candidates), ("grid", grid)] {
        let place = tempfile::tempdir().expect("a folder");
        std::fs::write(place.path().join("p.snn"), &text).expect("writes");
        let mut child = Command::new(env!("CARGO_BIN_EXE_snnc"))
            .current_dir(place.path())
            .args(["run", "p.snn", "--quiet", "--threads", "2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut most = 0.0f64;
        while child.try_wait().expect("waits").is_none() {
            most = most.max(peak(child.id()).unwrap_or(0.0));
            std::thread::sleep(Duration::from_millis(1));
        }
        let reckoned = reckoned(&text);
        assert!(most > 60e6, "{name} takes some: {most:.3e}");
        assert!(most <= reckoned && reckoned <= 5.0 * most, "{name}: {reckoned:.3e} reckoned, {most:.3e} taken");
    }
}
