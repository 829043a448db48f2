//! Sweeps: `benchmark` with lists, its receipts, its rows, and what it refuses.

mod engines;
mod fake_engine;
mod formats;
#[path = "../cli/process.rs"]
mod process;
mod receipts;
mod refused;
mod show;
mod wrong_cell;
