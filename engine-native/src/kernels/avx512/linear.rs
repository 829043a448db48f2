//! The ternary product with VNNI: `vpdpbusd` multiplies four unsigned by four signed bytes and adds
//! them to an i32, without saturation.

use std::arch::x86_64::*;

use super::lanes::{load_64, load_i8, prefetch, sum_i32_four};
use crate::{
    kernels::{
        Isa, KernelName, QuantizedActivations, RowLayout, TernaryRows, avx2::store_products,
    },
    ledger::Recorder,
};

/// How far ahead of the weights the product asks for them, in bytes. Far, and into the L2 cache: the
/// L1 cache can wait for too few lines at once to keep a memory busy.
pub(super) const PREFETCH_AHEAD: usize = 16 << 10;

/// 256 weights of each of four rows.
type Step256 = [u8; 256];

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
pub fn gemv_groups(
    weights: TernaryRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    weights.assert_fits(activations, out.len());
    assert_eq!(weights.layout, RowLayout::Groups256);
    groups(weights, activations, out);
    recorder.record(
        KernelName::I2sGemv,
        Isa::Avx512Vnni,
        out.len() * weights.n_cols,
    );
}

/// Alone in its function: with more pointers to keep, the compiler fetches those of the loop from the
/// stack, which was measured to cost a fifth of the bandwidth.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
#[inline(never)]
fn groups(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    let scale = weights.scale * activations.scale;
    let (values, _) = activations.values.as_chunks::<256>();
    let values = &values[..weights.n_cols.div_ceil(256)];
    let (steps, _) = weights.packed.as_chunks::<256>();
    for (group, out) in steps.chunks_exact(values.len()).zip(out.chunks_mut(4)) {
        let acc = sum_i32_four(dot_group(group, values));
        store_products(acc, activations.sum, scale, out);
    }
}

/// Σ code·q of the four rows of a group, spread over sixteen i32 lanes each.
///
/// The fields are used where they stand, as 64, 16, 4 and 1 times the code, each with a sum of its
/// own. Limit: a lane gets at most 4·128·127 = 65,024 per step, so an i32 holds 33,000 steps, rows of
/// 8 million weights.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn dot_group(group: &[Step256], values: &[[i8; 256]]) -> [__m512i; 4] {
    let fields: [__m512i; 4] = [0b1100_0000u8, 0b0011_0000, 0b0000_1100, 0b0000_0011]
        .map(|mask| _mm512_set1_epi8(mask.cast_signed()));
    let mut acc = [[_mm512_setzero_si512(); 4]; 4];
    for (step, q) in group.iter().zip(values) {
        let (q, _) = q.as_chunks::<64>();
        let q = [
            load_i8(&q[0]),
            load_i8(&q[1]),
            load_i8(&q[2]),
            load_i8(&q[3]),
        ];
        for (row, acc) in step.as_chunks::<64>().0.iter().zip(&mut acc) {
            let codes = load_64(row);
            for f in 0..4 {
                acc[f] = _mm512_dpbusd_epi32(acc[f], _mm512_and_si512(codes, fields[f]), q[f]);
            }
            prefetch(row, PREFETCH_AHEAD);
        }
    }
    // Sums of multiples: the shifts are exact divisions.
    acc.map(|[by64, by16, by4, by1]| {
        let high = _mm512_add_epi32(_mm512_srai_epi32::<6>(by64), _mm512_srai_epi32::<4>(by16));
        _mm512_add_epi32(high, _mm512_add_epi32(_mm512_srai_epi32::<2>(by4), by1))
    })
}
