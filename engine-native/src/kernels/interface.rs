//! The interface of kernels.

use super::{finite::NonFinite, scalar};
use crate::{
    ledger::{Isa, Recorder},
    model::DenseType,
    operands::{
        AttentionScratch, Bounded, DenseRows, GemmBatch, GemmScratch, QuantizedActivations,
        Queries, RefineRows, RopeAngles, RowLayout, ScreenActivations, ScreenRows, TernaryRows,
    },
};

/// Calls a kernel of the base, or the scalar one where there is no base.
macro_rules! inherited {
    ($self:ident.$kernel:ident($($argument:expr),*)) => {
        match $self.base() {
            Some(base) => base.$kernel($($argument),*),
            None => scalar::$kernel($($argument),*),
        }
    };
}

/// The kernels of one ISA. What it does not override is what its base computes, and records itself
/// as the base's.
///
/// Panics: every method asserts that the lengths of its arguments fit together.
pub trait Kernels: Send + Sync {
    /// The ISA that is overridden for.
    fn isa(&self) -> Isa;

    /// The ISA that this one builds on; `None` where only the scalar kernels are below.
    fn base(&self) -> Option<&dyn Kernels> {
        None
    }

    /// One row, `[n_cols]`, exactly converted to f32.
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

    /// The arrangement of ternary rows that [`Kernels::ternary_gemv`] is fastest with, from a cache.
    fn row_layout(&self) -> RowLayout {
        self.base()
            .map_or(RowLayout::Rows, |base| base.row_layout())
    }

    /// The arrangement with the fewest bits a weight that [`Kernels::ternary_gemv`] has SIMD for: the
    /// fastest from memory.
    fn densest_row_layout(&self) -> RowLayout {
        self.row_layout()
    }

    /// Ternary matrix times one position: `out[r] = acc_r · (weight scale · activation scale)`.
    fn ternary_gemv(
        &self,
        weights: TernaryRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        inherited!(self.ternary_gemv(weights, activations, out, recorder));
    }

    /// Ternary matrix in [`RowLayout::Rows`] times any number of positions, each as if it were alone.
    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        inherited!(self.ternary_gemm(weights, batch, scratch, recorder));
    }

    /// Rotates the first `2 · angles.len()` elements of every head, in pairs.
    fn rope(
        &self,
        heads: &mut [f32],
        head_dim: usize,
        angles: RopeAngles,
        recorder: &mut Recorder,
    ) {
        inherited!(self.rope(heads, head_dim, angles, recorder));
    }

    /// Writes one key or value in the cache's element type, F32 or F16.
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

    /// `scores[i][t] = dot16(query i, keys[t]) · scale` for the keys that query i attends to; rows of
    /// `queries.n_keys()`, one for each head of each position in turn.
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

    /// `Σ_t weights[i][t] · values[t]`, t ascending, over the values that query i attends to, where
    /// position `first` is the first of `out`, each of which gets the sums of its heads. Weights lie
    /// as [`Kernels::attention_scores`] writes them.
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

    /// `out[r]` close to `dot16(rows[r], x)`; how close is [`crate::screen`]'s to say.
    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        inherited!(self.output_screen(rows, x, out, recorder));
    }

    /// Brings `approximations[i]`, of row `rows[i]`, closer to its logit with two bits more of each
    /// code.
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

    /// Index of one of the largest of `approximations`, none a NaN. A part of
    /// [`Kernels::output_screen`]'s operation, of which it records nothing.
    fn largest(&self, approximations: &[f32]) -> usize {
        inherited!(self.largest(approximations))
    }

    /// Writes the ascending numbers of all rows whose logit may be `least` or more to the front of
    /// `rows`, which has room for all, and returns how many there are. As [`Kernels::largest`], it
    /// records nothing.
    fn reaching(&self, bounded: Bounded, least: f32, rows: &mut [u32]) -> usize {
        inherited!(self.reaching(bounded, least, rows))
    }

    /// Index of the largest logit; the lowest on ties.
    ///
    /// # Errors
    /// A logit is not finite.
    fn argmax(&self, logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
        inherited!(self.argmax(logits, recorder))
    }

    /// Exclusive or of the 64-bit words of `bytes`, little endian, the last one filled up with zeros:
    /// the fastest plain read, which bounds every kernel that reads memory. No operation of the
    /// forward pass, so there is nothing to record.
    fn read(&self, bytes: &[u8]) -> u64 {
        inherited!(self.read(bytes))
    }
}

/// The scalar kernels: they run on any machine, and every ISA reproduces them bit for bit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalar;

impl Kernels for Scalar {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }
}
