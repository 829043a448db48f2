//! The scalar kernels: what every other ISA must reproduce bit for bit.

mod attention;
mod dense;
pub(super) mod float;
mod linear;
mod pointwise;

pub(super) use attention::{
    attention_scores, attention_values, kv_store, rope, rotate_halves, rotate_neighbours, softmax,
    store_f16,
};
pub(super) use dense::{argmax, embedding_row, output_gemv, q4_k_scale, widen};
pub(super) use linear::{quantize, ternary_gemm, ternary_gemv};
pub(super) use pointwise::{residual_add, rms_norm, silu, silu_mul, squared_relu_mul};

use super::{Isa, Kernels};

/// The scalar kernels alone: runs on any machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalar;

impl Kernels for Scalar {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }
}
