//! The slot of one layer: norms, packed projections and the rotation of its heads.

use alloc::format;
use alloc::vec::Vec;

use super::staging::{LayerPart, MAX_RANGE_BYTES, Part, Staging};
use crate::error::{Error, Result};
use crate::memory::zeroed;
use crate::model::{
    FREQUENCY_FACTORS, FileRange, LayerTensors, Model, Norm, Projection, ProjectionType, Tensors,
    TernaryTensor, VectorTensor, check_multiple, layer_tensor_name,
};
use crate::rope::Rotation;
use crate::rows;
use crate::ternary::{I2sLayout, PackedMatrix, TernaryMatrix};

/// The tensors of one layer.
pub struct LayerSlot {
    /// The layer that is loaded.
    pub loaded: Option<usize>,
    /// The rotation of queries and keys.
    pub rotation: Rotation,
    i2s_layout: I2sLayout,
    /// By [`Norm`]; empty where the architecture does not have it.
    norms: [Vec<f32>; 6],
    /// By [`Projection`].
    matrices: [PackedMatrix; 7],
    /// `[rope_dim / 2]`.
    factors: Vec<f32>,
}

impl LayerSlot {
    /// Allocates room for a layer; all have the same shapes.
    pub fn new(model: &Model, i2s_layout: I2sLayout) -> Result<Self> {
        let LayerTensors { norms, projections } = &model.tensors.layers[0];
        let norm = |n: Norm| zeroed("norm", norms[n as usize].map_or(0, |tensor| tensor.len));
        let matrix = |p: Projection| {
            let TernaryTensor { n_rows, n_cols, .. } = projections[p as usize];
            match model.tensors.has_grouped_projections() {
                true => PackedMatrix::grouped(n_rows, n_cols),
                false => PackedMatrix::new(n_rows, n_cols),
            }
        };
        for (layer, tensors) in model.tensors.layers.iter().enumerate() {
            check_layout(layer, tensors, i2s_layout)?;
        }
        Ok(Self {
            loaded: None,
            rotation: Rotation::new(&model.hyperparameters)?,
            i2s_layout,
            norms: [
                norm(Norm::Attention)?,
                norm(Norm::QueryHead)?,
                norm(Norm::KeyHead)?,
                norm(Norm::AttentionSub)?,
                norm(Norm::FeedForward)?,
                norm(Norm::FeedForwardSub)?,
            ],
            matrices: [
                matrix(Projection::Query)?,
                matrix(Projection::Key)?,
                matrix(Projection::Value)?,
                matrix(Projection::Output)?,
                matrix(Projection::Gate)?,
                matrix(Projection::Up)?,
                matrix(Projection::Down)?,
            ],
            factors: zeroed("frequency factors", model.hyperparameters.rope_dim / 2)?,
        })
    }

    /// Plans frequency factors, norms and projections of `layer`.
    pub fn plan(&mut self, layer: usize, tensors: &Tensors, staging: &mut Staging) {
        self.loaded = None;
        let mut plan = |range, part| staging.plan(range, Part::Layer(layer, part));
        if let Some(factors) = tensors.frequency_factors {
            plan(factors.range, LayerPart::FrequencyFactors);
        }
        let LayerTensors { norms, projections } = &tensors.layers[layer];
        for ((norm, _), tensor) in Norm::ALL.iter().zip(norms) {
            if let Some(tensor) = tensor {
                plan(tensor.range, LayerPart::Norm(*norm));
            }
        }
        for ((projection, _), tensor) in Projection::ALL.iter().zip(projections) {
            self.matrices[*projection as usize].start(0);
            plan_matrix(*projection, tensor, self.i2s_layout, &mut plan);
        }
    }

    /// Validates and decodes one part of the planned layer.
    pub fn load(
        &mut self,
        layer: usize,
        part: LayerPart,
        tensors: &Tensors,
        bytes: &[u8],
    ) -> Result<()> {
        let LayerTensors { norms, projections } = &tensors.layers[layer];
        match part {
            LayerPart::FrequencyFactors => self.load_factors(tensors.frequency_factors, bytes),
            LayerPart::Norm(norm) => {
                let name = layer_tensor_name(layer, norm.part());
                let out = &mut self.norms[norm as usize];
                load_vector(norms[norm as usize], &name, bytes, out)
            }
            LayerPart::Rows(projection, first_row) => {
                let matrix = &mut self.matrices[projection as usize];
                let loaded = match projections[projection as usize].projection_type {
                    ProjectionType::OneScale(ternary_type) => {
                        matrix.load_rows(ternary_type, self.i2s_layout, first_row, bytes)
                    }
                    ProjectionType::Grouped(grouped_type) => {
                        matrix.load_grouped_rows(grouped_type, first_row, bytes)
                    }
                };
                loaded.map_err(|why| refused(layer, projection, &why))
            }
            LayerPart::Trailer(projection) => self.matrices[projection as usize]
                .load_scale(bytes)
                .map_err(|why| refused(layer, projection, &why)),
        }
    }

    /// Weights of a norm.
    pub fn norm(&self, norm: Norm) -> &[f32] {
        &self.norms[norm as usize]
    }

    /// A projection's weights and scales.
    pub fn matrix(&self, projection: Projection) -> TernaryMatrix<'_> {
        self.matrices[projection as usize].matrix()
    }

    fn load_factors(&mut self, tensor: Option<VectorTensor>, bytes: &[u8]) -> Result<()> {
        load_vector(tensor, FREQUENCY_FACTORS, bytes, &mut self.factors)?;
        if let Some(j) = self.factors.iter().position(|&factor| factor <= 0.0) {
            return Err(Error::Malformed(format!(
                "tensor `{FREQUENCY_FACTORS}`: element {j} is {}; a value > 0 is required",
                self.factors[j]
            )));
        }
        self.rotation.set_factors(|j| self.factors[j]);
        Ok(())
    }
}

fn load_vector(
    tensor: Option<VectorTensor>,
    name: &str,
    bytes: &[u8],
    out: &mut [f32],
) -> Result<()> {
    let len = out.len();
    tensor.map_or(Ok(()), |tensor| {
        rows::load(tensor.row_type, name, (0, len), bytes, out)
    })
}

fn refused(layer: usize, projection: Projection, why: &str) -> Error {
    let name = layer_tensor_name(layer, projection.part());
    Error::Malformed(format!("tensor `{name}`: {why}"))
}

/// Checks that rows are whole blocks in this layout, and that those which share their bytes come in
/// whole groups.
fn check_layout(layer: usize, tensors: &LayerTensors, layout: I2sLayout) -> Result<()> {
    for ((_, part), tensor) in Projection::ALL.iter().zip(&tensors.projections) {
        let group = tensor.projection_type.rows_per_group(layout);
        let name = layer_tensor_name(layer, part);
        check_multiple(&name, "rows in I2_S layout `row4`", tensor.n_rows, group)?;
        let columns = tensor.projection_type.column_multiple_in(layout);
        check_multiple(&name, "columns in this I2_S layout", tensor.n_cols, columns)?;
    }
    Ok(())
}

/// Plans the rows, in runs of whole groups, then the bytes after them.
fn plan_matrix(
    projection: Projection,
    tensor: &TernaryTensor,
    layout: I2sLayout,
    plan: &mut impl FnMut(FileRange, LayerPart),
) {
    let projection_type = tensor.projection_type;
    let row_bytes = projection_type.row_bytes(tensor.n_cols as u64);
    let group = projection_type.rows_per_group(layout);
    let run = group * (MAX_RANGE_BYTES / (group * row_bytes as usize));
    for first_row in (0..tensor.n_rows).step_by(run) {
        let n_rows = run.min(tensor.n_rows - first_row);
        let range = FileRange {
            offset: tensor.range.offset + first_row as u64 * row_bytes,
            len: n_rows as u64 * row_bytes,
        };
        plan(range, LayerPart::Rows(projection, first_row));
    }
    let len = projection_type.trailer_bytes();
    if len > 0 {
        let offset = tensor.range.offset + tensor.range.len - len;
        plan(FileRange { offset, len }, LayerPart::Trailer(projection));
    }
}
