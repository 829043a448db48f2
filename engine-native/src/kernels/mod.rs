//! Kernels: every operation of the forward pass as a scalar function and, where it pays, with SIMD.
//!
//! Each ISA builds on a base and overrides the kernels that it computes faster; below all of them
//! are the scalar kernels. All compute the same bits: `guest-reference/NUMERICS.md` fixes the order
//! of every float operation. A kernel records itself in the ledger when it has finished, see
//! [`crate::ledger`].

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod attention_blocks;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
mod dispatch;
mod finite;
#[cfg(target_arch = "x86_64")]
mod gemm_tiles;
#[cfg(target_arch = "x86_64")]
mod grouped_tiles;
mod interface;
#[cfg(target_arch = "x86_64")]
mod pairs;
mod scalar;

#[cfg(target_arch = "x86_64")]
pub use self::{amx::Amx, avx_vnni::AvxVnni, avx2::Avx2, avx512::Avx512Vnni};
pub use dispatch::{UnavailableKernels, available_kernels};
pub use finite::NonFinite;
pub(crate) use finite::check_finite;
pub use interface::{Kernels, Scalar};
