//! The scalar kernels: what every other ISA must reproduce bit for bit.

mod attention;
mod dense;
pub(super) mod float;
mod linear;
mod pointwise;
mod read;
mod screen;

pub(super) use attention::{rotate_halves, rotate_neighbours, store_f16};
pub(super) use dense::{q4_k_scale, widen};
pub(super) use pointwise::silu;
pub(super) use read::read_rest;

use super::{
    AttentionScratch, Bounded, DenseRows, GemmBatch, GemmScratch, Isa, Kernels, NonFinite,
    QuantizedActivations, Queries, RefineRows, RopeAngles, RowLayout, ScreenActivations,
    ScreenRows, TernaryRows, index_of_largest,
};
use crate::{ledger::Recorder, model::DenseType};

/// The scalar kernels alone: runs on any machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalar;

impl Kernels for Scalar {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn embedding_row(&self, row: DenseRows, out: &mut [f32], recorder: &mut Recorder) {
        dense::embedding_row(row, out, recorder);
    }

    fn rms_norm(
        &self,
        x: &[f32],
        weight: &[f32],
        epsilon: f32,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        pointwise::rms_norm(x, weight, epsilon, out, recorder)
    }

    fn quantize(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        linear::quantize(x, out, recorder)
    }

    fn row_layout(&self) -> RowLayout {
        RowLayout::Rows
    }

    fn ternary_gemv(
        &self,
        weights: TernaryRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        linear::ternary_gemv(weights, activations, out, recorder);
    }

    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        _: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        linear::ternary_gemm(weights, batch, recorder);
    }

    fn rope(
        &self,
        heads: &mut [f32],
        head_dim: usize,
        angles: RopeAngles,
        recorder: &mut Recorder,
    ) {
        attention::rope(heads, head_dim, angles, recorder);
    }

    fn kv_store(
        &self,
        x: &[f32],
        cache_type: DenseType,
        out: &mut [u8],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        attention::kv_store(x, cache_type, out, recorder)
    }

    fn attention_scores(
        &self,
        queries: Queries,
        keys: DenseRows,
        scale: f32,
        scores: &mut [f32],
        _: &mut AttentionScratch,
        recorder: &mut Recorder,
    ) {
        attention::attention_scores(queries, keys, scale, scores, recorder);
    }

    fn softmax(&self, scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
        attention::softmax(scores, recorder)
    }

    fn attention_values(
        &self,
        weights: &[f32],
        values: DenseRows,
        first: usize,
        out: &mut [&mut [f32]],
        _: &mut AttentionScratch,
        recorder: &mut Recorder,
    ) {
        attention::attention_values(weights, values, first, out, recorder);
    }

    fn squared_relu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        pointwise::squared_relu_mul(gate, up, out, recorder);
    }

    fn silu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        pointwise::silu_mul(gate, up, out, recorder);
    }

    fn residual_add(&self, x: &mut [f32], y: &[f32], recorder: &mut Recorder) {
        pointwise::residual_add(x, y, recorder);
    }

    fn output_gemv(&self, rows: DenseRows, x: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        dense::output_gemv(rows, x, out, recorder);
    }

    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        screen::output_screen(rows, x, out, recorder);
    }

    fn output_refine(
        &self,
        refine: RefineRows,
        rows: &[u32],
        x: &ScreenActivations,
        approximations: &mut [f32],
        recorder: &mut Recorder,
    ) {
        screen::output_refine(refine, rows, x, approximations, recorder);
    }

    fn largest(&self, approximations: &[f32]) -> usize {
        index_of_largest(approximations)
    }

    fn reaching(&self, bounded: Bounded, least: f32, rows: &mut [u32]) -> usize {
        screen::reaching(bounded, least, rows)
    }

    fn argmax(&self, logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
        dense::argmax(logits, recorder)
    }

    fn read(&self, bytes: &[u8]) -> u64 {
        read::read(bytes)
    }
}
