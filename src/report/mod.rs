//! What a run leaves behind: tables, plots, the page, arrays. Works on plain data ([`data::RunData`]) alone.
//!
//! ```text
//! RunData -> run.json (json), report.html (page, with figures from svg), plots/ (plots), NAME.npz (npz),
//!            the table and small plots on the terminal (table, terminal)
//! ```
//!
//! Only `write` touches the disk.

pub mod bench;
pub mod data;
pub mod diagram;
pub mod digest;
pub mod doubt;
pub mod figures;
pub mod json;
pub mod metrics;
pub mod npz;
pub mod page;
pub mod plots;
pub mod prediction;
pub mod scale;
pub mod sheet;
pub mod simulation;
pub mod svg;
pub mod table;
pub mod terminal;
pub mod write;
