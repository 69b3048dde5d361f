//! Compiled code is freed with its kernels, so that a process may compile as often as it likes, and its pages are never both
//! writable and executable.
//!
//! It is a test of its own, so that no other thread of the process allocates meanwhile.

#![cfg(target_os = "linux")]

use std::fs;

use snnc::exec::Engine;
use snnc::pipeline::Source;
use snnc::source::{MemoryFiles, Sources};

const PROGRAM: &str = "
domain { x in 0 .. 1 }
network u(x) {
  steps 8
  layer h = tuned(x, 16) |> lif(tau = 5)
  output = h |> mean |> dense(1)
}
residual fit on grid(x = 9) : u = x
";

/// Pages in memory, and pages of address space: code that is not freed shows in both.
fn pages() -> [u64; 2] {
    let text = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let mut numbers = text.split_whitespace().map(|n| n.parse().expect("a number"));
    let (all, resident) = (numbers.next().expect("a size"), numbers.next().expect("a size"));
    [resident, all]
}

#[test]
fn a_thousand_compilations_do_not_grow_the_process() {
    let mut sources = Sources::default();
    let checking = Source::new("small.snn", PROGRAM).check(&mut sources, &MemoryFiles::default(), &Default::default());
    let checked = checking.program.expect("the program makes sense");
    let mut first = None;
    let mut after_warm_up = [0; 2];
    for k in 0..1000 {
        let compiled = checked.compile(Engine::Jit).expect("it compiles");
        let kernel = &compiled.kernels.observers[0].primal;
        // The code is entered, so that its pages are touched.
        let outputs = kernel.run(&[0.25], &vec![0.5; kernel.program().param_len()], &[]).outputs.wide();
        let bits: Vec<u64> = outputs.iter().map(|x| x.to_bits()).collect();
        assert_eq!(*first.get_or_insert(bits.clone()), bits, "compilation {k}");
        if k == 99 {
            after_warm_up = pages();
        }
    }
    // No page can be written to and run.
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let rights = |line: &str| line.split_whitespace().nth(1).unwrap_or_default().to_string();
    let both: Vec<&str> = maps.lines().filter(|l| rights(l).starts_with("rwx")).collect();
    assert!(both.is_empty(), "{both:?}");
    let kernels = checked.compile(Engine::Jit).expect("it compiles");
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let own = maps.lines().filter(|l| rights(l) == "r-xp" && l.split_whitespace().nth(5).is_none());
    assert!(own.count() >= 1, "the kernels' code is where it is looked for");
    assert!(maps.lines().all(|l| !(rights(l).contains('w') && rights(l).contains('x'))), "{maps}");
    drop(kernels);
    // 900 compilations of several kernels each: a page lost by every one of them would be thousands.
    for (now, then) in pages().into_iter().zip(after_warm_up) {
        assert!(now <= then + 300, "{now} pages after 1000 compilations, {then} after 100");
    }
}
