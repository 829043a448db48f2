//! Other engines: a server that speaks llama.cpp's HTTP API, or any program that speaks the line protocol
//! of `ci/ENGINE_PROTOCOL.md`. They are asked for tokens, timed by our clock, and always ended.

mod adapter;
mod at;
mod body;
mod command;
mod completion;
mod engine;
mod failure;
mod family;
mod guard;
mod lines;
mod listening;
mod log;
mod messages;
mod name;
mod pieces;
mod printed;
mod process;
mod program;
mod progress;
mod quote;
mod running;
mod server;
mod spec;
mod start;
mod times;
mod vocabulary;

pub use adapter::Adapters;
pub use engine::{Answer, Engine, Facts, Reported, Request, Settings, Sums, SumsRequest};
pub use failure::{Cause, EngineFailure};
pub use guard::become_engine_if_asked;
pub use log::end_of_log;
pub use name::is_name;
pub use process::end_all;
pub use spec::{EngineSpec, Place};
pub use start::{check, start};
