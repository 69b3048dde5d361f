//! Spreads points over threads.
//!
//! Points are cut into tiles of [`TILE`]; every tile writes its own part of the results and nothing is ever added across
//! tiles, so the result does not depend on the number of threads. It uses the rayon pool that it is called from.
//!
//! ```text
//! 70 points  ->  tiles of 32, 32 and 6, on any threads  ->  results in the order of the points
//! ```

use rayon::prelude::*;

use crate::exec::kernel::{Kernel, Results, TILE, Tile};
use crate::exec::real::Real;

/// Runs all points of a batch: `inputs` is `[points][input_len]`. A program without inputs has one point.
pub fn run<R: Real>(kernel: &dyn Kernel<R>, inputs: &[R], params: &[R], directions: &[R]) -> Results<R> {
    let mut results = run_all(kernel, inputs, &[params], directions);
    results.pop().unwrap_or_default()
}

/// Runs the same points under many parameter vectors, for programs without tangents.
pub fn run_many<R: Real>(kernel: &dyn Kernel<R>, inputs: &[R], params: &[&[R]]) -> Vec<Results<R>> {
    run_all(kernel, inputs, params, &[])
}

fn run_all<R: Real>(kernel: &dyn Kernel<R>, inputs: &[R], params: &[&[R]], directions: &[R]) -> Vec<Results<R>> {
    let program = kernel.program();
    let (input_len, output_len, trace_len) = (program.input_len(), program.output_len(), program.trace_len());
    let points = inputs.len().checked_div(input_len).unwrap_or(1);
    assert_eq!(inputs.len(), points * input_len, "inputs hold whole points");
    assert!(params.iter().all(|p| p.len() == program.param_len()), "one number for each parameter");
    let expected = program.param_len() * program.directions as usize;
    assert_eq!(directions.len(), expected, "one number for each parameter and direction");

    let mut results: Vec<Results<R>> = params
        .iter()
        .map(|_| Results { outputs: vec![R::ZERO; points * output_len], traces: vec![R::ZERO; points * trace_len] })
        .collect();
    let mut tiles = vec![];
    let prepared: Vec<Vec<R>> = params.iter().map(|params| kernel.prepare(params, directions)).collect();
    for ((result, &params), prepared) in results.iter_mut().zip(params).zip(&prepared) {
        let (mut outputs, mut traces) = (result.outputs.as_mut_slice(), result.traces.as_mut_slice());
        let mut first = 0;
        while first < points {
            let n = TILE.min(points - first);
            let (head, tail) = outputs.split_at_mut(n * output_len);
            outputs = tail;
            let (trace, tail) = traces.split_at_mut(n * trace_len);
            traces = tail;
            let inputs = &inputs[first * input_len..(first + n) * input_len];
            tiles.push(Tile { points: n, inputs, params, directions, prepared, outputs: head, traces: trace });
            first += n;
        }
    }
    let scratch_len = kernel.scratch_len();
    if let [_] = tiles[..] {
        // One tile is not worth a hand-over.
        let mut scratch = vec![R::ZERO; scratch_len];
        tiles.into_iter().for_each(|tile| kernel.run_tile(&mut scratch, tile));
    } else {
        tiles
            .into_par_iter()
            .for_each_init(|| vec![R::ZERO; scratch_len], |scratch, tile| kernel.run_tile(scratch, tile));
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::interp::Interpreter;
    use crate::func::Unary;
    use crate::ir::op::{Op, Ty};
    use crate::ir::program::{Builder, Input, Output, Program, Region};

    fn sine_of_scaled() -> Program {
        let mut p = Program::new("test");
        p.inputs.push(Input { name: "x".into(), width: 2 });
        let mut b = Builder::new(p);
        let w = b.param("w", 2, 3, true);
        let x = b.push(Region::Init, Op::Input(0), Ty::real(2));
        let y = b.push(Region::Init, Op::Dense { x, weight: w, direction: false }, Ty::real(3));
        let y = b.push(Region::Init, Op::Unary(Unary::Sin, y), Ty::real(3));
        b.program.outputs.push(Output { name: "y".into(), value: y });
        b.finish()
    }

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let kernel = Interpreter::new(sine_of_scaled());
        let inputs: Vec<f32> = (0..2 * 333).map(|i| i as f32 * 0.37 - 50.0).collect();
        let params = [0.1, 0.2, 0.3, -0.4, 0.5, 0.6];
        let run_on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| run(&kernel, &inputs, &params, &[]))
        };
        let one = run_on(1);
        assert_eq!(one.outputs.len(), 999);
        assert_eq!(one, run_on(2));
        assert_eq!(one, run_on(5));
        assert_eq!(one.outputs[3 * 200 + 1], {
            let (a, b) = (inputs[400], inputs[401]);
            crate::exec::math::sin(&mut crate::exec::math::Scalar, b.mul_add(0.5, a * 0.2))
        });
    }

    #[test]
    fn many_parameter_sets_are_as_many_runs() {
        let kernel = Interpreter::new(sine_of_scaled());
        let inputs: Vec<f32> = (0..2 * 70).map(|i| i as f32).collect();
        let (a, b) = ([0.1; 6], [0.2; 6]);
        let both = run_many(&kernel, &inputs, &[&a, &b]);
        assert_eq!(both[0], run(&kernel, &inputs, &a, &[]));
        assert_eq!(both[1], run(&kernel, &inputs, &b, &[]));
        assert_ne!(both[0], both[1]);
    }

    #[test]
    fn no_points_give_no_results() {
        let kernel = Interpreter::new(sine_of_scaled());
        assert_eq!(run(&kernel, &[], &[0.0; 6], &[]), Results::default());
    }
}
