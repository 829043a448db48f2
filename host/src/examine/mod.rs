//! What a verifier computes of a receipt on this machine: its model found, its task replayed, audited
//! or timed again. [`crate::verify`] says what follows from it.

mod audit;
mod external;
mod model;
mod replay;
mod retime;

pub use audit::{Selection, audit_receipt};
pub use external::judge;
pub use model::{find_model, open_model};
pub use replay::replay_receipt;
pub use retime::{Retimed, retime};
