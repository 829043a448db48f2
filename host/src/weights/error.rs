//! Why two files cannot be compared.

use std::path::PathBuf;

use engine_native::ModelError;

/// Why nothing can be said of two files.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum WeightsError {
    #[error("{}: {source}", path.display())]
    Model { path: PathBuf, source: ModelError },
    #[error("{}: tensor {tensor}: {found} cannot be read; {advice}", path.display())]
    Type {
        path: PathBuf,
        tensor: String,
        found: String,
        advice: &'static str,
    },
    #[error("{}: tensor {tensor} ({stored}): found {found}, allowed {allowed}", path.display())]
    Shape {
        path: PathBuf,
        tensor: String,
        stored: String,
        found: String,
        allowed: &'static str,
    },
    #[error("interrupted")]
    Interrupted,
}
