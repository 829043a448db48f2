//! Products with low-bit rows.

use std::arch::x86_64::*;

use super::lanes::{load_64, load_i8, prefetch, sum_i32_four};
use crate::{
    kernels::{
        Isa, KernelName, SCREEN_ROWS, ScreenActivations, ScreenRows, ScreenStep,
        avx2::store_approximations,
    },
    ledger::Recorder,
};

/// How far ahead of the codes the product asks the L2 cache for them, in bytes: what was fastest.
const PREFETCH_AHEAD: usize = 3 << 10;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
pub fn output_screen(
    rows: ScreenRows,
    x: &ScreenActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    rows.assert_fits(x, out.len());
    groups(rows, x, out);
    let macs = out.len() * rows.n_cols;
    recorder.record(KernelName::OutputScreen, Isa::Avx512Vnni, macs);
}

/// Alone in its function, as the other loops over weights are.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
#[inline(never)]
fn groups(rows: ScreenRows, x: &ScreenActivations, out: &mut [f32]) {
    let parts = [x.high.as_chunks::<512>().0, x.low.as_chunks::<512>().0];
    let groups = rows.groups().zip(rows.scales.chunks(SCREEN_ROWS));
    for ((group, scales), out) in groups.zip(out.chunks_mut(SCREEN_ROWS)) {
        // From eight times the code to twice: an exact division.
        let [high, low] = dot_group(group, parts);
        let halves = [high, low].map(|sums| _mm_srai_epi32::<2>(sum_i32_four(sums)));
        store_approximations(halves, x, scales, out);
    }
}

/// Σ 8·code·part of four rows for both parts, spread over sixteen i32 lanes each.
///
/// Limit: a sum over the longest row is at most 65,536·248·128 = 2,080,374,784, less than 2³¹.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn dot_group(group: &[ScreenStep], [high, low]: [&[[i8; 512]]; 2]) -> [[__m512i; 4]; 2] {
    let mut acc = [[_mm512_setzero_si512(); 4]; 2];
    for ((step, high), low) in group.iter().zip(high).zip(low) {
        let (high, low) = (high.as_chunks::<64>().0, low.as_chunks::<64>().0);
        let [lowest, uppers @ ..] = step;
        let mut bits = [_mm512_setzero_si512(); 4];
        for r in 0..4 {
            prefetch(&lowest[r], PREFETCH_AHEAD);
            bits[r] = load_64(&lowest[r]);
        }
        for (pair, lines) in uppers.iter().enumerate() {
            let mut upper = [_mm512_setzero_si512(); 4];
            for r in 0..4 {
                prefetch(&lines[r], PREFETCH_AHEAD);
                upper[r] = load_64(&lines[r]);
            }
            for g in [2 * pair, 2 * pair + 1] {
                let (high, low) = (load_i8(&high[g]), load_i8(&low[g]));
                for r in 0..4 {
                    let shifted = match g % 2 {
                        0 => upper[r],
                        _ => _mm512_slli_epi16::<4>(upper[r]),
                    };
                    let codes = join(shifted, to_bit_3(bits[r], g));
                    acc[0][r] = _mm512_dpbusd_epi32(acc[0][r], codes, high);
                    acc[1][r] = _mm512_dpbusd_epi32(acc[1][r], codes, low);
                }
            }
        }
    }
    acc
}

/// Shifts so that bit `g` of each byte becomes bit 3, under a code's upper bits in bits 7:4. What
/// comes in from neighbouring bytes is masked later.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn to_bit_3(bits: __m512i, g: usize) -> __m512i {
    match g {
        0 => _mm512_slli_epi16::<3>(bits),
        1 => _mm512_slli_epi16::<2>(bits),
        2 => _mm512_slli_epi16::<1>(bits),
        3 => bits,
        4 => _mm512_srli_epi16::<1>(bits),
        5 => _mm512_srli_epi16::<2>(bits),
        6 => _mm512_srli_epi16::<3>(bits),
        _ => _mm512_srli_epi16::<4>(bits),
    }
}

/// Bits 7:4 of each byte of `upper`, bit 3 of `lowest`, and zeros.
#[target_feature(enable = "avx512f")]
#[inline]
fn join(upper: __m512i, lowest: __m512i) -> __m512i {
    let bit = _mm512_and_si512(lowest, _mm512_set1_epi8(0x08));
    let nibble = _mm512_set1_epi8(0xf0u8.cast_signed());
    // (upper and nibble) or bit
    _mm512_ternarylogic_epi32::<0b1111_1000>(bit, upper, nibble)
}
