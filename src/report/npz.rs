//! The saved arrays, as an NPZ that `numpy.load` reads.
//!
//! | key | shape |
//! |---|---|
//! | one a coordinate, by its name | `[points of that coordinate]` |
//! | one a field, by its name | `[points of the first coordinate, …]` |
//! | `exact`, or with several fields `exact_NAME` | as the field; only with an exact solution |
//! | one an unknown, by its name | `[]` |

use std::io::{Cursor, Write};

use npyz::WriterBuilder;

use super::data::RunData;

/// The bytes of the archive.
///
/// # Errors
/// Only if an array cannot be encoded, which would be a bug; the sentence says what happened.
pub fn encode(run: &RunData) -> Result<Vec<u8>, String> {
    let Some(grid) = &run.grid else { return Err("there is no grid to save".into()) };
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let shape: Vec<u64> = grid.axes.iter().map(|a| a.len() as u64).collect();
    for (axis, points) in run.coords.iter().zip(&grid.axes) {
        add(&mut zip, &axis.name, &[points.len() as u64], points)?;
    }
    for field in &grid.fields {
        add(&mut zip, &field.name, &shape, &field.solution)?;
        if let Some(exact) = &field.exact {
            let name = if grid.fields.len() == 1 { "exact".to_string() } else { format!("exact_{}", field.name) };
            add(&mut zip, &name, &shape, exact)?;
        }
    }
    for unknown in &run.unknowns {
        add(&mut zip, &unknown.name, &[], &[unknown.value])?;
    }
    Ok(zip.finish().map_err(|e| e.to_string())?.into_inner())
}

pub(super) fn add(
    zip: &mut zip::ZipWriter<Cursor<Vec<u8>>>,
    name: &str,
    shape: &[u64],
    values: &[f64],
) -> Result<(), String> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .writer(&mut bytes)
        .begin_nd()
        .map_err(|e| e.to_string())?;
    writer.extend(values.iter().copied()).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    // A fixed time stamp: the same run gives the same file.
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    zip.start_file(format!("{name}.npy"), options).map_err(|e| e.to_string())?;
    zip.write_all(&bytes).map_err(|e| e.to_string())
}
