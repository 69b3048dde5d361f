//! Two networks that differ in their steps live in one program and answer as each does alone.

use std::fs;

use assert_cmd::Command;

/// A field whose weights start from the program alone, and a schedule that leaves them: a step of rate 0.
fn network(name: &str, steps: u32, dt: f64, tau: f64) -> String {
    format!(
        "network {name}(x) {{
           steps {steps}  dt {dt}
           layer h_{name} = current(x) |> integrator(tau = {tau}) |> ema(tau = 3)
           output = concat(h_{name} |> mean, h_{name} |> last) |> dense(1, init = 1, bias = none)
         }}
         residual r_{name} on grid(x = 5) : {name} = x"
    )
}

fn field(programs: &[String], name: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("p.snn");
    let text = format!(
        "domain {{ x in 0 .. 1 }} {} train {{ phase p {{ steps 1 perturb gaussian directions 1 estimate forward update sgd(rate = 1e-30) }} }} report {{ plot curve({name}) save \"p.npz\" }}",
        programs.join("\n")
    );
    fs::write(&file, text).expect("writes");
    let out = dir.path().join("out");
    let run =
        Command::cargo_bin("snnc").expect("built").arg("run").arg(&file).arg("--quiet").arg("--out").arg(&out).output();
    let run = run.expect("runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let archive = fs::read(out.join("p.npz")).expect("is written");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
    let mut bytes = vec![];
    std::io::Read::read_to_end(&mut zip.by_name(&format!("{name}.npy")).expect("is there"), &mut bytes).expect("reads");
    bytes
}

#[test]
fn networks_of_different_steps_do_not_disturb_each_other() {
    let u = network("u", 12, 1.0, 5.0);
    let v = network("v", 40, 0.25, 2.0);
    let w = network("w", 12, 0.5, 2.0);
    let together = [u.clone(), v.clone(), w.clone()];
    for (name, alone) in [("u", &u), ("v", &v), ("w", &w)] {
        assert_eq!(field(&together, name), field(std::slice::from_ref(alone), name), "{name}");
    }
    assert_ne!(field(std::slice::from_ref(&w), "w"), field(&[network("w", 12, 1.0, 2.0)], "w"));
}
