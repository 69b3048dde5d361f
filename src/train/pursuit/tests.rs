//! The pursuit against its definition.

use super::*;
use faer::Mat;

fn noise(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

fn random(rows: usize, cols: usize, mut seed: u64) -> Mat<f64> {
    Mat::from_fn(rows, cols, |_, _| f64::from(noise(&mut seed) as f32))
}

#[test]
fn finds_the_columns_a_target_is_made_of() {
    let f = random(200, 500, 1);
    let hidden = [7, 450, 133, 64, 63];
    let target: Vec<f64> = (0..200)
        .map(|i| 3.0 + hidden.iter().enumerate().map(|(k, &j)| (k as f64 + 1.0) * f[(i, j)]).sum::<f64>())
        .collect();
    let mut p = Pursuit::new(&target, Mat::full(200, 1, 1.0).as_ref(), 1);
    p.add(f.as_ref().subcols(0, 100));
    p.add(f.as_ref().subcols(100, 400));
    let s = p.select(5);
    let mut picks = s.picks.clone();
    picks.sort_unstable();
    assert_eq!(picks, [7, 63, 64, 133, 450]);
    assert!(s.squares[5] < 1e-9 * s.squares[0]);
    assert!(s.squares.windows(2).all(|w| w[1] <= w[0]));
}

#[test]
fn agrees_with_the_definition() {
    // The definition: of all columns, the one with which the least-squares residual is smallest.
    let f = random(40, 30, 5);
    let target: Vec<f64> = random(40, 1, 6).col(0).iter().copied().collect();
    let mut p = Pursuit::new(&target, Mat::zeros(40, 0).as_ref(), 1);
    p.add(f.as_ref());
    let s = p.select(6);
    let mut chosen: Vec<usize> = vec![];
    for _ in 0..6 {
        let square = |j: usize| {
            let columns: Vec<usize> = chosen.iter().copied().chain([j]).collect();
            let mut r = target.clone();
            let mut basis: Vec<Vec<f64>> = vec![];
            for &c in &columns {
                let mut v: Vec<f64> = (0..40).map(|i| f[(i, c)]).collect();
                for q in basis.iter().chain(&basis) {
                    let d = dot(q, &v);
                    axpy(-d, q, &mut v);
                }
                let n = dot(&v, &v).sqrt();
                v.iter_mut().for_each(|x| *x /= n);
                let d = dot(&v, &r);
                axpy(-d, &v, &mut r);
                basis.push(v);
            }
            dot(&r, &r)
        };
        let best = (0..30).filter(|j| !chosen.contains(j)).min_by(|&a, &b| square(a).total_cmp(&square(b)));
        chosen.extend(best);
    }
    assert_eq!(s.picks, chosen);
}

#[test]
fn several_columns_are_taken_together() {
    // The definition: of all candidates, the one whose two columns leave the least.
    let f = random(40, 24, 5);
    let target: Vec<f64> = random(40, 1, 6).col(0).iter().copied().collect();
    let mut p = Pursuit::new(&target, Mat::full(40, 1, 1.0).as_ref(), 2);
    p.add(f.as_ref().subcols(0, 10));
    p.add(f.as_ref().subcols(10, 14));
    let s = p.select(4);
    let left = |chosen: &[usize]| {
        let all = Mat::from_fn(40, 1 + 2 * chosen.len(), |i, j| match j {
            0 => 1.0,
            j => f[(i, 2 * chosen[(j - 1) / 2] + (j - 1) % 2)],
        });
        let solution = crate::train::readout::solve(
            all.as_ref(),
            &target,
            all.ncols(),
            crate::train::readout::Penalty::Given(0.0),
        );
        solution.expect("finite").mean_square * 40.0
    };
    let mut chosen = vec![];
    for k in 0..4 {
        let with = |j: usize| left(&[chosen.as_slice(), &[j]].concat());
        let best = (0..12).filter(|j| !chosen.contains(j)).min_by(|&a, &b| with(a).total_cmp(&with(b)));
        chosen.extend(best);
        assert!((s.squares[k + 1] - left(&chosen)).abs() < 1e-9);
    }
    assert_eq!(s.picks, chosen);
}

#[test]
fn copies_zeros_and_broken_columns_are_left_alone() {
    let mut f = random(60, 12, 8);
    for i in 0..60 {
        f[(i, 3)] = f[(i, 1)];
        f[(i, 5)] = 0.0;
        f[(i, 6)] = 1.0;
        f[(i, 9)] = 2.0 * f[(i, 1)] - f[(i, 0)];
    }
    f[(17, 7)] = f64::NAN;
    let target: Vec<f64> = (0..60).map(|i| f[(i, 1)] + 0.3 * f[(i, 0)]).collect();
    let mut p = Pursuit::new(&target, Mat::full(60, 1, 1.0).as_ref(), 1);
    p.add(f.as_ref());
    let s = p.select(12);
    assert!(!s.picks.iter().any(|j| [3, 5, 6, 7].contains(j)), "{:?}", s.picks);
    let dependent = s.picks.iter().filter(|j| [0, 1, 9].contains(j)).count();
    assert!(dependent <= 2, "{:?}", s.picks);
}

#[test]
fn threads_do_not_matter() {
    let f = random(100, 700, 3);
    let target: Vec<f64> = random(100, 1, 4).col(0).iter().copied().collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
        pool.install(|| {
            let mut p = Pursuit::new(&target, Mat::full(100, 1, 1.0).as_ref(), 1);
            p.add(f.as_ref());
            p.select(50)
        })
    };
    assert_eq!(run(1), run(3));
}

/// Responses along random directions of a square: alike, as those of neurons are.
fn alike(side: usize, candidates: usize, mut seed: u64) -> Mat<f64> {
    let units: Vec<[f64; 3]> = (0..candidates).map(|_| [(); 3].map(|_| noise(&mut seed))).collect();
    let half = side as f64 / 2.0;
    Mat::from_fn(side * side, candidates, |i, j| {
        let (x, y) = ((i / side) as f64 / half - 1.0, (i % side) as f64 / half - 1.0);
        let [a, b, c] = units[j];
        (8.0 * (a * x + b * y - c)).floor().max(0.0) / 8.0
    })
}

#[test]
fn looking_ahead_finds_the_picks_of_one_sweep_a_pick() {
    let f = alike(16, 1500, 11);
    let target: Vec<f64> =
        (0..256).map(|i| libm::sin((i / 16) as f64 * 0.4) * libm::cos((i % 16) as f64 * 0.3)).collect();
    for group in [1, 3] {
        let select = |ahead| {
            let mut p = Pursuit::new(&target, Mat::full(256, 1, 1.0).as_ref(), group);
            p.add(f.as_ref());
            p.select_ahead(60, ahead)
        };
        let one = select((1, 1));
        assert_eq!(one.picks.len(), 60);
        for ahead in [(2, 5), PICKS, (60, 60)] {
            let many = select(ahead);
            assert_eq!(many.picks, one.picks);
            assert!(many.squares.iter().zip(&one.squares).all(|(a, b)| (a - b).abs() < 1e-10 * one.squares[0]));
        }
    }
}
