//! BitLinear: activation quantization and the ternary product.

use crate::{
    kernels::{Isa, KernelName, NonFinite, QuantizedActivations, TernaryRows, check_finite},
    ledger::Recorder,
};

pub fn quantize(
    x: &[f32],
    out: &mut QuantizedActivations,
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    assert_eq!(x.len(), out.len);
    check_finite(x)?;
    let absmax = x.iter().fold(1e-5f32, |m, x| m.max(x.abs()));
    let s = 127.0 / absmax;
    let mut sum = 0;
    for (q, x) in out.values.iter_mut().zip(x) {
        // At most 127 in magnitude by construction of s, but for its rounding.
        let rounded = (x * s).round_ties_even().clamp(-127.0, 127.0) as i32;
        *q = rounded as i8;
        sum += rounded;
    }
    out.sum = sum;
    out.scale = absmax / 127.0;
    recorder.record(KernelName::ActivationQuantize, Isa::Scalar, x.len());
    Ok(())
}

/// Σ code·q over one row. Codes are weights plus one. Exact: at most 2·127 per element, so an i32
/// holds rows of up to 2²³ elements.
fn dot_codes(packed: &[u8], values: &[i8]) -> i32 {
    let (blocks, _) = packed.as_chunks::<32>();
    let (values, _) = values.as_chunks::<128>();
    let mut acc = 0;
    for (block, q) in blocks.iter().zip(values) {
        for (k, &byte) in block.iter().enumerate() {
            let code = |shift: u32| i32::from(byte >> shift & 3);
            acc += code(6) * i32::from(q[k])
                + code(4) * i32::from(q[k + 32])
                + code(2) * i32::from(q[k + 64])
                + code(0) * i32::from(q[k + 96]);
        }
    }
    acc
}

fn gemv_rows(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    assert_eq!(activations.len, weights.n_cols);
    assert_eq!(weights.packed.len(), out.len() * weights.row_bytes());
    let scale = weights.scale * activations.scale;
    let rows = weights.packed.chunks_exact(weights.row_bytes());
    for (out, row) in out.iter_mut().zip(rows) {
        let acc = dot_codes(row, &activations.values) - activations.sum;
        *out = acc as f32 * scale;
    }
}

pub fn ternary_gemv(
    weights: TernaryRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    gemv_rows(weights, activations, out);
    recorder.record(KernelName::I2sGemv, Isa::Scalar, out.len() * weights.n_cols);
}

pub fn ternary_gemm(
    weights: TernaryRows,
    activations: &[&QuantizedActivations],
    outs: &mut [&mut [f32]],
    recorder: &mut Recorder,
) {
    assert_eq!(activations.len(), outs.len());
    let mut n_outputs = 0;
    for (activations, out) in activations.iter().zip(outs) {
        gemv_rows(weights, activations, out);
        n_outputs += out.len();
    }
    recorder.record(KernelName::I2sGemm, Isa::Scalar, n_outputs * weights.n_cols);
}
