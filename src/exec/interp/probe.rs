//! Where a number first stopped being finite: one point run again in the interpreter, looked at after every step.
//!
//! What is looked at are the things a user knows: the states of neurons after each step, and what products with weights yield,
//! the currents. Both engines give the same bits, so what is found here is what happened there.
//!
//! ```text
//! v:  0.7  31.2  4.1e17  inf      ->      state 0, lane 12, step 3 of 64
//! ```

use super::{Code, Emitted, Env, Machine};
use crate::exec::real::Real;
use crate::ir::op::{Op, ParamId, StateId};
use crate::ir::program::Program;
use crate::plan::Precision;

/// A number that is not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    pub site: Site,
    /// The element of the vector: for a state and for a current, the unit.
    pub lane: usize,
    /// The step, from 0, and the steps of its pass; `None` in straight code.
    pub step: Option<(usize, usize)>,
    /// Infinite or not a number.
    pub value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    State(StateId),
    /// The product with this weight.
    Product(ParamId),
}

/// Runs a program without tangents at one point (`inputs` is `[input_len]`) and yields the first number that is not finite;
/// within a step, products come before states.
pub fn first_fault(program: &Program, precision: Precision, inputs: &[f64], params: &[f64]) -> Option<Fault> {
    match precision {
        Precision::F32 => fault_in::<f32>(program, inputs, params),
        Precision::F64 => fault_in::<f64>(program, inputs, params),
    }
}

fn fault_in<R: Real>(program: &Program, inputs: &[f64], params: &[f64]) -> Option<Fault> {
    let rounded = |x: &[f64]| -> Vec<R> { x.iter().map(|&x| R::new(x)).collect() };
    let (inputs, params) = (&rounded(inputs)[..], &rounded(params)[..]);
    let machine = Machine::new(program);
    let mut scratch = vec![R::ZERO; machine.len];
    let mut env = Env { inputs, params, directions: &[], step: 0 };
    machine.constants::<Emitted, R>(&mut scratch, &env);
    if let Some(fault) = machine.watched(&machine.init, &mut scratch, &env, None) {
        return Some(fault);
    }
    for (k, pass) in machine.passes.iter().enumerate() {
        let ids = program.states.iter().enumerate().filter(|(_, s)| s.pass as usize == k);
        let ids: Vec<StateId> = ids.map(|(id, _)| StateId(id as u32)).collect();
        for &(at, first, _) in &pass.states {
            scratch.copy_within(first.range(), at);
        }
        for step in 0..pass.steps {
            env.step = step;
            let when = Some((step, pass.steps));
            if let Some(fault) = machine.watched(&pass.step, &mut scratch, &env, when) {
                return Some(fault);
            }
            for (id, (_, _, next)) in ids.iter().zip(&pass.states) {
                if let Some((lane, value)) = first_bad(&scratch[next.range()]) {
                    return Some(Fault { site: Site::State(*id), lane, step: when, value });
                }
            }
            for &(at, _, next) in &pass.states {
                scratch.copy_within(next.range(), at);
            }
        }
        if let Some(fault) = machine.watched(&pass.finish, &mut scratch, &env, None) {
            return Some(fault);
        }
    }
    None
}

fn first_bad<R: Real>(values: &[R]) -> Option<(usize, f64)> {
    let lane = values.iter().position(|v| !v.wide().is_finite())?;
    Some((lane, values[lane].wide()))
}

impl Machine {
    /// Runs a region; the first product that is not finite, if there is one.
    fn watched<T: Real>(
        &self,
        list: &[Code],
        scratch: &mut [T],
        env: &Env<'_, T>,
        step: Option<(usize, usize)>,
    ) -> Option<Fault> {
        for code in list {
            self.region::<Emitted, T>(std::slice::from_ref(code), scratch, env);
            if let Op::Dense { weight, .. } = code.op
                && let Some((lane, value)) = first_bad(&scratch[code.to.range()])
            {
                return Some(Fault { site: Site::Product(weight), lane, step, value });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::read::read;

    #[test]
    fn the_first_state_that_explodes_is_named() {
        let text = "program \"square\" steps 9 directions 0
input \"x\" [2]
init {
  %0 = input 0 : 2
}
state 0 : 2 = %0 next %2
step {
  %1 = state 0 : 2
  %2 = mul %1, %1 : 2
}
finish {
  %3 = state 0 : 2
}
output \"y\" = %3
";
        let p = read(text).expect("it reads");
        // 10^(2^k) leaves single precision after 6 squarings; 1e10 after 2.
        let fault = first_fault(&p, Precision::F32, &[10.0, 1.0], &[]).expect("it explodes");
        let found = Fault { site: Site::State(StateId(0)), lane: 0, step: Some((5, 9)), value: f64::INFINITY };
        assert_eq!(fault, found);
        let fault = first_fault(&p, Precision::F32, &[10.0, -1e10], &[]).expect("it explodes");
        assert_eq!((fault.lane, fault.step), (1, Some((1, 9))));
        // Double precision ends at 1.8e308.
        let fault = first_fault(&p, Precision::F64, &[10.0, 1.0], &[]).expect("it explodes");
        assert_eq!(fault, Fault { step: Some((8, 9)), ..found });
        assert_eq!(first_fault(&p, Precision::F32, &[1.0, 0.5], &[]), None);
    }

    #[test]
    fn a_current_comes_before_the_states_that_it_drives() {
        let text = "program \"p\" steps 2 directions 0
input \"x\" [1]
param \"w\" [1 x 3] trainable
init {
  %0 = input 0 : 1
  %1 = dense %0, \"w\" : 3
}
state 0 : 3 = %1 next %3
step {
  %2 = state 0 : 3
  %3 = add %2, %1 : 3
}
finish {
  %4 = state 0 : 3
}
output \"y\" = %4
";
        let p = read(text).expect("it reads");
        let fault = first_fault(&p, Precision::F32, &[10.0], &[1.0, 3e38, f64::NAN]).expect("it overflows");
        assert_eq!((fault.site, fault.lane, fault.step), (Site::Product(ParamId(0)), 1, None));
    }
}
