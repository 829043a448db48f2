//! Proof that this CPU has AVX-VNNI.

use crate::kernels::Avx2;

/// Proof that this CPU has AVX-VNNI, AVX2 and F16C.
#[derive(Debug, Clone, Copy)]
pub struct AvxVnni {
    pub(super) base: Avx2,
}

impl AvxVnni {
    /// The token, if this CPU has all of these features.
    pub fn new() -> Option<Self> {
        let base = Avx2::new()?;
        is_x86_feature_detected!("avxvnni").then_some(Self { base })
    }
}
