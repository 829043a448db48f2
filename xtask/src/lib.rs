//! The command line of Bitreceipt, as a library so that tests reach every part of it.

pub mod args;
pub mod commands;
pub mod exit;
pub mod guest;
mod input;
pub mod make_model;
pub mod manifest;
mod output;
mod progress;
pub mod selftest;
