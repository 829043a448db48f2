//! F32, F16 and BF16 projections whose elements are exactly ternary.

use super::source::{
    BLOCK_BYTES, BLOCK_LEN, PackedAndScale, Source, ZERO_CODE, pack_block, packed_row_bytes,
};
use crate::gguf::GgufError;

pub fn pack_f32(source: &Source) -> Result<PackedAndScale, GgufError> {
    pack::<F32, 4>(source)
}

pub fn pack_f16(source: &Source) -> Result<PackedAndScale, GgufError> {
    pack::<F16, 2>(source)
}

pub fn pack_bf16(source: &Source) -> Result<PackedAndScale, GgufError> {
    pack::<Bf16, 2>(source)
}

/// A float format of `N` bytes, by its bits.
trait Format<const N: usize> {
    const SIGN: u32 = 1 << (8 * N - 1);
    const INFINITY: u32;

    fn bits(element: [u8; N]) -> u32;
    fn widen(bits: u32) -> f32;
}

struct F32;
struct F16;
struct Bf16;

impl Format<4> for F32 {
    const INFINITY: u32 = 0x7f80_0000;

    fn bits(element: [u8; 4]) -> u32 {
        u32::from_le_bytes(element)
    }

    fn widen(bits: u32) -> f32 {
        f32::from_bits(bits)
    }
}

impl Format<2> for F16 {
    const INFINITY: u32 = 0x7c00;

    fn bits(element: [u8; 2]) -> u32 {
        u16::from_le_bytes(element).into()
    }

    fn widen(bits: u32) -> f32 {
        half::f16::from_bits(bits as u16).to_f32()
    }
}

impl Format<2> for Bf16 {
    const INFINITY: u32 = 0x7f80;

    fn bits(element: [u8; 2]) -> u32 {
        u16::from_le_bytes(element).into()
    }

    fn widen(bits: u32) -> f32 {
        f32::from_bits(bits << 16)
    }
}

fn pack<F: Format<N>, const N: usize>(source: &Source) -> Result<PackedAndScale, GgufError> {
    let (elements, _) = source.bytes.as_chunks::<N>();
    let magnitude = |e: [u8; N]| F::bits(e) & !F::SIGN;
    let Some(scale) = elements.iter().map(|&e| magnitude(e)).find(|&m| m != 0) else {
        let zeros = vec![ZERO_CODE * 0x55; source.n_rows * packed_row_bytes(source.n_cols)];
        return Ok((zeros, 1.0));
    };
    let wrong = |e: [u8; N]| magnitude(e) != 0 && magnitude(e) != scale;
    let fail = |index: usize| {
        let found = F::widen(F::bits(elements[index]));
        source.invalid(
            format_args!("element {index}"),
            found,
            match found.is_finite() {
                true => format!(
                    "0 or ±{}: the tensor has to be ternary with one scale (TriLM has several)",
                    F::widen(scale)
                ),
                false => "finite values".into(),
            },
        )
    };
    if scale >= F::INFINITY {
        return Err(fail(
            elements
                .iter()
                .position(|&e| magnitude(e) != 0)
                .unwrap_or(0),
        ));
    }
    let mut packed = Vec::with_capacity(source.n_rows * packed_row_bytes(source.n_cols));
    for (r, row) in elements.chunks_exact(source.n_cols).enumerate() {
        for (b, chunk) in row.chunks(BLOCK_LEN).enumerate() {
            if chunk.iter().fold(false, |any, &e| any | wrong(e)) {
                let at = chunk.iter().position(|&e| wrong(e)).unwrap_or(0);
                return Err(fail(r * source.n_cols + b * BLOCK_LEN + at));
            }
            let mut codes = [ZERO_CODE; BLOCK_LEN];
            for (code, &e) in codes.iter_mut().zip(chunk) {
                let bits = F::bits(e);
                let positive = u8::from(bits == scale);
                let negative = u8::from(bits == scale | F::SIGN);
                *code = ZERO_CODE + positive - negative;
            }
            let mut out = [0; BLOCK_BYTES];
            pack_block(&codes, &mut out);
            packed.extend_from_slice(&out);
        }
    }
    Ok((packed, F::widen(scale)))
}
