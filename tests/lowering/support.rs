//! From text to programs, and from programs to numbers.

use snnc::check::Options;
use snnc::exec::driver;
use snnc::exec::interp::Interpreter;
use snnc::ir::problem::Problem;
use snnc::ir::program::Program;
use snnc::ir::verify::verify;
use snnc::pipeline::{Checked, Source};
use snnc::source::{MemoryFiles, Sources};

/// Checks a program that has no errors. `probe.csv` is there to be read.
pub fn checked(text: &str) -> Checked {
    let mut files = MemoryFiles::default();
    files.0.insert("probe.csv".into(), b"value,x\n1,0\n2.5,0.5\n-3,1\n".to_vec());
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("test.snn", text).check(&mut Sources::default(), &files, &options);
    checking.program.unwrap_or_else(|| panic!("{text}\n{:#?}", checking.messages))
}

/// The problem of a whole program.
pub fn problem(text: &str) -> Problem {
    checked(text).lower().problem
}

/// The problem of a network over x in 0 .. 1, `items` before it, `body` its statements.
pub fn network(items: &str, body: &str) -> Problem {
    problem(&format!("{items}\ndomain {{ x in 0 .. 1 }}\nnetwork u(x) {{ {body} }}\nresidual r on domain : u = 2\n"))
}

pub struct Ran {
    program: Program,
    outputs: Vec<f32>,
    traces: Vec<f32>,
}

/// Runs a program by the interpreter, after it has been verified.
pub fn run(program: &Program, inputs: &[f32], params: &[f32]) -> Ran {
    run_along(program, inputs, params, &[])
}

pub fn run_along(program: &Program, inputs: &[f32], params: &[f32], directions: &[f32]) -> Ran {
    verify(program).unwrap_or_else(|e| panic!("{e}\n{program}"));
    let results = driver::run(&Interpreter::new(program.clone()), inputs, params, directions);
    Ran { program: program.clone(), outputs: results.outputs, traces: results.traces }
}

impl Ran {
    /// An output at one point.
    pub fn at(&self, point: usize, name: &str) -> &[f32] {
        let start = point * self.program.output_len() + self.program.output_offset(name).expect("an output");
        let output = self.program.outputs.iter().find(|o| o.name == name).expect("an output");
        &self.outputs[start..start + self.program.lanes(self.program.find(output.value).expect("a value").ty)]
    }

    /// `[steps][units]` of the program's only trace, at the first point.
    pub fn trace(&self) -> Vec<&[f32]> {
        assert_eq!(self.program.traces.len(), 1);
        let layout = self.program.trace_layout().into_iter().find(|l| !l.traces.is_empty()).expect("a trace");
        self.traces[layout.start..layout.end].chunks_exact(layout.width).collect()
    }
}

/// A parameter vector, all 0.
pub struct Params<'a> {
    program: &'a Program,
    pub values: Vec<f32>,
}

impl<'a> Params<'a> {
    pub fn new(program: &'a Program) -> Params<'a> {
        Params { program, values: vec![0.0; program.param_len()] }
    }

    pub fn range(&self, name: &str) -> std::ops::Range<usize> {
        let id = self.program.param_by_name(name).unwrap_or_else(|| panic!("no {name} in\n{}", self.program));
        let start = self.program.param_offset(id);
        start..start + self.program.params[id.0 as usize].len()
    }

    pub fn set(mut self, name: &str, values: &[f32]) -> Params<'a> {
        let range = self.range(name);
        self.values[range].copy_from_slice(values);
        self
    }

    pub fn get(&self, name: &str) -> &[f32] {
        &self.values[self.range(name)]
    }

    /// Numbers in -scale .. scale everywhere; `sine` flags are 0 or 1.
    pub fn any(program: &'a Program, scale: f32) -> Params<'a> {
        let mut all = Params { program, values: numbers(program.param_len(), 7, scale) };
        for p in &program.params {
            if p.name.ends_with(".sine") {
                let range = all.range(&p.name);
                all.values[range].iter_mut().enumerate().for_each(|(i, x)| *x = (i % 2) as f32);
            }
        }
        all
    }
}

/// Numbers that look random and are the same everywhere: a linear congruence, in -scale .. scale.
pub fn numbers(n: usize, seed: u32, scale: f32) -> Vec<f32> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
        })
        .collect()
}

pub fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}: {a} is not {b} to {tolerance}");
}
