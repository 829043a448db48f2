//! Kernels for AVX-512 with VNNI. FMA is not used: the contract rounds after every multiplication.

use super::{Avx2, Isa, Kernels};

/// Proof that this CPU has AVX-512 F, BW, DQ, VL and VNNI beside AVX2 and F16C.
#[derive(Debug, Clone, Copy)]
pub struct Avx512Vnni {
    base: Avx2,
}

impl Avx512Vnni {
    /// The token, if this CPU has all of them.
    pub fn new() -> Option<Self> {
        let base = Avx2::new()?;
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        has_all.then_some(Self { base })
    }
}

impl Kernels for Avx512Vnni {
    fn isa(&self) -> Isa {
        Isa::Avx512Vnni
    }

    fn base(&self) -> &dyn Kernels {
        &self.base
    }
}
