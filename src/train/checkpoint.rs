//! Checkpoints: the weights by name, as the bytes of a safetensors file, which numpy, PyTorch and JAX read as they are.
//!
//! ```text
//! "h.tuned.weight": F32 [2, 512], …      metadata: { "snnc": "{\"layout\":1,\"program_hash\":\"9f86…\",…}" }
//! ```
//! The metadata also holds the SHA-256 of everything, so that a damaged file is noticed. With `precision f64` they are F64. A program of double precision also reads weights of single precision, which it holds
//! exactly; the other way round would lose digits and is refused. The same weights give the same bytes. No file is opened here.

use std::collections::HashMap;
use std::fmt;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ir::problem::Problem;
use crate::ir::program::Program;
use crate::plan::Precision;

/// The version of the layout described above.
pub const LAYOUT: u32 = 1;

/// What is known of the run that made a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// SHA-256 of the program's text, hexadecimal.
    pub program_hash: String,
    pub seed: u64,
    /// The last phase that was begun.
    pub phase: String,
    /// Of snnc.
    pub version: String,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Envelope {
    layout: u32,
    /// Of the weights, as the program writes it; checkpoints that do not say are of single precision.
    #[serde(default)]
    precision: String,
    #[serde(flatten)]
    meta: Meta,
    /// Of this with an empty text here, and of all weights in the program's order; checkpoints that do not say are not tested.
    #[serde(default)]
    sha256: String,
}

impl Envelope {
    /// What `sha256` should be.
    fn digest(&self, params: &[u8]) -> String {
        let bare =
            Envelope { sha256: String::new(), precision: self.precision.clone(), meta: self.meta.clone(), ..*self };
        let mut hasher = Sha256::new_with_prefix(serde_json::to_string(&bare).unwrap_or_default());
        hasher.update(params);
        format!("{:x}", hasher.finalize())
    }
}

/// Why bytes are not a checkpoint of a network.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckpointError {
    /// Not a safetensors file, or a damaged one.
    Format(String),
    /// Its parts do not belong together: bytes have changed since it was written.
    Damaged,
    /// A safetensors file of something else: it lacks our metadata.
    Foreign,
    /// Written by a later version, in another layout.
    Layout(u32),
    Missing(String),
    Unknown(String),
    Shape {
        param: String,
        expected: Vec<usize>,
        found: Vec<usize>,
    },
    Type {
        param: String,
        found: String,
        wanted: Precision,
    },
    NotFinite(String),
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointError::Format(why) => write!(f, "not a readable safetensors file: {why}"),
            CheckpointError::Damaged => {
                write!(f, "its bytes have changed since it was written: the SHA-256 in it is another")
            }
            CheckpointError::Foreign => {
                write!(f, "a safetensors file, but not a checkpoint of snnc: it has no `snnc` metadata")
            }
            CheckpointError::Layout(v) => {
                write!(f, "the checkpoint has layout version {v}; this snnc reads up to version {LAYOUT}")
            }
            CheckpointError::Missing(name) => write!(f, "the checkpoint lacks the parameter `{name}` of the network"),
            CheckpointError::Unknown(name) => {
                write!(f, "the checkpoint has a parameter `{name}` that the network does not have")
            }
            CheckpointError::Shape { param, expected, found } => {
                write!(f, "parameter `{param}` has shape {found:?} in the checkpoint and {expected:?} in the network")
            }
            CheckpointError::Type { param, found, wanted } => match (found.as_str(), wanted) {
                ("F64", Precision::F32) => write!(
                    f,
                    "parameter `{param}` is F64 in the checkpoint, but the program runs in single precision: say \
                     `precision f64` in its `train` block"
                ),
                (_, Precision::F32) => write!(f, "parameter `{param}` is {found} in the checkpoint, not F32"),
                (_, Precision::F64) => write!(f, "parameter `{param}` is {found} in the checkpoint, not F32 or F64"),
            },
            CheckpointError::NotFinite(name) => write!(f, "parameter `{name}` holds numbers that are not finite"),
        }
    }
}

impl std::error::Error for CheckpointError {}

impl From<CheckpointError> for String {
    fn from(e: CheckpointError) -> String {
        e.to_string()
    }
}

/// The bytes of a checkpoint. `params` is the flat parameter vector of the problem's network.
///
/// # Errors
/// Only if two parameters share a name.
pub fn encode(problem: &Problem, params: &[f64], meta: &Meta) -> Result<Vec<u8>, CheckpointError> {
    encode_params(&problem.network.primal, problem.train.precision, params, meta)
}

fn encode_params(
    program: &Program,
    precision: Precision,
    params: &[f64],
    meta: &Meta,
) -> Result<Vec<u8>, CheckpointError> {
    let format = |e: &dyn fmt::Display| CheckpointError::Format(e.to_string());
    let (dtype, size, bytes): (Dtype, usize, Vec<u8>) = match precision {
        Precision::F32 => (Dtype::F32, 4, params.iter().flat_map(|p| (*p as f32).to_le_bytes()).collect()),
        Precision::F64 => (Dtype::F64, 8, params.iter().flat_map(|p| p.to_le_bytes()).collect()),
    };
    let mut start = 0;
    let mut views = vec![];
    for p in &program.params {
        let end = start + size * p.len();
        let view = TensorView::new(dtype, vec![p.rows as usize, p.cols as usize], &bytes[start..end]);
        views.push((p.name.as_str(), view.map_err(|e| format(&e))?));
        start = end;
    }
    // One entry, because safetensors writes a hash map in an order that differs from run to run.
    let precision = precision.name().to_string();
    let mut envelope = Envelope { layout: LAYOUT, precision, meta: meta.clone(), sha256: String::new() };
    envelope.sha256 = envelope.digest(&bytes);
    let meta = serde_json::to_string(&envelope).map_err(|e| format(&e))?;
    safetensors::serialize(views, Some(HashMap::from([("snnc".to_string(), meta)]))).map_err(|e| format(&e))
}

/// Reads a checkpoint for a problem's network: its flat parameter vector and what is known of the run.
///
/// # Errors
/// If the bytes are not a checkpoint, or one of a network with other parameters.
pub fn decode(problem: &Problem, bytes: &[u8]) -> Result<(Vec<f64>, Meta), CheckpointError> {
    decode_params(&problem.network.primal, problem.train.precision, bytes)
}

fn decode_params(program: &Program, precision: Precision, bytes: &[u8]) -> Result<(Vec<f64>, Meta), CheckpointError> {
    let format = |e: &dyn fmt::Display| CheckpointError::Format(e.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| format(&e))?;
    let meta = header.metadata().as_ref().and_then(|m| m.get("snnc")).ok_or(CheckpointError::Foreign)?;
    let envelope: Envelope = serde_json::from_str(meta).map_err(|e| format(&e))?;
    if envelope.layout > LAYOUT {
        return Err(CheckpointError::Layout(envelope.layout));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| format(&e))?;
    let mut names = tensors.names();
    names.sort_unstable();
    if let Some(name) = names.iter().find(|n| program.param_by_name(n).is_none()) {
        return Err(CheckpointError::Unknown(name.to_string()));
    }
    let mut params = Vec::with_capacity(program.param_len());
    let (mut whole, mut not_finite) = (vec![], None);
    for p in &program.params {
        let view = tensors.tensor(&p.name).map_err(|_| CheckpointError::Missing(p.name.clone()))?;
        let expected = vec![p.rows as usize, p.cols as usize];
        let dtype = view.dtype();
        let fits = dtype == Dtype::F32 || (dtype == Dtype::F64 && precision == Precision::F64);
        if !fits {
            let found = format!("{dtype:?}");
            return Err(CheckpointError::Type { param: p.name.clone(), found, wanted: precision });
        }
        if view.shape() != expected {
            let found = view.shape().to_vec();
            return Err(CheckpointError::Shape { param: p.name.clone(), expected, found });
        }
        let start = params.len();
        let data = view.data();
        whole.extend_from_slice(data);
        if dtype == Dtype::F32 {
            params.extend(data.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))));
        } else {
            params.extend(data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)));
        }
        if not_finite.is_none() && params[start..].iter().any(|x| !x.is_finite()) {
            not_finite = Some(p.name.clone());
        }
    }
    if !envelope.sha256.is_empty() && envelope.sha256 != envelope.digest(&whole) {
        return Err(CheckpointError::Damaged);
    }
    if let Some(name) = not_finite {
        return Err(CheckpointError::NotFinite(name));
    }
    Ok((params, envelope.meta))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::program::Param;

    fn program(cols: u32, names: &[&str]) -> Program {
        let mut p = Program::new("u");
        p.params = names.iter().map(|n| Param { name: n.to_string(), rows: 2, cols, trainable: true }).collect();
        p
    }

    fn meta() -> Meta {
        Meta { program_hash: "abc".into(), seed: 7, phase: "grow".into(), version: "0.1.0".into() }
    }

    #[test]
    fn what_is_written_is_read_back_and_the_bytes_repeat() {
        let (p, params) = (program(2, &["b", "a"]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, -8.5]);
        let bytes = encode_params(&p, Precision::F32, &params, &meta()).unwrap();
        assert_eq!(decode_params(&p, Precision::F32, &bytes).unwrap(), (params.to_vec(), meta()));
        assert_eq!(bytes, encode_params(&p, Precision::F32, &params, &meta()).unwrap());
    }

    #[test]
    fn double_precision_keeps_all_digits_and_reads_single() {
        let (p, params) = (program(2, &["a"]), [0.1, -1e-300, 1e300, std::f64::consts::PI]);
        let bytes = encode_params(&p, Precision::F64, &params, &meta()).unwrap();
        assert_eq!(decode_params(&p, Precision::F64, &bytes).unwrap().0, params);
        let refused = decode_params(&p, Precision::F32, &bytes).unwrap_err().to_string();
        assert!(refused.contains("say `precision f64`"), "{refused}");
        let single = encode_params(&p, Precision::F32, &[0.1, 0.2, 0.3, 0.4], &meta()).unwrap();
        assert_eq!(decode_params(&p, Precision::F64, &single).unwrap().0[0], f64::from(0.1f32));
    }

    #[test]
    fn mistakes_are_named() {
        let p = program(2, &["a"]);
        let bytes = encode_params(&p, Precision::F32, &[1.0, 2.0, 3.0, 4.0], &meta()).unwrap();
        let message = |p: &Program, b: &[u8]| decode_params(p, Precision::F32, b).unwrap_err().to_string();
        assert!(message(&program(3, &["a"]), &bytes).contains("[2, 2] in the checkpoint and [2, 3]"));
        assert!(message(&program(2, &["c"]), &bytes).contains("`a`"));
        assert!(message(&program(2, &["a", "c"]), &bytes).contains("lacks the parameter `c`"));
        assert!(message(&p, &bytes[..bytes.len() - 1]).contains("not a readable safetensors file"));
        assert!(message(&p, b"hello").contains("not a readable safetensors file"));
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(message(&p, &flipped).contains("SHA-256"));
        // A later layout, of the same length.
        let digit = bytes.windows(11).position(|w| w == b"layout\\\":1,").unwrap() + 9;
        let mut late = bytes.clone();
        late[digit] = b'9';
        assert!(message(&p, &late).contains("version 9"));
        let nan = encode_params(&p, Precision::F32, &[0.0, f64::NAN, 0.0, 0.0], &meta()).unwrap();
        assert!(message(&p, &nan).contains("not finite"));
    }
}
