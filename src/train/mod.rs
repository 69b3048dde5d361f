//! The trainer: it calls forward kernels again and again, perturbs, observes, updates. Nothing is back-propagated.

pub mod kernels;
pub mod outcome;
