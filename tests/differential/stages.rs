//! Networks whose tangents are run layer by layer, and some whose tangents cannot be.

use snnc::ir::read::read;
use snnc::ir::verify::verify;
use snnc::pass::{jvp, pipelines};

use crate::Both;
use crate::programs::Draw;

/// Two layers, `a` and `b` neurons wide; `wiring` is the drive of the second.
fn layers(a: u32, b: u32, surrogate: &str, wiring: &str) -> String {
    format!(
        r#"program "layers" steps 7 directions 0
input "x" [2]
param "wa" [2 x {a}] trainable
param "ba" [1 x {a}] trainable
param "wb" [{a} x {b}] trainable
param "bb" [1 x {b}] trainable
param "wr" [{b} x {b}] trainable
param "out" [{b} x 1] trainable
init {{
  %0 = input 0 : 2
  %1 = dense %0, "wa" : {a}
  %2 = param "ba" : {a}
  %3 = add %1, %2 : {a}
  %4 = const 0.0 : 1
  %5 = splat %4, {a} : {a}
  %6 = splat %4, {b} : {b}
  %7 = const 0.9 : 1
  %8 = splat %7, {a} : {a}
  %9 = splat %7, {b} : {b}
  %10 = const 1.0 : 1
  %11 = splat %10, {a} : {a}
  %12 = splat %10, {b} : {b}
  %13 = param "bb" : {b}
}}
state 0 : {a} = %5 next %25
state 1 : {b} = %6 next %35
state 2 : {b} = %6 next %37
state 3 : {b} = %6 next %34
step {{
  %20 = state 0 : {a}
  %21 = mul %8, %20 : {a}
  %22 = add %21, %3 : {a}
  %23 = sub %22, %11 : {a}
  %24 = spike strict %23, {surrogate} : {a}
  %25 = sub %22, %24 : {a}
  %26 = dense %24, "wb" : {b}
  %27 = add %26, %13 : {b}
  %28 = state 3 : {b}
  {wiring}
  %31 = state 1 : {b}
  %32 = mul %9, %31 : {b}
  %33 = add %32, %30 : {b}
  %38 = sub %33, %12 : {b}
  %34 = spike strict %38, {surrogate} : {b}
  %35 = sub %33, %34 : {b}
  %36 = state 2 : {b}
  %39 = mul %36, %36 : {b}
  %41 = mul %39, %9 : {b}
  %42 = sub %36, %41 : {b}
  %37 = add %42, %34 : {b}
}}
finish {{
  %43 = state 2 : {b}
  %44 = dense %43, "out" : 1
}}
output "y" = %44
"#
    )
}

fn agree(text: &str, directions: u32) -> bool {
    let program = read(text).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    verify(&program).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let program = pipelines::optimise(jvp::jvp(&program, &["y"], directions));
    let both = Both::new(&program);
    let mut heard = false;
    for points in [1, 7, 8, 33] {
        let results = both.check(points, &mut Draw::new(u64::from(directions)), false);
        heard |= results.outputs.iter().any(|y| *y != 0.0);
    }
    both.check(9, &mut Draw::new(3), true);
    heard
}

#[test]
fn layers_after_one_another() {
    let mut heard = 0;
    for (a, b) in [(1, 1), (3, 5), (16, 4), (70, 9), (9, 70)] {
        for surrogate in ["triangle 2.0", "fast_sigmoid 5.0", "rectangle 1.0"] {
            for directions in [3, 4, 8, 16, 24, 40] {
                heard += i32::from(agree(
                    &layers(a, b, surrogate, "%30 = mul %27, %12 : {b}".replace("{b}", &b.to_string()).as_str()),
                    directions,
                ));
            }
        }
    }
    assert!(heard > 60, "{heard}");
}

/// A loop through weights, one past them, one from neuron to neuron, and a drive that is squared.
#[test]
fn other_wirings() {
    let (a, b) = (6, 9);
    for wiring in [
        "%29 = dense %28, \"wr\" : 9\n  %30 = add %27, %29 : 9",
        "%29 = mul %28, %13 : 9\n  %30 = add %27, %29 : 9",
        "%29 = slice %24, start 2, len 1 : 1\n  %40 = splat %29, 9 : 9\n  %30 = add %27, %40 : 9",
        "%30 = mul %27, %27 : 9",
        "%29 = dense %27, \"wr\" : 9\n  %30 = add %27, %29 : 9",
    ] {
        for directions in [4, 16] {
            agree(&layers(a, b, "triangle 2.0", wiring), directions);
        }
    }
}
