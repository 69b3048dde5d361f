//! The fast engine: programs compiled to machine code by Cranelift, one function a program, working on a tile of points.
//!
//! A program is brought to a normal form (`normal`), cut into loops (`plan`) and written down (`emit`); products with weights
//! call the loops in [`micro`](crate::exec::micro). Results have the bits of the interpreter's.
//!
//! ```text
//! %5 = mul %3, %4 : 512          loop over the 512 lanes:  load, load, mulps
//! %6 = add %5, %2 : 512                                    addps
//! %7 = spike %6 : 512                                      cmpleps, andps, store
//! ```

mod bounds;
mod emit;
mod lanes;
mod module;
mod near;
mod normal;
mod plan;
mod stages;
mod wide;

use std::sync::Arc;
use std::time::Instant;

use crate::exec::kernel::{Cost, Kernel, TILE, Tile};
pub use crate::exec::micro::Level;
use crate::ir::program::Program;
use crate::plan::Precision;
pub use lanes::Emit;
use module::{Code, Entry, Prepare};

/// Why programs could not be compiled. Not a user's mistake: the machine lacks something, or the compiler has a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JitError(pub String);

impl std::fmt::Display for JitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the kernels could not be compiled: {}", self.0)
    }
}

impl std::error::Error for JitError {}

/// Compiles programs that have passed `ir::verify`, in the same order. Their code is freed with the last of the kernels.
pub fn compile<R: Emit>(programs: Vec<Program>) -> Result<Vec<Arc<dyn Kernel<R>>>, JitError> {
    compile_for(Level::best(), programs)
}

/// The same for a level that this processor has.
pub fn compile_for<R: Emit>(level: Level, programs: Vec<Program>) -> Result<Vec<Arc<dyn Kernel<R>>>, JitError> {
    assert!(Level::all().contains(&level), "this processor has no {level:?}");
    let all = Instant::now();
    let plan = |program: &Program| {
        let begun = Instant::now();
        (plan::plan(program, level), begun.elapsed().as_secs_f64())
    };
    let (plans, planning): (Vec<plan::Plan>, Vec<f64>) = programs.iter().map(plan).unzip();
    plans.iter().try_for_each(bounds::check)?;
    let (code, entries) = Code::new::<R>(&plans, level)?;
    let code = Arc::new(code);
    // Setting up and making the code executable is for all of them alike.
    let own: f64 = planning.iter().sum::<f64>() + entries.iter().map(|e| e.cost.seconds).sum::<f64>();
    let share = (all.elapsed().as_secs_f64() - own).max(0.0) / plans.len().max(1) as f64;
    let kernels = programs.into_iter().zip(plans).zip(entries).zip(planning);
    let kernels = kernels.map(|(((program, plan), made), planning)| {
        let tables = program.tables.iter().flat_map(|t| t.values.iter().map(|&x| R::new(x))).collect();
        // A cache line more, to start on one.
        let scratch_len = plan.fixed + plan.points * plan.frame + LINE;
        let prepared_len = if plan.prepared > 0 { plan.prepared + LINE } else { 0 };
        let lens = Lens::of(&program);
        let cost = Cost { seconds: planning + made.cost.seconds + share, ..made.cost };
        let (entry, prepare) = (made.entry, made.prepare);
        let _code = Arc::clone(&code);
        Arc::new(Compiled { program, lens, tables, scratch_len, prepared_len, cost, entry, prepare, _code })
            as Arc<dyn Kernel<R>>
    });
    Ok(kernels.collect())
}

/// The program in Cranelift's IR, for reading.
pub fn clif(precision: Precision, program: &Program) -> Result<String, JitError> {
    let plan = plan::plan(program, Level::best());
    match precision {
        Precision::F32 => module::text::<f32>(&plan),
        Precision::F64 => module::text::<f64>(&plan),
    }
}

/// Numbers in a cache line, at most.
const LINE: usize = 16;

/// Numbers before the first that starts a cache line.
fn aligned<R>(numbers: &[R]) -> usize {
    numbers.as_ptr().align_offset(64).min(LINE).min(numbers.len())
}

/// Lengths of a point's part of the buffers.
#[derive(Debug, Clone, Copy)]
struct Lens {
    inputs: usize,
    params: usize,
    directions: usize,
    outputs: usize,
    traces: usize,
}

impl Lens {
    fn of(p: &Program) -> Lens {
        Lens {
            inputs: p.input_len(),
            params: p.param_len(),
            directions: p.param_len() * p.directions as usize,
            outputs: p.output_len(),
            traces: p.trace_len(),
        }
    }
}

/// A compiled program; keeps the code alive that it enters.
struct Compiled<R> {
    program: Program,
    lens: Lens,
    tables: Vec<R>,
    scratch_len: usize,
    prepared_len: usize,
    cost: Cost,
    entry: Entry<R>,
    prepare: Option<Prepare<R>>,
    _code: Arc<Code>,
}

impl<R: Emit> Kernel<R> for Compiled<R> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn scratch_len(&self) -> usize {
        self.scratch_len
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn prepare(&self, params: &[R], directions: &[R]) -> Vec<R> {
        assert_eq!(params.len(), self.lens.params, "parameters");
        assert_eq!(directions.len(), self.lens.directions, "directions");
        let mut prepared = vec![R::ZERO; self.prepared_len];
        let start = aligned(&prepared);
        if let Some(prepare) = self.prepare {
            // SAFETY: the lengths just checked and made are those the function was compiled for, and `_code` keeps its memory.
            unsafe { prepare(prepared[start..].as_mut_ptr(), params.as_ptr(), directions.as_ptr()) }
        }
        prepared
    }

    fn run_tile(&self, scratch: &mut [R], tile: Tile<'_, R>) {
        let n = tile.points;
        assert!((1..=TILE).contains(&n), "a tile has 1 to {TILE} points");
        assert!(scratch.len() >= self.scratch_len, "enough scratch");
        assert_eq!(tile.inputs.len(), n * self.lens.inputs, "inputs of the tile");
        assert_eq!(tile.outputs.len(), n * self.lens.outputs, "outputs of the tile");
        assert_eq!(tile.traces.len(), n * self.lens.traces, "traces of the tile");
        assert_eq!(tile.params.len(), self.lens.params, "parameters");
        assert_eq!(tile.directions.len(), self.lens.directions, "directions");
        assert_eq!(tile.prepared.len(), self.prepared_len, "what was prepared");
        let start = aligned(scratch);
        let scratch = &mut scratch[start..];
        // SAFETY: the lengths just checked are those the function was compiled for, the slices are borrowed for the call,
        // and `_code` keeps its memory.
        unsafe {
            (self.entry)(
                scratch.as_mut_ptr(),
                n,
                tile.inputs.as_ptr(),
                tile.params.as_ptr(),
                tile.directions.as_ptr(),
                tile.prepared[aligned(tile.prepared)..].as_ptr(),
                self.tables.as_ptr(),
                tile.outputs.as_mut_ptr(),
                tile.traces.as_mut_ptr(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::func::Unary;
    use crate::ir::op::{Op, Ty};
    use crate::ir::program::{Builder, Input, Output, Region};

    fn sine(width: u32) -> Program {
        let mut p = Program::new("sine");
        p.inputs.push(Input { name: "x".into(), width });
        let mut b = Builder::new(p);
        let x = b.push(Region::Init, Op::Input(0), Ty::real(width));
        let y = b.push(Region::Init, Op::Unary(Unary::Sin, x), Ty::real(width));
        b.program.outputs.push(Output { name: "y".into(), value: y });
        b.finish()
    }

    #[test]
    fn text_is_the_same_every_time() {
        let text = clif(Precision::F32, &sine(12)).expect("it compiles");
        assert!(text.contains("fmul") && text.contains("call"), "{text}");
        assert_eq!(text, clif(Precision::F32, &sine(12)).expect("it compiles"));
    }

    #[test]
    fn scratch_may_hold_anything_and_lie_anywhere() {
        let kernel = compile::<f32>(vec![sine(5)]).expect("it compiles").remove(0);
        let inputs: Vec<f32> = (0..15).map(|i| i as f32).collect();
        let run = |fill: f32, offset: usize| {
            let mut scratch = vec![fill; kernel.scratch_len() + offset];
            let mut outputs = vec![0.0; 15];
            kernel.run_tile(
                &mut scratch[offset..],
                Tile {
                    points: 3,
                    inputs: &inputs,
                    params: &[],
                    directions: &[],
                    prepared: &[],
                    outputs: &mut outputs,
                    traces: &mut [],
                },
            );
            outputs
        };
        let first = run(0.0, 0);
        assert!(first[1] > 0.84 && first[1] < 0.85);
        assert_eq!(first, run(f32::NAN, 3));
    }

    /// Without an instruction for it, a fused multiply-add is a call.
    #[test]
    fn processors_with_fewer_instructions_give_the_same_bits() {
        fn bits<R: Emit>(level: Level) -> Vec<u64> {
            let mut p = Program::new("functions");
            p.inputs.push(Input { name: "x".into(), width: 5 });
            let mut b = Builder::new(p);
            let mut last = b.push(Region::Init, Op::Input(0), Ty::real(5));
            let x = last;
            for f in
                [Unary::Floor, Unary::Ceil, Unary::Exp, Unary::Sin, Unary::Tanh, Unary::Log, Unary::Erf, Unary::Sigmoid]
            {
                let y = b.push(Region::Init, Op::Unary(f, x), Ty::real(5));
                last = b.push(Region::Init, Op::Fma(y, last, x), Ty::real(5));
                b.program.outputs.push(Output { name: f.name().into(), value: last });
            }
            let kernel = compile_for::<R>(level, vec![b.finish()]).expect("it compiles").remove(0);
            let inputs: Vec<R> = (0..160).map(|i| R::new(f64::from(i) * 0.137 - 9.1)).collect();
            let run = crate::exec::driver::run(kernel.as_ref(), &inputs, &[], &[]);
            run.outputs.iter().map(|y| if y.wide().is_nan() { 0 } else { y.raw() }).collect()
        }
        assert_eq!(bits::<f32>(Level::best()), bits::<f32>(Level::Portable));
        assert_eq!(bits::<f64>(Level::best()), bits::<f64>(Level::Portable));
    }

    #[test]
    #[should_panic(expected = "inputs of the tile")]
    fn short_buffers_are_refused() {
        let kernel = compile::<f32>(vec![sine(5)]).expect("it compiles").remove(0);
        let mut scratch = vec![0.0; kernel.scratch_len()];
        kernel.run_tile(
            &mut scratch,
            Tile {
                points: 3,
                inputs: &[0.0; 14],
                params: &[],
                directions: &[],
                prepared: &[],
                outputs: &mut [0.0; 15],
                traces: &mut [],
            },
        );
    }
}
