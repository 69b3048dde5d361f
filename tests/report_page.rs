//! The page of a run in a real browser, headless: its script runs, answers a pointer, moves its slider, switches the loss, and
//! nothing is wider than a phone. Without a browser the test says so and is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use assert_cmd::Command;

const PROGRAM: &str = "
domain { x in 0 .. 1  t in 0 .. 2 }
network u(x, t) {
  layer h = tuned(x, t, 48) |> lif(tau = 10)
  output  = h |> ema(tau = 10) |> mean |> dense(1)
}
residual fit on grid(x = 21, t = 21) : u = sin(pi*x) * exp(-t)
exact u = sin(pi*x) * exp(-t)
train { phase grow { perturb neurons(h) pool 200  update pursuit  rounds 2 }  phase solve_it { solve readout } }
report {
  metric l2 = relative_l2(u) on grid(x = 41, t = 31)
  plot heatmap(u), heatmap(exact(u)), heatmap(error(u)), loss, raster(h)
}
";

const SPACE: &str = "
domain { x in 0 .. 1  y in 0 .. 1  t in 0 .. 1 }
network u(x, y, t) {
  layer h = tuned(x, y, t, 32) |> lif(tau = 10)
  output  = h |> mean |> dense(1)
}
residual fit on grid(x = 7, y = 7, t = 7) : u = x*y + t
train { phase solve_it { solve readout } }
report { metric left = residual(fit)  plot heatmap(u) }
";

/// Goes through the page and writes what it found as lines of `name=value`.
const DRIVER: &str = r#"<script>
window.failures = [];
addEventListener('error', (e) => failures.push(e.message));
</script><iframe id="phone" style="width:360px;height:700px;border:0"></iframe><pre id="found"></pre><script>
addEventListener('load', () => {
  const frame = document.getElementById('phone');
  frame.srcdoc = document.getElementById('page').textContent.replaceAll('<\\/', '</');
  frame.onload = () => {
    const out = [];
    const say = (k, v) => out.push(`${k}=${v}`);
    try {
      const w = frame.contentWindow, d = w.document;
      w.addEventListener('error', (e) => failures.push(e.message));
      say('width', d.documentElement.scrollWidth);
      const tip = d.querySelector('.tip');
      const point = (figure, fx, fy) => {
        figure.scrollIntoView();
        const svg = [...figure.querySelectorAll('svg')].find((s) => s.getBoundingClientRect().height > 0);
        const box = svg.getBoundingClientRect();
        svg.dispatchEvent(new w.PointerEvent('pointermove', { clientX: box.left + fx * box.width, clientY: box.top + fy * box.height, bubbles: true }));
        const said = tip.hidden ? 'nothing' : tip.textContent.replaceAll('\n', '; ');
        svg.dispatchEvent(new w.PointerEvent('pointerleave', { bubbles: true }));
        return said;
      };
      const kinds = {};
      for (const f of d.querySelectorAll('figure')) {
        const kind = JSON.parse(f.querySelector('script').textContent).kind;
        (kinds[kind] ??= []).push(f);
      }
      for (const kind of ['map', 'chart', 'frames', 'raster']) {
        say(kind, (kinds[kind] ?? []).length);
        if (kinds[kind]) say(`hover_${kind}`, point(kinds[kind][0], 0.5, 0.6));
      }
      say('outside', kinds.map ? point(kinds.map[0], 0.01, 0.99) : '');
      const slide = (f) => {
        const input = f.querySelector('input[type=range]');
        const look = () => (f.querySelector('path.curve')?.getAttribute('d') ?? f.querySelector('image.map').getAttribute('href'));
        const before = look();
        input.value = input.max;
        input.dispatchEvent(new w.Event('input', { bubbles: true }));
        return `${before !== look()}; ${f.querySelector('output').textContent}; ${point(f, 0.5, 0.5)}`;
      };
      const slid = d.querySelector('figure:has(input[type=range])');
      say('slid', slid ? slide(slid) : 'none');
      const loss = d.querySelector('.switched');
      if (loss) {
        const seen = () => [...loss.querySelectorAll('.log, .linear')].map((e) => w.getComputedStyle(e).display).join(',');
        const before = seen();
        loss.querySelector('input').click();
        say('switch', `${before} then ${seen()}`);
      }
    } catch (e) { failures.push(String(e.stack ?? e)); }
    say('failures', failures.join(' | '));
    document.getElementById('found').textContent = out.join('\n');
  };
});
</script>"#;

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    std::env::split_paths(&path).flat_map(|dir| names.map(|n| dir.join(n))).find(|p| p.is_file())
}

/// What the driver found in the page, by name.
fn found(browser: &Path, folder: &Path) -> Vec<(String, String)> {
    let page = fs::read_to_string(folder.join("report.html")).expect("the page");
    for fetched in ["src=\"http", "href=\"http", "url(http", "fetch(", "import("] {
        assert!(!page.contains(fetched), "the page fetches something: {fetched}");
    }
    let held = page.replace("</", "<\\/");
    let test =
        format!("<!doctype html><meta charset=utf-8><script type=\"text/plain\" id=\"page\">{held}</script>{DRIVER}");
    fs::write(folder.join("driver.html"), test).expect("writes");
    let out = Process::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", folder.join("driver.html").display()))
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&out.stdout).into_owned();
    let text = dom.split("<pre id=\"found\">").nth(1).and_then(|t| t.split("</pre>").next()).unwrap_or("");
    assert!(!text.is_empty(), "nothing was found: {}\n{}", String::from_utf8_lossy(&out.stderr), dom.len());
    text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

#[test]
fn the_page_works_in_a_browser_and_on_a_phone() {
    let Some(browser) = browser() else {
        println!("skipped: no chromium, chromium-browser or google-chrome in PATH");
        return;
    };
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, program) in [("plane", PROGRAM), ("space", SPACE)] {
        fs::write(dir.path().join("net.snn"), program).expect("writes");
        let out = dir.path().join(name);
        let mut command = Command::cargo_bin("snnc").expect("the binary is built");
        let done = command.current_dir(dir.path()).args(["run", "net.snn", "-q", "--out"]).arg(&out).output();
        assert!(done.expect("runs").status.success());
        let found = found(&browser, &out);
        let of = |key: &str| found.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str());
        println!("{name}: {found:#?}");
        assert_eq!(of("failures"), "");
        assert!(of("width").parse::<f64>().expect("a number") <= 360.0, "wider than a phone: {}", of("width"));
        assert_eq!(of("outside"), "nothing");
        assert!(of("slid").starts_with("true; t = "), "{}", of("slid"));
        if name == "space" {
            assert_eq!(of("map"), "1");
            assert!(of("slid").contains("t = 1") && of("hover_map").contains("y = "), "{}", of("slid"));
            continue;
        }
        assert_eq!([of("map"), of("chart"), of("frames"), of("raster")], ["3", "1", "1", "1"]);
        assert!(of("hover_map").contains("x = ") && of("hover_map").contains("u, the network: "));
        assert!(of("hover_chart").contains("phase ") && of("hover_chart").contains("training loss: "));
        assert!(of("hover_frames").contains("exact: "));
        assert!(of("hover_raster").contains("neuron ") && of("hover_raster").contains("spikes a neuron and step: "));
        assert!(of("slid").contains("t = 2"));
        assert_eq!(of("switch"), "block,none then none,block");
        for plot in ["u", "exact_u", "error_u", "u_cut", "loss", "raster_h"] {
            let svg = fs::read_to_string(out.join(format!("plots/{plot}.svg"))).expect("the figure");
            assert!(svg.starts_with("<svg") && !svg.contains("var("));
            let png = fs::read(out.join(format!("plots/{plot}.png"))).expect("the picture");
            assert!(png.starts_with(b"\x89PNG") && png.len() > 4000, "{plot}: {} bytes", png.len());
        }
    }
}
