//! Proof that this process may use AMX.

use super::permission;
use crate::kernels::Avx512Vnni;

/// Proof that this CPU has AMX-INT8 beside AVX-512 VNNI and that the system lets this process use it.
#[derive(Debug, Clone, Copy)]
pub struct Amx {
    pub(super) base: Avx512Vnni,
}

impl Amx {
    /// The token, if this CPU has the tiles and the system permits them.
    pub fn new() -> Option<Self> {
        let base = Avx512Vnni::new()?;
        permission::request().then_some(Self { base })
    }
}
