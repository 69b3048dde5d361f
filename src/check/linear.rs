//! Is an expression linear in one of its variables, and with which coefficients?
//!
//! ```text
//! (i - v)/tau   in v   ->   decay -1/tau, drive i/tau
//! ```
//!
//! The answer follows the expression's own form: no identity is applied, so `v*v/v` counts as not linear.

use crate::check::expr::{Expr, Var};
use crate::func::{Binary, Unary};

/// `expr = decay * var + drive`, neither of which contains `var`. `None` if the expression is not of that form.
pub fn linear_in(expr: &Expr, var: &Var) -> Option<(Expr, Expr)> {
    if !expr.any_var(|v| v == var) {
        return Some((Expr::Num(0.0), expr.clone()));
    }
    match expr {
        Expr::Var(_) => Some((Expr::Num(1.0), Expr::Num(0.0))),
        Expr::Unary(Unary::Neg, a) => {
            let (decay, drive) = linear_in(a, var)?;
            Some((neg(decay), neg(drive)))
        }
        Expr::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
            let ((a1, a0), (b1, b0)) = (linear_in(a, var)?, linear_in(b, var)?);
            Some((combine(*op, a1, b1), combine(*op, a0, b0)))
        }
        Expr::Binary(Binary::Mul, a, b) => {
            let ((a1, a0), (b1, b0)) = (linear_in(a, var)?, linear_in(b, var)?);
            match (is_zero(&a1), is_zero(&b1)) {
                (true, _) => Some((combine(Binary::Mul, a0.clone(), b1), combine(Binary::Mul, a0, b0))),
                (_, true) => Some((combine(Binary::Mul, a1, b0.clone()), combine(Binary::Mul, a0, b0))),
                _ => None,
            }
        }
        Expr::Binary(Binary::Div, a, b) if !b.any_var(|v| v == var) => {
            let (a1, a0) = linear_in(a, var)?;
            Some((combine(Binary::Div, a1, (**b).clone()), combine(Binary::Div, a0, (**b).clone())))
        }
        Expr::If(c, a, b) if !c.any_var(|v| v == var) => {
            let ((a1, a0), (b1, b0)) = (linear_in(a, var)?, linear_in(b, var)?);
            let choose = |a: Expr, b: Expr| if a == b { a } else { Expr::If(c.clone(), Box::new(a), Box::new(b)) };
            Some((choose(a1, b1), choose(a0, b0)))
        }
        _ => None,
    }
}

fn is_zero(e: &Expr) -> bool {
    *e == Expr::Num(0.0)
}

fn neg(e: Expr) -> Expr {
    match e {
        Expr::Num(v) => Expr::Num(0.0 - v),
        e => Expr::unary(Unary::Neg, e),
    }
}

/// `a op b` for `+ - * /`, without the zeros and ones that the splitting brings in.
fn combine(op: Binary, a: Expr, b: Expr) -> Expr {
    let one = Expr::Num(1.0);
    match op {
        _ if matches!((&a, &b), (Expr::Num(_), Expr::Num(_))) => match (a, b) {
            (Expr::Num(a), Expr::Num(b)) => Expr::Num(op.eval(a, b)),
            _ => unreachable!("both are numbers"),
        },
        Binary::Add if is_zero(&a) => b,
        Binary::Add | Binary::Sub if is_zero(&b) => a,
        Binary::Sub if is_zero(&a) => neg(b),
        Binary::Mul if is_zero(&a) || is_zero(&b) => Expr::Num(0.0),
        Binary::Div if is_zero(&a) => Expr::Num(0.0),
        Binary::Mul if a == one => b,
        Binary::Mul | Binary::Div if b == one => a,
        _ => Expr::binary(op, a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v() -> Expr {
        Expr::Var(Var::State(0))
    }

    fn p() -> Expr {
        Expr::Var(Var::Param(0))
    }

    fn i() -> Expr {
        Expr::Var(Var::Input)
    }

    #[test]
    fn leaky_integration_is_linear() {
        let rate = Expr::binary(Binary::Div, Expr::binary(Binary::Sub, i(), v()), p());
        let (decay, drive) = linear_in(&rate, &Var::State(0)).expect("linear");
        assert_eq!(decay, Expr::binary(Binary::Div, Expr::Num(-1.0), p()));
        assert_eq!(drive, Expr::binary(Binary::Div, i(), p()));
    }

    #[test]
    fn a_product_with_another_variable_is_linear() {
        let rate = Expr::binary(Binary::Mul, Expr::binary(Binary::Sub, v(), p()), i());
        let (decay, drive) = linear_in(&rate, &Var::State(0)).expect("linear");
        assert_eq!(decay, i());
        assert_eq!(drive, Expr::binary(Binary::Mul, Expr::unary(Unary::Neg, p()), i()));
    }

    #[test]
    fn squares_and_functions_are_not_linear() {
        assert_eq!(linear_in(&Expr::binary(Binary::Mul, v(), v()), &Var::State(0)), None);
        assert_eq!(linear_in(&Expr::unary(Unary::Exp, v()), &Var::State(0)), None);
        assert_eq!(linear_in(&Expr::binary(Binary::Div, i(), v()), &Var::State(0)), None);
    }
}
