//! The command line.

pub mod make_model;
