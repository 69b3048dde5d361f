//! The state of a run between two steps, as plain numbers: what it takes to go on as if it had never stopped.
//!
//! ```text
//! "params" [561], "gradient.theta" [561], "rule.mean" [561], "step" [1], …      words: "phase.0.note" = "kept round 2"
//! ```
//! What follows from the program, the seed and these numbers is computed again: points from their counter, fields and
//! features from weights. So a record is small, and a run that goes on from it has the bits of one that was never stopped.

use std::collections::BTreeMap;
use std::fmt;

/// Named numbers and words. Counts are exact up to 2^53.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    pub numbers: BTreeMap<String, Vec<f64>>,
    pub words: BTreeMap<String, String>,
}

/// Why a record is not one of this problem's runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordError {
    Missing(String),
    /// Not as many numbers as the program has there.
    Length {
        what: String,
        expected: usize,
        found: usize,
    },
    /// A number that cannot stand there, as a phase that the program does not have.
    Value(String),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::Missing(what) => write!(f, "it says nothing of `{what}`"),
            RecordError::Length { what, expected, found } => {
                write!(f, "it has {found} numbers for `{what}`, where the program has {expected}")
            }
            RecordError::Value(what) => write!(f, "what it says of `{what}` is not possible in this program"),
        }
    }
}

impl std::error::Error for RecordError {}

impl Record {
    pub fn put(&mut self, name: impl Into<String>, values: &[f64]) {
        self.numbers.insert(name.into(), values.to_vec());
    }

    pub fn put_count(&mut self, name: impl Into<String>, value: usize) {
        self.put(name, &[value as f64]);
    }

    pub fn put_word(&mut self, name: impl Into<String>, value: &str) {
        self.words.insert(name.into(), value.to_string());
    }

    pub fn has(&self, name: &str) -> bool {
        self.numbers.contains_key(name)
    }

    /// # Errors
    /// If there is no such entry.
    pub fn numbers(&self, name: &str) -> Result<&[f64], RecordError> {
        self.numbers.get(name).map(Vec::as_slice).ok_or_else(|| RecordError::Missing(name.into()))
    }

    /// An entry of so many numbers.
    ///
    /// # Errors
    /// If there is none.
    pub fn exactly(&self, name: &str, expected: usize) -> Result<&[f64], RecordError> {
        let values = self.numbers(name)?;
        match values.len() == expected {
            true => Ok(values),
            false => Err(RecordError::Length { what: name.into(), expected, found: values.len() }),
        }
    }

    /// # Errors
    /// If there is no such entry, or more than one number.
    pub fn number(&self, name: &str) -> Result<f64, RecordError> {
        self.exactly(name, 1).map(|v| v[0])
    }

    /// # Errors
    /// If there is no such entry, or it is no count.
    pub fn count(&self, name: &str) -> Result<usize, RecordError> {
        let value = self.number(name)?;
        match (0.0..9e15).contains(&value) && value.fract() == 0.0 {
            true => Ok(value as usize),
            false => Err(RecordError::Value(name.into())),
        }
    }

    /// A count taken before there were `now` of what it counts.
    ///
    /// # Errors
    /// If there is no such entry, or it is no count, or a larger one.
    pub fn earlier(&self, name: &str, now: u64) -> Result<u64, RecordError> {
        let value = self.count(name)? as u64;
        if value <= now { Ok(value) } else { Err(RecordError::Value(name.into())) }
    }

    /// # Errors
    /// If there is no such entry.
    pub fn word(&self, name: &str) -> Result<&str, RecordError> {
        self.words.get(name).map(String::as_str).ok_or_else(|| RecordError::Missing(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_misshapen_is_named() {
        let mut r = Record::default();
        r.put("params", &[1.0, 2.0]);
        r.put_count("step", 7);
        r.put("odd", &[0.5]);
        assert_eq!(r.count("step"), Ok(7));
        assert_eq!(r.exactly("params", 2), Ok(&[1.0, 2.0][..]));
        assert!(
            r.exactly("params", 3).unwrap_err().to_string().contains("2 numbers for `params`, where the program has 3")
        );
        assert!(r.number("best").unwrap_err().to_string().contains("nothing of `best`"));
        assert_eq!(r.earlier("step", 7), Ok(7));
        assert_eq!(r.earlier("step", 6), Err(RecordError::Value("step".into())));
        assert_eq!(r.count("odd"), Err(RecordError::Value("odd".into())));
    }
}
