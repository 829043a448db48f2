//! The trait of all kernels, and the scalar ones.

use super::{finite::NonFinite, scalar};
use crate::{
    ledger::{Isa, Recorder},
    model::DenseType,
    operands::{
        AttentionScratch, Bounded, DenseRows, GemmBatch, GemmScratch, GroupedRows,
        QuantizedActivations, Queries, RefineRows, RopeAngles, RowLayout, ScreenActivations,
        ScreenRows, TernaryRows,
    },
};

/// Calls a kernel of the base ISA, or the scalar one if there is no base.
macro_rules! inherited {
    ($self:ident.$kernel:ident($($argument:expr),*)) => {
        match $self.base() {
            Some(base) => base.$kernel($($argument),*),
            None => scalar::$kernel($($argument),*),
        }
    };
}

/// The kernels of one ISA. Kernels that an ISA does not override are those of its base, and record
/// themselves under the base's name.
///
/// Every method panics if the lengths of its arguments do not fit together.
pub trait Kernels: Send + Sync {
    /// The ISA of these kernels.
    fn isa(&self) -> Isa;

    /// The kernels to use where this ISA overrides none; `None` for the scalar ones.
    fn base(&self) -> Option<&dyn Kernels> {
        None
    }

    /// Converts one row, `[n_cols]`, to f32, exactly.
    fn embedding_row(&self, row: DenseRows, out: &mut [f32], recorder: &mut Recorder) {
        inherited!(self.embedding_row(row, out, recorder));
    }

    /// `out[i] = (x[i] · r) · weight[i]` with `r = 1 / sqrt(dot16(x, x) / n + epsilon)`.
    ///
    /// # Errors
    /// The sum of squares is not finite.
    fn rms_norm(
        &self,
        x: &[f32],
        weight: &[f32],
        epsilon: f32,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        inherited!(self.rms_norm(x, weight, epsilon, out, recorder))
    }

    /// Absmax quantization of one position's activations to int8.
    ///
    /// # Errors
    /// An element of `x` is not finite.
    fn quantize(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        inherited!(self.quantize(x, out, recorder))
    }

    /// The layout of ternary rows with which [`Kernels::ternary_gemv`] is fastest from a cache.
    fn row_layout(&self) -> RowLayout {
        self.base()
            .map_or(RowLayout::Rows, |base| base.row_layout())
    }

    /// The layout with the fewest bits per weight for which [`Kernels::ternary_gemv`] has SIMD
    /// code: the fastest from memory.
    fn densest_row_layout(&self) -> RowLayout {
        self.row_layout()
    }

    /// Ternary GEMV, for one position: `out[r] = acc_r · (weight scale · activation scale)`.
    fn ternary_gemv(
        &self,
        weights: TernaryRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        inherited!(self.ternary_gemv(weights, activations, out, recorder));
    }

    /// Ternary GEMM, for any number of positions; each result is that of [`Kernels::ternary_gemv`].
    /// The matrix must be in [`RowLayout::Rows`].
    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        inherited!(self.ternary_gemm(weights, batch, scratch, recorder));
    }

    /// Converts one row of a grouped ternary embedding, `[n_cols]`, to f32, exactly.
    fn grouped_embedding_row(
        &self,
        weights: GroupedRows,
        row: usize,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        inherited!(self.grouped_embedding_row(weights, row, out, recorder));
    }

    /// Quantization of one position's activations to int8, in blocks of 32 with an F16 scale each.
    ///
    /// # Errors
    /// An element of `x` is not finite, or a scale rounds to an F16 infinity.
    fn quantize_blocks(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        inherited!(self.quantize_blocks(x, out, recorder))
    }

    /// Grouped ternary GEMV, for one position whose activations were quantized in blocks. For each
    /// row, from +0: `out += d_g · (a_{2g} · acc_{2g} + a_{2g+1} · acc_{2g+1})`, g ascending.
    fn grouped_gemv(
        &self,
        weights: GroupedRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        inherited!(self.grouped_gemv(weights, activations, out, recorder));
    }

    /// Grouped ternary GEMM, for any number of positions; each result is that of
    /// [`Kernels::grouped_gemv`].
    fn grouped_gemm(
        &self,
        weights: GroupedRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        inherited!(self.grouped_gemm(weights, batch, scratch, recorder));
    }

    /// RoPE: rotates pairs of the first `2 · angles.cos.len()` elements of every head.
    fn rope(
        &self,
        heads: &mut [f32],
        head_dim: usize,
        angles: RopeAngles,
        recorder: &mut Recorder,
    ) {
        inherited!(self.rope(heads, head_dim, angles, recorder));
    }

    /// Writes one key or value in the element type of the KV cache, F32 or F16.
    ///
    /// # Errors
    /// A value rounds to an F16 infinity.
    fn kv_store(
        &self,
        x: &[f32],
        cache_type: DenseType,
        out: &mut [u8],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        inherited!(self.kv_store(x, cache_type, out, recorder))
    }

    /// `scores[i][t] = dot16(query i, keys[t]) · scale` for the keys that query i attends to.
    /// `scores` has rows of `queries.n_keys()`, one for each head of each position.
    fn attention_scores(
        &self,
        queries: Queries,
        keys: DenseRows,
        scale: f32,
        scores: &mut [f32],
        scratch: &mut AttentionScratch,
        recorder: &mut Recorder,
    ) {
        inherited!(self.attention_scores(queries, keys, scale, scores, scratch, recorder));
    }

    /// Softmax in place.
    ///
    /// # Errors
    /// The sum of exponentials is not finite.
    fn softmax(&self, scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
        inherited!(self.softmax(scores, recorder))
    }

    /// Weighted sums `Σ_t weights[i][t] · values[t]`, t ascending, over the values that query i
    /// attends to. `out` holds the heads of each position, of which `first` is the first. The
    /// layout of `weights` is that of the scores in [`Kernels::attention_scores`].
    fn attention_values(
        &self,
        weights: &[f32],
        values: DenseRows,
        first: usize,
        out: &mut [&mut [f32]],
        scratch: &mut AttentionScratch,
        recorder: &mut Recorder,
    ) {
        inherited!(self.attention_values(weights, values, first, out, scratch, recorder));
    }

    /// `out[i] = max(gate[i], 0)² · up[i]`.
    fn squared_relu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        inherited!(self.squared_relu_mul(gate, up, out, recorder));
    }

    /// `out[i] = gate[i] / (1 + exp(-gate[i])) · up[i]`.
    fn silu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        inherited!(self.silu_mul(gate, up, out, recorder));
    }

    /// `x[i] = x[i] + y[i]`.
    fn residual_add(&self, x: &mut [f32], y: &[f32], recorder: &mut Recorder) {
        inherited!(self.residual_add(x, y, recorder));
    }

    /// `out[r] = dot16(rows[r], x)`.
    fn output_gemv(&self, rows: DenseRows, x: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        inherited!(self.output_gemv(rows, x, out, recorder));
    }

    /// Approximates `dot16(rows[r], x)`, within the error of [`Bound`](crate::Bound).
    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        inherited!(self.output_screen(rows, x, out, recorder));
    }

    /// Refines `approximations[i]`, which belongs to row `rows[i]`, with two more bits per element.
    fn output_refine(
        &self,
        refine: RefineRows,
        rows: &[u32],
        x: &ScreenActivations,
        approximations: &mut [f32],
        recorder: &mut Recorder,
    ) {
        inherited!(self.output_refine(refine, rows, x, approximations, recorder));
    }

    /// Index of one of the largest of `approximations`, which must not contain NaNs. Records
    /// nothing: it is part of the screening that [`Kernels::output_screen`] records.
    fn largest(&self, approximations: &[f32]) -> usize {
        inherited!(self.largest(approximations))
    }

    /// Writes the indices of all rows whose logit may be `least` or more to the front of `rows`, in
    /// ascending order, and returns how many there are. `rows` must have room for all. Records
    /// nothing, like [`Kernels::largest`].
    fn reaching(&self, bounded: Bounded, least: f32, rows: &mut [u32]) -> usize {
        inherited!(self.reaching(bounded, least, rows))
    }

    /// Index of the largest logit; on a tie the lowest index.
    ///
    /// # Errors
    /// A logit is not finite.
    fn argmax(&self, logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
        inherited!(self.argmax(logits, recorder))
    }

    /// Exclusive or of the 64-bit little-endian words of `bytes`, zero-padded at the end. This is
    /// the fastest plain read, which bounds all kernels that read memory. It belongs to no
    /// operation and records nothing.
    fn read(&self, bytes: &[u8]) -> u64 {
        inherited!(self.read(bytes))
    }
}

/// The scalar kernels. They run on any machine, and the kernels of every ISA compute the same bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalar;

impl Kernels for Scalar {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }
}
