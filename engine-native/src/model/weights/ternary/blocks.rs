//! TQ1_0 and TQ2_0: blocks of 256 weights, each with its own f16 scale. All scales of a tensor have
//! to be equal, or 0 for a block of zeros.

use super::source::{
    BLOCK_BYTES, BLOCK_LEN, PackedAndScale, Source, ZERO_CODE, has_code_3, pack_block,
};
use crate::gguf::GgufError;

/// Weights of a block.
const TQ_BLOCK_LEN: usize = 256;
/// Bytes that a block takes when packed.
const PACKED_BYTES: usize = TQ_BLOCK_LEN / BLOCK_LEN * BLOCK_BYTES;

pub fn pack_tq2_0(source: &Source) -> Result<PackedAndScale, GgufError> {
    const BYTES: usize = 66;
    let (blocks, _) = source.bytes.as_chunks::<BYTES>();
    pack(source, blocks, |index, block, out| {
        let (qs, _) = block.split_at(PACKED_BYTES);
        if qs.iter().fold(false, |any, &b| any | has_code_3(b)) {
            let at = qs.iter().position(|&b| has_code_3(b)).unwrap_or(0);
            return Err(source.invalid_code(index * BYTES + at));
        }
        // The weights stay in their bytes; the order of the four fields is reversed.
        for (out, q) in out.iter_mut().zip(qs) {
            let nibbles = q.rotate_left(4);
            *out = (nibbles & 0x33) << 2 | (nibbles >> 2) & 0x33;
        }
        Ok(())
    })
}

pub fn pack_tq1_0(source: &Source) -> Result<PackedAndScale, GgufError> {
    const BYTES: usize = 54;
    let (blocks, _) = source.bytes.as_chunks::<BYTES>();
    pack(source, blocks, |_, block, out| {
        let mut codes = [0; TQ_BLOCK_LEN];
        let (qs, rest) = block.split_at(32);
        for n in 0..5 {
            trits(qs, n, &mut codes[32 * n..]);
        }
        let (qs, rest) = rest.split_at(16);
        for n in 0..5 {
            trits(qs, n, &mut codes[160 + 16 * n..]);
        }
        for n in 0..4 {
            trits(&rest[..4], n, &mut codes[240 + 4 * n..]);
        }
        let (codes, _) = codes.as_chunks::<BLOCK_LEN>();
        for (codes, out) in codes.iter().zip(out.as_chunks_mut().0) {
            pack_block(codes, out);
        }
        Ok(())
    })
}

/// Extracts trit `n` of each byte; trit 0 is the most significant.
#[inline]
fn trits(bytes: &[u8], n: usize, out: &mut [u8]) {
    const POWERS: [u8; 5] = [1, 3, 9, 27, 81];
    for (out, byte) in out.iter_mut().zip(bytes) {
        let below = byte.wrapping_mul(POWERS[n]);
        *out = ((u16::from(below) * 3) >> 8) as u8;
    }
}

/// Packs every block; the last two bytes of each are its scale.
fn pack<const BYTES: usize>(
    source: &Source,
    blocks: &[[u8; BYTES]],
    unpack: impl Fn(usize, &[u8; BYTES], &mut [u8; PACKED_BYTES]) -> Result<(), GgufError>,
) -> Result<PackedAndScale, GgufError> {
    let mut packed = vec![0; blocks.len() * PACKED_BYTES];
    let mut tensor_scale = None;
    let (outs, _) = packed.as_chunks_mut();
    for (index, (block, out)) in blocks.iter().zip(outs).enumerate() {
        unpack(index, block, out)?;
        let d = half::f16::from_le_bytes([block[BYTES - 2], block[BYTES - 1]]);
        if d == half::f16::ZERO {
            // A zero scale makes all weights zero, whatever the trits are.
            *out = [ZERO_CODE * 0x55; PACKED_BYTES];
            continue;
        }
        let part = || format!("scale of block {index}");
        if !(d.is_finite() && d > half::f16::ZERO) {
            return Err(source.invalid(part(), d, "a finite number, not below 0"));
        }
        let expected = *tensor_scale.get_or_insert(d);
        if d != expected {
            let allowed = format!(
                "{expected}, as in the blocks before it, or 0: one scale for the tensor (TriLM has several)"
            );
            return Err(source.invalid(part(), d, allowed));
        }
    }
    Ok((packed, tensor_scale.map_or(1.0, half::f16::to_f32)))
}
