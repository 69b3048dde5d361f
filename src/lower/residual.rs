//! Residuals to expression programs.
//!
//! ```text
//! d(u, t) - 0.1 d(u, x, x) - sin(x)   by jet
//!   ->  atoms [u_t, u_xx];  value(coords, atoms) = atoms[0] - 0.1 atoms[1] - sin(coords[0]);  slopes = [1, -0.1]
//! ```

use std::collections::BTreeSet;

use super::emit::{Emit, Term, Val};
use crate::check::calculus::differentiate;
use crate::check::domain::outward;
use crate::check::expr::{Expr, Var};
use crate::check::model::{self, Method, Model, Residual};
use crate::func::{Binary, MultiIndex};
use crate::ir::problem as ir;
use crate::ir::program::{Input, Output, Program};

/// A program in coordinates only, with one output `value`.
pub fn of_coords(model: &Model, name: &str, e: &Expr) -> Program {
    let mut b = Expression::new(name, &[("coords", model.coords.len())]);
    b.output("value", &[e], &|v, at| match v {
        Var::Coord(i) => at[0][*i],
        _ => unreachable!("the checker allows only coordinates here"),
    });
    b.finish()
}

/// As [`of_coords`], with the coefficients of input functions, if there are any.
pub fn of_functions(model: &Model, name: &str, e: &Expr) -> Program {
    let coefficients = coefficients(model);
    if coefficients == 0 {
        return of_coords(model, name, e);
    }
    let mut b = Expression::new(name, &[("coords", model.coords.len()), ("coefficients", coefficients)]);
    b.output("value", &[e], &|v, at| match v {
        Var::Coord(i) => at[0][*i],
        Var::Coefficient(k) => at[1][*k],
        _ => unreachable!("the checker allows only coordinates and input functions here"),
    });
    b.finish()
}

/// A point in terms of another one: output `value`, all coordinates.
fn point(model: &Model, at: &[Expr]) -> Program {
    let mut b = Expression::new("another point", &[("coords", model.coords.len())]);
    b.output("value", &at.iter().collect::<Vec<_>>(), &|v, at| match v {
        Var::Coord(i) => at[0][*i],
        _ => unreachable!("the checker allows only coordinates here"),
    });
    b.finish()
}

/// The number of coefficients of all input functions.
fn coefficients(model: &Model) -> usize {
    model.functions.iter().map(|f| f.parts.len()).sum()
}

/// A program in coordinates only, whose output `value` is 1 where a condition holds and else 0.
pub fn truth(model: &Model, name: &str, condition: &Expr) -> Program {
    let number = Expr::If(Box::new(condition.clone()), Box::new(Expr::Num(1.0)), Box::new(Expr::Num(0.0)));
    of_coords(model, name, &number)
}

/// The points of a curve, and its normal, in its parameter.
fn path(c: &model::Curve) -> ir::Path {
    let mut b = Expression::new(&format!("curve {}", c.name), &[("s", 1)]);
    let outputs: Vec<&Expr> = c.point.iter().chain(&c.normal).collect();
    b.output("value", &outputs, &|v, at| match v {
        Var::Column(_) => at[0][0],
        _ => unreachable!("the checker allows only the parameter here"),
    });
    ir::Path { coords: c.coords.clone(), lo: c.lo, hi: c.hi, closed: c.closed, point: b.finish() }
}

pub fn lower(model: &Model, r: &Residual) -> ir::Residual {
    ir::Residual {
        name: r.name.clone(),
        weight: r.weight,
        place: place(&r.place),
        points: r.points,
        sampler: r.sampler,
        dynamics: r.dynamics,
        rows: match &r.method {
            Method::Value => ir::Rows::Pointwise(pointwise(model, r, ir::Derivatives::None)),
            Method::Jet => ir::Rows::Pointwise(pointwise(model, r, ir::Derivatives::Jet)),
            Method::Stencil { h } => ir::Rows::Pointwise(pointwise(model, r, ir::Derivatives::Stencil { h: *h })),
            Method::Smoothing { sigma } => {
                ir::Rows::Pointwise(pointwise(model, r, ir::Derivatives::Smoothing { sigma: *sigma }))
            }
            Method::Weak(form) => ir::Rows::Weak(weak(model, r, form)),
            Method::Absorbed { by, fallback } => {
                let derivatives = match **fallback {
                    Method::Jet => ir::Derivatives::Jet,
                    Method::Stencil { h } => ir::Derivatives::Stencil { h },
                    _ => ir::Derivatives::None,
                };
                ir::Rows::Absorbed { by: *by, measure: pointwise(model, r, derivatives) }
            }
        },
    }
}

fn place(p: &model::Place) -> ir::Place {
    match p {
        model::Place::Interior => ir::Place::Interior,
        model::Place::Domain => ir::Place::Domain,
        model::Place::Faces(faces) => {
            let face = |f: &model::Face| ir::Face { coord: f.coord, value: f.value, outward: outward(f) };
            ir::Place::Faces(faces.iter().map(face).collect())
        }
        model::Place::Curve(c) => ir::Place::Curve(Box::new(path(c))),
        model::Place::Grid(n) => ir::Place::Grid(n.clone()),
        model::Place::Data(data) => ir::Place::Data {
            points: data.rows.iter().map(|row| data.coords.iter().map(|c| row[*c]).collect()).collect(),
            columns: data.rows.clone(),
        },
    }
}

/// Columns that a residual's place gives; on faces only if it makes use of them.
fn columns(model: &Model, r: &Residual) -> usize {
    let used = |e: &Expr| e.any_var(|v| matches!(v, Var::Column(_)));
    match &r.place {
        model::Place::Data(data) => data.columns.len(),
        model::Place::Curve(c) => 1 + c.normal.len(),
        model::Place::Faces(_) if used(&r.lhs) || used(&r.rhs) => model.coords.len(),
        _ => 0,
    }
}

fn pointwise(model: &Model, r: &Residual, by: ir::Derivatives) -> ir::Pointwise {
    let residual = Expr::binary(Binary::Sub, r.lhs.clone(), r.rhs.clone());
    let mut fields = BTreeSet::new();
    residual.walk(&mut |e| {
        if let Expr::Var(v @ (Var::Field { .. } | Var::Placed { .. } | Var::Unknown(_))) = e {
            fields.insert(v.clone());
        }
    });
    let fields: Vec<Var> = fields.into_iter().collect();
    let atoms: Vec<ir::Atom> = fields.iter().filter_map(|v| atom(model, v)).collect();
    let columns = columns(model, r);
    let mut inputs = vec![("coords", model.coords.len())];
    if columns > 0 {
        inputs.push(("columns", columns));
    }
    if coefficients(model) > 0 {
        inputs.push(("coefficients", coefficients(model)));
    }
    inputs.push(("atoms", atoms.len()));
    let last = inputs.len() - 1;
    let var = |v: &Var, at: &[Vec<Term>]| match v {
        Var::Coord(i) => at[0][*i],
        Var::Column(i) => at[1][*i],
        Var::Coefficient(k) => at[last - 1][*k],
        v => match fields.iter().position(|f| f == v) {
            Some(i) => at[last][i],
            None => unreachable!("the checker allows only coordinates, columns, fields and unknowns here"),
        },
    };
    let mut value = Expression::new(&format!("residual {}", r.name), &inputs);
    value.output("value", &[&residual], &var);
    let derivatives: Vec<Expr> = fields.iter().map(|f| differentiate(&residual, f)).collect();
    let mut slopes = Expression::new(&format!("slopes of {}", r.name), &inputs);
    slopes.output("slopes", &derivatives.iter().collect::<Vec<_>>(), &var);
    let linear = derivatives.iter().all(|d| !d.has_field());
    let place = |v: &Var| match v {
        Var::Placed { place, .. } => Some(point(model, &model.places[*place])),
        _ => None,
    };
    let places = fields.iter().map(place).collect();
    ir::Pointwise { atoms, places, by, value: value.finish(), slopes: slopes.finish(), linear }
}

/// A field's derivative or an unknown, which is a field as well.
fn atom(model: &Model, v: &Var) -> Option<ir::Atom> {
    match v {
        Var::Field { field, alpha } => Some(ir::Atom { field: *field, alpha: alpha.clone() }),
        Var::Placed { field, .. } => Some(ir::Atom { field: *field, alpha: MultiIndex::zero(model.coords.len()) }),
        Var::Unknown(k) => {
            let field = model.network.fields.len() + k;
            Some(ir::Atom { field, alpha: MultiIndex::zero(model.coords.len()) })
        }
        _ => None,
    }
}

fn weak(model: &Model, r: &Residual, form: &model::WeakForm) -> ir::Weak {
    let name = |what: &str, i: usize| format!("{what} {i} of {}", r.name);
    let mut fields = BTreeSet::new();
    for term in &form.volume {
        match &term.integrand {
            model::Integrand::One => {}
            model::Integrand::Field(field) => drop(fields.insert(*field)),
            model::Integrand::Function { slopes, .. } => {
                fields.extend(slopes.iter().filter_map(|(a, _)| Some(atom(model, &a.var())?.field)));
            }
        }
    }
    let fields: Vec<usize> = fields.into_iter().collect();
    let place_of = |field: usize| fields.iter().position(|f| *f == field).unwrap_or(0);
    let integrand = |i: usize, integrand: &model::Integrand| match integrand {
        model::Integrand::Field(field) => ir::Integrand::Field(place_of(*field)),
        model::Integrand::One => ir::Integrand::One,
        model::Integrand::Function { value, slopes } => {
            let inputs = [("coords", model.coords.len()), ("fields", fields.len())];
            let mut b = Expression::new(&name("integrand", i), &inputs);
            let var = |v: &Var, at: &[Vec<Term>]| match v {
                Var::Coord(i) => at[0][*i],
                v => match atom(model, v) {
                    Some(a) => at[1][place_of(a.field)],
                    None => unreachable!("the checker allows only coordinates, fields and unknowns here"),
                },
            };
            b.output("value", &[value], &var);
            let none = Expr::Num(0.0);
            let slope = |field: &usize| {
                let of = |a: &model::Atom| atom(model, &a.var()).is_some_and(|a| a.field == *field);
                slopes.iter().find(|(a, _)| of(a)).map_or(&none, |(_, e)| e)
            };
            b.output("slopes", &fields.iter().map(slope).collect::<Vec<_>>(), &var);
            ir::Integrand::Function(Box::new(b.finish()))
        }
    };
    ir::Weak {
        tests: form.tests,
        fields: fields.clone(),
        volume: form
            .volume
            .iter()
            .enumerate()
            .map(|(i, t)| ir::VolumeTerm {
                coef: of_coords(model, &name("coefficient", i), &t.coef),
                test: t.test.clone(),
                integrand: integrand(i, &t.integrand),
            })
            .collect(),
        boundary: form
            .boundary
            .iter()
            .enumerate()
            .map(|(i, t)| ir::BoundaryTerm {
                coord: t.coord,
                high: t.high,
                coef: of_coords(model, &name("boundary term", i), &t.coef),
                test: t.test.clone(),
            })
            .collect(),
        vanish: form.vanish.clone(),
        ties: form.ties.iter().map(|t| ir::Tie { coord: t.coord, high: t.high, parts: t.parts.clone() }).collect(),
        absorbed: form.absorbed.clone(),
        linear: form.volume.iter().all(|t| !matches!(t.integrand, model::Integrand::Function { .. })),
    }
}

/// An expression program under construction: inputs as scalars, outputs as vectors.
struct Expression {
    e: Emit,
    at: Vec<Vec<Term>>,
}

impl Expression {
    fn new(name: &str, inputs: &[(&str, usize)]) -> Expression {
        let mut program = Program::new(name);
        program.inputs = inputs.iter().map(|(n, w)| Input { name: (*n).into(), width: *w as u32 }).collect();
        let mut e = Emit::new(program);
        let mut at = vec![];
        for (k, (_, width)) in inputs.iter().enumerate() {
            if *width == 0 {
                at.push(vec![]);
                continue;
            }
            let whole = e.input(k as u32, *width as u32);
            let parts = (0..*width).map(|i| if *width == 1 { whole } else { e.slice(whole, i as u32, 1) });
            at.push(parts.map(Term::Val).collect());
        }
        Expression { e, at }
    }

    fn output(&mut self, name: &str, of: &[&Expr], var: &dyn Fn(&Var, &[Vec<Term>]) -> Term) {
        let at = self.at.clone();
        let mut parts: Vec<Val> = vec![];
        for expr in of {
            let term = self.e.expr(expr, &|v| var(v, &at));
            parts.push(self.e.wide(term, 1));
        }
        let value = if parts.len() == 1 { parts[0] } else { self.e.concat(&parts) };
        self.e.program().outputs.push(Output { name: name.into(), value: value.value });
    }

    fn finish(self) -> Program {
        self.e.finish()
    }
}
