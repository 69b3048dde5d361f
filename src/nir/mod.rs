//! The Neuromorphic Intermediate Representation: networks to and from the files that other simulators and chips read.
//!
//! ```text
//! check::Model + weights --export--> Graph --file--> bytes of HDF5          (snnc export)
//! bytes of HDF5 --file--> Graph --import--> text of a program + weights     (snnc import)
//! ```
//!
//! NIR (Pedersen et al., Nature Communications 15:8122, 2024) is a graph of nodes with equations in continuous time. What it
//! cannot say is refused by name, never approximated; what it leaves open (step, decoder) stands in metadata as well.
//! No file is opened here.

mod dynamics;
pub mod export;
pub mod file;
pub mod flow;
pub mod graph;
pub mod import;
mod order;
mod program;

pub use graph::Graph;
