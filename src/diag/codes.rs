//! The table of all codes. Each family's module owns a hundred numbers and lists its own; this file only joins them.

use super::Code;

/// A code as `snnc explain` and the tests know it.
#[derive(Debug, Clone, Copy)]
pub struct CodeInfo {
    pub code: Code,
    /// A few words, as in the file name of its test program: `unknown_name`.
    pub slug: &'static str,
    /// The page under `docs/errors`, embedded.
    pub page: &'static str,
}

/// A family of codes, a hundred numbers each: 01 syntax, 02 names, 03 types and shapes, 04 dimensions, 05 neurons and
/// events, 06 networks, 07 residuals and conditions, 08 training, 09 reports and data files, 10 simulations, 11 numbers that
/// are not finite, 12 folders of runs and what commands are given, 13 interchange
/// with other simulators.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    pub name: &'static str,
    pub codes: &'static [CodeInfo],
}

/// Every family, in number order.
pub const FAMILIES: &[Family] = &[
    super::syntax::FAMILY,
    super::names::FAMILY,
    super::domain::FAMILY,
    super::imports::FAMILY,
    super::types::FAMILY,
    super::units::FAMILY,
    super::types::DIMENSIONS,
    super::neurons::FAMILY,
    super::networks::FAMILY,
    super::functions::FAMILY,
    super::residuals::FAMILY,
    super::geometry::FAMILY,
    super::options::FAMILY,
    super::training::FAMILY,
    super::data::FAMILY,
    super::reports::FAMILY,
    super::simulation::FAMILY,
    super::numerics::FAMILY,
    super::runs::FAMILY,
    super::interchange::FAMILY,
];

/// Every code there is, in number order.
pub fn all() -> impl Iterator<Item = &'static CodeInfo> {
    FAMILIES.iter().flat_map(|f| f.codes)
}

pub fn find(code: Code) -> Option<&'static CodeInfo> {
    all().find(|c| c.code == code)
}
