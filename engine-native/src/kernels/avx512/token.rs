//! Proof that this CPU has AVX-512 with VNNI.

use crate::kernels::Avx2;

/// Proof that this CPU has AVX-512 F, BW, DQ, VL and VNNI, and AVX2 with F16C. VBMI is used if the
/// CPU has it.
#[derive(Debug, Clone, Copy)]
pub struct Avx512Vnni {
    pub(super) base: Avx2,
    pub(super) has_vbmi: bool,
}

impl Avx512Vnni {
    /// The token, if this CPU has all of these features.
    pub fn new() -> Option<Self> {
        let base = Avx2::new()?;
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        has_all.then(|| Self {
            base,
            has_vbmi: is_x86_feature_detected!("avx512vbmi"),
        })
    }
}
