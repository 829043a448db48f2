//! A ternary model in a GGUF file: its architecture, its shape and its weights.
//!
//! Without the feature `run`, only what a header contains is available.

mod architecture;
mod dense_type;
mod description;
mod error;
mod grouped_type;
mod i2s_layout;
mod keys;
mod kv_type;
mod matrix_type;
mod neutral_keys;
mod refusals;
mod rope_scaling;
mod shape;
#[cfg(feature = "run")]
mod weights;

pub use architecture::{Activation, Architecture, RopePairs};
pub use dense_type::DenseType;
pub use description::ModelDescription;
pub use error::ModelError;
pub use grouped_type::GroupedType;
pub use i2s_layout::I2sLayout;
pub use kv_type::KvType;
pub use matrix_type::MatrixType;
pub use rope_scaling::{RopeScaling, Yarn};
pub use shape::ModelShape;
#[cfg(feature = "run")]
pub(crate) use weights::BLOCK_LEN;
#[cfg(feature = "run")]
pub use weights::{
    DenseMatrix, GroupedMatrix, Layer, Model, ModelFile, ModelSource, Projection, TernaryMatrix,
    VocabularyMatrix,
};
