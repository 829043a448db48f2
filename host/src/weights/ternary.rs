//! Weights that are codes times a scale. A code is the weight plus one; code 3 is the weight 2, which no
//! ternary model has.

use engine_native::I2sLayout;
use half::f16;

/// The f16 at the start of `bytes`.
fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// The number of each code.
fn numbers(scale: f32) -> [f32; 4] {
    [-scale, 0.0 * scale, scale, 2.0 * scale]
}

/// Appends four times as many weights as `bytes`: first those of the field at `shifts[0]` of each byte.
fn fields(bytes: &[u8], shifts: [u8; 4], scale: f32, out: &mut Vec<f32>) {
    let numbers = numbers(scale);
    for shift in shifts {
        out.extend(bytes.iter().map(|&b| numbers[usize::from(b >> shift & 3)]));
    }
}

const HIGH_FIRST: [u8; 4] = [6, 4, 2, 0];
const LOW_FIRST: [u8; 4] = [0, 2, 4, 6];

/// A row; in the layout `row4`, four of them.
pub(super) fn i2_s(layout: I2sLayout, n_cols: usize, row: &[u8], scale: f32, out: &mut Vec<f32>) {
    let n_bytes = match layout {
        I2sLayout::Block128 => 32,
        I2sLayout::Block64 => 16,
        I2sLayout::Row4 => n_cols,
    };
    for block in row.chunks_exact(n_bytes) {
        fields(block, HIGH_FIRST, scale, out);
    }
}

pub(super) fn tq2_0(row: &[u8], out: &mut Vec<f32>) {
    for block in row.chunks_exact(66) {
        let (codes, d) = block.split_at(64);
        for half_of in codes.chunks_exact(32) {
            fields(half_of, LOW_FIRST, half(d), out);
        }
    }
}

pub(super) fn iq2_bn(row: &[u8], out: &mut Vec<f32>) {
    let (scale, blocks) = row.split_at(4);
    let scale = f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]);
    for block in blocks.chunks_exact(16) {
        fields(block, LOW_FIRST, scale, out);
    }
}

/// Blocks of `n_bytes`, in which four weights that follow each other share a byte.
pub(super) fn q2_0(row: &[u8], n_bytes: usize, out: &mut Vec<f32>) {
    for block in row.chunks_exact(n_bytes) {
        let numbers = numbers(half(block));
        for &byte in &block[2..] {
            out.extend(LOW_FIRST.map(|shift| numbers[usize::from(byte >> shift & 3)]));
        }
    }
}

/// The code of trit `n` of a byte.
fn trit(byte: u8, n: u32) -> usize {
    let shifted = byte.wrapping_mul(3u8.pow(n));
    usize::from((u16::from(shifted) * 3) >> 8)
}

/// Appends `n` times as many weights as `bytes`: first trit 0 of each byte.
fn trits(bytes: &[u8], n: u32, numbers: [f32; 4], out: &mut Vec<f32>) {
    for n in 0..n {
        out.extend(bytes.iter().map(|&byte| numbers[trit(byte, n)]));
    }
}

pub(super) fn tq1_0(row: &[u8], out: &mut Vec<f32>) {
    for block in row.chunks_exact(54) {
        let numbers = numbers(half(&block[52..]));
        trits(&block[..32], 5, numbers, out);
        trits(&block[32..48], 5, numbers, out);
        trits(&block[48..52], 4, numbers, out);
    }
}

pub(super) fn ptq1_0(row: &[u8], out: &mut Vec<f32>) {
    for block in row.chunks_exact(28) {
        let numbers = numbers(half(&block[26..]));
        trits(&block[..16], 5, numbers, out);
        trits(&block[16..24], 5, numbers, out);
        trits(&block[24..26], 4, numbers, out);
    }
}

/// Blocks of four times 16 weights: 15 in three bytes, and one trit of the last byte. Trits are the same as
/// elsewhere, but with another rounding of the bytes: `iqk_quantize.cpp`.
pub(super) fn iq1_bn(row: &[u8], out: &mut Vec<f32>) {
    let numbers = numbers(half(row));
    let code = |byte: u8, n: usize| {
        let v = u16::from(byte.wrapping_mul([81, 27, 9, 3, 1][n]));
        usize::from((v + (v >> 1)) >> 7)
    };
    for block in row[2..].chunks_exact(13) {
        let (bytes, extra) = block.split_at(12);
        for (n, bytes) in bytes.chunks_exact(3).enumerate() {
            for &byte in bytes {
                out.extend((0..5).map(|n| numbers[code(byte, n)]));
            }
            out.push(numbers[code(extra[0], n)]);
        }
    }
}
