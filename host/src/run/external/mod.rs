//! Runs of other engines: somebody else measures them by this machine's clock, the reference judges their
//! tokens, and a receipt is made only of what is consistent.

mod measurement;

pub use measurement::{ExternalMeasurement, ExternalRepetition};
