//! Parser of the GGUF container: metadata keys and tensor infos, from untrusted bytes.
//!
//! Layout: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Versions 2 and 3, little
//! endian. What a key or a tensor means is decided by the model, not here.

pub mod caps;
mod cursor;
mod error;
mod header;
mod metadata;
mod placement;
mod tensor_info;
mod tensor_type;
mod tensors;
#[cfg(test)]
mod tests;

pub use error::GgufError;
pub use header::Gguf;
pub use metadata::{Array, Metadata, Value};
pub use tensor_info::TensorInfo;
pub use tensor_type::TensorType;
