//! Kernels for AMX: products of tiles of int8. What has no tiles is left to AVX-512.

mod gemm;
mod permission;
mod tiles;

use super::{
    Avx512Vnni, Isa, KernelName, Kernels, RowLayout, TernaryRows,
    gemm::{GemmBatch, GemmScratch, tiling},
};
use crate::ledger::Recorder;

/// Proof that this CPU has AMX-INT8 beside AVX-512 VNNI and that the system lets this process use it.
#[derive(Debug, Clone, Copy)]
pub struct Amx {
    base: Avx512Vnni,
}

impl Amx {
    /// The token, if this CPU has the tiles and the system permits them.
    pub fn new() -> Option<Self> {
        let base = Avx512Vnni::new()?;
        permission::request().then_some(Self { base })
    }
}

impl Kernels for Amx {
    fn isa(&self) -> Isa {
        Isa::Amx
    }

    fn base(&self) -> &dyn Kernels {
        &self.base
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
        let macs = tiling::multiply(&gemm::TileProduct::new(self), weights, batch, scratch);
        recorder.record(KernelName::I2sGemm, Isa::Amx, macs);
    }
}
