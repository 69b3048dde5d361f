//! Rows that are held back from a selection.

use super::adapt::session;
use super::small::{Unit, problem};
use crate::ir::problem::Place;
use crate::plan::Causal;
use crate::train::held::Held;
use crate::train::system::Kind;

#[test]
fn rows_are_held_back_at_other_points() {
    let (mut p, k) = problem(Unit::Tanh, 4, true, vec![]);
    session(&p, &k, |s| {
        let held = Held::new(s).expect("there are other points");
        let points = |kind: &Kind<'_>| if let Kind::Point(p) = kind { p.coords.clone() } else { vec![] };
        let (own, other) = (points(&s.system.blocks[0].kind), points(&held.system.blocks[0].kind));
        assert!(own.len() == other.len() && own.iter().all(|x| !other.contains(x)));
        // Without an output the residual is -sin 2 pi x, wherever it is taken; its weight is 2.
        s.params.fill(0.0);
        let field = s.lab.field(&held.system, &s.params);
        assert!((held.loss(&field) - 1.0).abs() < 0.02, "{}", held.loss(&field));
    });
    p.residuals[0].dynamics.causal = Some(Causal { coord: 0, eps: 1.0 });
    session(&p, &k, |s| assert!(Held::new(s).is_none(), "its rows do not count alike"));
    p.residuals[0].dynamics.causal = None;
    p.residuals[0].place = Place::Data { points: vec![vec![0.1], vec![0.3]], columns: vec![vec![], vec![]] };
    session(&p, &k, |s| assert!(Held::new(s).is_none(), "data are all there are"));
}
