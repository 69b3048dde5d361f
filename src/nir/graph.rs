//! A NIR graph as plain data: nodes by name, their parameters, and edges.
//!
//! ```text
//! input -> h_tuned -> h -> output      h: LIF { tau [512], r [512], v_leak [512], v_threshold [512], v_reset [512] }
//! ```
//!
//! Order is kept, so that the same network gives the same file. Several edges into a node are added up.

/// A graph; also a node of a graph that it stands in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    pub nodes: Vec<(String, Node)>,
    /// (source, target)
    pub edges: Vec<(String, String)>,
    pub metadata: Vec<(String, Value)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// NIR's name of its type: `LIF`.
    pub kind: String,
    pub values: Vec<(String, Value)>,
    pub metadata: Vec<(String, Value)>,
    /// Of a `NIRGraph`.
    pub graph: Option<Graph>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    /// Row-major; an empty shape is a single number. Integers are written as such.
    Array {
        shape: Vec<usize>,
        values: Vec<f64>,
        integer: bool,
    },
}

impl Value {
    pub fn number(x: f64) -> Value {
        Value::Array { shape: vec![], values: vec![x], integer: false }
    }

    pub fn vector(values: Vec<f64>) -> Value {
        Value::Array { shape: vec![values.len()], values, integer: false }
    }

    pub fn matrix(rows: usize, cols: usize, values: Vec<f64>) -> Value {
        Value::Array { shape: vec![rows, cols], values, integer: false }
    }

    /// The shape of an input or output.
    pub fn shape(width: usize) -> Value {
        Value::Array { shape: vec![1], values: vec![width as f64], integer: true }
    }

    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }
}

impl Node {
    pub fn new(kind: &str, values: Vec<(&str, Value)>) -> Node {
        let values = values.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        Node { kind: kind.to_string(), values, metadata: vec![], graph: None }
    }

    pub fn note(mut self, name: &str, value: Value) -> Node {
        self.metadata.push((name.to_string(), value));
        self
    }

    pub fn value(&self, name: &str) -> Option<&Value> {
        find(&self.values, name)
    }

    pub fn noted(&self, name: &str) -> Option<&Value> {
        find(&self.metadata, name)
    }
}

pub fn find<'a>(values: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    values.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

impl Graph {
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|(n, _)| n == name).map(|(_, node)| node)
    }
}
