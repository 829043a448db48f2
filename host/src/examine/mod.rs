//! What a verifier does with a receipt on this machine: find its model, and replay, audit or time
//! its task. [`crate::verify`] draws the conclusions.

mod audit;
mod model;
mod replay;
mod replays;
mod retime;

pub use audit::{Selection, audit_receipt};
pub use model::{find_model, open_model};
pub use replay::replay_receipt;
pub use replays::Replays;
pub use retime::retime;
