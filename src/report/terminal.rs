//! Small plots in text, for a terminal: the loss, and the solution where it has one coordinate.

use textplots::{Chart, LabelBuilder, LabelFormat, Plot, Shape};

use super::data::RunData;
use super::scale::short;

/// Dots across and down: a character has 2 by 4.
const SIZE: (u32, u32) = (120, 48);

/// Empty where there is nothing to show.
pub fn plots(run: &RunData) -> String {
    let mut out = String::new();
    let loss: Vec<(f32, f32)> = (run.history.iter().enumerate())
        .filter(|(_, p)| p.loss > 0.0 && p.loss.is_finite())
        .map(|(k, p)| (k as f32, libm::log10(p.loss) as f32))
        .collect();
    if loss.len() > 1 {
        out.push_str("loss, by rounds and steps\n");
        let to_power: fn(f32) -> String = |v| short(libm::pow(10.0, f64::from(v)));
        out.push_str(&drawn(&[loss], to_power));
    }
    if let ([x], Some(grid)) = (&run.coords[..], &run.grid) {
        for field in &grid.fields {
            let line = |values: &Vec<f64>| {
                let points = grid.axes[0].iter().zip(values).map(|(x, v)| (*x as f32, *v as f32));
                points.filter(|(_, v)| v.is_finite()).collect::<Vec<_>>()
            };
            let solution = line(&field.solution);
            if solution.len() > 1 {
                out.push_str(&format!("\n{} by {}\n", field.name, x.name));
                let plain: fn(f32) -> String = |v| short(f64::from(v));
                out.push_str(&drawn(&[solution], plain));
            }
        }
    }
    out
}

fn drawn(curves: &[Vec<(f32, f32)>], label: fn(f32) -> String) -> String {
    let ends = |of: fn(&(f32, f32)) -> f32| {
        let all = curves.iter().flatten().map(of);
        all.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
    };
    let ((x_lo, x_hi), (lo, hi)) = (ends(|p| p.0), ends(|p| p.1));
    let (lo, hi) = if hi > lo { (lo, hi) } else { (lo - 0.5, hi + 0.5) };
    let shapes: Vec<Shape<'_>> = curves.iter().map(|c| Shape::Lines(c)).collect();
    let mut chart = Chart::new_with_y_range(SIZE.0, SIZE.1, x_lo, x_hi, lo, hi);
    let mut chart = &mut chart;
    for shape in &shapes {
        chart = chart.lineplot(shape);
    }
    let chart = chart
        .x_label_format(LabelFormat::Custom(Box::new(|v| short(f64::from(v)))))
        .y_label_format(LabelFormat::Custom(Box::new(label)));
    chart.borders();
    chart.axis();
    chart.figures();
    chart.to_string()
}

#[cfg(test)]
mod tests {
    use super::drawn;
    use crate::report::scale::short;

    #[test]
    fn a_plot_has_its_ends_at_its_sides() {
        let text = drawn(&[(0..50).map(|k| (k as f32, -(k as f32) / 10.0)).collect()], |v| {
            short(libm::pow(10.0, f64::from(v)))
        });
        assert!(text.contains("1.26e-5") && text.contains('1') && text.contains("49"), "{text}");
        assert!(text.lines().count() > 12, "{text}");
        // A constant can be drawn.
        assert!(!drawn(&[vec![(0.0, 2.0), (1.0, 2.0)]], |v| short(f64::from(v))).is_empty());
    }
}
