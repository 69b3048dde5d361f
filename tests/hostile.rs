//! Files that somebody sent: whatever is in them, snnc says what is wrong, in bounded time and memory, and neither reads nor
//! writes where it has no business, nor prints what a terminal or a browser would obey.

mod support {
    pub mod hostile;
}

use std::fs;
use std::path::Path;

use support::hostile::{Answer, Place, network, program};

/// Ends well: done, or refused with a code. Never a bug, a signal or a flood.
fn well(name: &str, answer: &Answer) {
    let said = String::from_utf8_lossy(&answer.err);
    assert!(matches!(answer.code, Some(0..=4)), "{name}: exit {:?}\n{said:.2000}", answer.code);
    assert!(answer.code == Some(0) || said.contains("SNN"), "{name}: no code in\n{said:.2000}");
    assert!(answer.err.len() < 1 << 18, "{name}: {} bytes of messages", answer.err.len());
}

/// A name, the arguments, and files with what they hold.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, Vec<u8>)]);

/// Every case in a folder of its own, with `snnc check` unless it says otherwise.
fn all_well(cases: &[Case<'_>]) {
    for (name, command, files) in cases {
        let place = Place::new();
        files.iter().for_each(|(name, bytes)| place.put(name, bytes));
        well(name, &place.snnc(&command.split(' ').collect::<Vec<_>>()));
    }
}

#[test]
fn no_text_of_a_program_hurts() {
    const N: usize = 100_000;
    let fit = |e: &str| program(e).into_bytes();
    let r = |what: &str, n: usize| what.repeat(n);
    let list = |n: usize, f: &dyn Fn(usize) -> String| (0..n).map(f).collect::<String>();
    let in_layer = |what: &str| network(&format!("tuned(x, 8){what} |> lif(tau = 5)")).into_bytes();
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("a long line", fit(&r("x + ", N))),
        ("a long comment", [b"# ".to_vec(), vec![b'x'; 1 << 19], b"\nconst a = b\n".to_vec()].concat()),
        ("a long name", format!("const {} = b\n", r("a", 1 << 19)).into_bytes()),
        ("a long string", format!("import \"{}\"\n", r("a", 1 << 19)).into_bytes()),
        ("more than is read", vec![b' '; (1 << 20) + 1]),
        ("parentheses", fit(&(r("(", N) + "x" + &r(")", N)))),
        ("open parentheses", fit(&r("(", N))),
        ("closing parentheses", fit(&r(")", N))),
        ("brackets", fit(&(r("[", N) + "x" + &r("]", N)))),
        ("braces", fit(&(r("{", N) + "x" + &r("}", N)))),
        ("minuses", fit(&(r("-", N) + "x"))),
        ("negations", fit(&(r("not ", N) + "x"))),
        ("powers", fit(&("x".to_string() + &r("^x", N)))),
        ("pipes", in_layer(&r(" |> tanh", N))),
        ("conditions", fit(&(r("if x < 1 then x else ", N / 4) + "x"))),
        ("calls", fit(&(r("sin(", N) + "x" + &r(")", N)))),
        ("a tuple", fit(&format!("({}x)", r("x,", N)))),
        ("arguments", fit(&format!("sin({}x)", r("x,", N)))),
        ("ranges", fit(&("x".to_string() + &r("..x", N)))),
        ("constants", list(20_000, &|k| format!("const a{k} = {k}\n")).into_bytes()),
        ("mistakes", list(500, &|k| format!("const a{k} = b{k}\n")).into_bytes()),
        ("bad items", r("const = 1\n", 1900).into_bytes()),
        (
            "functions of functions",
            (list(800, &|k| match k {
                0 => "fn f0(x) = x\n".to_string(),
                k => format!("fn f{k}(x) = f{}(x)\n", k - 1),
            }) + &program("f799(x)"))
                .into_bytes(),
        ),
        ("a function of itself", ("fn f(x) = f(x)\n".to_string() + &program("f(x)")).into_bytes()),
        ("two of each other", ("fn f(x) = g(x)\nfn g(x) = f(x)\n".to_string() + &program("f(x)")).into_bytes()),
        (
            "doubling functions",
            (list(40, &|k| match k {
                0 => "fn f0(x) = x+x\n".to_string(),
                k => format!("fn f{k}(x) = f{}(x)*f{}(x)\n", k - 1, k - 1),
            }) + &program("f39(x)"))
                .into_bytes(),
        ),
        ("sums of sums", fit("sum(i in 0 .. 999, sum(j in 0 .. 999, sum(k in 0 .. 999, x^i*j*k)))")),
        ("derivatives", fit(&(r("d(", 60) + "sin(x^2*exp(x))" + &r(", x)", 60)))),
        ("a derivative of a product", fit(&format!("d({}x, x, x, x)", list(450, &|k| format!("sin(x+{k})*"))))),
        ("a power of powers", fit("((u+x)^16)^15")),
        (
            "states",
            format!("neuron n {{ input i state {} s = 0 }}\n", list(2000, &|k| format!("s{k} = 0, "))).into_bytes(),
        ),
        ("digits", fit(&("0.".to_string() + &r("9", 1 << 19)))),
        ("a large number", fit(&r("9", 1000))),
        ("an exponent", fit("1e99999999999999999999")),
        ("no number", fit("1e308*1e308*x")),
        ("a width", network("tuned(x, 4000000000) |> lif").into_bytes()),
        ("steps", program("x").replace("layer h", "steps 1000000000 layer h").into_bytes()),
        ("nothing", vec![]),
        ("blanks", vec![b' '; 1 << 20]),
        ("lines", [vec![b'\n'; 1 << 19], b"const a = b".to_vec()].concat()),
        ("NUL", [fit("x"), vec![0; 99]].concat()),
        ("controls", fit("\u{1b}[31m\u{7}\u{9b}31m\u{202e}\u{2066}")),
        ("no UTF-8", b"const a = \xff\xfe\n".to_vec()),
        ("half a character", b"const a = 1 # \xe2\x82".to_vec()),
        ("a byte order mark", [b"\xef\xbb\xbf".to_vec(), fit("x")].concat()),
        ("many of them", [b"\xef\xbb\xbf".repeat(N), fit("x")].concat()),
        ("strange characters", "€".repeat(N / 4).into_bytes()),
    ];
    for (name, text) in texts {
        let place = Place::new();
        place.put("p.snn", &text);
        well(name, &place.snnc(&["check", "p.snn"]));
        well(name, &place.snnc(&["fmt", "--stdout", "p.snn"]));
    }
}

#[test]
fn programs_that_would_take_too_much_are_refused_before_they_take_it() {
    let weak = |tests: usize| {
        format!(
            "domain {{ x in 0 .. 1  y in 0 .. 1 }}\n\
             network u(x, y) {{ layer h = tuned(x, y, 8) |> lif  output = h |> mean |> dense(1) }}\n\
             residual f on interior : -d(u, x, x) - d(u, y, y) = 1 by weak(tests = {tests})\n\
             residual b on x = 0, x = 1, y = 0, y = 1 : u = 0\n"
        )
    };
    let simulate = |units: usize, rest: &str| {
        format!(
            "neuron c {{ input i  state v = 0  flow v' = i - v  spike when v >= -1  reset v = 0 }}\n\
             simulate {{ duration 4000000  dt 1  population a = c({units})  {rest} }}\n"
        )
    };
    let wide = |n: usize| {
        let text = network(&format!("x |> dense({n}) |> tanh |> dense({n}) |> tanh"));
        text.replace("mean |> ", "") + "residual fit on interior : u = x\n"
    };
    let coordinates: String = (0..64).map(|k| format!("x{k} in 0 .. 1  ")).collect();
    let names: Vec<String> = (0..64).map(|k| format!("x{k}")).collect();
    let pool = "train { phase g { perturb neurons(h) pool 1000000  update pursuit  rounds 1 } }\n";
    let cases = [
        ("weights", wide(30_000), "SNN1225"),
        ("wider than can be", wide(1 << 20), "SNN1226"),
        (
            "traces",
            program("x").replace("tuned(x, 8)", "tuned(x, 9999)").replace("layer h", "steps 1000000 layer h"),
            "SNN1226",
        ),
        ("candidates", program("x points 1000000") + pool, "SNN1225"),
        ("test functions", weak(2000), "SNN1225"),
        (
            "a grid",
            weak(8).replace("interior", "grid(x = 4096, y = 4096)").replace("weak(tests = 8)", "smoothing"),
            "SNN1225",
        ),
        (
            "a grid of many coordinates",
            format!(
                "domain {{ {coordinates} }}\nnetwork u({0}) {{ output = ({0}) |> dense(4) |> tanh |> dense(1) }}\n\
                 residual r on interior : u = 1 points 100 sample grid\ntrain {{ phase a {{ solve readout }} }}\n",
                names.join(", ")
            ),
            "SNN1225",
        ),
        (
            "units",
            simulate(10_000_000, &(0..200).map(|k| format!("population b{k} = c(10000000) ")).collect::<String>()),
            "SNN1225",
        ),
        ("synapses", simulate(14_000, &"connect a -> a all weight 1 ".repeat(40)), "SNN1225"),
        ("delays", simulate(100_000, "connect a -> a one_to_one weight 1 delay 4000000 autapses"), "SNN1225"),
        (
            "drawn delays",
            simulate(10_000, "connect a -> a one_to_one weight 1 delay 1000000*(1 - (2*uniform(0, 1) - 1)^2) autapses"),
            "SNN1225",
        ),
        ("spikes", simulate(100_000, ""), "SNN1225"),
    ];
    for (name, text, code) in cases {
        let place = Place::new();
        place.put("p.snn", text.as_bytes());
        let answer = place.snnc(&["run", "p.snn", "--max-memory", "1G", "--message-format", "plain"]);
        let said = String::from_utf8_lossy(&answer.err);
        assert!(matches!(answer.code, Some(1 | 2)) && said.contains(code), "{name}: {:?}\n{said:.2000}", answer.code);
    }
}

#[test]
fn no_data_file_hurts() {
    let csv = |bytes: &[u8]| {
        vec![
            ("p.snn", (network("tuned(x, 8) |> lif") + "residual f on \"d.csv\" : u = v\n").into_bytes()),
            ("d.csv", bytes.to_vec()),
        ]
    };
    let npz = |bytes: &[u8]| {
        vec![("p.snn", (program("x") + "exact u from \"r.npz\"\n").into_bytes()), ("r.npz", bytes.to_vec())]
    };
    let header = |shape: &str, order: &str, body: &[u8]| {
        let mut text = format!("{{'descr': '<f8', 'fortran_order': {order}, 'shape': {shape}, }}").into_bytes();
        text.push(b'\n');
        [b"\x93NUMPY\x01\x00".to_vec(), (text.len() as u16).to_le_bytes().to_vec(), text, body.to_vec()].concat()
    };
    let long = |length: u32, text: &[u8]| {
        [b"\x93NUMPY\x02\x00".to_vec(), length.to_le_bytes().to_vec(), text.to_vec()].concat()
    };
    let archive = |array: Vec<u8>| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
        let deflated = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for (name, bytes) in [("x.npy", header("(2,)", "False", &[0; 16])), ("u.npy", array)] {
            zip.start_file(name, deflated).expect("starts");
            std::io::Write::write_all(&mut zip, &bytes).expect("writes");
        }
        zip.finish().expect("finishes").into_inner()
    };
    let bomb = archive(header("(36000000,)", "False", &vec![0; 36_000_000 * 8]));
    assert!(bomb.len() < 1 << 20, "it is small as long as it is packed: {}", bomb.len());
    let cases = [
        ("many columns", csv(&",".repeat(1 << 22).into_bytes())),
        ("ragged", csv(b"x,v\n0,1\n0\n")),
        ("no number", csv(b"x,v\n0,nan\n")),
        ("beyond numbers", csv(b"x,v\n0,1e999\n")),
        ("a long cell", csv(&[b"x,v\n0,".to_vec(), vec![b'9'; 1 << 22], b"\n".to_vec()].concat())),
        ("an open quote", csv(&[b"x,v\n\"".to_vec(), b"0\n".repeat(1 << 20)].concat())),
        ("many rows", csv(&[b"x,v\n".to_vec(), b"0,1\n".repeat((1 << 20) + 9)].concat())),
        ("controls", csv("x,v\n0,\u{1b}[31m\u{202e}\n".as_bytes())),
        ("no UTF-8", csv(b"x,v\n0,\xff\n")),
        ("an empty file", csv(b"")),
        ("no archive", npz(b"PK\x03\x04")),
        ("a bomb", npz(&bomb)),
        ("a lying shape", npz(&archive(header("(1000000000000,)", "False", b"")))),
        (
            "a shape beyond numbers",
            npz(&archive(header("(18446744073709551615, 18446744073709551615)", "True", &[0; 32]))),
        ),
        ("a shape that wraps", npz(&archive(header("(4611686018427387905, 4)", "True", &[0; 32])))),
        ("a nested header", npz(&archive(long(1 << 21, &b"(".repeat(1 << 21))))),
        ("a long header", npz(&archive(long(u32::MAX, b"{")))),
        ("half an archive", npz(&bomb[..bomb.len() / 2])),
    ];
    for (name, files) in cases {
        let place = Place::new();
        files.iter().for_each(|(name, bytes)| place.put(name, bytes));
        let answer = place.snnc(&["check", "p.snn"]);
        well(name, &answer);
        assert_eq!(answer.code, Some(1), "{name} is refused");
    }
}

#[test]
fn no_import_hurts() {
    let p = |first: &str| (first.to_string() + &program("x")).into_bytes();
    let chain: Vec<(String, Vec<u8>)> =
        (0..80).map(|k| (format!("a{k}.snn"), format!("import \"a{}.snn\"\n", k + 1).into_bytes())).collect();
    let many: Vec<(String, Vec<u8>)> =
        (0..300).map(|k| (format!("b{k}.snn"), format!("const c{k} = 1\n").into_bytes())).collect();
    let place = Place::new();
    chain.iter().chain(&many).for_each(|(name, bytes)| place.put(name, bytes));
    place.put("large.snn", &vec![b' '; (1 << 20) + 1]);
    place.put("binary.snn", b"\xff\xff");
    let all: String = (0..300).map(|k| format!("import \"b{k}.snn\"\n")).collect();
    for (name, first, code) in [
        ("itself", "import \"p.snn\"\n", "SNN0242"),
        ("a long chain", "import \"a0.snn\"\n", "SNN0240"),
        ("too many", &all, "SNN0240"),
        ("too large", "import \"large.snn\"\n", "SNN0240"),
        ("no text", "import \"binary.snn\"\n", "SNN0240"),
        ("from the root", "import \"/etc/passwd\"\n", "SNN0241"),
        ("from above", "import \"../p.snn\"\n", "SNN0241"),
        ("a folder", "import \".\"\n", "SNN0240"),
    ] {
        place.put("p.snn", &p(first));
        let answer = place.snnc(&["check", "p.snn", "--message-format", "plain"]);
        well(name, &answer);
        assert!(
            String::from_utf8_lossy(&answer.err).contains(code),
            "{name}: {}",
            String::from_utf8_lossy(&answer.err)
        );
    }
}

#[test]
fn no_weights_and_no_folder_of_a_run_hurts() {
    let file = |header: &str, body: &[u8]| {
        [(header.len() as u64).to_le_bytes().to_vec(), header.as_bytes().to_vec(), body.to_vec()].concat()
    };
    let weights: Vec<(&str, Vec<u8>)> = vec![
        ("an endless header", (1u64 << 63).to_le_bytes().to_vec()),
        ("a cut header", [99_999_999u64.to_le_bytes().to_vec(), b"{".to_vec()].concat()),
        ("a deep header", file(&"[".repeat(100_000), b"")),
        (
            "a lying length",
            file(r#"{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#, b""),
        ),
        ("turned offsets", file(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, &[0; 4])),
        (
            "a shape that wraps",
            file(
                r#"{"__metadata__":{"snnc":"{}"},"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
                b"",
            ),
        ),
        ("deep metadata", file(&format!(r#"{{"__metadata__":{{"snnc":"{}"}}}}"#, "[".repeat(50_000)), b"")),
        ("nothing", vec![]),
    ];
    for (name, bytes) in &weights {
        let place = Place::new();
        place.put("p.snn", program("x").as_bytes());
        place.put("w.safetensors", bytes);
        place.put("r/resume.safetensors", bytes);
        well(name, &place.snnc(&["run", "p.snn", "--weights", "w.safetensors"]));
        well(name, &place.snnc(&["resume", "r"]));
    }
    let record = |input: &str, name: &str| {
        let text = program("x").replace('\n', "\\n");
        format!(
            r#"{{"program":{{"name":"{name}","sha256":"0","text":"{text}","imports":[],"set":[],"inputs":[{{"path":"{input}","sha256":"0"}}]}},"seed":1}}"#
        )
    };
    for (name, json) in [
        ("a device", record("/dev/zero", "p")),
        ("a way up", record("../../../../../../../../dev/zero", "p")),
        ("a deep record", "[".repeat(1 << 20)),
        ("no record", "{}".into()),
    ] {
        for command in ["eval", "predict", "show"] {
            let place = Place::new();
            place.put("r/run.json", json.as_bytes());
            well(name, &place.snnc(&[command, "r"]));
        }
    }
    for (name, bytes) in
        [("nothing", vec![]), ("a signature", [b"\x89HDF\r\n\x1a\n".to_vec(), vec![0xff; 200]].concat())]
    {
        let place = Place::new();
        place.put("n.nir", &bytes);
        well(name, &place.snnc(&["import", "n.nir"]));
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let data = (network("tuned(x, 8) |> lif") + "residual f on \"d.csv\" : u = v\n").into_bytes();
    place.put("here/p.snn", &data);
    place.put("there/d.csv", b"x,v\n0.5,1\n");
    symlink(place.path().join("there/d.csv"), place.path().join("here/d.csv")).expect("links");
    let refused = place.snnc(&["check", "here/p.snn", "--message-format", "plain"]);
    let said = String::from_utf8_lossy(&refused.err).into_owned();
    assert!(said.contains("SNN0901") && said.contains("--allow-read"), "{said}");
    let allowed = place.snnc(&["check", "here/p.snn", "--allow-read", "there"]);
    assert_eq!(allowed.code, Some(0), "{}", String::from_utf8_lossy(&allowed.err));

    // A file that has no end, and one that never begins.
    let large = fs::File::create(place.path().join("here/s.csv")).expect("creates");
    large.set_len(1 << 40).expect("a file with a hole");
    place.put("here/q.snn", String::from_utf8_lossy(&data).replace("d.csv", "s.csv").as_bytes());
    well("a file with a hole", &place.snnc(&["check", "here/q.snn"]));
    well("a program without end", &place.snnc(&["check", "/dev/zero"]));
    let made = std::process::Command::new("mkfifo").arg(place.path().join("here/pipe")).status();
    if made.is_ok_and(|s| s.success()) {
        place.put("here/r.snn", String::from_utf8_lossy(&data).replace("d.csv", "pipe").as_bytes());
        well("a pipe", &place.snnc(&["check", "here/r.snn"]));
    }
}

/// Data and imports from a folder that `--allow-read` names are kept with the run, below its folder, and it can be looked at.
#[test]
fn what_is_allowed_is_read_and_kept_below_the_run() {
    let place = Place::new();
    place.put("lib/c.snn", b"const two = 2\n");
    place.put("lib/d.csv", b"x,v\n0.25,1\n0.5,1\n0.75,1\n");
    let text = "import \"../lib/c.snn\"\n".to_string()
        + &network("x |> dense(8) |> tanh").replace("mean |> ", "")
        + "residual f on \"../lib/d.csv\" : two*u = v\ntrain { phase a { solve readout } }\n";
    place.put("here/p.snn", text.as_bytes());
    let refused = place.snnc(&["check", "here/p.snn", "--message-format", "plain"]);
    assert!(String::from_utf8_lossy(&refused.err).contains("SNN0241"), "{}", String::from_utf8_lossy(&refused.err));
    let before = place.files();
    let run = place.snnc(&["run", "here/p.snn", "--allow-read", "lib", "--out", "r", "--quiet"]);
    assert_eq!(run.code, Some(0), "{}", String::from_utf8_lossy(&run.err));
    let new: Vec<String> = place.files().into_iter().filter(|f| !before.contains(f)).collect();
    assert!(!new.is_empty() && new.iter().all(|f| f.starts_with("r/")), "{new:?}");
    assert!(new.iter().any(|f| f.starts_with("r/inputs/outside-") && f.ends_with("/d.csv")), "{new:?}");
    let eval = place.snnc(&["eval", "r"]);
    assert_eq!(eval.code, Some(0), "{}", String::from_utf8_lossy(&eval.err));
}

#[cfg(unix)]
#[test]
fn a_run_writes_only_below_its_folder() {
    use std::os::unix::fs::symlink;
    let text = network("x |> dense(8) |> tanh").replace("mean |> ", "")
        + "residual f on \"d.csv\" : u = v\ntrain { phase a { solve readout } }\n";
    for link in ["runs/p/inputs", "runs/p/plots", "runs/p"] {
        let place = Place::new();
        place.put("p.snn", text.as_bytes());
        place.put("d.csv", b"x,v\n0.25,1\n0.5,1\n0.75,1\n");
        place.put("elsewhere/mine", b"mine");
        fs::create_dir_all(place.path().join(link).parent().expect("a parent")).expect("makes");
        symlink(place.path().join("elsewhere"), place.path().join(link)).expect("links");
        let answer = place.snnc(&["run", "p.snn", "--quiet", "--message-format", "plain"]);
        let said = String::from_utf8_lossy(&answer.err).into_owned();
        assert!(answer.code == Some(2) && said.contains("SNN1221") && said.contains("link"), "{link}: {said}");
        let there = fs::read_dir(place.path().join("elsewhere")).expect("lists").count();
        assert_eq!(there, 1, "{link}: nothing is put elsewhere");
    }
    // A name of dots is no folder above, and a file that is a link is replaced, not followed.
    let place = Place::new();
    place.put("sub/...snn", text.as_bytes());
    place.put("sub/d.csv", b"x,v\n0.25,1\n0.5,1\n0.75,1\n");
    place.put("mine", b"mine");
    fs::create_dir_all(place.path().join("runs/program")).expect("makes");
    symlink(place.path().join("mine"), place.path().join("runs/program/run.json")).expect("links");
    let answer = place.snnc(&["run", "sub/...snn", "--quiet"]);
    assert_eq!(answer.code, Some(0), "{}", String::from_utf8_lossy(&answer.err));
    assert_eq!(fs::read(place.path().join("mine")).expect("reads"), b"mine");
    assert!(
        place.files().iter().all(|f| f.starts_with("runs/program/") || !f.contains("run.json")),
        "{:?}",
        place.files()
    );
}

const EVIL: &str = "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}31m\u{202e}\u{2066}<script>alert(1)";

/// What a terminal obeys, in names, texts, comments, headers and records.
#[test]
fn nothing_that_a_terminal_obeys_is_printed() {
    let place = Place::new();
    let name = format!("{}.snn", EVIL.replace(['/', '\\'], ""));
    let text = format!("const unused = 1 # {EVIL}\n{}", program(&format!("missing # {EVIL}\n")));
    place.put(&name, text.as_bytes());
    place.put("d.csv", format!("x,{EVIL}\n0.5,{EVIL}\n").as_bytes());
    place.put("q.snn", (network("tuned(x, 8) |> lif") + "residual f on \"d.csv\" : u = v\n").as_bytes());
    place.put("i.snn", format!("import \"{EVIL}\"\n").as_bytes());
    place.put("line\nerror SNN0000: forged.snn", b"const a = b\n");
    let record = serde_json::json!({
        "program": { "name": EVIL, "text": EVIL, "sha256": EVIL, "imports": [], "set": [], "inputs": [] }, "seed": 1,
        "status": { "state": EVIL }, "snnc": EVIL, "engine": EVIL, "fields": [EVIL],
        "metrics": [{ "name": EVIL, "value": 1, "kind": EVIL, "field": EVIL, "grid": [] }],
        "phases": [{ "name": EVIL, "method": EVIL, "note": EVIL }], "losses": [{ "residual": EVIL, "method": EVIL }],
        "expects": [{ "text": EVIL, "value": 1, "holds": false }], "layers": [{ "name": EVIL, "units": 1 }],
    });
    place.put("r/run.json", record.to_string().as_bytes());
    let mut shown = 0;
    for command in [
        vec!["check", &name],
        vec!["run", &name],
        vec!["fmt", "--check", &name],
        vec!["emit", "--stage", "ast", &name],
        vec!["check", "q.snn"],
        vec!["check", "i.snn"],
        vec!["check", "line\nerror SNN0000: forged.snn"],
        vec!["show", "r"],
        vec!["eval", "r"],
        vec!["compare", "r", "r"],
        vec!["resume", EVIL],
        vec!["explain", EVIL],
        vec!["show", "neuron", EVIL],
        vec!["run", "q.snn", "--out", EVIL],
    ] {
        for format in ["fancy", "plain", "json"] {
            let answer = place.snnc(&[&command[..], &["--message-format", format]].concat());
            let all = String::from_utf8_lossy(&[&answer.out[..], &answer.err[..]].concat()).into_owned();
            shown += usize::from(all.contains("script"));
            let obeyed: Vec<char> =
                all.chars().filter(|c| snnc::diag::render::is_unsafe(*c) && *c != '\n' && *c != '\t').collect();
            assert!(obeyed.is_empty(), "{command:?} --message-format {format}: {obeyed:?} in\n{all:?}");
            assert!(!all.lines().any(|l| l.starts_with("error SNN0000")), "{command:?} forged a message:\n{all}");
        }
    }
    assert!(shown > 10, "the name is shown, and made harmless: {shown}");
}

/// Nothing in a page is anything but text.
#[test]
fn nothing_that_a_browser_obeys_is_in_a_page() {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'";
    let place = Place::new();
    let name = "<script>alert(1)<img src=x onerror=alert(2)>\"'.snn";
    let text = format!(
        "# {evil} {EVIL}\n{}residual f on grid(x = 9) : u = x\nexact u = x\ntrain {{ phase a {{ solve readout }} }}\n\
         report {{ metric m = rmse(u) on grid(x = 9)  expect m < 1  plot curve(u), loss }}\n",
        network("x |> dense(8) |> tanh").replace("mean |> ", "")
    );
    place.put(name, text.as_bytes());
    let run = place.snnc(&["run", name, "--out", "r", "--quiet"]);
    assert_eq!(run.code, Some(0), "{}", String::from_utf8_lossy(&run.err));
    let page = fs::read_to_string(place.path().join("r/report.html")).expect("UTF-8");
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "markup of the program is in the page");
    assert!(page.contains("&lt;script&gt;alert(1)"), "its text is");
    let bad: Vec<char> =
        page.chars().filter(|c| snnc::diag::render::is_unsafe(*c) && !matches!(c, '\n' | '\t')).collect();
    assert!(bad.is_empty(), "{bad:?}");
    for file in place.files().iter().filter(|f| f.ends_with(".svg")) {
        let svg = fs::read_to_string(place.path().join(file)).expect("UTF-8");
        assert!(!svg.contains("<script") && !svg.contains("onerror"), "{file}");
    }
    let json = fs::read_to_string(place.path().join("r/run.json")).expect("UTF-8");
    let record: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(record["program"]["text"], text, "the record holds the text itself");
    assert!(!json.chars().any(|c| snnc::diag::render::is_unsafe(c) && c != '\n'), "escaped");
}

#[test]
fn every_command_that_takes_a_program_takes_none_that_is_a_folder_or_not_there() {
    let place = Place::new();
    fs::create_dir_all(place.path().join("folder.snn")).expect("makes");
    for command in ["check", "run", "fmt", "bench", "sweep"] {
        for name in ["folder.snn", "none.snn"] {
            well(command, &place.snnc(&[command, name]));
        }
    }
    all_well(&[("an archive as a program", "check p.snn", &[("p.snn", b"PK\x03\x04\0\0\0\0".to_vec())])]);
    assert!(Path::new(env!("CARGO_BIN_EXE_snnc")).is_file());
}
