//! Kernels for AVX-VNNI: AVX2 with byte products that are added directly to 32-bit sums.

mod gemm;
mod grouped;
mod linear;
mod token;

pub use token::AvxVnni;

use crate::{
    kernels::{Kernels, gemm_tiles, grouped_tiles},
    ledger::{Isa, KernelName, Recorder},
    operands::{GemmBatch, GemmScratch, GroupedRows, QuantizedActivations, RowLayout, TernaryRows},
};

impl Kernels for AvxVnni {
    fn isa(&self) -> Isa {
        Isa::AvxVnni
    }

    fn base(&self) -> Option<&dyn Kernels> {
        Some(&self.base)
    }

    fn ternary_gemv(
        &self,
        weights: TernaryRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        match weights.layout {
            // SAFETY: `self` proves that the CPU has AVX-VNNI and AVX2.
            RowLayout::Groups128 => unsafe {
                linear::gemv_groups(weights, activations, out, recorder)
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
        recorder.record(KernelName::I2sGemm, Isa::AvxVnni, macs);
    }

    fn grouped_gemv(
        &self,
        weights: GroupedRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        // SAFETY: `self` proves that the CPU has AVX-VNNI, AVX2 and F16C.
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
        recorder.record(KernelName::GroupedGemm, Isa::AvxVnni, macs);
    }
}
