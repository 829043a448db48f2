//! The scalar kernels, whose results every ISA must reproduce bit for bit.

mod attention;
mod dense;
pub mod float;
mod grouped;
mod linear;
mod pointwise;
mod read;
mod screen;

pub use attention::{attention_scores, attention_values, kv_store, rope, softmax};
#[cfg(target_arch = "x86_64")]
pub use attention::{rotate_halves, rotate_neighbours, store_f16};
pub use dense::{argmax, embedding_row, output_gemv};
#[cfg(target_arch = "x86_64")]
pub use dense::{q4_k_scale, widen};
#[cfg(target_arch = "x86_64")]
pub use grouped::{block_scale, factor};
pub use grouped::{grouped_embedding_row, grouped_gemm, grouped_gemv, quantize_blocks};
pub use linear::{quantize, ternary_gemm, ternary_gemv};
#[cfg(target_arch = "x86_64")]
pub use pointwise::silu;
pub use pointwise::{residual_add, rms_norm, silu_mul, squared_relu_mul};
pub use read::read;
#[cfg(target_arch = "x86_64")]
pub use read::read_rest;
pub use screen::{largest, output_refine, output_screen, reaching};
