//! One run: its state, and the forward pass of a chunk of positions through all layers.

mod attention;
mod forward;
mod kv_cache;
mod linear;
mod options;
mod position;
mod probe;
mod rope_table;
mod session;

pub use options::{LogitsAt, SessionOptions};
pub(crate) use position::PositionState;
pub use probe::{OpOutput, Probe, ProbePoint};
pub use session::Session;
