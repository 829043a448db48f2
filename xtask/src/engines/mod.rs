//! Other engines: a server that speaks llama.cpp's HTTP API, or any program that speaks the line protocol
//! of `ci/ENGINE_PROTOCOL.md`. They are asked for tokens, timed by our clock, and always ended.

mod adapter;
mod engine;
mod failure;
mod spec;

pub use adapter::Adapters;
pub use engine::{Answer, Engine, Facts, LayerSums, Reported, Request, Settings};
pub use failure::{Cause, EngineFailure};
pub use spec::EngineSpec;
