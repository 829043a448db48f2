//! Kernels for AVX-VNNI: AVX2 whose byte products add straight into 32 bits.

mod gemm;
mod linear;

use super::{
    Avx2, Isa, KernelName, Kernels, QuantizedActivations, RowLayout, TernaryRows,
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
        let macs = tiling::multiply(self, weights, batch, scratch);
        recorder.record(KernelName::I2sGemm, Isa::AvxVnni, macs);
    }
}
