//! What a run leaves behind: tables, plots, the page, arrays. Works on plain data ([`data::RunData`]) alone.

pub mod data;
