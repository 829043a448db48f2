//! What the tests share: a GGUF writer, a small model, a host that copies bytes.

pub mod bits;
pub mod gguf;
pub mod grouped;
pub mod host;
pub mod model;
pub mod random;
pub mod rejection;
pub mod ternary;
