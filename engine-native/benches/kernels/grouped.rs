//! Grouped ternary products with matrices of 2048 columns in groups of 128, as a model of 1.7
//! billion weights has them.

use std::{hint::black_box, ops::Range, sync::Arc};

use engine_native::{
    GemmScratch, GroupedRows, Isa, Kernels, Ledger, Op, PANEL_ROWS, PanelBytes,
    QuantizedActivations, ReadBuffer,
};
use half::f16;

use crate::{
    products::{Batch, random_codes},
    sampling::Workload,
};

const N_COLS: usize = 2048;
/// Rows of an FFN projection, and the most rows of one call.
const N_ROWS: usize = 6144;
const GROUP_LEN: usize = 128;

/// Operands of grouped ternary products.
pub struct Grouped {
    kernels: Arc<dyn Kernels>,
    codes: ReadBuffer,
    scales: ReadBuffer,
    activations: QuantizedActivations,
}

impl Grouped {
    /// Products over up to `n_bytes` bytes.
    pub fn new(kernels: Arc<dyn Kernels>, n_bytes: usize) -> Self {
        let x: Vec<f32> = (0..N_COLS).map(|i| (i * 97 % 255) as f32 - 127.0).collect();
        let mut activations = QuantizedActivations::with_len(N_COLS);
        let mut ledger = Ledger::default();
        kernels
            .quantize_blocks(&x, &mut activations, ledger.op(Op::AttnQkvQuantize))
            .expect("all are finite");
        let bytes = PanelBytes::of(Self::n_rows(n_bytes), N_COLS, GROUP_LEN);
        let mut codes = ReadBuffer::new(bytes.codes);
        let (words, _) = codes.as_mut_slice().as_chunks_mut();
        for (i, word) in words.iter_mut().enumerate() {
            *word = random_codes(i as u64);
        }
        let mut scales = ReadBuffer::new(bytes.scales);
        for scale in scales.as_mut_slice().as_chunks_mut().0 {
            *scale = f16::from_f32(0.02).to_le_bytes();
        }
        Self {
            kernels,
            codes,
            scales,
            activations,
        }
    }

    /// Rows, in whole panels, that fill at most `n_bytes`.
    fn n_rows(n_bytes: usize) -> usize {
        let panel = PanelBytes::of(PANEL_ROWS, N_COLS, GROUP_LEN);
        n_bytes / (panel.codes + panel.scales) * PANEL_ROWS
    }

    /// A plain read and the GEMV with each of `kernels`, over about `n_bytes` bytes each.
    pub fn over<'a>(
        &'a self,
        kernels: impl Iterator<Item = &'a Arc<dyn Kernels>>,
        n_bytes: usize,
        repetitions: usize,
    ) -> Vec<Workload<'a>> {
        let n_rows = Self::n_rows(n_bytes);
        let bytes = PanelBytes::of(n_rows, N_COLS, GROUP_LEN);
        let workload = |name, macs, run| Workload {
            name,
            n_units: n_rows,
            granularity: PANEL_ROWS,
            bytes: bytes.codes + bytes.scales,
            macs,
            repetitions,
            run,
        };
        let read = workload("read", 0, Box::new(|rows, n| self.read(rows, n)));
        let products = kernels.map(|kernels| {
            let name = match kernels.isa() {
                Isa::Scalar => "grouped scalar",
                Isa::Avx2 => "grouped avx2",
                Isa::AvxVnni => "grouped avx_vnni",
                Isa::Avx512Vnni => "grouped avx512_vnni",
                Isa::Amx => "grouped amx",
            };
            let run = Box::new(|rows, n| self.gemv(&**kernels, rows, n));
            workload(name, n_rows * N_COLS, run)
        });
        [read].into_iter().chain(products).collect()
    }

    /// An FFN projection of `n_positions` with `kernels`. The threads share the positions.
    pub fn prefill<'a>(&'a self, kernels: &'a dyn Kernels, n_positions: usize) -> Workload<'a> {
        Workload {
            name: kernels.isa().as_str(),
            n_units: n_positions,
            granularity: 4,
            bytes: self.rows(0..N_ROWS.min(self.all().n_rows)).codes.len(),
            macs: N_ROWS * N_COLS * n_positions,
            repetitions: 1,
            run: Box::new(|positions, n| self.gemm(kernels, positions, n)),
        }
    }

    fn all(&self) -> GroupedRows<'_> {
        let panel = PanelBytes::of(PANEL_ROWS, N_COLS, GROUP_LEN);
        GroupedRows {
            codes: self.codes.as_slice(),
            scales: self.scales.as_slice(),
            n_rows: self.codes.as_slice().len() / panel.codes * PANEL_ROWS,
            n_cols: N_COLS,
            group_len: GROUP_LEN,
        }
    }

    fn rows(&self, rows: Range<usize>) -> GroupedRows<'_> {
        self.all().rows(rows.start, rows.len())
    }

    fn read(&self, rows: Range<usize>, repetitions: usize) {
        let rows = self.rows(rows);
        for _ in 0..repetitions {
            black_box(self.kernels.read(black_box(rows.codes)));
            black_box(self.kernels.read(black_box(rows.scales)));
        }
    }

    fn gemv(&self, kernels: &dyn Kernels, rows: Range<usize>, repetitions: usize) {
        let mut ledger = Ledger::default();
        let mut out = vec![0.0; N_ROWS];
        for _ in 0..repetitions {
            for first in rows.clone().step_by(N_ROWS) {
                let call = first..rows.end.min(first + N_ROWS);
                let out = &mut out[..call.len()];
                let recorder = ledger.op(Op::FfnUp);
                kernels.grouped_gemv(self.rows(call), &self.activations, out, recorder);
                black_box(out);
            }
        }
    }

    fn gemm(&self, kernels: &dyn Kernels, positions: Range<usize>, repetitions: usize) {
        let mut ledger = Ledger::default();
        let rows = self.rows(0..N_ROWS.min(self.all().n_rows));
        let mut batch = Batch {
            activations: &self.activations,
            outs: vec![vec![0.0; rows.n_rows]; positions.len()],
        };
        let mut scratch = GemmScratch::grouped(N_COLS, positions.len());
        for _ in 0..repetitions {
            let recorder = ledger.op(Op::FfnUp);
            kernels.grouped_gemm(rows, &mut batch, &mut scratch, recorder);
            black_box(&batch.outs);
        }
    }
}
