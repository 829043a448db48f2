//! Benchmark runs, sandboxed replay, receipts and their verification.
//!
//! A run goes [`run::Loaded`] → [`run::Measured`] → [`run::Proved`] → [`receipt::Receipt`], each
//! made only from the one before. [`verify`] believes nothing in a receipt that it can derive.
//!
//! Without the feature `run` there is what needs no engine, sandbox, file mapping or thread: the
//! receipt, its rules, the transcript, statements and signatures. That half builds for the web.
#![forbid(unsafe_code)]

pub mod attest;
pub mod digest;
pub mod external;
pub mod files;
pub mod guest;
mod hex;
pub mod receipt;
pub mod task;
pub mod verify;

#[cfg(feature = "run")]
pub mod divergence;
#[cfg(feature = "run")]
pub mod examine;
#[cfg(feature = "run")]
pub mod failure;
#[cfg(feature = "run")]
pub mod input;
#[cfg(feature = "run")]
pub mod machine;
#[cfg(feature = "run")]
pub mod replay;
#[cfg(feature = "run")]
pub mod run;
#[cfg(feature = "run")]
pub mod sandbox;
#[cfg(feature = "run")]
pub mod watch;
