//! Errors of loading a model.

use super::Architecture;
use crate::gguf::GgufError;

/// Why a file cannot be used as a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be opened or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The header breaks a rule of the format, or a key or a tensor breaks a rule of the
    /// architecture.
    #[error("{0}")]
    Gguf(#[from] GgufError),
    /// The file does not name its architecture.
    #[error("key general.architecture: not found; every model needs it")]
    NoArchitecture,
    /// A key that the architecture needs is missing.
    #[error("key {key}: not found; {architecture} models need it")]
    #[allow(missing_docs)]
    MissingKey {
        key: String,
        architecture: Architecture,
    },
    /// A tensor that the architecture needs is missing.
    #[error("tensor {name}: not found; the model needs it with shape {shape}")]
    #[allow(missing_docs)]
    MissingTensor { name: String, shape: String },
    /// Another process wrote to the file while it was read.
    #[error(
        "the file changed while it was read: {what} {then}, then {now}; try again when nothing writes to it"
    )]
    #[allow(missing_docs)]
    Changed {
        what: &'static str,
        then: String,
        now: String,
    },
    /// The system gives no memory for the bytes of the file.
    #[error("memory: the system does not give the {:.2} GB that the file takes", *needed as f64 / 1e9)]
    #[allow(missing_docs)]
    NoMemory { needed: u64 },
    /// The observer stopped the loading.
    #[error("cancelled")]
    Cancelled,
    /// The file needs something that is not implemented or not specified.
    #[error("{what}: found {found}, supported {supported}")]
    #[allow(missing_docs)]
    Unsupported {
        what: String,
        found: String,
        supported: String,
    },
}
