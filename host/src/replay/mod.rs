//! The replay: the reference computes the same task from the same bytes.
//!
//! The guest is fed the claimed tokens, and makes its own choice at every position. If it chooses
//! every claimed token, then decoding on its own would have fed it exactly these tokens, so the
//! replay equals the reference's own decode. Because all tokens are known in advance, the replay
//! can go layer by layer over all positions: each weight is loaded once, and a guest needs memory
//! for one layer instead of the whole model.
//!
//! Several guests can work at once, each on another layer, starting from the residual streams of a
//! native run. These are only guesses: if a guest computes something else than the next layer
//! started from, everything above its layer is replayed in order. A wrong guess costs time, but
//! never changes a verdict.
//!
//! Where no native engine runs, such as in a browser, the guests form a pipeline of [`Stage`]s.
//!
//! The reference decodes a prompt on its own:
//!
//! ```
//! # #[cfg(feature = "run")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//! use engine_native::{I2sLayout, KvType};
//! use host::input::HashedModel;
//! use host::replay;
//! use host::sandbox::{ModelInput, Sandbox, SandboxError};
//! use host::task::Task;
//! use host::watch::Watch;
//!
//! let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
//! let watch = Watch::default();
//! let file = HashedModel::open(Path::new(path), I2sLayout::default(), &watch)?;
//! let (model, sandbox) = (ModelInput::from(&*file.model), Sandbox::new(&watch)?);
//! let task = Task { prompt: vec![1, 2, 3], depth: 0, n_generate: 2, kv_type: KvType::F16, challenge: None };
//!
//! let tokens = replay::decode(&sandbox, model, &task, |_| Ok::<_, SandboxError>(()))?;
//!
//! // A replay of these tokens chooses each of them again.
//! let replayed = replay::replay(&sandbox, model, &task, &tokens, None)?;
//! assert_eq!(replayed.tokens().collect::<Vec<_>>(), tokens);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "run"))]
//! # fn main() {}
//! ```

#[cfg(feature = "run")]
mod audit;
mod calls;
#[cfg(feature = "run")]
mod claimed_run;
#[cfg(feature = "run")]
mod decode;
mod failure;
#[cfg(feature = "run")]
mod guesses;
#[cfg(feature = "run")]
mod guests;
#[cfg(feature = "run")]
mod in_order;
mod margin;
#[cfg(feature = "run")]
mod native;
#[cfg(feature = "run")]
mod parallel;
#[cfg(feature = "run")]
mod rank;
#[cfg(feature = "run")]
mod sensitivity;
mod stage;
mod units;
#[cfg(feature = "run")]
mod whole;
mod work;

#[cfg(feature = "run")]
pub(crate) use claimed_run::{ClaimedRun, claimed_traces};
#[cfg(feature = "run")]
pub(crate) use rank::rank;
pub use stage::{Stage, head_shares, joined};
pub use units::{Head, Unit};
pub use work::replay_work;
#[cfg(feature = "run")]
pub use {
    audit::{Audited, Finding, audit, units_of},
    decode::{Decoded, decode, embedded, op_outputs},
    guesses::Guesses,
    rank::judge,
    whole::{Replay, replay},
};
