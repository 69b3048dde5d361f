//! Lowering: programs of the language against simulations written out by hand.
//!
//! * [`neurons`]: one step of a population, its integrators and resets.
//! * [`networks`]: decoders, scaled coordinates, the parameter list, printed IR.
//! * [`layers`]: codes, convolutions, recurrence, decoders in time, several passes, readouts through `dot`.
//! * [`units`]: features, pools of candidates, responses: what exact readouts and pursuits count on.
//! * [`residuals`]: residuals and exact solutions as expression programs.
//! * [`derivatives`]: tangents and jets of whole networks.
//! * [`phases`]: the pipeline, and that whatever the checker accepts is compiled.

mod derivatives;
mod layers;
mod networks;
mod neurons;
mod phases;
mod residuals;
mod support;
mod units;
