//! Values on their way between NIR nodes: sums of nodes' outputs, each times a matrix, and a constant.
//!
//! ```text
//! concat(a, b) |> dense(3)     ->     a through one `Linear`, b through another, added up by two edges into the same node
//! ```
//!
//! Everything linear is gathered here and becomes `Linear` and `Affine` nodes only where a node needs it. A matrix that comes
//! from one layer of the program alone is written as it is, so its weights keep their bits.

use super::graph::{Graph, Node, Value};

/// `[rows][cols]`, row-major, rows the outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub values: Vec<f64>,
}

impl Matrix {
    pub fn new(rows: usize, cols: usize) -> Matrix {
        Matrix { rows, cols, values: vec![0.0; rows * cols] }
    }

    pub fn diagonal(values: &[f64]) -> Matrix {
        let mut m = Matrix::new(values.len(), values.len());
        values.iter().enumerate().for_each(|(i, v)| m.values[i * values.len() + i] = *v);
        m
    }

    pub fn is_identity(&self) -> bool {
        self.rows == self.cols && *self == Matrix::diagonal(&vec![1.0; self.rows])
    }

    /// `self` after `first`.
    fn after(&self, first: &Matrix) -> Matrix {
        let mut out = Matrix::new(self.rows, first.cols);
        for i in 0..self.rows {
            for k in 0..self.cols {
                let a = self.values[i * self.cols + k];
                if a != 0.0 {
                    for j in 0..first.cols {
                        out.values[i * first.cols + j] += a * first.values[k * first.cols + j];
                    }
                }
            }
        }
        out
    }

    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        self.values.chunks(self.cols.max(1)).map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
    }
}

/// How a signal has become a static value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    Mean,
    Last,
    Sum,
}

impl Decoder {
    pub fn name(self) -> &'static str {
        match self {
            Decoder::Mean => "mean",
            Decoder::Last => "last",
            Decoder::Sum => "sum",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Flow {
    pub width: usize,
    /// Nodes, each once; `None`: as it is.
    pub parts: Vec<(String, Option<Matrix>)>,
    /// Of a value that was summed up over the steps: after all of them.
    pub constant: Vec<f64>,
    /// `None`: a signal, or a static value that does not come from one.
    pub decoded: Option<Decoder>,
}

impl Flow {
    pub fn constant(values: Vec<f64>) -> Flow {
        Flow { width: values.len(), parts: vec![], constant: values, decoded: None }
    }

    pub fn of(node: &str, width: usize) -> Flow {
        Flow { parts: vec![(node.to_string(), None)], ..Flow::constant(vec![0.0; width]) }
    }

    /// Known without running anything.
    pub fn is_constant(&self) -> bool {
        self.parts.is_empty()
    }

    pub fn through(&self, m: &Matrix) -> Flow {
        let after = |map: &Option<Matrix>| match map {
            Some(map) => m.after(map),
            None => m.clone(),
        };
        let parts = self.parts.iter().map(|(node, map)| (node.clone(), Some(after(map)))).collect();
        Flow { width: m.rows, parts, constant: m.times(&self.constant), decoded: self.decoded }
    }

    pub fn plus(mut self, constant: &[f64]) -> Flow {
        self.constant.iter_mut().zip(constant).for_each(|(a, b)| *a += b);
        self
    }

    /// A width of 1 as this many.
    pub fn spread(self, width: usize) -> Flow {
        match self.width == width {
            true => self,
            false => self.through(&Matrix { rows: width, cols: 1, values: vec![1.0; width] }),
        }
    }

    /// The values between two places.
    pub fn rows(&self, from: usize, count: usize) -> Flow {
        if from == 0 && count == self.width {
            return self.clone();
        }
        let mut m = Matrix::new(count, self.width);
        (0..count).for_each(|i| m.values[i * self.width + from + i] = 1.0);
        self.through(&m)
    }

    /// The sum of two values of the same width. `None` if they are decoded in different ways.
    pub fn add(mut self, mut other: Flow, steps: u32) -> Option<Flow> {
        match (self.decoded, other.decoded) {
            (a, b) if a == b => {}
            (Some(d), None) => other = other.held(d, steps),
            (None, Some(d)) => self = self.held(d, steps),
            _ => return None,
        }
        for (node, map) in other.parts {
            match self.parts.iter_mut().find(|(n, _)| *n == node) {
                None => self.parts.push((node, map)),
                Some((_, mine)) => {
                    let one = || Matrix::diagonal(&vec![1.0; self.width]);
                    let mut sum = mine.take().unwrap_or_else(one);
                    let more = map.unwrap_or_else(one);
                    sum.values.iter_mut().zip(&more.values).for_each(|(a, b)| *a += b);
                    *mine = Some(sum);
                }
            }
        }
        self.constant.iter_mut().zip(&other.constant).for_each(|(a, b)| *a += b);
        Some(self)
    }

    /// A static value as one that is decoded like others: the same in every step.
    fn held(self, decoder: Decoder, steps: u32) -> Flow {
        let part = Matrix::diagonal(&vec![1.0 / f64::from(steps); self.width]);
        let constant = self.constant.clone();
        let scaled = if decoder == Decoder::Sum { self.through(&part) } else { self };
        Flow { constant, decoded: Some(decoder), ..scaled }
    }
}

/// A graph that grows.
#[derive(Debug, Default)]
pub struct Builder {
    pub graph: Graph,
}

impl Builder {
    /// Adds a node, under this name or, if that is taken, one like it; dots would be in the way of those who make modules of
    /// nodes.
    pub fn add(&mut self, name: &str, node: Node) -> String {
        let plain: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let mut free = plain.clone();
        let mut n = 2;
        while self.graph.node(&free).is_some() {
            free = format!("{plain}_{n}");
            n += 1;
        }
        self.graph.nodes.push((free.clone(), node));
        free
    }

    pub fn edge(&mut self, from: &str, to: &str) {
        self.graph.edges.push((from.to_string(), to.to_string()));
    }

    /// Nodes whose outputs add up to the value, for edges into a node. What has to be made for that is named after `name`.
    pub fn sources(&mut self, flow: &Flow, name: &str, steps: u32) -> Vec<String> {
        let part = if flow.decoded == Some(Decoder::Sum) { 1.0 / f64::from(steps) } else { 1.0 };
        let mut bias = (flow.constant.iter().any(|c| *c != 0.0))
            .then(|| flow.constant.iter().map(|c| c * part).collect::<Vec<f64>>());
        let mut out = vec![];
        let mut parts: Vec<&(String, Option<Matrix>)> = flow.parts.iter().collect();
        // The bias goes to the first that has a matrix of its own.
        parts.sort_by_key(|(_, map)| map.is_none());
        for (node, map) in parts {
            let one = || Matrix::diagonal(&vec![1.0; flow.width]);
            let map = match (map, &bias) {
                (Some(map), None) if map.is_identity() => None,
                (Some(map), _) => Some(map.clone()),
                (None, Some(_)) => Some(one()),
                (None, None) => None,
            };
            match map {
                None => out.push(node.clone()),
                Some(map) => {
                    let made = self.linear(name, &map, bias.take());
                    self.edge(node, &made);
                    out.push(made);
                }
            }
        }
        out
    }

    /// A `Linear` or `Affine` node.
    pub fn linear(&mut self, name: &str, map: &Matrix, bias: Option<Vec<f64>>) -> String {
        let weight = Value::matrix(map.rows, map.cols, map.values.clone());
        match bias {
            Some(bias) => self.add(name, Node::new("Affine", vec![("weight", weight), ("bias", Value::vector(bias))])),
            None => self.add(name, Node::new("Linear", vec![("weight", weight)])),
        }
    }

    /// Adds a node that takes a value.
    pub fn fed(&mut self, name: &str, node: Node, flow: &Flow, steps: u32) -> String {
        let sources = self.sources(flow, &format!("{name}_in"), steps);
        let made = self.add(name, node);
        sources.iter().for_each(|s| self.edge(s, &made));
        made
    }
}
