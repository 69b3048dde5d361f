//! Domains: ranges, periodic coordinates, the shape cut out of the box, curves; and points on any place of them.
//!
//! ```text
//! x in -1 .. 1   y in -1 .. 1   where x^2 + y^2 < 1        ->   Shape { inside: x^2 + y^2 < 1 }
//! curve rim(s in 0 .. 2*pi) = (cos(s), sin(s))             ->   Curve, its normal (cos(s), sin(s)) pointing out of the disk
//! ```
//!
//! What a place says at each of its points beside the coordinates stands in *columns*, as those of a data file do: along a
//! curve its parameter and its outward normal, on faces the outward normal.

use crate::check::calculus::{differentiate, div, evaluate, neg, simplify, substitute};
use crate::check::expr::{Expr, Var};
use crate::check::lints::point_text;
use crate::check::model::{Coord, Curve, Face, Place, Shape, Side};
use crate::check::names::reserved;
use crate::check::scope::{Names, Normal, Scope};
use crate::check::weak::spread;
use crate::diag::{Sink, domain as say, geometry, names, types};
use crate::func::{Binary, Unary};
use crate::plan::Precision;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

/// Points of the box that a shape is tried on, and how many of them must lie inside.
const TRIED: usize = 20_000;
const LEAST_INSIDE: usize = 20;
/// Numbers that a range holds at least.
const LEAST_NUMBERS: f64 = 1000.0;
/// Steps along a curve when it is looked at.
const STEPS: usize = 1024;

/// Fills in the ranges, the shape and the curves. Names are in the scope already.
pub fn declare(domain: &ast::Domain, scope: &mut Scope<'_>, sink: &mut Sink) {
    let mut fine = true;
    for c in &domain.coords {
        // The second of two coordinates of one name has been complained about.
        let Some(index) = scope.coords.iter().position(|other| other.span == c.name.span) else { continue };
        scope.coords[index].periodic = c.periodic.is_some();
        let lo = scope.number_in(&c.lo, "in a bound of the domain", sink);
        let hi = scope.number_in(&c.hi, "in a bound of the domain", sink);
        let (Some(lo), Some(hi)) = (lo, hi) else {
            fine = false;
            continue;
        };
        if lo >= hi {
            sink.push(types::empty_range(c.lo.span.to(c.hi.span), lo, hi));
            fine = false;
            continue;
        }
        (scope.coords[index].lo, scope.coords[index].hi) = (lo, hi);
    }
    if domain.coords.is_empty() {
        sink.push(names::missing_item(domain.span, &["coordinate"]));
        return;
    }
    shape(domain, fine, scope, sink);
    for c in &domain.curves {
        match curve(c, fine, scope, sink) {
            Some(curve) => scope.curves.push(curve),
            None => {
                scope.broken.insert(c.name.text.clone());
            }
        }
    }
}

/// Refuses ranges of which the precision has too few numbers, or none.
pub fn resolved(coords: &[Coord], precision: Precision, sink: &mut Sink) {
    let (apart, largest) = match precision {
        Precision::F32 => (f64::from(f32::EPSILON), 1e30),
        Precision::F64 => (f64::EPSILON, 1e280),
    };
    for c in coords.iter().filter(|c| c.lo < c.hi) {
        let end = c.lo.abs().max(c.hi.abs());
        // Their difference may be infinite.
        let inside = end <= largest && end >= 1.0 / largest && c.hi - c.lo >= LEAST_NUMBERS * apart * end;
        if !inside {
            let double = precision == Precision::F64;
            sink.push(say::unresolved_range(c.span, &c.name, (c.lo, c.hi), double));
        }
    }
}

// ---- shapes --------------------------------------------------------------------------------------------------------

fn shape(domain: &ast::Domain, ranges: bool, scope: &mut Scope<'_>, sink: &mut Sink) {
    let all: Vec<usize> = (0..scope.coords.len()).collect();
    let allowed = Names::only_coords(&all, "in a shape of the domain");
    let parts: Vec<Option<Expr>> = domain.shapes.iter().map(|e| scope.truth(e, &allowed, sink)).collect();
    let (Some(parts), [first, ..]) = (parts.into_iter().collect::<Option<Vec<_>>>(), domain.shapes.as_slice()) else {
        return;
    };
    let span = domain.shapes.last().map_or(first.span, |last| first.span.to(last.span));
    let joined = parts.into_iter().reduce(|a, b| Expr::Logic(true, Box::new(a), Box::new(b)));
    let Some(inside) = joined.filter(|_| ranges) else { return };
    let shape = Shape { inside, span };
    let points = spread(scope.coords.len(), TRIED);
    let count = points.iter().filter(|p| shape.contains(&scaled(p, &scope.coords))).count();
    if count < LEAST_INSIDE {
        sink.push(say::empty_region(span, count, TRIED));
        return;
    }
    if count == TRIED {
        sink.push(say::idle_shape(span));
    }
    scope.shape = Some(shape);
}

impl Shape {
    pub fn contains(&self, point: &[f64]) -> bool {
        evaluate(&self.inside, &|v| at(v, point, &[])) != 0.0
    }
}

fn scaled(unit: &[f64], coords: &[Coord]) -> Vec<f64> {
    unit.iter().zip(coords).map(|(p, c)| c.lo + p * (c.hi - c.lo)).collect()
}

/// The value of a variable at a point of a place.
pub fn at(v: &Var, point: &[f64], columns: &[f64]) -> f64 {
    match v {
        Var::Coord(i) => point.get(*i).copied().unwrap_or(f64::NAN),
        Var::Column(i) => columns.get(*i).copied().unwrap_or(f64::NAN),
        // One input function among all.
        Var::Coefficient(k) => 1.3 * libm::sin(1.7 * (*k as f64 + 1.0)),
        _ => f64::NAN,
    }
}

/// Complains of a place of which nothing lies inside the shape.
pub fn reaches(place: &Place, span: Span, scope: &Scope<'_>, sink: &mut Sink) -> Option<()> {
    let Some(shape) = &scope.shape else { return Some(()) };
    let outside = |what: String, sink: &mut Sink| {
        sink.push(geometry::place_outside(span, &what, shape.span));
        None
    };
    match place {
        Place::Faces(faces) => {
            for f in faces {
                let mut on_face = spread(scope.coords.len(), 4096).into_iter().map(|p| scaled(&p, &scope.coords));
                let meets = on_face.any(|mut p| {
                    p[f.coord] = f.value;
                    shape.contains(&p)
                });
                if !meets {
                    return outside(format!("{} = {}", scope.coords[f.coord].name, f.value), sink);
                }
            }
            Some(())
        }
        Place::Grid(counts) => {
            let all: usize = counts.iter().product();
            // Of a large grid some: it cannot miss a region of a thousandth of the box.
            let every = (all / 200_000).max(1);
            let meets = (0..all).step_by(every).any(|mut k| {
                let mut p = vec![0.0; counts.len()];
                for (i, c) in scope.coords.iter().enumerate().rev() {
                    p[i] = c.lo + (c.hi - c.lo) * (k % counts[i]) as f64 / (counts[i] - 1) as f64;
                    k /= counts[i];
                }
                shape.contains(&p)
            });
            if meets { Some(()) } else { outside("this grid".to_string(), sink) }
        }
        Place::Interior | Place::Domain | Place::Curve(_) | Place::Data(_) => Some(()),
    }
}

// ---- curves --------------------------------------------------------------------------------------------------------

fn curve(c: &ast::Curve, ranges: bool, scope: &Scope<'_>, sink: &mut Sink) -> Option<Curve> {
    let name = c.name.text.as_str();
    let param = &c.param;
    let taken = scope.coord(&param.text).map(|i| scope.coords[i].span);
    let network = scope.network(&param.text).map(|i| scope.networks[i].span);
    if let Some(kind) = reserved(&param.text) {
        sink.push(names::reserved_name(param.span, &param.text, kind));
        return None;
    }
    if taken.or(network).is_some() || scope.constant(&param.text).is_some() {
        sink.push(names::duplicate_name(param.span, "parameter", &param.text, taken.or(network)));
        return None;
    }
    let lo = scope.number_in(&c.lo, "in a bound of a curve", sink);
    let hi = scope.number_in(&c.hi, "in a bound of a curve", sink);
    let parts: Vec<&ast::Expr> = match &*c.point.kind {
        ExprKind::Tuple(parts) => parts.iter().collect(),
        _ => vec![&c.point],
    };
    let allowed = Names::none("in a curve").with(param.text.clone(), Var::Column(0));
    let point: Vec<Option<Expr>> = parts.iter().map(|e| scope.scalar(e, &allowed, sink)).collect();
    let coords = curve_coords(c, parts.len(), scope, sink);
    let point: Vec<Expr> = point.into_iter().collect::<Option<Vec<_>>>()?.iter().map(simplify).collect();
    let (lo, hi, coords) = (lo?, hi?, coords?);
    if lo >= hi {
        sink.push(types::empty_range(c.lo.span.to(c.hi.span), lo, hi));
        return None;
    }
    if !ranges {
        return None;
    }
    let value = |e: &Expr, s: f64| evaluate(e, &|v| at(v, &[], &[s]));
    let steps: Vec<(f64, Vec<f64>)> = (0..=STEPS)
        .map(|k| if k == STEPS { hi } else { lo + (hi - lo) * k as f64 / STEPS as f64 })
        .map(|s| (s, point.iter().map(|e| value(e, s)).collect()))
        .collect();
    let at_text = |s: f64| format!("{} = {s:.4}", param.text);
    let own: Vec<Coord> = coords.iter().map(|&i| scope.coords[i].clone()).collect();
    if let Some((s, _)) = steps.iter().find(|(_, p)| p.iter().any(|x| !x.is_finite())) {
        sink.push(say::curve_degenerate(c.point.span, name, &format!("has no value at {}", at_text(*s))));
        return None;
    }
    let beyond = |x: f64, c: &Coord| {
        let slack = 1e-9 * (c.hi - c.lo);
        x < c.lo - slack || x > c.hi + slack
    };
    if let Some((s, p)) = steps.iter().find(|(_, p)| p.iter().zip(&own).any(|(x, c)| beyond(*x, c))) {
        let box_: Vec<String> = own.iter().map(|c| format!("{} in {} .. {}", c.name, c.lo, c.hi)).collect();
        let place = point_text(p, &own);
        sink.push(say::curve_outside(c.point.span, name, &at_text(*s), &place, &box_.join(", ")));
        return None;
    }
    let extent = own.iter().map(|c| c.hi - c.lo).fold(0.0, f64::max);
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let length: f64 = steps.windows(2).map(|w| distance(&w[0].1, &w[1].1)).sum();
    if length < 1e-9 * extent {
        sink.push(say::curve_degenerate(c.point.span, name, "has no length"));
        return None;
    }
    let closed = distance(&steps[0].1, &steps[STEPS].1) < 1e-9 * extent;
    let normal = normal(&point, &coords, &steps, closed, scope);
    let (name, param) = (name.to_string(), param.text.clone());
    Some(Curve { name, param, lo, hi, coords, point, normal, closed, span: c.name.span })
}

/// The coordinates that a curve of `n` components gives: all, or all but time.
fn curve_coords(c: &ast::Curve, n: usize, scope: &Scope<'_>, sink: &mut Sink) -> Option<Vec<usize>> {
    let all: Vec<usize> = (0..scope.coords.len()).collect();
    let space = scope.space();
    for choice in [&all, &space] {
        if choice.len() == n && n >= 2 {
            return Some(choice.clone());
        }
    }
    let list = |which: &[usize]| which.iter().map(|&i| scope.coords[i].name.as_str()).collect::<Vec<_>>();
    let known = list(if space.len() >= 2 { &space } else { &all });
    let example = (known.len() >= 2).then(|| {
        let parts: Vec<&str> =
            known.iter().enumerate().map(|(k, _)| ["cos(s)", "sin(s)", "s"].get(k).copied().unwrap_or("s")).collect();
        format!("({})", parts.join(", "))
    });
    let expected = format!("those of {}", names::list(&known));
    sink.push(say::curve_dimension(c.point.span, &c.name.text, n, &expected, example.as_deref()));
    None
}

/// The unit normal of a curve in two coordinates, in its parameter, pointing out of the region: to the side where the shape
/// does not hold; if that does not tell, out of what a closed curve goes round, or to the right of an open one.
fn normal(point: &[Expr], coords: &[usize], steps: &[(f64, Vec<f64>)], closed: bool, scope: &Scope<'_>) -> Vec<Expr> {
    let [x, y] = point else { return vec![] };
    let (dx, dy) = (differentiate(x, &Var::Column(0)), differentiate(y, &Var::Column(0)));
    // Twice the area gone round anticlockwise; the right side is then the outer one.
    let area: f64 = steps.windows(2).map(|w| w[0].1[0] * w[1].1[1] - w[1].1[0] * w[0].1[1]).sum();
    let mut right = !(closed && area < 0.0);
    if let Some(shape) = &scope.shape {
        let mut balance = 0i32;
        for w in steps.windows(2).step_by(7) {
            let (a, b) = (&w[0].1, &w[1].1);
            let (ex, ey) = (b[0] - a[0], b[1] - a[1]);
            let size = (ex * ex + ey * ey).sqrt();
            let extent = coords.iter().map(|&i| scope.coords[i].hi - scope.coords[i].lo).fold(f64::INFINITY, f64::min);
            let step = 1e-3 * extent / size.max(1e-300);
            let side = |sign: f64| {
                let mut p = scaled(&vec![0.5; scope.coords.len()], &scope.coords);
                p[coords[0]] = 0.5 * (a[0] + b[0]) + sign * step * ey;
                p[coords[1]] = 0.5 * (a[1] + b[1]) - sign * step * ex;
                i32::from(shape.contains(&p))
            };
            balance += side(1.0) - side(-1.0);
        }
        if balance != 0 {
            right = balance < 0;
        }
    }
    let square = |e: &Expr| Expr::binary(Binary::Pow, e.clone(), Expr::Num(2.0));
    let speed = Expr::unary(Unary::Sqrt, Expr::binary(Binary::Add, square(&dx), square(&dy)));
    let (nx, ny) = if right { (dy, neg(dx)) } else { (neg(dy), dx) };
    [nx, ny].iter().map(|n| simplify(&div(n.clone(), speed.clone()))).collect()
}

// ---- what a residual may use at a place ------------------------------------------------------------------------------

/// Adds the parameter of a curve, and says what `normal` means at a place.
pub fn names_at(place: &Place, allowed: Names) -> Names {
    let none = |why: &str, instead: &str| Normal::None(why.to_string(), instead.to_string());
    match place {
        Place::Interior | Place::Domain | Place::Grid(_) | Place::Data(_) => allowed.normal(none(
            "these points lie on no boundary",
            "put the residual on a face, `on x = 0`, or on a curve; or name the coordinate, as in `d(u, x)`",
        )),
        Place::Faces(faces) if faces.iter().any(|f| f.side == Side::Inside) => allowed.normal(none(
            "the face lies inside the domain and has no outer side",
            "name the coordinate, as in `d(u, x)`",
        )),
        Place::Faces(faces) => {
            let one = faces.iter().all(|f| (f.coord, f.side) == (faces[0].coord, faces[0].side));
            let mut along: Vec<(usize, Expr)> = vec![];
            for f in faces {
                let component = if one { Expr::Num(outward(f)) } else { Expr::Var(Var::Column(f.coord)) };
                if !along.iter().any(|(c, _)| *c == f.coord) {
                    along.push((f.coord, component));
                }
            }
            allowed.normal(Normal::Along(along))
        }
        Place::Curve(c) => {
            let along: Vec<(usize, Expr)> = c
                .coords
                .iter()
                .take(c.normal.len())
                .enumerate()
                .map(|(k, &i)| (i, Expr::Var(Var::Column(k + 1))))
                .collect();
            let normal = match along.is_empty() {
                true => {
                    none("a curve through more than two coordinates has no sides", "name a direction's coordinates")
                }
                false => Normal::Along(along),
            };
            allowed.with(c.param.clone(), Var::Column(0)).normal(normal)
        }
    }
}

/// The component of a face's outward normal along its coordinate.
pub fn outward(face: &Face) -> f64 {
    match face.side {
        Side::Lo => -1.0,
        Side::Hi => 1.0,
        Side::Inside => 0.0,
    }
}

/// An expression on one face: the normal, where it stands in columns, put in.
pub fn on_face(e: &Expr, face: &Face) -> Expr {
    substitute(e, &|v| match v {
        Var::Column(i) => Some(Expr::Num(if *i == face.coord { outward(face) } else { 0.0 })),
        _ => None,
    })
}

/// Points of a place, some for each face, with their columns; inside of the shape. None of data.
pub fn points(place: &Place, count: usize, scope: &Scope<'_>) -> Vec<(Vec<f64>, Vec<f64>)> {
    let inside = |p: &Vec<f64>| scope.shape.as_ref().is_none_or(|s| s.contains(p));
    // Enough for the smallest region that is accepted.
    let tries = if scope.shape.is_some() { TRIED } else { count };
    let unit = spread(scope.coords.len(), tries);
    let kept = |move_to: &dyn Fn(&mut Vec<f64>), columns: Vec<f64>| -> Vec<(Vec<f64>, Vec<f64>)> {
        let moved = unit.iter().map(|u| {
            let mut p = scaled(u, &scope.coords);
            move_to(&mut p);
            p
        });
        moved.filter(inside).take(count).map(|p| (p, columns.clone())).collect()
    };
    match place {
        Place::Faces(faces) => faces
            .iter()
            .flat_map(|f| {
                let columns = (0..scope.coords.len()).map(|i| if i == f.coord { outward(f) } else { 0.0 }).collect();
                kept(&|p| p[f.coord] = f.value, columns)
            })
            .collect(),
        Place::Curve(c) => unit
            .iter()
            .take(count)
            .enumerate()
            .map(|(k, u)| {
                let s = c.lo + (c.hi - c.lo) * (k as f64 + 0.5) / count as f64;
                let value = |e: &Expr| evaluate(e, &|v| at(v, &[], &[s]));
                let mut p = scaled(u, &scope.coords);
                c.coords.iter().zip(&c.point).for_each(|(&i, e)| p[i] = value(e));
                let mut columns = vec![s];
                columns.extend(c.normal.iter().map(value));
                (p, columns)
            })
            .collect(),
        _ => kept(&|_| {}, vec![]),
    }
}

// ---- periodic coordinates ------------------------------------------------------------------------------------------

/// The first of the value and the first `orders` derivatives that differ at the two ends of coordinate `i`: how many
/// derivatives, and the values at the low and the high end.
pub fn seam(e: &Expr, i: usize, orders: u8, coords: &[Coord]) -> Option<(u8, f64, f64)> {
    if !e.any_var(|v| *v == Var::Coord(i)) {
        return None;
    }
    let mut e = simplify(e);
    for order in 0..=orders {
        let (mut size, mut worst) = (0.0f64, (0.0f64, 0.0f64));
        for unit in spread(coords.len(), 24) {
            let mut p = scaled(&unit, coords);
            let mut end = |x: f64| {
                p[i] = x;
                evaluate(&e, &|v| at(v, &p, &[]))
            };
            let (middle, lo, hi) = (end(0.3 * coords[i].lo + 0.7 * coords[i].hi), end(coords[i].lo), end(coords[i].hi));
            size = size.max(lo.abs()).max(hi.abs()).max(middle.abs());
            // At a singular point there is nothing to say.
            if (lo - hi).abs() > f64::abs(worst.0 - worst.1) {
                worst = (lo, hi);
            }
        }
        if (worst.0 - worst.1).abs() > 1e-9 * size {
            return Some((order, worst.0, worst.1));
        }
        e = differentiate(&e, &Var::Coord(i));
    }
    None
}
