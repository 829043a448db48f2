//! The roofline of a decode step: how many bytes it reads, and how fast this machine can read them.

mod bandwidth;
mod traffic;

pub use bandwidth::{ReadBuffer, Readers};
