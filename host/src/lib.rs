//! Benchmark runs, their sandboxed replay, receipts, and the verification of receipts.
//!
//! A run goes through the phases [`run::Loaded`] → [`run::Measured`] → [`run::Proved`] →
//! [`receipt::Receipt`]; each can only be made from the one before it. To verify a receipt,
//! [`verify::Checked`] derives everything that can be derived again, and [`examine`] replays the
//! run:
//!
//! ```
//! # #[cfg(feature = "run")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{num::NonZeroUsize, path::PathBuf};
//! use host::examine::{find_model, replay_receipt};
//! use host::input::Prompt;
//! use host::machine::Environment;
//! use host::receipt::to_json;
//! use host::run::{Loaded, RunSettings};
//! use host::sandbox::Sandbox;
//! use host::verify::{Checked, Conclusion};
//! use host::watch::Watch;
//!
//! let models = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
//! let watch = Watch::default();
//! let sandbox = Sandbox::new(&watch)?;
//!
//! // The writer measures a run and proves it.
//! let settings = RunSettings {
//!     model: models.join("tiny.gguf"),
//!     prompt: Prompt::Seeded { seed: 42, count: 4, challenge: None },
//!     depth: 0,
//!     pin: false,
//!     time_budget: 60,
//!     n_generate: 3,
//!     warmup: 0,
//!     repetitions: Some(1),
//!     environment: Environment { deterministic: true, seed: 42, threads: 1 },
//!     i2s_layout: Default::default(),
//!     kernel: Default::default(),
//!     packing: Default::default(),
//!     screening: Default::default(),
//!     kv_type: Default::default(),
//! };
//! let receipt = Loaded::open(settings, &watch)?.measure()?.prove(&sandbox)?.receipt();
//! let file = to_json(&receipt);
//!
//! // A verifier who has the file and the model repeats the second half.
//! let mut checked = Checked::read(file.as_bytes())?;
//! let found = find_model(&receipt, &[models], &watch)?.expect("the model is in this folder");
//! checked.with_model(&found.facts());
//! checked.with_replay(replay_receipt(&receipt, &sandbox, &found.model, NonZeroUsize::MIN)?);
//! assert_eq!(checked.verdict().conclusion, Conclusion::Accepted);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "run"))]
//! # fn main() {}
//! ```
//!
//! Without the default feature `run`, only the parts that need no engine, wasmtime, file or
//! thread are left: the receipt, its rules, the transcript, statements and signatures, and the replay
//! with a guest in any engine for WebAssembly ([`sandbox::Instance`]), which ranks tokens as well. They compile to
//! WebAssembly. The feature `tokenizer` adds the tokenizer of a model file to them.
#![forbid(unsafe_code)]

pub mod attest;
pub mod challenge;
pub mod comparison;
pub mod digest;
pub mod external;
pub mod files;
pub mod guest;
mod hex;
pub mod judge;
pub mod noise;
pub mod plain;
pub mod receipt;
pub mod replay;
pub mod sandbox;
pub mod statistics;
pub mod task;
pub mod verify;
pub mod watch;

#[cfg(feature = "run")]
pub mod divergence;
#[cfg(feature = "run")]
pub mod examine;
#[cfg(feature = "run")]
pub mod failure;
pub mod input;
#[cfg(feature = "run")]
pub mod machine;
#[cfg(feature = "run")]
pub mod run;
#[cfg(feature = "run")]
pub mod weights;
