//! Exact solutions from a file: arrays of an NPZ archive on a tensor grid.
//!
//! ```text
//! exact u from "ref.npz"    x: [101], t: [51], u: [101, 51]    ->    Reference { axes: [x, t], fields: [u] }
//! ```
//!
//! Nothing is interpolated: metrics and plots are taken on the points of the file. Every coordinate has an array of its
//! name, ascending and inside the domain; the field's array runs over them in the order of the domain.

use std::io::{Cursor, Read};

use npyz::{NpyFile, Order};

use crate::check::scope::Scope;
use crate::diag::{Sink, data, options as say};
use crate::plan::Reference;
use crate::source::Files;
use crate::syntax::ast::Text;

/// Bytes of an array at the most, unpacked.
const MOST: u64 = 1 << 28;
/// Numbers of all arrays of a program at the most.
const MOST_NUMBERS: usize = 1 << 26;

/// An array as it is read: its shape, and its numbers with the last index fastest.
type Array = (Vec<usize>, Vec<f64>);

/// Reads the field into `all`, which holds what files gave before. `None` after a mistake.
pub fn read(
    path: &Text,
    name: &str,
    field: usize,
    all: &mut Option<Reference>,
    scope: &Scope<'_>,
    files: &dyn Files,
    sink: &mut Sink,
) -> Option<()> {
    let bytes = match files.read(&path.text) {
        Ok(bytes) => bytes,
        Err(why) => {
            sink.push(data::unreadable(path.span, &path.text, &why));
            return None;
        }
    };
    let mut archive = match zip::ZipArchive::new(Cursor::new(&bytes[..])) {
        Ok(archive) => archive,
        Err(e) => {
            let why = format!("not an NPZ archive, as `numpy.savez` writes it ({e})");
            sink.push(data::unreadable(path.span, &path.text, &why));
            return None;
        }
    };
    let known: Vec<String> = archive.file_names().filter_map(|n| n.strip_suffix(".npy")).map(str::to_string).collect();
    let mut axes = vec![];
    let mut fine = true;
    for c in &scope.coords {
        match axis(&mut archive, &known, &c.name, path, sink) {
            Some(axis) => {
                let outside = axis.iter().find(|v| !(c.lo..=c.hi).contains(*v));
                let why = match outside {
                    Some(v) => Some(format!("it holds {v}, and `{}` runs from {} to {}", c.name, c.lo, c.hi)),
                    None if axis.windows(2).any(|w| w[1] <= w[0]) => Some("its numbers do not ascend".to_string()),
                    None => None,
                };
                if let Some(why) = why {
                    sink.push(say::exact_numbers(path.span, &c.name, &why));
                    fine = false;
                }
                axes.push(axis);
            }
            None => fine = false,
        }
    }
    let (shape, values) = array(&mut archive, &known, name, path, sink)?;
    if !fine {
        return None;
    }
    let known = |r: &Reference| r.fields.iter().map(|(_, v)| v.len()).sum::<usize>();
    if all.as_ref().map_or(0, known) + values.len() > MOST_NUMBERS {
        let why = format!("with it, all exact solutions have more than {MOST_NUMBERS} numbers");
        sink.push(say::exact_numbers(path.span, name, &why));
        return None;
    }
    let wanted: Vec<usize> = axes.iter().map(Vec::len).collect();
    if shape != wanted {
        let coords: Vec<&str> = scope.coords.iter().map(|c| c.name.as_str()).collect();
        sink.push(say::exact_shape(path.span, name, &shape, &wanted, &coords));
        return None;
    }
    match all {
        Some(other) if other.axes != axes => {
            sink.push(say::exact_grids(path.span, &other.path));
            return None;
        }
        Some(other) => other.fields.push((field, values)),
        None => *all = Some(Reference { path: path.text.clone(), axes, fields: vec![(field, values)] }),
    }
    Some(())
}

type Archive<'b> = zip::ZipArchive<Cursor<&'b [u8]>>;

/// A coordinate's array: one dimension, or several of which only one has more than one entry.
fn axis(archive: &mut Archive<'_>, known: &[String], name: &str, path: &Text, sink: &mut Sink) -> Option<Vec<f64>> {
    let (shape, values) = array(archive, known, name, path, sink)?;
    if values.is_empty() || shape.iter().all(|n| *n != values.len()) {
        let why = format!("it has the shape {shape:?}, and the places of a coordinate are a list");
        sink.push(say::exact_numbers(path.span, name, &why));
        return None;
    }
    Some(values)
}

fn array(archive: &mut Archive<'_>, known: &[String], name: &str, path: &Text, sink: &mut Sink) -> Option<Array> {
    if !known.iter().any(|k| k == name) {
        sink.push(say::exact_array(path.span, name, known));
        return None;
    }
    let found = decode(archive, name);
    let (shape, values) = match found {
        Ok(found) => found,
        Err(why) => {
            sink.push(say::exact_numbers(path.span, name, &why));
            return None;
        }
    };
    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
        sink.push(say::exact_numbers(path.span, name, &format!("it holds {bad}")));
        return None;
    }
    Some((shape, values))
}

/// The numbers of an array, whichever type they are stored in; else why not, as a clause.
fn decode(archive: &mut Archive<'_>, name: &str) -> Result<Array, String> {
    let mut bytes = vec![];
    let entry = archive.by_name(&format!("{name}.npy")).map_err(|e| format!("it cannot be unpacked: {e}"))?;
    entry.take(MOST + 1).read_to_end(&mut bytes).map_err(|e| format!("it cannot be unpacked: {e}"))?;
    if bytes.len() as u64 > MOST {
        return Err(format!("it has more than {MOST} bytes"));
    }
    plain_header(&bytes)?;
    let open = || NpyFile::new(&bytes[..]).map_err(|e| format!("it cannot be read: {e}"));
    let file = open()?;
    let shape: Vec<usize> = file.shape().iter().map(|n| *n as usize).collect();
    // A header may say what it likes.
    if shape.iter().try_fold(1usize, |n, m| n.checked_mul(*m)).is_none_or(|n| n > MOST as usize) {
        return Err(format!("its header says that it has the shape {shape:?}"));
    }
    let (order, kind) = (file.order(), file.dtype().descr());
    let read = |e: std::io::Error| format!("it cannot be read: {e}");
    let values: Vec<f64> = if let Ok(data) = file.try_data::<f64>() {
        data.collect::<Result<_, _>>().map_err(read)?
    } else if let Ok(data) = open()?.try_data::<f32>() {
        data.map(|v| v.map(f64::from)).collect::<Result<_, _>>().map_err(read)?
    } else if let Ok(data) = open()?.try_data::<i64>() {
        data.map(|v| v.map(|v| v as f64)).collect::<Result<_, _>>().map_err(read)?
    } else if let Ok(data) = open()?.try_data::<i32>() {
        data.map(|v| v.map(f64::from)).collect::<Result<_, _>>().map_err(read)?
    } else {
        return Err(format!("it holds numbers of the type {kind}; float64 and float32, int64 and int32 can be read"));
    };
    if order == Order::C {
        return Ok((shape, values));
    }
    // The first index is fastest in the file.
    let mut out = Vec::with_capacity(values.len());
    for k in 0..values.len() {
        let (mut rest, mut stride, mut at) = (k, values.len(), 0);
        let mut strides = vec![];
        let mut step = 1;
        for n in &shape {
            strides.push(step);
            step *= n;
        }
        for (n, s) in shape.iter().zip(strides) {
            stride /= n;
            at += rest / stride * s;
            rest %= stride;
        }
        out.push(values[at]);
    }
    Ok((shape, out))
}

/// The header is a Python expression, read by recursion: one as numpy writes it is short and hardly nested.
fn plain_header(bytes: &[u8]) -> Result<(), String> {
    const MOST: usize = 1 << 14;
    let length = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => usize::from(u16::from_le_bytes([*a, *b])),
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]) as usize,
        _ => return Err("it is not in numpy's format".into()),
    };
    let header = &bytes[8..bytes.len().min(12 + length)];
    let (mut open, mut deepest) = (0i32, 0);
    for b in header {
        open += i32::from(matches!(b, b'(' | b'[' | b'{')) - i32::from(matches!(b, b')' | b']' | b'}'));
        deepest = deepest.max(open);
    }
    if length > MOST || deepest > 8 {
        return Err("its header is not one that numpy writes".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_and_several_types_are_read() {
        // [[1, 2, 3], [4, 5, 6]]
        let plain: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let by_column: [f64; 6] = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
        let file = |kind: &str, fortran: &str, body: Vec<u8>| {
            let mut header =
                format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': (2, 3), }}").into_bytes();
            header.resize(118 - 1, b' ');
            header.push(b'\n');
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((header.len() as u16).to_le_bytes());
            bytes.extend(header);
            bytes.extend(body);
            let mut zip = zip::ZipWriter::new(Cursor::new(vec![]));
            zip.start_file("u.npy", zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut zip, &bytes).unwrap();
            zip.finish().unwrap().into_inner()
        };
        let read = |bytes: &[u8]| decode(&mut zip::ZipArchive::new(Cursor::new(bytes)).unwrap(), "u");
        let bytes = |v: &[f64]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let want = Ok((vec![2, 3], plain.to_vec()));
        assert_eq!(read(&file("<f8", "False", bytes(&plain))), want);
        assert_eq!(read(&file("<f8", "True", bytes(&by_column))), want);
        let narrow = plain.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect();
        assert_eq!(read(&file("<f4", "False", narrow)), want);
        let whole = plain.iter().flat_map(|v| (*v as i64).to_le_bytes()).collect();
        assert_eq!(read(&file("<i8", "False", whole)), want);
        let complex = read(&file("<c16", "False", bytes(&[0.0; 12])));
        assert!(complex.clone().is_err_and(|e| e.contains("c16")), "{complex:?}");
        assert!(read(&file("<f8", "False", vec![0; 20])).is_err());
    }
}
