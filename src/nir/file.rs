//! NIR graphs as bytes of an HDF5 file, laid out as the Python package `nir` 1.0 writes and reads it.
//!
//! ```text
//! /version                     text
//! /node/type                   "NIRGraph"        /node/edges  [edges, 2] text        /node/metadata/…
//! /node/nodes/NAME/type        "LIF"             …/tau, …/r: float [units]         …/metadata/…
//! ```
//!
//! Texts are variable-length UTF-8; numbers that single precision holds are written in it, others in double. The one user of the
//! HDF5 library.

use hdf5_pure::{File, FileBuilder, Group, GroupBuilder};

use super::graph::{Graph, Node, Value};

/// The version of the package whose layout this is.
const VERSION: &str = "1.0.8";
/// Bytes of an array at the most, unpacked.
const MOST: u64 = 1 << 28;
/// Graphs in graphs, at the most.
const DEEPEST: usize = 16;

/// The bytes of a file with this graph.
///
/// # Errors
/// If the HDF5 library refuses, which would be a bug; the sentence is its own.
pub fn encode(graph: &Graph) -> Result<Vec<u8>, String> {
    let mut file = FileBuilder::new();
    file.create_dataset("version").with_vlen_strings(&[VERSION]).with_shape(&[]);
    let mut root = file.create_group("node");
    put_graph(&mut root, graph);
    file.add_group(root.finish());
    file.finish().map_err(|e| e.to_string())
}

fn put_graph(group: &mut GroupBuilder, graph: &Graph) {
    put(group, "type", &Value::text("NIRGraph"));
    let ends: Vec<&str> = graph.edges.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect();
    group.create_dataset("edges").with_vlen_strings(&ends).with_shape(&[graph.edges.len() as u64, 2]);
    let mut nodes = group.create_group("nodes");
    for (name, node) in &graph.nodes {
        let mut place = nodes.create_group(name);
        match &node.graph {
            Some(inner) => put_graph(&mut place, inner),
            None => {
                put(&mut place, "type", &Value::text(node.kind.as_str()));
                node.values.iter().for_each(|(name, value)| put(&mut place, name, value));
            }
        }
        put_metadata(&mut place, &node.metadata);
        nodes.add_group(place.finish());
    }
    group.add_group(nodes.finish());
    put_metadata(group, &graph.metadata);
}

fn put_metadata(group: &mut GroupBuilder, metadata: &[(String, Value)]) {
    if !metadata.is_empty() {
        let mut place = group.create_group("metadata");
        metadata.iter().for_each(|(name, value)| put(&mut place, name, value));
        group.add_group(place.finish());
    }
}

fn put(group: &mut GroupBuilder, name: &str, value: &Value) {
    let dataset = group.create_dataset(name);
    match value {
        Value::Text(text) => dataset.with_vlen_strings(&[text.as_str()]).with_shape(&[]),
        Value::Array { shape, values, integer } => {
            let shape: Vec<u64> = shape.iter().map(|n| *n as u64).collect();
            let single = values.iter().all(|v| f64::from(*v as f32) == *v);
            let dataset = match (integer, single) {
                (true, _) => dataset.with_i64_data(&values.iter().map(|v| *v as i64).collect::<Vec<_>>()),
                (false, true) => dataset.with_f32_data(&values.iter().map(|v| *v as f32).collect::<Vec<_>>()),
                (false, false) => dataset.with_f64_data(values),
            };
            dataset.with_shape(&shape)
        }
    };
}

/// The graph in a file.
///
/// # Errors
/// If the bytes are not HDF5, or not a NIR graph; a sentence in plain words.
pub fn decode(bytes: Vec<u8>) -> Result<Graph, String> {
    if !hdf5_pure::is_hdf5_bytes(&bytes) {
        return Err("it is not an HDF5 file".into());
    }
    let file = File::from_bytes(bytes).map_err(|e| format!("the HDF5 file is damaged: {e}"))?;
    let root = file.group("node").map_err(|_| "it is an HDF5 file, but has no NIR graph: no group `node`")?;
    let node = get_node(&root, "node", 0)?;
    node.graph.ok_or_else(|| format!("its root is a single `{}`, not a `NIRGraph`", node.kind))
}

fn get_node(group: &Group, at: &str, depth: usize) -> Result<Node, String> {
    let failed = |e: hdf5_pure::Error| format!("`{at}` cannot be read: {e}");
    if depth > DEEPEST {
        return Err(format!("`{at}` lies more than {DEEPEST} graphs deep"));
    }
    let mut node = Node { kind: String::new(), values: vec![], metadata: vec![], graph: None };
    let mut edges = None;
    for name in sorted(group.datasets().map_err(failed)?) {
        let data = group.dataset(&name).map_err(failed)?;
        let shape = fitting_shape(&data).map_err(|e| format!("`{at}/{name}` cannot be read: {e}"))?;
        let text = data.read_string().ok();
        match (name.as_str(), text) {
            ("type", Some(text)) => node.kind = text.first().cloned().unwrap_or_default(),
            ("edges", Some(text)) => edges = Some(text),
            // A graph without edges: an empty array of whatever type.
            ("edges", None) => edges = Some(vec![]),
            (_, Some(text)) => node.values.push((name, Value::Text(text.join(" ")))),
            (_, None) => {
                let array = array(&data, shape).map_err(|e| format!("`{at}/{name}` cannot be read: {e}"))?;
                node.values.push((name, array));
            }
        }
    }
    if node.kind.is_empty() {
        return Err(format!("`{at}` has no `type`"));
    }
    if let Ok(metadata) = group.group("metadata") {
        node.metadata = get_node_values(&metadata)?;
    }
    if let Ok(nodes) = group.group("nodes") {
        let mut graph = Graph { metadata: std::mem::take(&mut node.metadata), ..Graph::default() };
        for name in sorted(nodes.groups().map_err(failed)?) {
            let inner = nodes.group(&name).map_err(failed)?;
            graph.nodes.push((name.clone(), get_node(&inner, &name, depth + 1)?));
        }
        let ends = edges.ok_or_else(|| format!("the graph `{at}` has no `edges`"))?;
        graph.edges = ends.as_chunks::<2>().0.iter().map(|[a, b]| (a.clone(), b.clone())).collect();
        node.graph = Some(graph);
    }
    Ok(node)
}

/// Metadata that can be read; what else others have put there is passed over.
fn get_node_values(group: &Group) -> Result<Vec<(String, Value)>, String> {
    let mut out = vec![];
    for name in sorted(group.datasets().map_err(|e| e.to_string())?) {
        let Ok(data) = group.dataset(&name) else { continue };
        let Ok(shape) = fitting_shape(&data) else { continue };
        if let Ok(text) = data.read_string() {
            out.push((name, Value::Text(text.join(" "))));
        } else if let Ok(array) = array(&data, shape) {
            out.push((name, array));
        }
    }
    Ok(out)
}

/// The shape of an array, of which a header may say what it likes; else why it is not read, as a clause.
fn fitting_shape(data: &hdf5_pure::Dataset) -> Result<Vec<usize>, String> {
    let shape = data.shape().map_err(|e| e.to_string())?;
    let size = data.element_size().map_err(|e| e.to_string())?;
    match shape.iter().try_fold(size.max(1), |bytes, n| bytes.checked_mul((*n).max(1))) {
        Some(bytes) if bytes <= MOST => Ok(shape.iter().map(|n| *n as usize).collect()),
        _ => Err(format!("its shape is {shape:?}, more than {MOST} bytes")),
    }
}

/// The numbers of an array of that shape. A file may hold fewer than its header says.
fn array(data: &hdf5_pure::Dataset, shape: Vec<usize>) -> Result<Value, String> {
    let values = data.read_f64().map_err(|e| e.to_string())?;
    if values.len() != shape.iter().product::<usize>() {
        return Err(format!("it has {} values, and its shape is {shape:?}", values.len()));
    }
    Ok(Value::Array { shape, values, integer: is_integer(data) })
}

fn is_integer(data: &hdf5_pure::Dataset) -> bool {
    use hdf5_pure::DType::{I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(data.dtype(), Ok(I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64))
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let inner = Graph {
            nodes: vec![("input".into(), Node::new("Input", vec![("shape", Value::shape(2))]))],
            edges: vec![],
            metadata: vec![],
        };
        let affine = vec![("bias", Value::vector(vec![1.0, -0.5])), ("weight", Value::matrix(2, 1, vec![3.0, 4.0]))];
        let graph = Graph {
            nodes: vec![
                ("a".into(), Node::new("Affine", affine).note("dt", Value::number(0.5))),
                ("b".into(), Node { graph: Some(inner), ..Node::new("NIRGraph", vec![]) }),
            ],
            edges: vec![("a".into(), "b".into()), ("b".into(), "a".into())],
            metadata: vec![("made_by".into(), Value::text("ü"))],
        };
        let bytes = encode(&graph).unwrap();
        assert_eq!(decode(bytes.clone()).unwrap(), graph);
        assert_eq!(encode(&graph).unwrap(), bytes, "the same graph gives the same bytes");
    }

    #[test]
    fn what_is_no_graph_is_said_in_words() {
        assert_eq!(decode(b"hello".to_vec()).unwrap_err(), "it is not an HDF5 file");
        let mut file = FileBuilder::new();
        file.create_dataset("x").with_f64_data(&[1.0]);
        assert!(decode(file.finish().unwrap()).unwrap_err().contains("no group `node`"));
        let bytes = encode(&Graph::default()).unwrap();
        for end in [9, 60, bytes.len() / 2] {
            assert!(decode(bytes[..end].to_vec()).is_err());
        }
    }
}
