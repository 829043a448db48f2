//! The weights of a model: validated, bound to their roles in the architecture, and packed if the
//! kernels cannot use the bytes of the file.

mod bind;
mod dense;
mod file;
mod grouped;
mod layer;
mod model;
mod ternary;
mod vocabulary;

pub use dense::DenseMatrix;
pub use file::{ModelFile, ModelSource};
pub use grouped::GroupedMatrix;
pub use layer::{Layer, Projection};
pub use model::Model;
pub(crate) use ternary::BLOCK_LEN;
pub use ternary::TernaryMatrix;
pub use vocabulary::VocabularyMatrix;
