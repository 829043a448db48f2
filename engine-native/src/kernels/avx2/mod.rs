//! Kernels for AVX2 with F16C. FMA is not used: the contract rounds after every multiplication.
//!
//! Each file mirrors one of `scalar/`. The functions are safe `#[target_feature]` functions. The
//! token [`Avx2`], which exists only on CPUs with both features, makes calling them sound.

mod attention;
mod blocks;
mod dense;
mod gemm;
mod grouped;
mod grouped_gemm;
pub(super) mod grouped_gemv;
mod lanes;
mod linear;
mod pointwise;
mod read;
mod screen;
mod token;
mod widen;

pub(super) use gemm::{halves, store_sums};
pub(super) use grouped_gemm::multiply_with;
pub(super) use lanes::{load_bytes, load_i8, prefetch, sum_i32_four};
pub(super) use linear::store_products;
pub(super) use screen::store_approximations;
pub use token::Avx2;

use crate::{
    kernels::{Kernels, NonFinite, attention_blocks, gemm_tiles, grouped_tiles, scalar},
    ledger::{Isa, KernelName, Recorder},
    model::DenseType,
    operands::{
        AttentionScratch, Bounded, DenseRows, GemmBatch, GemmScratch, GroupedRows,
        QuantizedActivations, Queries, RefineRows, RopeAngles, RowLayout, ScreenActivations,
        ScreenRows, TernaryRows,
    },
};

impl Kernels for Avx2 {
    fn isa(&self) -> Isa {
        Isa::Avx2
    }

    fn embedding_row(&self, row: DenseRows, out: &mut [f32], recorder: &mut Recorder) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { dense::embedding_row(row, out, recorder) }
    }

    fn rms_norm(
        &self,
        x: &[f32],
        weight: &[f32],
        epsilon: f32,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { pointwise::rms_norm(x, weight, epsilon, out, recorder) }
    }

    fn quantize(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { linear::quantize(x, out, recorder) }
    }

    fn row_layout(&self) -> RowLayout {
        RowLayout::Groups128
    }

    fn ternary_gemv(
        &self,
        weights: TernaryRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        match weights.layout {
            // SAFETY: `self` proves that the CPU has AVX2 and F16C.
            RowLayout::Rows | RowLayout::Groups128 => unsafe {
                linear::ternary_gemv(weights, activations, out, recorder)
            },
            _ => scalar::ternary_gemv(weights, activations, out, recorder),
        }
    }

    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        let macs = gemm_tiles::multiply(self, weights, batch, scratch);
        recorder.record(KernelName::I2sGemm, Isa::Avx2, macs);
    }

    fn grouped_embedding_row(
        &self,
        weights: GroupedRows,
        row: usize,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { grouped::embedding_row(weights, row, out, recorder) }
    }

    fn quantize_blocks(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { grouped::quantize_blocks(x, out, recorder) }
    }

    fn grouped_gemv(
        &self,
        weights: GroupedRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { grouped_gemv::gemv(weights, activations, out, recorder) }
    }

    fn grouped_gemm(
        &self,
        weights: GroupedRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        let macs = grouped_tiles::multiply(self, weights, batch, scratch);
        recorder.record(KernelName::GroupedGemm, Isa::Avx2, macs);
    }

    fn rope(
        &self,
        heads: &mut [f32],
        head_dim: usize,
        angles: RopeAngles,
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { attention::rope(heads, head_dim, angles, recorder) }
    }

    fn kv_store(
        &self,
        x: &[f32],
        cache_type: DenseType,
        out: &mut [u8],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { attention::kv_store(x, cache_type, out, recorder) }
    }

    fn attention_scores(
        &self,
        queries: Queries,
        keys: DenseRows,
        scale: f32,
        scores: &mut [f32],
        scratch: &mut AttentionScratch,
        recorder: &mut Recorder,
    ) {
        attention_blocks::scores(self, queries, keys, scale, scores, scratch);
        let name = KernelName::attention_scores(keys.dense_type);
        recorder.record(name, Isa::Avx2, queries.macs());
    }

    fn softmax(&self, scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { attention::softmax(scores, recorder) }
    }

    fn attention_values(
        &self,
        weights: &[f32],
        values: DenseRows,
        first: usize,
        out: &mut [&mut [f32]],
        scratch: &mut AttentionScratch,
        recorder: &mut Recorder,
    ) {
        let macs = attention_blocks::weighted_sums(self, weights, values, first, out, scratch);
        let name = KernelName::attention_values(values.dense_type);
        recorder.record(name, Isa::Avx2, macs);
    }

    fn squared_relu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { pointwise::squared_relu_mul(gate, up, out, recorder) }
    }

    fn silu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { pointwise::silu_mul(gate, up, out, recorder) }
    }

    fn residual_add(&self, x: &mut [f32], y: &[f32], recorder: &mut Recorder) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { pointwise::residual_add(x, y, recorder) }
    }

    fn output_gemv(&self, rows: DenseRows, x: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { dense::output_gemv(rows, x, out, recorder) }
    }

    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { screen::output_screen(rows, x, out, recorder) }
    }

    fn output_refine(
        &self,
        refine: RefineRows,
        rows: &[u32],
        x: &ScreenActivations,
        approximations: &mut [f32],
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { screen::output_refine(refine, rows, x, approximations, recorder) }
    }

    fn largest(&self, approximations: &[f32]) -> usize {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { screen::largest(approximations) }
    }

    fn reaching(&self, bounded: Bounded, least: f32, rows: &mut [u32]) -> usize {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { screen::reaching(bounded, least, rows) }
    }

    fn argmax(&self, logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { dense::argmax(logits, recorder) }
    }

    fn read(&self, bytes: &[u8]) -> u64 {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { read::read(bytes) }
    }
}
