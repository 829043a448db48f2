//! Products with matrices of 2560 columns, the width of the largest published BitNet b1.58 model.

use std::{hint::black_box, ops::Range, sync::Arc};

use engine_native::{
    DenseRows, DenseType, GemmBatch, GemmScratch, Kernels, Ledger, Op, QuantizedActivations,
    ReadBuffer, RowLayout, ScreenActivations, ScreenRows, TernaryRows,
};

use crate::sampling::Workload;

const N_COLS: usize = 2560;
/// Rows of an FFN projection, and the most rows of one call.
const N_ROWS: usize = 6912;

/// Bytes that are both I2_S weights and finite F16 values: an exponent of ones would need the
/// invalid code 3.
pub struct Products {
    kernels: Arc<dyn Kernels>,
    bytes: ReadBuffer,
    activations: QuantizedActivations,
    hidden: Vec<f32>,
    screened: ScreenActivations,
    scales: Vec<f32>,
}

impl Products {
    /// Products over up to `n_bytes` bytes.
    pub fn new(kernels: Arc<dyn Kernels>, n_bytes: usize) -> Self {
        let value = |i: usize| (i * 97 % 255) as i32 - 127;
        let mut activations = QuantizedActivations::with_len(N_COLS);
        for i in 0..N_COLS {
            activations.values[i] = value(i) as i8;
            activations.sum += value(i);
        }
        activations.scale = 0.01;
        let hidden: Vec<f32> = (0..N_COLS).map(|i| value(i) as f32 / 64.0).collect();
        let mut screened = ScreenActivations::with_len(N_COLS);
        screened.quantize(&hidden);
        let mut bytes = ReadBuffer::new(n_bytes);
        let (words, _) = bytes.as_mut_slice().as_chunks_mut();
        for (i, word) in words.iter_mut().enumerate() {
            *word = random_codes(i as u64);
        }
        Self {
            scales: vec![0.01; n_bytes / ScreenRows::bytes(4, N_COLS) * 4],
            screened,
            hidden,
            kernels,
            bytes,
            activations,
        }
    }

    /// A plain read, the ternary GEMV, the output matrix and its low-bit copy, over about `n_bytes`
    /// bytes each.
    pub fn over(&self, n_bytes: usize, repetitions: usize) -> [Workload<'_>; 4] {
        let workload = |name, row_bytes, is_product, run| {
            let n_units = n_bytes / row_bytes;
            Workload {
                name,
                n_units,
                granularity: 4,
                bytes: n_units * row_bytes,
                macs: if is_product { n_units * N_COLS } else { 0 },
                repetitions,
                run,
            }
        };
        let layout = self.kernels.row_layout();
        let (ternary, half) = (self.ternary(layout, 0..1), self.half(0..1));
        let (ternary, half) = (ternary.row_bytes(), half.row_bytes());
        [
            workload(
                "read",
                ternary,
                false,
                Box::new(|rows, n| self.read(rows, n)),
            ),
            workload(
                "i2s_gemv",
                ternary,
                true,
                Box::new(|rows, n| self.gemv(rows, n)),
            ),
            workload(
                "output_gemv_f16",
                half,
                true,
                Box::new(|rows, n| self.output(rows, n)),
            ),
            workload(
                "output_screen",
                ScreenRows::bytes(4, N_COLS) / 4,
                true,
                Box::new(|rows, n| self.screen(rows, n)),
            ),
        ]
    }

    /// An FFN projection of `n_positions` with `kernels`. The threads share the positions.
    pub fn prefill<'a>(&'a self, kernels: &'a dyn Kernels, n_positions: usize) -> Workload<'a> {
        Workload {
            name: kernels.isa().as_str(),
            n_units: n_positions,
            granularity: 4,
            bytes: self.ternary(RowLayout::Rows, 0..N_ROWS).packed.len(),
            macs: N_ROWS * N_COLS * n_positions,
            repetitions: 1,
            run: Box::new(|positions, n| self.gemm(kernels, positions, n)),
        }
    }

    fn ternary(&self, layout: RowLayout, rows: Range<usize>) -> TernaryRows<'_> {
        let (start, len) = (
            layout.bytes(rows.start, N_COLS),
            layout.bytes(rows.len(), N_COLS),
        );
        TernaryRows {
            layout,
            packed: &self.bytes.as_slice()[start..start + len],
            n_rows: rows.len(),
            n_cols: N_COLS,
            scale: 0.02,
        }
    }

    fn half(&self, rows: Range<usize>) -> DenseRows<'_> {
        let all = DenseRows {
            dense_type: DenseType::F16,
            n_cols: N_COLS,
            bytes: self.bytes.as_slice(),
        };
        all.rows(rows.start, rows.len())
    }

    fn read(&self, rows: Range<usize>, repetitions: usize) {
        for _ in 0..repetitions {
            let packed = self.ternary(self.kernels.row_layout(), rows.clone()).packed;
            black_box(self.kernels.read(black_box(packed)));
        }
    }

    fn gemv(&self, rows: Range<usize>, repetitions: usize) {
        let mut ledger = Ledger::default();
        let mut out = vec![0.0; N_ROWS];
        for call in calls(rows, repetitions) {
            let out = &mut out[..call.len()];
            let recorder = ledger.op(Op::FfnUp);
            let weights = self.ternary(self.kernels.row_layout(), call);
            self.kernels
                .ternary_gemv(weights, &self.activations, out, recorder);
            black_box(out);
        }
    }

    fn output(&self, rows: Range<usize>, repetitions: usize) {
        let mut ledger = Ledger::default();
        let mut out = vec![0.0; N_ROWS];
        for call in calls(rows, repetitions) {
            let out = &mut out[..call.len()];
            let recorder = ledger.op(Op::Output);
            self.kernels
                .output_gemv(self.half(call), &self.hidden, out, recorder);
            black_box(out);
        }
    }

    fn screen(&self, rows: Range<usize>, repetitions: usize) {
        let all = ScreenRows {
            packed: &self.bytes.as_slice()[..ScreenRows::bytes(self.scales.len(), N_COLS)],
            scales: &self.scales,
            n_cols: N_COLS,
        };
        let mut ledger = Ledger::default();
        let mut out = vec![0.0; N_ROWS];
        for call in calls(rows, repetitions) {
            let out = &mut out[..call.len()];
            let recorder = ledger.op(Op::OutputScreen);
            let rows = all.rows(call.start, call.len());
            self.kernels
                .output_screen(rows, &self.screened, out, recorder);
            black_box(out);
        }
    }

    fn gemm(&self, kernels: &dyn Kernels, positions: Range<usize>, repetitions: usize) {
        let mut ledger = Ledger::default();
        let mut batch = Batch {
            activations: &self.activations,
            outs: vec![vec![0.0; N_ROWS]; positions.len()],
        };
        let mut scratch = GemmScratch::new(N_COLS, positions.len());
        for _ in 0..repetitions {
            let weights = self.ternary(RowLayout::Rows, 0..N_ROWS);
            let recorder = ledger.op(Op::FfnUp);
            kernels.ternary_gemm(weights, &mut batch, &mut scratch, recorder);
            black_box(&batch.outs);
        }
    }
}

/// Positions with the same activations.
pub struct Batch<'a> {
    pub activations: &'a QuantizedActivations,
    pub outs: Vec<Vec<f32>>,
}

impl GemmBatch for Batch<'_> {
    fn n_positions(&self) -> usize {
        self.outs.len()
    }

    fn position(&mut self, i: usize) -> (&QuantizedActivations, &mut [f32]) {
        (self.activations, &mut self.outs[i])
    }
}

/// Splits a range into calls over at most [`N_ROWS`] rows, as long as the matrices of a model.
fn calls(rows: Range<usize>, repetitions: usize) -> impl Iterator<Item = Range<usize>> {
    (0..repetitions).flat_map(move |_| {
        let end = rows.end;
        let firsts = rows.clone().step_by(N_ROWS);
        firsts.map(move |first| first..end.min(first + N_ROWS))
    })
}

/// Word number `i` of random 2-bit codes 0, 1 and 2.
pub fn random_codes(i: u64) -> [u8; 8] {
    const HIGH_BITS: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let z = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = z ^ (z >> 27);
    (z & !((z & HIGH_BITS) >> 1)).to_le_bytes()
}
