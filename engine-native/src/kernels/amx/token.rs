//! Proof that this process may use AMX.

use super::permission;
use crate::kernels::Avx512Vnni;

/// Proof that this CPU has AMX-INT8 and AVX-512 VNNI, and that the system lets this process use
/// them.
#[derive(Debug, Clone, Copy)]
pub struct Amx {
    pub(super) base: Avx512Vnni,
}

impl Amx {
    /// The token, if the CPU has the features and the system permits their use.
    pub fn new() -> Option<Self> {
        let base = Avx512Vnni::new()?;
        permission::request().then_some(Self { base })
    }
}
