//! Kernels for AMX: GEMM on int8 tiles. All other kernels are those of AVX-512.

mod gemm;
mod permission;
mod tiles;
mod token;

pub use token::Amx;

use crate::{
    kernels::{Kernels, gemm_tiles},
    ledger::{Isa, KernelName, Recorder},
    operands::{GemmBatch, GemmScratch, RowLayout, TernaryRows},
};

impl Kernels for Amx {
    fn isa(&self) -> Isa {
        Isa::Amx
    }

    fn base(&self) -> Option<&dyn Kernels> {
        Some(&self.base)
    }

    fn densest_row_layout(&self) -> RowLayout {
        self.base.densest_row_layout()
    }

    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        let macs = gemm_tiles::multiply(&gemm::TileProduct::new(self), weights, batch, scratch);
        recorder.record(KernelName::I2sGemm, Isa::Amx, macs);
    }
}
