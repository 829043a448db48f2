//! Products with low-bit rows.

use std::arch::x86_64::*;

use super::{
    lanes::{load_64, load_i8, prefetch, sum_i32_four},
    linear::PREFETCH_AHEAD,
};
use crate::{
    kernels::{
        Isa, KernelName, ScreenActivations, ScreenRows,
        avx2::{ScreenStep, store_approximations},
        screen_rows::SCREEN_STEP_BYTES,
    },
    ledger::Recorder,
};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
pub fn output_screen(
    rows: ScreenRows,
    x: &ScreenActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    rows.assert_fits(x, out.len());
    four_by_four(rows, x, out);
    let macs = out.len() * rows.n_cols;
    recorder.record(KernelName::OutputScreen, Isa::Avx512Vnni, macs);
}

/// Alone in its function, as the other loops over weights are.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
#[inline(never)]
fn four_by_four(rows: ScreenRows, x: &ScreenActivations, out: &mut [f32]) {
    let parts = [x.high.as_chunks::<512>().0, x.low.as_chunks::<512>().0];
    let (steps, _) = rows.packed.as_chunks::<SCREEN_STEP_BYTES>();
    let n_steps = parts[0].len();
    let four = steps.chunks(4 * n_steps).zip(rows.scales.chunks(4));
    for ((steps, scales), out) in four.zip(out.chunks_mut(4)) {
        let mut sums = [[_mm512_setzero_si512(); 4]; 2];
        for (r, row) in steps.chunks_exact(n_steps).enumerate() {
            [sums[0][r], sums[1][r]] = dot_row(row, parts);
        }
        // From eight times the code to twice: an exact division.
        let halves = sums.map(|sums| _mm_srai_epi32::<2>(sum_i32_four(sums)));
        store_approximations(halves, x, scales, out);
    }
}

/// Σ 8·code·part of a row for both parts, spread over sixteen i32 lanes each.
///
/// Limit: a sum over the longest row is at most 65,536·248·128 = 2,080,374,784, less than 2³¹.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn dot_row(row: &[ScreenStep], [high, low]: [&[[i8; 512]]; 2]) -> [__m512i; 2] {
    let mut acc = [[_mm512_setzero_si512(); 2]; 2];
    for ((step, high), low) in row.iter().zip(high).zip(low) {
        let (step, _) = step.as_chunks::<64>();
        let (high, low) = (high.as_chunks::<64>().0, low.as_chunks::<64>().0);
        let [uppers @ .., lowest] = step else {
            unreachable!("a step is five lines")
        };
        prefetch(lowest, PREFETCH_AHEAD);
        let lowest = load_64(lowest);
        // The lowest bit of a code goes to bit 3, under the others in bits 7:4.
        let bits = [
            _mm512_slli_epi16::<3>(lowest),
            _mm512_slli_epi16::<2>(lowest),
            _mm512_slli_epi16::<1>(lowest),
            lowest,
            _mm512_srli_epi16::<1>(lowest),
            _mm512_srli_epi16::<2>(lowest),
            _mm512_srli_epi16::<3>(lowest),
            _mm512_srli_epi16::<4>(lowest),
        ];
        for (pair, upper) in uppers.iter().enumerate() {
            prefetch(upper, PREFETCH_AHEAD);
            let upper = load_64(upper);
            let uppers = [upper, _mm512_slli_epi16::<4>(upper)];
            for g in 0..2 {
                let at = 2 * pair + g;
                let codes = join(uppers[g], bits[at]);
                acc[0][g] = _mm512_dpbusd_epi32(acc[0][g], codes, load_i8(&high[at]));
                acc[1][g] = _mm512_dpbusd_epi32(acc[1][g], codes, load_i8(&low[at]));
            }
        }
    }
    acc.map(|[even, odd]| _mm512_add_epi32(even, odd))
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
