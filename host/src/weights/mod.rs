//! Whether two model files hold the same network with the same weights.
//!
//! An engine may need a model in another type than the one that the reference replays. Its tokens can be judged
//! only if both files mean the same: the same architecture, the same settings, and every weight the same
//! number. Every weight of both files is widened to f32 as ggml does, and compared exactly; also of types that
//! this project does not run.
//!
//! Nothing is said of the tokenizers: engines are given ids.

mod decode;
mod difference;
mod error;
mod file;
mod same;
mod stored;
mod ternary;

pub use decode::decode_rows;
pub use difference::{Difference, Place};
pub use error::WeightsError;
pub use same::{SameWeights, same_weights};
pub use stored::Stored;
