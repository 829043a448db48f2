//! Runtime dispatch: the only place where the ISA is chosen.

use std::sync::Arc;

#[cfg(target_arch = "x86_64")]
use super::{Amx, Avx2, Avx512Vnni, AvxVnni};
use super::{Kernels, Scalar};
use crate::ledger::{Isa, KernelChoice};

/// The chosen kernels cannot run on this CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "kernel {}: this CPU does not have it ({} needed); auto takes the fastest that it has",
    isa.option_name(),
    isa.needs()
)]
pub struct UnavailableKernels {
    /// The chosen ISA.
    pub isa: Isa,
}

impl KernelChoice {
    /// Resolves the choice for this CPU.
    ///
    /// # Errors
    /// The CPU does not have the chosen ISA.
    pub fn resolve(self) -> Result<Arc<dyn Kernels>, UnavailableKernels> {
        match self {
            Self::Auto => Ok(available_kernels()
                .pop()
                .unwrap_or_else(|| Arc::new(Scalar))),
            Self::Only(isa) => of_isa(isa).ok_or(UnavailableKernels { isa }),
        }
    }
}

/// The kernels of every ISA that this CPU has, with the fastest last.
pub fn available_kernels() -> Vec<Arc<dyn Kernels>> {
    Isa::ALL.iter().filter_map(|&isa| of_isa(isa)).collect()
}

#[cfg(target_arch = "x86_64")]
fn of_isa(isa: Isa) -> Option<Arc<dyn Kernels>> {
    match isa {
        Isa::Scalar => Some(Arc::new(Scalar)),
        Isa::Avx2 => Some(Arc::new(Avx2::new()?)),
        Isa::AvxVnni => Some(Arc::new(AvxVnni::new()?)),
        Isa::Avx512Vnni => Some(Arc::new(Avx512Vnni::new()?)),
        Isa::Amx => Some(Arc::new(Amx::new()?)),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn of_isa(isa: Isa) -> Option<Arc<dyn Kernels>> {
    (isa == Isa::Scalar).then(|| Arc::new(Scalar) as Arc<dyn Kernels>)
}
