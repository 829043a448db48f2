//! Products with low-bit rows.

use crate::{
    kernels::{
        Isa, KernelName, ScreenActivations, ScreenRows,
        screen_rows::{SCREEN_OFFSET, SCREEN_STEP, SCREEN_STEP_BYTES},
    },
    ledger::Recorder,
};

/// Code `i` of a row.
fn code(row: &[u8], i: usize) -> i32 {
    let step = &row[i / SCREEN_STEP * SCREEN_STEP_BYTES..][..SCREEN_STEP_BYTES];
    let (group, lane) = (i % SCREEN_STEP / 64, i % 64);
    let upper = step[64 * (group / 2) + lane] >> (4 * (1 - group % 2)) & 15;
    let lowest = step[256 + lane] >> group & 1;
    i32::from(upper << 1 | lowest)
}

/// `(256·high + low) · (row scale · activation scale)` from exact sums of products with the parts.
pub fn approximation(high: i32, low: i32, row_scale: f32, activation_scale: f32) -> f32 {
    (high as f32 * 256.0 + low as f32) * (row_scale * activation_scale)
}

pub fn output_screen(
    rows: ScreenRows,
    x: &ScreenActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    rows.assert_fits(x, out.len());
    let packed = rows.packed.chunks_exact(ScreenRows::row_bytes(rows.n_cols));
    for ((out, row), scale) in out.iter_mut().zip(packed).zip(rows.scales) {
        let [mut high, mut low] = [0, 0];
        for i in 0..rows.n_cols {
            let value = 2 * code(row, i) - SCREEN_OFFSET;
            high += value * i32::from(x.high[i]);
            low += value * i32::from(x.low[i]);
        }
        *out = approximation(high, low, *scale, x.scale);
    }
    recorder.record(
        KernelName::OutputScreen,
        Isa::Scalar,
        out.len() * rows.n_cols,
    );
}
