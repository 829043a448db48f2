//! The command line of Bitreceipt, as a library so that tests reach every part of it.

pub mod args;
pub mod commands;
pub mod conformance;
pub mod engines;
pub mod entry;
pub mod exit;
pub mod guest;
mod hints;
mod http;
mod input;
pub mod kv_name;
pub mod make_model;
mod markdown;
pub mod models;
mod output;
mod process;
pub mod program;
mod progress;
mod report;
pub mod selftest;
mod tabular;
mod units;
mod verdicts;
mod wasm;
pub mod web;
