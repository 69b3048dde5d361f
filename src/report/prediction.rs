//! Fields at points, for other programs: CSV, NPZ, VTK. Plain data in, bytes out.
//!
//! | ending | contents |
//! |---|---|
//! | `.csv` | one line a point: the coordinates, then the fields |
//! | `.npz` | of a grid as [`npz`](super::npz) has it; of points, one array `[points]` a coordinate and a field; unknowns `[]`; input functions `NAME` and where they are known, `NAME_at` |
//! | `.vtk` | legacy VTK in text: a rectilinear grid or a set of vertices, with the fields as scalars; at most 3 coordinates |

use std::fmt::Write;
use std::io::Cursor;

use super::npz::add;

#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    pub coords: Vec<String>,
    /// `[points][coords]`
    pub points: Vec<f64>,
    /// Of a tensor grid, the last coordinate fastest: the points of each coordinate.
    pub axes: Option<Vec<Vec<f64>>>,
    /// Fields, and what is compared with them, `[points]` each.
    pub columns: Vec<(String, Vec<f64>)>,
    pub unknowns: Vec<(String, f64)>,
    /// Input functions: name, places, values.
    pub functions: Vec<(String, Vec<f64>, Vec<f64>)>,
}

/// A number as every reader of CSV takes it, in its shortest form that is read back to the same bits.
pub fn number(v: f64) -> String {
    match v {
        _ if v.is_nan() => "nan".into(),
        _ if v == 0.0 || (1e-5..1e15).contains(&v.abs()) || v.is_infinite() => format!("{v}"),
        _ => format!("{v:e}"),
    }
}

impl Prediction {
    pub fn len(&self) -> usize {
        self.points.len() / self.coords.len().max(1)
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    pub fn csv(&self) -> String {
        let mut out = String::new();
        let names: Vec<&str> =
            self.coords.iter().chain(self.columns.iter().map(|(n, _)| n)).map(String::as_str).collect();
        let _ = writeln!(out, "{}", names.join(","));
        for (i, point) in self.points.chunks_exact(self.coords.len().max(1)).enumerate() {
            let cells: Vec<String> =
                point.iter().copied().chain(self.columns.iter().map(|(_, v)| v[i])).map(number).collect();
            let _ = writeln!(out, "{}", cells.join(","));
        }
        out
    }

    /// # Errors
    /// Only if an array cannot be encoded, which would be a bug; the sentence says what happened.
    pub fn npz(&self) -> Result<Vec<u8>, String> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let shape: Vec<u64> = match &self.axes {
            Some(axes) => axes.iter().map(|a| a.len() as u64).collect(),
            None => vec![self.len() as u64],
        };
        let d = self.coords.len();
        for (k, name) in self.coords.iter().enumerate() {
            let values: Vec<f64> = match &self.axes {
                Some(axes) => axes[k].clone(),
                None => self.points.iter().skip(k).step_by(d).copied().collect(),
            };
            add(&mut zip, name, &[values.len() as u64], &values)?;
        }
        for (name, values) in &self.columns {
            add(&mut zip, name, &shape, values)?;
        }
        for (name, value) in &self.unknowns {
            add(&mut zip, name, &[], &[*value])?;
        }
        for (name, at, values) in &self.functions {
            add(&mut zip, name, &[values.len() as u64], values)?;
            add(&mut zip, &format!("{name}_at"), &[at.len() as u64], at)?;
        }
        Ok(zip.finish().map_err(|e| e.to_string())?.into_inner())
    }

    /// `None` with more than 3 coordinates.
    pub fn vtk(&self, title: &str) -> Option<String> {
        let d = self.coords.len();
        if d > 3 {
            return None;
        }
        let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        let mut out = format!("# vtk DataFile Version 3.0\n{title}\nASCII\n");
        let line = |values: &[f64]| values.iter().map(|v| number(*v)).collect::<Vec<_>>().join(" ");
        let order: Vec<usize> = match &self.axes {
            Some(axes) => {
                let axis = |k: usize| axes.get(k).cloned().unwrap_or_else(|| vec![0.0]);
                let n = [axis(0).len(), axis(1).len(), axis(2).len()];
                let _ = writeln!(out, "DATASET RECTILINEAR_GRID\nDIMENSIONS {} {} {}", n[0], n[1], n[2]);
                for (k, name) in ["X", "Y", "Z"].iter().enumerate() {
                    let _ = writeln!(out, "{name}_COORDINATES {} double\n{}", n[k], line(&axis(k)));
                }
                // VTK wants the first coordinate fastest.
                let mut order = Vec::with_capacity(self.len());
                for z in 0..n[2] {
                    for y in 0..n[1] {
                        order.extend((0..n[0]).map(|x| (x * n[1] + y) * n[2] + z));
                    }
                }
                order
            }
            None => {
                let n = self.len();
                let _ = writeln!(out, "DATASET POLYDATA\nPOINTS {n} double");
                for point in self.points.chunks_exact(d) {
                    let at: Vec<f64> = (0..3).map(|k| point.get(k).copied().unwrap_or(0.0)).collect();
                    let _ = writeln!(out, "{}", line(&at));
                }
                let _ = writeln!(out, "VERTICES {n} {}", 2 * n);
                (0..n).for_each(|i| {
                    let _ = writeln!(out, "1 {i}");
                });
                (0..n).collect()
            }
        };
        let _ = writeln!(out, "POINT_DATA {}", self.len());
        for (name, values) in &self.columns {
            let name = name.replace(char::is_whitespace, "_");
            let _ = writeln!(out, "SCALARS {name} double 1\nLOOKUP_TABLE default");
            for i in &order {
                let _ = writeln!(out, "{}", number(values[*i]));
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Prediction {
        Prediction {
            coords: vec!["x".into(), "t".into()],
            points: vec![0.0, 0.0, 0.0, 1.0, 0.5, 0.0, 0.5, 1.0, 1.0, 0.0, 1.0, 1.0],
            axes: Some(vec![vec![0.0, 0.5, 1.0], vec![0.0, 1.0]]),
            columns: vec![("u".into(), vec![1.0, 2.0, 3.0, 4.0, f64::NAN, 6e-9])],
            unknowns: vec![],
            functions: vec![],
        }
    }

    #[test]
    fn csv_has_a_line_a_point() {
        let lines: Vec<String> = two().csv().lines().map(String::from).collect();
        assert_eq!(lines[..3], ["x,t,u", "0,0,1", "0,1,2"]);
        assert_eq!(lines[5..], ["1,0,nan", "1,1,6e-9"]);
    }

    #[test]
    fn vtk_has_the_first_coordinate_fastest() {
        let text = two().vtk("u of wave").expect("two coordinates fit");
        assert!(text.contains("DIMENSIONS 3 2 1\nX_COORDINATES 3 double\n0 0.5 1\n"), "{text}");
        assert!(text.ends_with("LOOKUP_TABLE default\n1\n3\nnan\n2\n4\n6e-9\n"), "{text}");
        let points = Prediction { axes: None, ..two() }.vtk("u").expect("fits");
        assert!(
            points.contains("POINTS 6 double\n0 0 0\n0 1 0\n") && points.contains("VERTICES 6 12\n1 0\n"),
            "{points}"
        );
        let many = Prediction { coords: vec!["a".into(); 4], ..two() };
        assert_eq!(many.vtk("u"), None);
    }

    #[test]
    fn numbers_are_read_back_to_the_same_bits() {
        for v in [0.1, 1.0 / 3.0, 1e300, 5e-324, -0.0, f64::from(0.1f32), 123456.789] {
            assert_eq!(number(v).parse::<f64>().map(f64::to_bits), Ok(v.to_bits()), "{}", number(v));
        }
    }
}
