//! Weights that are numbers of their own.

use half::{bf16, f16};

use super::stored::Stored;

/// The f16 at the start of `bytes`.
pub(super) fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

pub(super) fn plain(stored: Stored, row: &[u8], out: &mut Vec<f32>) {
    match stored {
        Stored::F32 => {
            let (values, _) = row.as_chunks::<4>();
            out.extend(values.iter().map(|&bytes| f32::from_le_bytes(bytes)));
        }
        Stored::Bf16 => {
            let (values, _) = row.as_chunks::<2>();
            out.extend(
                values
                    .iter()
                    .map(|&bytes| bf16::from_le_bytes(bytes).to_f32()),
            );
        }
        _ => out.extend(row.chunks_exact(2).map(half)),
    }
}

pub(super) fn q8_0(row: &[u8], out: &mut Vec<f32>) {
    for block in row.chunks_exact(34) {
        let d = half(block);
        out.extend(block[2..].iter().map(|&q| d * f32::from(q as i8)));
    }
}

/// The numbers g of scale and minimum in the 12 bytes of a Q4_K block.
fn scale_and_min(b: &[u8], g: usize) -> (u8, u8) {
    match g < 4 {
        true => (b[g] & 63, b[g + 4] & 63),
        false => (
            (b[g + 4] & 15) + 16 * (b[g - 4] >> 6),
            (b[g + 4] >> 4) + 16 * (b[g] >> 6),
        ),
    }
}

pub(super) fn q4_k(row: &[u8], out: &mut Vec<f32>) {
    for block in row.chunks_exact(144) {
        let (d, dmin) = (half(block), half(&block[2..]));
        let (scales, nibbles) = block[4..].split_at(12);
        for (i, nibbles) in nibbles.chunks_exact(32).enumerate() {
            for k in 0..2 {
                let (scale, min) = scale_and_min(scales, 2 * i + k);
                let (scale, min) = (d * f32::from(scale), dmin * f32::from(min));
                out.extend(
                    nibbles
                        .iter()
                        .map(|&b| scale * f32::from(b >> (4 * k) & 15) - min),
                );
            }
        }
    }
}

pub(super) fn q6_k(row: &[u8], out: &mut Vec<f32>) {
    for block in row.chunks_exact(210) {
        let d = half(&block[208..]);
        for h in 0..2 {
            let (low, high) = (&block[64 * h..][..64], &block[128 + 32 * h..][..32]);
            let scales = &block[192 + 8 * h..][..8];
            for i in 0..4 {
                let low = &low[32 * (i % 2)..][..32];
                for (l, (&low, &high)) in low.iter().zip(high).enumerate() {
                    let q = (low >> (4 * (i / 2)) & 15) | (high >> (2 * i) & 3) << 4;
                    let scale = d * f32::from(scales[2 * i + l / 16] as i8);
                    out.push(scale * (f32::from(q) - 32.0));
                }
            }
        }
    }
}
