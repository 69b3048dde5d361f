//! `resume.safetensors`: the state of a run that has not finished, as bytes: a [`Record`], and the program that it belongs to.
//!
//! ```text
//! "params": F64 [561], "gradient.theta": F64 [561], …     metadata: { "snnc.run": "{\"layout\":1,\"program\":…,\"sha256\":\"9f86…\"}" }
//! ```
//! Double precision throughout, as the trainer holds its numbers. The SHA-256 in the metadata is of everything, so that a file
//! that was cut short or changed is noticed. No file is opened here.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::train::record::Record;

/// The version of the layout described above, and of what records hold.
pub const LAYOUT: u32 = 1;

/// What a state belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Of snnc.
    pub version: String,
    /// File name without its folder and ending.
    pub name: String,
    /// The program's file, from the root.
    pub file: String,
    pub text: String,
    /// Path from the program's folder, and text.
    pub imports: Vec<(String, String)>,
    /// SHA-256 of the text and of all that it imports, hexadecimal.
    pub program_hash: String,
    /// Data files that it reads, and their SHA-256.
    pub inputs: Vec<(String, String)>,
    /// `--set`, in order.
    pub set: Vec<(String, f64)>,
    pub seed: u64,
    /// As the program writes it.
    pub precision: String,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    layout: u32,
    #[serde(flatten)]
    origin: Origin,
    words: BTreeMap<String, String>,
    sha256: String,
}

/// Why bytes are not the state of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum StateError {
    /// Not a safetensors file, or one that was cut short.
    Format(String),
    /// Bytes have changed since it was written.
    Damaged,
    /// A safetensors file of something else.
    Foreign,
    /// Written by a later version, in another layout.
    Layout(u32),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Format(why) => write!(f, "not a readable safetensors file: {why}"),
            StateError::Damaged => {
                write!(f, "its bytes have changed since it was written: the SHA-256 in it is another")
            }
            StateError::Foreign => {
                write!(f, "a safetensors file, but not the state of a run: it has no `snnc.run` metadata")
            }
            StateError::Layout(v) => write!(f, "it has layout version {v}; this snnc reads version {LAYOUT}"),
        }
    }
}

impl std::error::Error for StateError {}

const KEY: &str = "snnc.run";

fn digest<'a>(bare: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hasher = Sha256::new_with_prefix(bare);
    for (name, bytes) in tensors {
        hasher.update(name);
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    format!("{:x}", hasher.finalize())
}

/// The bytes of a state. The same state gives the same bytes.
///
/// # Errors
/// Only if the bytes cannot be made, which would be a bug; the error says what happened.
pub fn encode(record: &Record, origin: &Origin) -> Result<Vec<u8>, StateError> {
    let format = |e: &dyn fmt::Display| StateError::Format(e.to_string());
    let bytes: BTreeMap<&str, Vec<u8>> = record
        .numbers
        .iter()
        .map(|(name, values)| (name.as_str(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let words = record.words.clone();
    let mut envelope = Envelope { layout: LAYOUT, origin: origin.clone(), words, sha256: String::new() };
    let bare = serde_json::to_string(&envelope).map_err(|e| format(&e))?;
    envelope.sha256 = digest(&bare, bytes.iter().map(|(name, b)| (*name, b.as_slice())));
    let mut views = vec![];
    for (name, bytes) in &bytes {
        let view = TensorView::new(Dtype::F64, vec![bytes.len() / 8], bytes).map_err(|e| format(&e))?;
        views.push((*name, view));
    }
    let meta = serde_json::to_string(&envelope).map_err(|e| format(&e))?;
    safetensors::serialize(views, Some(HashMap::from([(KEY.to_string(), meta)]))).map_err(|e| format(&e))
}

/// # Errors
/// If the bytes are not a state, or not as they were written.
pub fn decode(bytes: &[u8]) -> Result<(Record, Origin), StateError> {
    let format = |e: &dyn fmt::Display| StateError::Format(e.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| format(&e))?;
    let meta = header.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or(StateError::Foreign)?;
    let layout: serde_json::Value = serde_json::from_str(meta).map_err(|_| StateError::Damaged)?;
    match layout["layout"].as_u64() {
        Some(v) if v == u64::from(LAYOUT) => {}
        Some(v) => return Err(StateError::Layout(v as u32)),
        None => return Err(StateError::Damaged),
    }
    let mut envelope: Envelope = serde_json::from_str(meta).map_err(|_| StateError::Damaged)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| format(&e))?;
    let sorted: BTreeMap<String, TensorView<'_>> = tensors.tensors().into_iter().collect();
    let said = std::mem::take(&mut envelope.sha256);
    let bare = serde_json::to_string(&envelope).map_err(|e| format(&e))?;
    if said != digest(&bare, sorted.iter().map(|(name, t)| (name.as_str(), t.data()))) {
        return Err(StateError::Damaged);
    }
    let numbers = |t: &TensorView<'_>| t.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let numbers = sorted.iter().map(|(name, t)| (name.clone(), numbers(t))).collect();
    Ok((Record { numbers, words: envelope.words }, envelope.origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (Record, Origin) {
        let mut record = Record::default();
        record.put("params", &[1.0, f64::NAN, -0.0, f64::INFINITY]);
        record.put("points.0", &[]);
        record.put_word("phase.0.note", "kept \"round\" 2");
        let origin = Origin {
            version: "0.1.0".into(),
            name: "wave".into(),
            file: "/tmp/wave.snn".into(),
            text: "const c = 2\n".into(),
            imports: vec![("lib/a.snn".into(), "fn f(x) = x".into())],
            program_hash: "abc".into(),
            inputs: vec![],
            set: vec![("c".into(), 0.1)],
            seed: u64::MAX,
            precision: "f32".into(),
        };
        (record, origin)
    }

    #[test]
    fn what_is_written_is_read_back_bit_by_bit() {
        let (record, origin) = state();
        let bytes = encode(&record, &origin).unwrap();
        assert_eq!(bytes, encode(&record, &origin).unwrap());
        let (r, o) = decode(&bytes).unwrap();
        assert_eq!((o, &r.words), (origin, &record.words));
        let bits = |r: &Record| -> Vec<Vec<u64>> {
            r.numbers.values().map(|v| v.iter().map(|x| x.to_bits()).collect()).collect()
        };
        assert_eq!(bits(&r), bits(&record));
    }

    /// Every single bit of the file matters.
    #[test]
    fn no_flipped_bit_and_no_cut_goes_unnoticed() {
        let (record, origin) = state();
        let bytes = encode(&record, &origin).unwrap();
        for k in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[k] ^= 1 << bit;
                // What is blank in the header may be another blank.
                if let Ok((r, o)) = decode(&flipped) {
                    assert_eq!((o, r.words), (origin.clone(), record.words.clone()), "byte {k}");
                    assert_eq!(format!("{:?}", r.numbers), format!("{:?}", record.numbers), "byte {k}");
                }
            }
            assert!(decode(&bytes[..k]).is_err(), "cut at {k}");
        }
    }
}
