//! Kernels for AVX-512 with VNNI. FMA is not used: the contract rounds after every multiplication.

mod blocks;
mod gemm;
mod grouped;
mod lanes;
mod linear;
mod screen;
mod softmax;
mod token;
mod triples;

pub use token::Avx512Vnni;

use crate::{
    kernels::{Kernels, NonFinite, attention_blocks, gemm_tiles, grouped_tiles},
    ledger::{Isa, KernelName, Recorder},
    operands::{
        AttentionScratch, DenseRows, GemmBatch, GemmScratch, GroupedRows, QuantizedActivations,
        Queries, RefineRows, RowLayout, ScreenActivations, ScreenRows, TernaryRows,
    },
};

impl Kernels for Avx512Vnni {
    fn isa(&self) -> Isa {
        Isa::Avx512Vnni
    }

    fn base(&self) -> Option<&dyn Kernels> {
        Some(&self.base)
    }

    fn row_layout(&self) -> RowLayout {
        RowLayout::Groups256
    }

    fn densest_row_layout(&self) -> RowLayout {
        match self.has_vbmi {
            true => RowLayout::Triples384,
            false => self.row_layout(),
        }
    }

    fn ternary_gemv(
        &self,
        weights: TernaryRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        match weights.layout {
            // SAFETY: `self` proves that the CPU has AVX-512 F, BW, VL and VNNI, and AVX2.
            RowLayout::Groups256 => unsafe {
                linear::gemv_groups(weights, activations, out, recorder)
            },
            // SAFETY: as above, and VBMI was detected.
            RowLayout::Triples384 if self.has_vbmi => unsafe {
                triples::gemv_triples(weights, activations, out, recorder)
            },
            _ => self.base.ternary_gemv(weights, activations, out, recorder),
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
        recorder.record(KernelName::I2sGemm, Isa::Avx512Vnni, macs);
    }

    fn grouped_gemv(
        &self,
        weights: GroupedRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX-512 F, BW, VL and VNNI, and AVX2 with F16C.
        unsafe { grouped::gemv(weights, activations, out, recorder) }
    }

    fn grouped_gemm(
        &self,
        weights: GroupedRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        let macs = grouped_tiles::multiply(self, weights, batch, scratch);
        recorder.record(KernelName::GroupedGemm, Isa::Avx512Vnni, macs);
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
        recorder.record(name, Isa::Avx512Vnni, queries.macs());
    }

    fn softmax(&self, scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
        // SAFETY: `self` proves that the CPU has AVX-512 F and DQ, and AVX2.
        unsafe { softmax::softmax(scores, recorder) }
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
        recorder.record(name, Isa::Avx512Vnni, macs);
    }

    fn output_refine(
        &self,
        refine: RefineRows,
        rows: &[u32],
        x: &ScreenActivations,
        approximations: &mut [f32],
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX-512 F, BW, VL and VNNI, and AVX2.
        unsafe { screen::output_refine(refine, rows, x, approximations, recorder) }
    }

    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX-512 F, BW, VL and VNNI, and AVX2.
        unsafe { screen::output_screen(rows, x, out, recorder) }
    }
}
