//! Kernels for AMX: products of tiles of int8. What has no tiles is left to AVX-512.

mod permission;

use super::{Avx512Vnni, Isa, Kernels, RowLayout};

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
}
