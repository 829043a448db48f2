//! Benchmark runs, sandboxed replay, receipts and their verification.
//!
//! A run goes [`run::Loaded`] → [`run::Measured`] → [`run::Proved`] → [`receipt::Receipt`], each
//! made only from the one before. [`verify`] believes nothing in a receipt that it can derive.
#![forbid(unsafe_code)]

pub mod atomic_file;
pub mod attest;
pub mod cancel;
pub mod challenge;
mod claimed_run;
pub mod digest;
pub mod divergence;
pub mod environment;
pub mod external;
pub mod fingerprint;
pub mod memory;
pub mod model_file;
pub mod profile;
pub mod prompt;
pub mod receipt;
pub mod regular_file;
pub mod replay;
pub mod run;
pub mod sandbox;
pub mod task;
pub mod tokenizer;
pub mod toml_text;
pub mod transcript;
pub mod verify;
