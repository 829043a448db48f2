//! Kernels: every operation of the forward pass as a scalar function and, where it pays, in SIMD.
//!
//! Each ISA builds on another one, its base, and overrides what it computes better; [`Scalar`] is at
//! the bottom. All compute the same bits: `guest-reference/NUMERICS.md` fixes the order of every
//! float operation.
//! A kernel records itself in the ledger when it is done, see [`crate::ledger`].

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
mod gemm;
mod names;
mod row_layout;
mod scalar;
mod screen_rows;

#[cfg(target_arch = "x86_64")]
pub use self::{amx::Amx, avx_vnni::AvxVnni, avx2::Avx2, avx512::Avx512Vnni};
pub use attention::{AttentionScratch, Queries};
pub use gemm::{GemmBatch, GemmScratch};
pub use names::{Isa, KernelName};
pub use row_layout::RowLayout;
pub use scalar::Scalar;
pub use screen_rows::{Bounded, RefineRows, ScreenActivations, ScreenRows};
pub(crate) use screen_rows::{
    MAX_SCREEN_COLS, SCREEN_LEVELS, SCREEN_OFFSET, SCREEN_ROWS, SCREEN_STEP, SCREEN_STEP_BYTES,
    ScreenStep, index_of_largest, norm_rounded_up,
};

use crate::{
    ledger::Recorder,
    model::{DenseMatrix, DenseType, RopePairs},
};

/// A value that must be finite and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonFinite {
    /// Index of the element in the checked vector; 0 for a scalar such as a sum.
    pub element: usize,
    /// Its bits.
    pub bits: u32,
}

/// Packed rows of a ternary matrix, the last block of each filled up.
#[derive(Debug, Clone, Copy)]
pub struct TernaryRows<'a> {
    /// Arrangement of the rows.
    pub layout: RowLayout,
    /// The rows.
    pub packed: &'a [u8],
    /// Rows, without what fills up the last group.
    pub n_rows: usize,
    /// Elements of a row, without what fills up its last block.
    pub n_cols: usize,
    /// Scale of the tensor.
    pub scale: f32,
}

impl<'a> TernaryRows<'a> {
    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.layout.row_bytes(self.n_cols)
    }

    /// `n` rows from `first` on, which begins a group.
    ///
    /// # Panics
    /// There are not that many, or `first` is inside a group.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        assert!(first.is_multiple_of(self.layout.group_rows()) && first + n <= self.n_rows);
        let start = self.layout.bytes(first, self.n_cols);
        let len = self.layout.bytes(n, self.n_cols);
        Self {
            packed: &self.packed[start..start + len],
            n_rows: n,
            ..*self
        }
    }

    /// Checks that this fits a product with `activations` into `n_outputs`.
    fn assert_fits(&self, activations: &QuantizedActivations, n_outputs: usize) {
        assert_eq!(activations.len, self.n_cols);
        assert_eq!(self.n_rows, n_outputs);
        assert_eq!(
            self.packed.len(),
            self.layout.bytes(self.n_rows, self.n_cols)
        );
    }
}

/// Rows of dense elements: an embedding, an output matrix, or the keys or values of one KV head.
#[derive(Debug, Clone, Copy)]
pub struct DenseRows<'a> {
    /// Element type.
    pub dense_type: DenseType,
    /// Elements of a row.
    pub n_cols: usize,
    /// The rows, little endian, without gaps.
    pub bytes: &'a [u8],
}

impl<'a> DenseRows<'a> {
    /// All rows of `matrix`, of a model in `file`.
    pub(crate) fn of(matrix: &DenseMatrix, file: &'a [u8]) -> Self {
        Self {
            dense_type: matrix.dense_type,
            n_cols: matrix.n_cols,
            bytes: matrix.rows(file),
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.bytes.len() / self.row_bytes()
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.dense_type.row_bytes(self.n_cols)
    }

    /// `n` rows from `first` on.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        let bytes = self.row_bytes();
        Self {
            bytes: &self.bytes[first * bytes..(first + n) * bytes],
            ..*self
        }
    }
}

/// Rows that kernels compute together: work is shared out in multiples of it.
pub(crate) const ROW_UNIT: usize = 4;

/// A multiple of the block length of every [`RowLayout`].
const ACTIVATION_UNIT: usize = 768;

/// Activations of one position as int8, with what a ternary product needs beside them.
#[derive(Debug, Clone, Default)]
pub struct QuantizedActivations {
    /// Values in -127..=127, filled up with zeros to whole blocks of every [`RowLayout`].
    pub values: Vec<i8>,
    /// Activations, without what fills up the values.
    pub len: usize,
    /// What one unit is worth: absmax / 127.
    pub scale: f32,
    /// Sum of the values: the kernels multiply by codes, which are weights plus one.
    pub sum: i32,
}

impl QuantizedActivations {
    /// Room for `n` activations.
    pub fn with_len(n: usize) -> Self {
        Self {
            values: vec![0; n.next_multiple_of(ACTIVATION_UNIT)],
            len: n,
            ..Self::default()
        }
    }

    /// The values alone, `[len]`.
    pub fn quantized(&self) -> &[i8] {
        &self.values[..self.len]
    }
}

/// Cosines and sines of one position, `rope_dim / 2` each.
#[derive(Debug, Clone, Copy)]
pub struct RopeAngles<'a> {
    /// cos(position × inv_freq_j)
    pub cos: &'a [f32],
    /// sin(position × inv_freq_j)
    pub sin: &'a [f32],
    /// Which elements are turned together.
    pub pairs: RopePairs,
}

/// The kernels of one ISA. What it does not override is what its base computes, and records itself
/// as the base's.
///
/// Panics: every method asserts that the lengths of its arguments fit together.
pub trait Kernels: Send + Sync {
    /// The ISA that is overridden for.
    fn isa(&self) -> Isa;

    /// What the ISA builds on.
    fn base(&self) -> &dyn Kernels {
        &Scalar
    }

    /// One row, `[n_cols]`, exactly converted to f32.
    fn embedding_row(&self, row: DenseRows, out: &mut [f32], recorder: &mut Recorder) {
        self.base().embedding_row(row, out, recorder);
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
        self.base().rms_norm(x, weight, epsilon, out, recorder)
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
        self.base().quantize(x, out, recorder)
    }

    /// The arrangement of ternary rows that [`Kernels::ternary_gemv`] is fastest with, from a cache.
    fn row_layout(&self) -> RowLayout {
        self.base().row_layout()
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
        self.base()
            .ternary_gemv(weights, activations, out, recorder);
    }

    /// Ternary matrix in [`RowLayout::Rows`] times any number of positions, each as if it were alone.
    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        self.base().ternary_gemm(weights, batch, scratch, recorder);
    }

    /// Rotates the first `2 · angles.len()` elements of every head, in pairs.
    fn rope(
        &self,
        heads: &mut [f32],
        head_dim: usize,
        angles: RopeAngles,
        recorder: &mut Recorder,
    ) {
        self.base().rope(heads, head_dim, angles, recorder);
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
        self.base().kv_store(x, cache_type, out, recorder)
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
        self.base()
            .attention_scores(queries, keys, scale, scores, scratch, recorder);
    }

    /// Softmax in place.
    ///
    /// # Errors
    /// The sum of exponentials is not finite.
    fn softmax(&self, scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
        self.base().softmax(scores, recorder)
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
        self.base()
            .attention_values(weights, values, first, out, scratch, recorder);
    }

    /// `out[i] = max(gate[i], 0)² · up[i]`.
    fn squared_relu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        self.base().squared_relu_mul(gate, up, out, recorder);
    }

    /// `out[i] = gate[i] / (1 + exp(-gate[i])) · up[i]`.
    fn silu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        self.base().silu_mul(gate, up, out, recorder);
    }

    /// `x[i] = x[i] + y[i]`.
    fn residual_add(&self, x: &mut [f32], y: &[f32], recorder: &mut Recorder) {
        self.base().residual_add(x, y, recorder);
    }

    /// `out[r] = dot16(rows[r], x)`.
    fn output_gemv(&self, rows: DenseRows, x: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        self.base().output_gemv(rows, x, out, recorder);
    }

    /// `out[r]` close to `dot16(rows[r], x)`; how close is [`crate::screen`]'s to say.
    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        self.base().output_screen(rows, x, out, recorder);
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
        self.base()
            .output_refine(refine, rows, x, approximations, recorder);
    }

    /// Index of one of the largest of `approximations`, none a NaN. A part of
    /// [`Kernels::output_screen`]'s operation, of which it records nothing.
    fn largest(&self, approximations: &[f32]) -> usize {
        self.base().largest(approximations)
    }

    /// Writes the ascending numbers of all rows whose logit may be `least` or more to the front of
    /// `rows`, which has room for all, and returns how many there are. As [`Kernels::largest`], it
    /// records nothing.
    fn reaching(&self, bounded: Bounded, least: f32, rows: &mut [u32]) -> usize {
        self.base().reaching(bounded, least, rows)
    }

    /// Index of the largest logit; the lowest on ties.
    ///
    /// # Errors
    /// A logit is not finite.
    fn argmax(&self, logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
        self.base().argmax(logits, recorder)
    }

    /// Exclusive or of the 64-bit words of `bytes`, little endian, the last one filled up with zeros:
    /// the fastest plain read, which bounds every kernel that reads memory. No operation of the
    /// forward pass, so there is nothing to record.
    fn read(&self, bytes: &[u8]) -> u64 {
        self.base().read(bytes)
    }
}

/// First element that is an infinity or a NaN.
pub(crate) fn check_finite(x: &[f32]) -> Result<(), NonFinite> {
    // Without early exit, so that the loop is vectorised; finite is the common case.
    let bad = |x: &f32| x.to_bits() & 0x7fff_ffff >= 0x7f80_0000;
    if !x.iter().fold(false, |any, x| any | bad(x)) {
        return Ok(());
    }
    let element = x.iter().position(bad).unwrap_or(0);
    Err(NonFinite {
        element,
        bits: x[element].to_bits(),
    })
}

/// As [`check_finite`], for one value.
#[inline]
fn check_finite_scalar(x: f32) -> Result<(), NonFinite> {
    if x.is_finite() {
        return Ok(());
    }
    Err(NonFinite {
        element: 0,
        bits: x.to_bits(),
    })
}
