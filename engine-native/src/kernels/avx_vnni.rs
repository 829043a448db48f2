//! Kernels for AVX-VNNI: AVX2 whose byte products add straight into 32 bits.

mod gemm;

use super::{
    Avx2, Isa, KernelName, Kernels, TernaryRows,
    gemm::{GemmBatch, GemmScratch, tiling},
};
use crate::ledger::Recorder;

/// Proof that this CPU has AVX-VNNI beside AVX2 and F16C.
#[derive(Debug, Clone, Copy)]
pub struct AvxVnni {
    base: Avx2,
}

impl AvxVnni {
    /// The token, if this CPU has AVX-VNNI beside AVX2 and F16C.
    pub fn new() -> Option<Self> {
        let base = Avx2::new()?;
        is_x86_feature_detected!("avxvnni").then_some(Self { base })
    }
}

impl Kernels for AvxVnni {
    fn isa(&self) -> Isa {
        Isa::AvxVnni
    }

    fn base(&self) -> &dyn Kernels {
        &self.base
    }

    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        let macs = tiling::multiply(self, weights, batch, scratch);
        recorder.record(KernelName::I2sGemm, Isa::AvxVnni, macs);
    }
}
