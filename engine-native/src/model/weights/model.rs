//! A model: a validated file with its tensors bound to their roles.

use std::path::Path;

use super::{Layer, ModelFile, ModelSource, VocabularyMatrix, bind};
use crate::{
    gguf::{Gguf, Metadata},
    model::{I2sLayout, ModelDescription, ModelError, ModelShape},
    observer::Observer,
};

/// A validated model. Every weight and scale has been checked: shapes, ternary codes, signs,
/// finiteness. Weights stay in the bytes of the file where the kernels can use them as they are.
#[derive(Debug)]
pub struct Model {
    file: ModelFile,
    metadata: Metadata,
    i2s_layout: Option<I2sLayout>,
    description: ModelDescription,
    layers: Vec<Layer>,
    token_embd: VocabularyMatrix,
    output_norm: Vec<f32>,
    output: Option<VocabularyMatrix>,
    rope_factors: Option<Vec<f32>>,
}

impl Model {
    /// Reads the file at `path` and validates it.
    ///
    /// # Errors
    /// The file cannot be read, or breaks a rule; the error names the key or the tensor.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let file = ModelSource::open(path)?.read(&())?;
        Self::load(file, I2sLayout::default(), &())
    }

    /// Validates a model held in memory.
    ///
    /// # Errors
    /// As for [`Model::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ModelError> {
        Self::load(bytes.into(), I2sLayout::default(), &())
    }

    /// Validates `file` and packs the projections that the kernels cannot use as they are.
    /// `i2s_layout` is the layout of the file's I2_S tensors, if it has any.
    ///
    /// # Errors
    /// As for [`Model::open`], or `observer` stopped the loading.
    ///
    /// ```
    /// use std::path::Path;
    /// use engine_native::{I2sLayout, Model, ModelSource};
    ///
    /// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
    /// let file = ModelSource::open(Path::new(path))?.read(&())?;
    /// let model = Model::load(file, I2sLayout::Block128, &())?;
    /// assert_eq!(model.layers().len() as u64, model.shape().n_layers);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load(
        file: ModelFile,
        i2s_layout: I2sLayout,
        observer: &dyn Observer,
    ) -> Result<Self, ModelError> {
        let gguf = Gguf::parse(&file)?;
        let shape = ModelShape::from_gguf(&gguf)?;
        let bound = bind::bind(&gguf, &shape, &file, i2s_layout, observer)?;
        let description = ModelDescription::from_gguf(&gguf)?;
        let has_i2s = description.has_i2s;
        if !has_i2s && i2s_layout != I2sLayout::default() {
            return Err(ModelError::Unsupported {
                what: "layout of I2_S tensors".into(),
                found: format!("{} for a file without such tensors", i2s_layout.as_str()),
                supported: "none".into(),
            });
        }
        Ok(Self {
            layers: bound.layers,
            token_embd: bound.token_embd,
            output_norm: bound.output_norm,
            output: bound.output,
            rope_factors: bound.rope_factors,
            metadata: gguf.metadata,
            i2s_layout: has_i2s.then_some(i2s_layout),
            description,
            file,
        })
    }

    /// Bytes allocated for packed weights.
    pub fn packed_at_load(&self) -> u64 {
        let matrices = self.layers.iter().flat_map(Layer::projections);
        matrices.map(|m| m.packed_at_load() as u64).sum()
    }

    /// Bytes of weights that one decode step reads: all projections, the output matrix, one row of
    /// the embedding and the norms.
    pub fn bytes_per_token(&self) -> u64 {
        let norm = |norm: &Option<Vec<f32>>| norm.as_ref().map_or(0, Vec::len);
        let layer = |layer: &Layer| {
            let packed = layer.projections().map(|m| m.kernel_bytes(&self.file));
            let sub_norms = norm(&layer.attn_sub_norm) + norm(&layer.ffn_sub_norm);
            let head_norms = norm(&layer.attn_q_norm) + norm(&layer.attn_k_norm);
            let norms = layer.attn_norm.len() + layer.ffn_norm.len() + sub_norms + head_norms;
            packed.iter().sum::<usize>() + 4 * norms
        };
        let layers: usize = self.layers.iter().map(layer).sum();
        let output = self.output().n_rows() * self.output().row_bytes();
        let rest = self.token_embd.row_bytes() + 4 * self.output_norm.len();
        (layers + output + rest) as u64
    }

    /// All bytes of the file: those that the engine, the hash and the replay share.
    pub fn file_bytes(&self) -> &[u8] {
        &self.file
    }

    /// The metadata of the file.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The layout in which I2_S tensors were read; `None` if the file has none.
    pub fn i2s_layout(&self) -> Option<I2sLayout> {
        self.i2s_layout
    }

    /// What the header says of the model.
    pub fn description(&self) -> &ModelDescription {
        &self.description
    }

    /// Hyperparameters.
    pub fn shape(&self) -> &ModelShape {
        &self.description.shape
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Token embedding, `[n_vocab, n_embd]`.
    pub fn token_embd(&self) -> &VocabularyMatrix {
        &self.token_embd
    }

    /// Weight of the final RMSNorm, `[n_embd]`.
    pub fn output_norm(&self) -> &[f32] {
        &self.output_norm
    }

    /// Output matrix, `[n_vocab, n_embd]`; the token embedding when tied.
    pub fn output(&self) -> &VocabularyMatrix {
        self.output.as_ref().unwrap_or(&self.token_embd)
    }

    /// Whether the output matrix is the token embedding.
    pub fn is_tied(&self) -> bool {
        self.description.is_tied
    }

    /// Divisors of the RoPE frequencies, `[rope_dim / 2]`, if the file has them.
    pub fn rope_factors(&self) -> Option<&[f32]> {
        self.rope_factors.as_deref()
    }

    /// Number of elements in all tensors.
    pub fn n_parameters(&self) -> u64 {
        self.description.n_parameters
    }
}
