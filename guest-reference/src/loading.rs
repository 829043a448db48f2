//! Model bytes in memory: what the host is asked to copy, and what the copy has to satisfy.
//!
//! There is room for one embedding row, one layer and one chunk of the output matrix at a time.

use alloc::vec::Vec;
use core::ops::Range;

use crate::error::Result;
use crate::head::HeadChunks;
use crate::memory::{address, zeroed};
use crate::model::{
    FileRange, LayerTensors, Model, Norm, NormTensor, Projection, RowTensor, layer_tensor_name,
};
use crate::ternary::{self, TRAILER_BYTES, TernaryMatrix};

const EMBEDDING_NAME: &str = "token_embd.weight";
const NORM_PARTS: [&str; 4] = ["attn_norm", "attn_sub_norm", "ffn_norm", "ffn_sub_norm"];
const PROJECTION_PARTS: [&str; 7] = [
    "attn_q",
    "attn_k",
    "attn_v",
    "attn_output",
    "ffn_gate",
    "ffn_up",
    "ffn_down",
];

/// A buffer that the host fills, range by range, one range after the other.
pub struct Staging {
    bytes: Vec<u8>,
    ranges: Vec<(FileRange, Range<usize>)>,
}

impl Staging {
    fn new(what: &str, capacity: u64) -> Result<Self> {
        Ok(Self {
            bytes: zeroed(what, address(what, capacity)?)?,
            ranges: Vec::new(),
        })
    }

    /// Replaces the plan; the ranges fit the capacity by construction.
    fn plan(&mut self, ranges: impl IntoIterator<Item = FileRange>) -> Result<()> {
        self.ranges.clear();
        let mut end = 0;
        for range in ranges {
            let start = end;
            end += address("range", range.len)?;
            self.ranges.push((range, start..end));
        }
        Ok(())
    }

    /// Number of ranges planned.
    pub fn n_ranges(&self) -> usize {
        self.ranges.len()
    }

    /// Where in the file range `i` lies.
    pub fn file_range(&self, i: usize) -> FileRange {
        self.ranges[i].0
    }

    /// The bytes of range `i`.
    pub fn bytes(&self, i: usize) -> &[u8] {
        &self.bytes[self.ranges[i].1.clone()]
    }

    /// Where the host copies range `i` to.
    pub fn bytes_mut(&mut self, i: usize) -> &mut [u8] {
        &mut self.bytes[self.ranges[i].1.clone()]
    }
}

/// What a slot holds: the item planned last, and whether it has been loaded since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    #[default]
    Nothing,
    /// The item's bytes are being copied.
    Planned(usize),
    /// The item is ready.
    Loaded(usize),
}

impl Held {
    /// The loaded item.
    pub fn loaded(self) -> Option<usize> {
        match self {
            Held::Loaded(item) => Some(item),
            Held::Nothing | Held::Planned(_) => None,
        }
    }
}

/// One row of the embedding.
pub struct EmbeddingSlot {
    /// What the host copies.
    pub staging: Staging,
    /// The token whose row this is.
    pub held: Held,
    tensor: RowTensor,
    /// `[n_embd]`.
    row: Vec<f32>,
}

impl EmbeddingSlot {
    /// Allocates one row.
    pub fn new(model: &Model) -> Result<Self> {
        let tensor = model.tensors.embedding;
        Ok(Self {
            staging: Staging::new("embedding row", tensor.row_bytes)?,
            held: Held::Nothing,
            tensor,
            row: zeroed("embedding row", model.hyperparameters.n_embd)?,
        })
    }

    /// Plans the row of `token`.
    pub fn plan(&mut self, token: usize) -> Result<()> {
        let RowTensor {
            range, row_bytes, ..
        } = self.tensor;
        self.held = Held::Planned(token);
        self.staging.plan([FileRange {
            offset: range.offset + token as u64 * row_bytes,
            len: row_bytes,
        }])
    }

    /// Validates and decodes the row.
    pub fn load(&mut self) -> Result<()> {
        let bytes = self.staging.bytes(0);
        self.tensor.row_type.check_finite(EMBEDDING_NAME, bytes)?;
        self.tensor.row_type.decode(bytes, &mut self.row);
        Ok(())
    }

    /// The decoded row, `[n_embd]`.
    pub fn row(&self) -> &[f32] {
        &self.row
    }
}

/// The tensors of one layer; ternary codes stay packed as in the file.
pub struct LayerSlot {
    /// What the host copies: four norms, then seven projections.
    pub staging: Staging,
    /// The layer this is.
    pub held: Held,
    /// By [`Norm`].
    norms: [Vec<f32>; 4],
    /// By [`Projection`].
    scales: [f32; 7],
}

impl LayerSlot {
    /// Allocates room for the largest layer.
    pub fn new(model: &Model) -> Result<Self> {
        let layers = model.tensors.layers.iter();
        let largest = layers.map(|layer| ranges(layer).map(|range| range.len).sum::<u64>());
        let lens = model.tensors.layers[0].norms.map(|norm| norm.len);
        let norm = |i: usize| zeroed("norm", lens[i]);
        Ok(Self {
            staging: Staging::new("layer", largest.max().unwrap_or(0))?,
            held: Held::Nothing,
            norms: [norm(0)?, norm(1)?, norm(2)?, norm(3)?],
            scales: [0.0; 7],
        })
    }

    /// Plans all tensors of `layer`.
    pub fn plan(&mut self, layer: usize, tensors: &LayerTensors) -> Result<()> {
        self.held = Held::Planned(layer);
        self.staging.plan(ranges(tensors))
    }

    /// Validates the layer and decodes its norms and scales.
    pub fn load(&mut self, layer: usize, tensors: &LayerTensors) -> Result<()> {
        for (i, norm) in tensors.norms.iter().enumerate() {
            let name = layer_tensor_name(layer, NORM_PARTS[i]);
            decode_norm(&name, norm, self.staging.bytes(i), &mut self.norms[i])?;
        }
        for (i, part) in PROJECTION_PARTS.iter().enumerate() {
            let bytes = self.staging.bytes(tensors.norms.len() + i);
            self.scales[i] = ternary::validate(&layer_tensor_name(layer, part), bytes)?.scale;
        }
        Ok(())
    }

    /// Weights of a norm.
    pub fn norm(&self, norm: Norm) -> &[f32] {
        &self.norms[norm as usize]
    }

    /// A projection's codes and scale.
    pub fn matrix(&self, projection: Projection) -> TernaryMatrix<'_> {
        let i = projection as usize;
        let bytes = self.staging.bytes(self.norms.len() + i);
        TernaryMatrix {
            codes: &bytes[..bytes.len() - TRAILER_BYTES],
            scale: self.scales[i],
        }
    }
}

fn ranges(layer: &LayerTensors) -> impl Iterator<Item = FileRange> {
    let norms = layer.norms.iter().map(|norm| norm.range);
    norms.chain(layer.projections.iter().copied())
}

/// Some rows of the output matrix, and the final norm.
pub struct HeadSlot {
    /// What the host copies: the rows, then the norm.
    pub staging: Staging,
    /// The chunk this is.
    pub held: Held,
    /// How the matrix is cut.
    pub chunks: HeadChunks,
    output_norm: NormTensor,
    /// `[n_embd]`.
    norm: Vec<f32>,
    name: &'static str,
}

impl HeadSlot {
    /// Allocates room for the largest chunk.
    pub fn new(model: &Model) -> Result<Self> {
        let output_norm = model.tensors.output_norm;
        let chunks = HeadChunks::new(*model.tensors.head(), model.hyperparameters.n_vocab);
        let capacity = chunks.file_range(0).len + output_norm.range.len;
        Ok(Self {
            staging: Staging::new("output matrix chunk", capacity)?,
            held: Held::Nothing,
            chunks,
            output_norm,
            norm: zeroed("output norm", output_norm.len)?,
            name: match model.tensors.output {
                Some(_) => "output.weight",
                None => EMBEDDING_NAME,
            },
        })
    }

    /// Plans the rows of `chunk`.
    pub fn plan(&mut self, chunk: usize) -> Result<()> {
        self.held = Held::Planned(chunk);
        let rows = self.chunks.file_range(chunk);
        self.staging.plan([rows, self.output_norm.range])
    }

    /// Validates the rows and decodes the norm.
    pub fn load(&mut self) -> Result<()> {
        let row_type = self.chunks.tensor().row_type;
        row_type.check_finite(self.name, self.staging.bytes(0))?;
        let bytes = self.staging.bytes(1);
        decode_norm(
            "output_norm.weight",
            &self.output_norm,
            bytes,
            &mut self.norm,
        )
    }

    /// The final norm's weights, `[n_embd]`.
    pub fn norm(&self) -> &[f32] {
        &self.norm
    }
}

fn decode_norm(name: &str, norm: &NormTensor, bytes: &[u8], out: &mut [f32]) -> Result<()> {
    norm.row_type.check_finite(name, bytes)?;
    norm.row_type.decode(bytes, out);
    Ok(())
}
