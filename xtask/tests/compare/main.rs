//! `compare`: what it concludes from recorded traces, and what it does as a process.

#[path = "../cli/process.rs"]
mod process;

mod bad_input;
mod builds;
mod receipts;
mod traces;
