//! Which tensors a model has, with which shapes and types.
//!
//! Each expected tensor is taken out of the file's table. Whatever remains is refused by name.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::hyperparameters::Hyperparameters;
use super::refusals;
use super::tensor_types;
use super::tensors::{
    FileRange, LayerTensors, Norm, Projection, RowTensor, Tensors, TernaryTensor, VectorTensor,
};
use crate::error::{Error, Result};
use crate::gguf::{Header, TensorInfo};
use crate::memory::address;

/// Most rows of the embedding.
const MAX_VOCAB: u64 = 1 << 24;

/// Name of the embedding.
pub const EMBEDDING: &str = "token_embd.weight";

/// Name of the output matrix, where it is not the embedding.
pub const OUTPUT: &str = "output.weight";

/// Name of the final norm.
pub const OUTPUT_NORM: &str = "output_norm.weight";

/// Name of the frequency factors.
pub const FREQUENCY_FACTORS: &str = "rope_freqs.weight";

/// Name of tensor `part` of layer `layer`.
pub fn layer_tensor_name(layer: usize, part: &str) -> String {
    format!("blk.{layer}.{part}.weight")
}

/// Takes expected tensors out of the file's table.
pub struct Resolver<'a> {
    left: BTreeMap<&'a str, &'a TensorInfo>,
    data_offset: u64,
    parameters: u64,
}

impl<'a> Resolver<'a> {
    /// Starts with every tensor of the file.
    pub fn new(header: &'a Header) -> Self {
        let mut left = BTreeMap::new();
        for (name, info) in &header.tensors {
            left.insert(name.as_str(), info);
        }
        Self {
            left,
            data_offset: header.data.offset,
            parameters: 0,
        }
    }

    /// Finds every tensor, sets `n_vocab`, and refuses what is left over.
    pub fn resolve(&mut self, hp: &mut Hyperparameters) -> Result<Tensors> {
        hp.n_vocab = self.vocabulary(hp)?;
        let embedding = self.rows(EMBEDDING, hp)?;
        let output = match self.left.contains_key(OUTPUT) {
            true => Some(self.rows(OUTPUT, hp)?),
            false => None,
        };
        let output_norm = self.vector(OUTPUT_NORM, hp.n_embd)?;
        let may_have_factors = hp.architecture.frequency_factors;
        let frequency_factors = match may_have_factors && self.left.contains_key(FREQUENCY_FACTORS)
        {
            true => Some(self.vector(FREQUENCY_FACTORS, hp.rope_dim / 2)?),
            false => None,
        };
        let layers = (0..hp.n_layers).map(|layer| self.layer(layer, hp));
        let layers = layers.collect::<Result<Vec<_>>>()?;
        self.refuse_leftovers(hp)?;
        let tensors = Tensors {
            embedding,
            output,
            output_norm,
            frequency_factors,
            layers,
        };
        check_same_scaling(&tensors)?;
        Ok(tensors)
    }

    /// Elements of all tensors found.
    pub fn parameters(&self) -> u64 {
        self.parameters
    }

    fn refuse_leftovers(&self, hp: &Hyperparameters) -> Result<()> {
        self.left.keys().next().map_or(Ok(()), |name| {
            Err(Error::Unsupported(format!(
                "tensor `{name}` is not part of a `{}` model with the block count given{}",
                hp.architecture.name,
                refusals::tensor_note(name)
            )))
        })
    }

    /// Rows of the embedding, checked against the `vocab_size` key.
    fn vocabulary(&self, hp: &Hyperparameters) -> Result<usize> {
        let info = self.left.get(EMBEDDING).ok_or_else(|| missing(EMBEDDING))?;
        let rows = info.dims.get(1).copied().unwrap_or(1);
        if rows > MAX_VOCAB {
            return Err(Error::TooLarge(format!(
                "tensor `{EMBEDDING}`: {rows} rows; at most {MAX_VOCAB} are allowed"
            )));
        }
        if let Some(stated) = hp.vocab_size.filter(|&stated| stated != rows) {
            return Err(Error::Malformed(format!(
                "key `{}.vocab_size` is {stated}; tensor `{EMBEDDING}` has {rows} rows",
                hp.architecture.name
            )));
        }
        address(EMBEDDING, rows)
    }

    fn layer(&mut self, layer: usize, hp: &Hyperparameters) -> Result<LayerTensors> {
        let (embd, ff, query, key) = (hp.n_embd, hp.n_ff, hp.n_query(), hp.n_key());
        let mut norm = |norm: Norm, len| {
            if !norm.is_in(&hp.architecture) {
                return Ok(None);
            }
            let name = layer_tensor_name(layer, norm.part());
            self.vector(&name, len).map(Some)
        };
        let norms = [
            norm(Norm::Attention, embd)?,
            norm(Norm::QueryHead, hp.head_dim)?,
            norm(Norm::KeyHead, hp.head_dim)?,
            norm(Norm::AttentionSub, query)?,
            norm(Norm::FeedForward, embd)?,
            norm(Norm::FeedForwardSub, ff)?,
        ];
        let mut matrix = |projection: Projection, rows, cols| {
            self.ternary(&layer_tensor_name(layer, projection.part()), rows, cols)
        };
        let projections = [
            matrix(Projection::Query, query, embd)?,
            matrix(Projection::Key, key, embd)?,
            matrix(Projection::Value, key, embd)?,
            matrix(Projection::Output, embd, query)?,
            matrix(Projection::Gate, ff, embd)?,
            matrix(Projection::Up, ff, embd)?,
            matrix(Projection::Down, embd, ff)?,
        ];
        Ok(LayerTensors { norms, projections })
    }

    fn vector(&mut self, name: &str, len: usize) -> Result<VectorTensor> {
        let info = self.take(name, &[len])?;
        let row_type = tensor_types::vector(name, info.tensor_type)?;
        Ok(VectorTensor {
            range: self.place(name, info)?,
            row_type,
            len,
        })
    }

    fn rows(&mut self, name: &str, hp: &Hyperparameters) -> Result<RowTensor> {
        let info = self.take(name, &[hp.n_embd, hp.n_vocab])?;
        let matrix_type = tensor_types::matrix(name, info.tensor_type)?;
        check_multiple(name, "columns", hp.n_embd, matrix_type.column_multiple())?;
        Ok(RowTensor {
            range: self.place(name, info)?,
            matrix_type,
            n_cols: hp.n_embd,
            row_bytes: matrix_type.row_bytes(hp.n_embd as u64),
        })
    }

    fn ternary(&mut self, name: &str, n_rows: usize, n_cols: usize) -> Result<TernaryTensor> {
        let info = self.take(name, &[n_cols, n_rows])?;
        let projection_type = tensor_types::projection(name, info.tensor_type)?;
        check_multiple(name, "columns", n_cols, projection_type.column_multiple())?;
        Ok(TernaryTensor {
            range: self.place(name, info)?,
            projection_type,
            n_rows,
            n_cols,
        })
    }

    /// Takes the tensor `name` out of the table and checks its dimensions.
    fn take(&mut self, name: &str, dims: &[usize]) -> Result<&'a TensorInfo> {
        let info = self.left.remove(name).ok_or_else(|| missing(name))?;
        let equal = info.dims.iter().copied().eq(dims.iter().map(|&d| d as u64));
        if equal {
            return Ok(info);
        }
        Err(Error::Malformed(format!(
            "tensor `{name}`: dimensions are {:?}; the metadata requires {dims:?}",
            info.dims
        )))
    }

    /// Where the tensor lies. That this is in the file is checked for all of them together.
    fn place(&mut self, name: &str, info: &TensorInfo) -> Result<FileRange> {
        let offset = self.data_offset.checked_add(info.offset).ok_or_else(|| {
            Error::Malformed(format!(
                "tensor `{name}`: offset {} passes the end of any file",
                info.offset
            ))
        })?;
        // Dimensions are capped, so 2^16 tensors cannot make the sum overflow.
        self.parameters += info.elements(name)?;
        Ok(FileRange {
            offset,
            len: info.bytes(name)?,
        })
    }
}

/// Refuses a model in which some projections have a scale for every group and others do not.
fn check_same_scaling(tensors: &Tensors) -> Result<()> {
    let is_grouped = tensors.has_grouped_projections();
    for (layer, tensors) in tensors.layers.iter().enumerate() {
        for ((_, part), tensor) in Projection::ALL.iter().zip(&tensors.projections) {
            if tensor.projection_type.is_grouped() != is_grouped {
                let has = |grouped| {
                    if grouped {
                        "a scale for every group"
                    } else {
                        "one scale"
                    }
                };
                return Err(Error::Unsupported(format!(
                    "tensor `{}` has {}, `{}` has {}; all projections of a file must be alike",
                    layer_tensor_name(layer, part),
                    has(!is_grouped),
                    layer_tensor_name(0, Projection::Query.part()),
                    has(is_grouped)
                )));
            }
        }
    }
    Ok(())
}

fn missing(name: &str) -> Error {
    Error::Malformed(format!("tensor `{name}` is missing; it is required"))
}

/// Refuses a number of rows or columns that is not a multiple of `of`.
pub fn check_multiple(name: &str, what: &str, found: usize, of: usize) -> Result<()> {
    if found.is_multiple_of(of) {
        return Ok(());
    }
    Err(Error::Malformed(format!(
        "tensor `{name}`: {found} {what}; a multiple of {of} is required"
    )))
}
