//! The roofline of a decode step: the bytes that it reads, and how fast this machine can read them.

mod bandwidth;
mod traffic;

pub use bandwidth::{ReadBuffer, Readers};
