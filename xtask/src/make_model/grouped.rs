//! Random ternary weights with a scale per group, and their encodings in files.
//!
//! As in [`ternary`](super::ternary), a seed gives the same weights in all types. So are their
//! scales, except that every second block of the uneven type has another one.

use half::f16;

use super::trits::put_trits;
use super::types::GroupedType;

/// Weights that share a scale in published files.
const GROUP_LEN: usize = 128;

/// Appends a group of codes (weight + 1). Its scale, and that of the second half in the uneven
/// type, follows from the random word `z`: it lies in [0.75, 1.25) times `mean`.
pub(super) fn put_group(
    grouped: GroupedType,
    mean: f32,
    codes: &[u8; GROUP_LEN],
    z: u64,
    out: &mut Vec<u8>,
) {
    let [scale, other] = scales(mean, z);
    let (low, high) = codes.split_at(GROUP_LEN / 2);
    match grouped {
        GroupedType::Q2_0 => {
            put_fields(scale, low, out);
            put_fields(scale, high, out);
        }
        GroupedType::Q2_0Uneven => {
            put_fields(scale, low, out);
            put_fields(other, high, out);
        }
        GroupedType::Q2_0G128 | GroupedType::Pq2_0 => put_fields(scale, codes, out),
        GroupedType::Ptq1_0 => {
            put_trits(codes, 16, 5, out);
            put_trits(&codes[80..], 8, 5, out);
            put_trits(&codes[120..], 2, 4, out);
            out.extend_from_slice(&scale.to_le_bytes());
        }
    }
}

/// Two scales around `mean`, in 2¹⁶ steps before rounding.
fn scales(mean: f32, z: u64) -> [f16; 2] {
    [z >> 48, z >> 16 & 0xFFFF].map(|step| {
        let fraction = step as f32 / 65_536.0;
        f16::from_f32(mean * (0.75 + 0.5 * fraction))
    })
}

/// Appends a scale and then the codes, four to a byte, the first one in the lowest bits.
fn put_fields(d: f16, codes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&d.to_le_bytes());
    let byte = |c: &[u8; 4]| c[0] | c[1] << 2 | c[2] << 4 | c[3] << 6;
    out.extend(codes.as_chunks().0.iter().map(byte));
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::{GROUP_LEN, GroupedType, put_group};

    const MEAN: f32 = 0.125;

    fn codes() -> [u8; GROUP_LEN] {
        std::array::from_fn(|w| (w * w / 3 % 3) as u8)
    }

    fn group(grouped: GroupedType) -> Vec<u8> {
        let mut out = Vec::new();
        put_group(grouped, MEAN, &codes(), 0xFFFF_0000_4000_0000, &mut out);
        out
    }

    fn half_at(bytes: &[u8], at: usize) -> f32 {
        f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
    }

    /// Code w of a PTQ1_0 block. Multiplying by 3 moves the next trit to the top.
    fn trit(block: &[u8], w: usize) -> u8 {
        let (byte, place) = match w {
            0..80 => (w % 16, w / 16),
            80..120 => (16 + (w - 80) % 8, (w - 80) / 8),
            _ => (24 + (w - 120) % 2, (w - 120) / 2),
        };
        let moved = (0..place).fold(block[byte], |byte, _| byte.wrapping_mul(3));
        ((u16::from(moved) * 3) >> 8) as u8
    }

    /// The values of a group, by the definition of its type.
    fn values(grouped: GroupedType) -> Vec<f32> {
        let (bytes, layout) = (group(grouped), grouped.layout());
        let value = |block: &[u8], w: usize| {
            let (d, code) = match grouped {
                GroupedType::Ptq1_0 => (half_at(block, 26), trit(block, w)),
                _ => (half_at(block, 0), block[2 + w / 4] >> (2 * (w % 4)) & 3),
            };
            d * (f32::from(code) - 1.0)
        };
        let blocks = bytes.chunks_exact(layout.block_bytes as usize);
        let n = layout.block_len as usize;
        blocks
            .flat_map(|block| (0..n).map(move |w| value(block, w)))
            .collect()
    }

    #[test]
    fn every_type_holds_the_same_weights() {
        let scaled = |[low, high]: [f32; 2]| -> Vec<f32> {
            let scale = |w| if w < GROUP_LEN / 2 { low } else { high };
            let weight = |w: usize| f32::from(codes()[w]) - 1.0;
            (0..GROUP_LEN).map(|w| scale(w) * weight(w)).collect()
        };
        // The top of the range, and a quarter above its start, in F16.
        let (scale, other) = (0.15625, 0.125 * (0.75 + 0.125));
        for grouped in GroupedType::ALL {
            let expected = match grouped {
                GroupedType::Q2_0Uneven => scaled([scale, other]),
                _ => scaled([scale, scale]),
            };
            assert_eq!(values(grouped), expected, "{grouped:?}");
        }
    }

    #[test]
    fn a_group_fills_its_blocks() {
        for grouped in GroupedType::ALL {
            let n_bytes = grouped.layout().n_bytes(GROUP_LEN as u64);
            assert_eq!(group(grouped).len() as u64, n_bytes, "{grouped:?}");
        }
    }
}
