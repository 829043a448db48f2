//! Which tensors a model has, with which shapes and types.
//!
//! Each expected tensor is taken out of the file's table; whatever remains is refused by name.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::ARCHITECTURE;
use super::hyperparameters::Hyperparameters;
use super::placement::Placed;
use super::tensors::{FileRange, LayerTensors, NormTensor, RowTensor, Tensors};
use crate::error::{Error, Result};
use crate::gguf::{Header, TensorInfo};
use crate::memory::address;
use crate::rows::{Q8_0_WEIGHTS, RowType};
use crate::ternary::{BLOCK_WEIGHTS, TRAILER_BYTES};

/// Most rows of the embedding.
const MAX_VOCAB: u64 = 1 << 24;

const TYPE_F32: u32 = 0;
const TYPE_F16: u32 = 1;
const TYPE_Q8_0: u32 = 8;
const TYPE_I2_S: u32 = 36;

/// Name of tensor `part` of layer `layer`.
pub fn layer_tensor_name(layer: usize, part: &str) -> String {
    format!("blk.{layer}.{part}.weight")
}

/// Takes expected tensors out of the file's table.
pub struct Resolver<'a> {
    left: BTreeMap<&'a str, &'a TensorInfo>,
    data_offset: u64,
    placed: Vec<Placed>,
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
            data_offset: header.data_offset,
            placed: Vec::new(),
            parameters: 0,
        }
    }

    /// Finds every tensor, sets `n_vocab`, and refuses what is left over.
    pub fn resolve(&mut self, hp: &mut Hyperparameters) -> Result<Tensors> {
        self.refuse_rope_factors()?;
        hp.n_vocab = self.vocabulary(hp)?;
        let embedding = self.rows("token_embd.weight", hp)?;
        let output = match self.left.contains_key("output.weight") {
            true => Some(self.rows("output.weight", hp)?),
            false => None,
        };
        let output_norm = self.norm("output_norm.weight", hp.n_embd)?;
        let layers = (0..hp.n_layers).map(|layer| self.layer(layer, hp));
        let layers = layers.collect::<Result<_>>()?;
        self.refuse_leftovers()?;
        Ok(Tensors {
            embedding,
            output,
            output_norm,
            layers,
        })
    }

    /// Every tensor found, for the check of places.
    pub fn placed(&self) -> Vec<Placed> {
        self.placed.clone()
    }

    /// Elements of all tensors found.
    pub fn parameters(&self) -> u64 {
        self.parameters
    }

    fn refuse_rope_factors(&self) -> Result<()> {
        let found = self
            .left
            .keys()
            .find(|name| name.ends_with("rope_freqs.weight"));
        found.map_or(Ok(()), |name| {
            Err(Error::Unsupported(format!(
                "tensor `{name}`: RoPE frequency factors are not supported"
            )))
        })
    }

    fn refuse_leftovers(&self) -> Result<()> {
        self.left.keys().next().map_or(Ok(()), |name| {
            Err(Error::Unsupported(format!(
                "tensor `{name}` is not part of a `{}` model with the block count given",
                ARCHITECTURE
            )))
        })
    }

    /// Rows of the embedding, checked against the `vocab_size` key.
    fn vocabulary(&self, hp: &Hyperparameters) -> Result<usize> {
        const NAME: &str = "token_embd.weight";
        let info = self.left.get(NAME).ok_or_else(|| missing(NAME))?;
        let rows = info.dims.get(1).copied().unwrap_or(1);
        if rows > MAX_VOCAB {
            return Err(Error::TooLarge(format!(
                "tensor `{NAME}`: {rows} rows; at most {MAX_VOCAB} are allowed"
            )));
        }
        if hp.vocab_size.is_some_and(|stated| stated != rows) {
            return Err(Error::Malformed(format!(
                "key `{}.vocab_size` is {}; tensor `{NAME}` has {rows} rows",
                ARCHITECTURE,
                hp.vocab_size.unwrap_or(rows)
            )));
        }
        address(NAME, rows)
    }

    fn layer(&mut self, layer: usize, hp: &Hyperparameters) -> Result<LayerTensors> {
        let (embd, ff, query, key) = (hp.n_embd, hp.n_ff, hp.n_query(), hp.n_key());
        let mut norm = |part, len| self.norm(&layer_tensor_name(layer, part), len);
        let norms = [
            norm("attn_norm", embd)?,
            norm("attn_sub_norm", query)?,
            norm("ffn_norm", embd)?,
            norm("ffn_sub_norm", ff)?,
        ];
        let mut matrix =
            |part, rows, cols| self.ternary(&layer_tensor_name(layer, part), rows, cols);
        let projections = [
            matrix("attn_q", query, embd)?,
            matrix("attn_k", key, embd)?,
            matrix("attn_v", key, embd)?,
            matrix("attn_output", embd, query)?,
            matrix("ffn_gate", ff, embd)?,
            matrix("ffn_up", ff, embd)?,
            matrix("ffn_down", embd, ff)?,
        ];
        Ok(LayerTensors { norms, projections })
    }

    fn norm(&mut self, name: &str, len: usize) -> Result<NormTensor> {
        let info = self.take(name, &[len])?;
        let row_type = match info.type_id {
            TYPE_F32 => RowType::F32,
            TYPE_F16 => RowType::F16,
            other => return Err(wrong_type(name, other, "F32 and F16")),
        };
        let range = self.place(name, info, row_type.row_bytes(len as u64))?;
        Ok(NormTensor {
            range,
            row_type,
            len,
        })
    }

    fn rows(&mut self, name: &str, hp: &Hyperparameters) -> Result<RowTensor> {
        let info = self.take(name, &[hp.n_embd, hp.n_vocab])?;
        let row_type = match info.type_id {
            TYPE_F32 => RowType::F32,
            TYPE_F16 => RowType::F16,
            TYPE_Q8_0 => RowType::Q8_0,
            other => return Err(wrong_type(name, other, "F32, F16 and Q8_0")),
        };
        if row_type == RowType::Q8_0 {
            check_multiple(name, hp.n_embd, Q8_0_WEIGHTS)?;
        }
        let row_bytes = row_type.row_bytes(hp.n_embd as u64);
        let bytes = row_bytes * hp.n_vocab as u64;
        Ok(RowTensor {
            range: self.place(name, info, bytes)?,
            row_type,
            row_bytes,
        })
    }

    fn ternary(&mut self, name: &str, rows: usize, cols: usize) -> Result<FileRange> {
        let info = self.take(name, &[cols, rows])?;
        if info.type_id != TYPE_I2_S {
            return Err(wrong_type(name, info.type_id, "I2_S"));
        }
        check_multiple(name, cols, BLOCK_WEIGHTS)?;
        let bytes = info.elements(name)? / 4 + TRAILER_BYTES as u64;
        self.place(name, info, bytes)
    }

    /// Takes the tensor `name` out of the table after checking its dimensions.
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

    /// Notes where the tensor lies; the check against the file follows when all are known.
    fn place(&mut self, name: &str, info: &TensorInfo, len: u64) -> Result<FileRange> {
        let offset = self.data_offset.checked_add(info.offset).ok_or_else(|| {
            Error::Malformed(format!(
                "tensor `{name}`: offset {} passes the end of any file",
                info.offset
            ))
        })?;
        let range = FileRange { offset, len };
        // Dimensions are capped, so 2^16 tensors cannot make the sum overflow.
        self.parameters += info.elements(name)?;
        self.placed.push(Placed {
            name: name.to_string(),
            range,
        });
        Ok(range)
    }
}

fn missing(name: &str) -> Error {
    Error::Malformed(format!("tensor `{name}` is missing; it is required"))
}

fn check_multiple(name: &str, cols: usize, of: usize) -> Result<()> {
    if cols.is_multiple_of(of) {
        return Ok(());
    }
    Err(Error::Malformed(format!(
        "tensor `{name}`: {cols} columns; a multiple of {of} is required"
    )))
}

fn wrong_type(name: &str, type_id: u32, supported: &str) -> Error {
    Error::Unsupported(format!(
        "tensor `{name}`: type {type_id} ({}); {supported} are supported here",
        type_name(type_id)
    ))
}

/// Names of types that BitNet files are met with.
fn type_name(type_id: u32) -> &'static str {
    match type_id {
        TYPE_F32 => "F32",
        TYPE_F16 => "F16",
        TYPE_Q8_0 => "Q8_0",
        12 => "Q4_K",
        14 => "Q6_K",
        30 => "BF16",
        34 => "TQ1_0",
        35 => "TQ2_0",
        TYPE_I2_S => "I2_S",
        134 => "IQ1_BN",
        135 => "IQ2_BN",
        _ => "unknown",
    }
}
