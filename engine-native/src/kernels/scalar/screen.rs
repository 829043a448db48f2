//! Products with low-bit rows.

use crate::{
    kernels::{
        Isa, KernelName, SCREEN_OFFSET, SCREEN_ROWS, SCREEN_STEP, ScreenActivations, ScreenRows,
        ScreenStep,
    },
    ledger::Recorder,
};

/// Code `i` of row `r` of a group.
fn code(group: &[ScreenStep], r: usize, i: usize) -> i32 {
    let [lowest, uppers @ ..] = &group[i / SCREEN_STEP];
    let (g, lane) = (i % SCREEN_STEP / 64, i % 64);
    let upper = uppers[g / 2][r][lane] >> (4 * (1 - g % 2)) & 15;
    i32::from(upper << 1 | lowest[r][lane] >> g & 1)
}

pub fn output_screen(
    rows: ScreenRows,
    x: &ScreenActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    rows.assert_fits(x, out.len());
    let groups = rows.groups().zip(rows.scales.chunks(SCREEN_ROWS));
    for ((group, scales), out) in groups.zip(out.chunks_mut(SCREEN_ROWS)) {
        for (r, (out, scale)) in out.iter_mut().zip(scales).enumerate() {
            let [mut high, mut low] = [0, 0];
            for i in 0..rows.n_cols {
                let value = 2 * code(group, r, i) - SCREEN_OFFSET;
                high += value * i32::from(x.high[i]);
                low += value * i32::from(x.low[i]);
            }
            *out = (high as f32 * 256.0 + low as f32) * (scale * x.scale);
        }
    }
    recorder.record(
        KernelName::OutputScreen,
        Isa::Scalar,
        out.len() * rows.n_cols,
    );
}
