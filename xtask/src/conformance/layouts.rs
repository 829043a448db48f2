//! I2_S in its other layouts. The generator writes blocks of 128.

use engine_native::I2sLayout;

use crate::make_model::gguf_writer::{GgufHeader, I2_S};

/// Changes the layout of all I2_S tensors in the data section of a file with this header.
pub(super) fn repack(header: &GgufHeader, data: &mut [u8], layout: I2sLayout) {
    if layout == I2sLayout::Block128 {
        return;
    }
    for tensor in header.tensors.iter().filter(|t| t.type_id == I2_S) {
        let n_cols = tensor.dims[0] as usize;
        let n_bytes = tensor.dims.iter().product::<u64>() as usize / 4;
        let packed = &mut data[tensor.offset as usize..][..n_bytes];
        let codes = codes(packed);
        // The codes that share a byte lie this far apart.
        let stride = match layout {
            I2sLayout::Block128 => 32,
            I2sLayout::Block64 => 16,
            I2sLayout::Row4 => n_cols,
        };
        let blocks = codes.chunks_exact(4 * stride);
        let bytes = blocks.flat_map(|block| (0..stride).map(move |k| byte(block, k, stride)));
        let bytes: Vec<u8> = bytes.collect();
        packed.copy_from_slice(&bytes);
    }
}

fn byte(block: &[u8], k: usize, stride: usize) -> u8 {
    (0..4).fold(0, |byte, i| byte << 2 | block[k + i * stride])
}

/// The codes of blocks of 128 weights in 32 bytes.
fn codes(bytes: &[u8]) -> Vec<u8> {
    let of_block = |block: &[u8]| -> Vec<u8> {
        (0..128)
            .map(|w| block[w % 32] >> (6 - w / 32 * 2) & 3)
            .collect()
    };
    bytes.chunks_exact(32).flat_map(of_block).collect()
}
