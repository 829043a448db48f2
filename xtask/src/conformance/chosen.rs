//! Where chosen weights take the place of random ones.

use crate::make_model::gguf_writer::GgufHeader;

/// The data section from the first byte of a tensor on.
///
/// # Panics
/// There is no such tensor.
pub(super) fn tensor<'d>(header: &GgufHeader, data: &'d mut [u8], name: &str) -> &'d mut [u8] {
    let found = header.tensors.iter().find(|tensor| tensor.name == name);
    &mut data[found.expect("the model has it").offset as usize..]
}

/// Makes the norm before the first layer's `attn_q` leave `n` elements as they are, but for their common factor.
pub(super) fn flatten_first_norm(header: &GgufHeader, data: &mut [u8], n: usize) {
    let (weights, _) = tensor(header, data, "blk.0.attn_norm.weight").as_chunks_mut::<4>();
    weights[..n].fill(1.0f32.to_le_bytes());
}
