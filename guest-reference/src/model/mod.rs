//! What a ternary model's file must contain, and where each part lies.

mod architecture;
mod hyperparameters;
mod keys;
mod neutral_keys;
mod refusals;
mod resolver;
mod rope_scaling;
mod storage;
mod tensor_types;
mod tensors;

pub use architecture::{ARCHITECTURES, Activation, Architecture, RotaryPairs};
pub use hyperparameters::Hyperparameters;
pub use resolver::{
    EMBEDDING, FREQUENCY_FACTORS, OUTPUT, OUTPUT_NORM, check_multiple, layer_tensor_name,
};
pub use rope_scaling::{RopeScaling, Yarn};
pub use storage::{MatrixType, ProjectionType};
pub use tensors::{
    FileRange, LayerTensors, Norm, Projection, RowTensor, Tensors, TernaryTensor, VectorTensor,
};

use crate::error::Result;
use crate::gguf::{self, Header, Stop};

/// A validated model description; no weight has been read yet.
#[derive(Clone, Debug)]
pub struct Model {
    /// Sizes and constants.
    pub hyperparameters: Hyperparameters,
    /// Every tensor's place and type.
    pub tensors: Tensors,
    /// Elements of all tensors.
    pub parameters: u64,
}

/// Reads and validates the first `bytes` of a file of `file_len` bytes.
pub fn parse(bytes: &[u8], file_len: u64) -> Result<Model, Stop> {
    let header = gguf::parse(bytes, file_len)?;
    Ok(describe(&header)?)
}

fn describe(header: &Header) -> Result<Model> {
    refusals::check(&header.metadata)?;
    let mut hyperparameters = Hyperparameters::read(&header.metadata)?;
    let mut resolver = resolver::Resolver::new(header);
    let tensors = resolver.resolve(&mut hyperparameters)?;
    header.check_placement()?;
    Ok(Model {
        hyperparameters,
        tensors,
        parameters: resolver.parameters(),
    })
}
