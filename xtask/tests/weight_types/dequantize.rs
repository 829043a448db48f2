//! What the elements of a row are, by the formulas of `NUMERICS.md`, section 4, as plainly as they
//! can be written.

use half::{bf16, f16 as Half};
use xtask::make_model::{DenseType, GroupedType};

/// The elements of rows in this type.
pub fn dense(dense_type: DenseType, rows: &[u8]) -> Vec<f32> {
    match dense_type {
        DenseType::F32 => rows
            .as_chunks()
            .0
            .iter()
            .map(|&b| f32::from_le_bytes(b))
            .collect(),
        DenseType::F16 => f16(rows),
        DenseType::Bf16 => {
            let widen = |&b: &[u8; 2]| bf16::from_le_bytes(b).to_f32();
            rows.as_chunks().0.iter().map(widen).collect()
        }
        DenseType::Q8_0 => rows.chunks_exact(34).flat_map(q8_0).collect(),
        DenseType::Q6K => rows.chunks_exact(210).flat_map(q6_k).collect(),
        DenseType::Q4K => rows.chunks_exact(144).flat_map(q4_k).collect(),
        DenseType::Grouped(grouped) => {
            let n = grouped.layout().block_bytes as usize;
            let values = match grouped {
                GroupedType::Ptq1_0 => ptq1_0,
                _ => q2_0,
            };
            rows.chunks_exact(n).flat_map(values).collect()
        }
    }
}

/// F16 elements.
pub fn f16(bytes: &[u8]) -> Vec<f32> {
    let widen = |&b: &[u8; 2]| Half::from_le_bytes(b).to_f32();
    bytes.as_chunks().0.iter().map(widen).collect()
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16(&block[at..at + 2])[0]
}

fn signed(byte: u8) -> f32 {
    f32::from(byte.cast_signed())
}

fn q8_0(block: &[u8]) -> Vec<f32> {
    let d = half_at(block, 0);
    block[2..].iter().map(|&q| d * signed(q)).collect()
}

fn q6_k(block: &[u8]) -> Vec<f32> {
    let (ql, qh, scales, d) = (
        &block[..128],
        &block[128..192],
        &block[192..208],
        half_at(block, 208),
    );
    let weight = |w: usize| {
        let (h, i, l) = (w / 128, w % 128 / 32, w % 32);
        let low = ql[64 * h + 32 * (i % 2) + l] >> (4 * (i / 2)) & 15;
        let high = qh[32 * h + l] >> (2 * i) & 3;
        let q = f32::from(low | high << 4) - 32.0;
        (d * signed(scales[8 * h + 2 * i + l / 16])) * q
    };
    (0..256).map(weight).collect()
}

fn q4_k(block: &[u8]) -> Vec<f32> {
    let (d, dmin, b, nibbles) = (
        half_at(block, 0),
        half_at(block, 2),
        &block[4..16],
        &block[16..],
    );
    let weight = |w: usize| {
        let (i, k, l) = (w / 64, w % 64 / 32, w % 32);
        let g = 2 * i + k;
        let (scale, min) = match g {
            0..4 => (b[g] & 63, b[g + 4] & 63),
            _ => (
                (b[g + 4] & 15) + 16 * (b[g - 4] >> 6),
                (b[g + 4] >> 4) + 16 * (b[g] >> 6),
            ),
        };
        let q = nibbles[32 * i + l] >> (4 * k) & 15;
        (d * f32::from(scale)) * f32::from(q) - (dmin * f32::from(min))
    };
    (0..256).map(weight).collect()
}

fn q2_0(block: &[u8]) -> Vec<f32> {
    let (d, bytes) = (half_at(block, 0), &block[2..]);
    let weight = |w: usize| f32::from(bytes[w / 4] >> (2 * (w % 4)) & 3) - 1.0;
    (0..4 * bytes.len()).map(|w| weight(w) * d).collect()
}

fn ptq1_0(block: &[u8]) -> Vec<f32> {
    let d = half_at(block, 26);
    let weight = |w: usize| {
        let (byte, place) = match w {
            0..80 => (w % 16, w / 16),
            80..120 => (16 + w % 8, w / 8 - 10),
            _ => (24 + w % 2, w / 2 - 60),
        };
        let moved = block[byte].wrapping_mul(3u8.pow(place as u32));
        f32::from(((u16::from(moved) * 3) >> 8) as u8) - 1.0
    };
    (0..128).map(|w| weight(w) * d).collect()
}
