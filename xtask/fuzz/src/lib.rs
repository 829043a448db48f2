//! What the fuzz targets share: generated and damaged models, both sides as libraries, and a function for
//! each reader of strangers' bytes.

pub mod choices;
pub mod differential;
pub mod documents;
pub mod guest;
pub mod model;
pub mod readers;
pub mod whole_files;

// Three readers of the command line, whose crate would bring the sandbox along.
#[path = "../../src/models/known_model.rs"]
mod known_model;
#[path = "../../src/args/numbers.rs"]
#[allow(dead_code, reason = "what no target calls")]
mod numbers;
#[path = "../../src/verdicts.rs"]
#[allow(dead_code, reason = "what no target calls")]
mod verdicts;
