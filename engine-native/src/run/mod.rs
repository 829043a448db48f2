//! A run: the session that holds its state, and the forward pass.

mod attention;
mod each_position;
mod forward;
mod kv_cache;
mod layer;
mod linear;
mod options;
mod position;
mod probe;
mod projection_rows;
mod rope_table;
mod session;

use kv_cache::KvCache;
pub use options::{LogitsAt, SessionOptions};
pub(crate) use position::PositionState;
pub use probe::{OpOutput, Probe, ProbePoint};
pub(crate) use projection_rows::ProjectionRows;
pub use session::Session;
