//! Attention of one position at depth 2,048, on the shape of the largest published BitNet b1.58 model:
//! 30 layers of 5 KV heads, each shared by 4 query heads of 128 elements.

use std::{hint::black_box, ops::Range, sync::Arc};

use engine_native::{
    AttentionScratch, DenseRows, DenseType, Kernels, Ledger, Op, Queries, ReadBuffer,
};

use crate::sampling::Workload;

const HEAD_DIM: usize = 128;
const DEPTH: usize = 2048;
const GROUP: usize = 4;
const N_KV_HEADS: usize = 30 * 5;
const ROW_BYTES: usize = 2 * HEAD_DIM;

/// The keys of all layers, which also serve as values.
pub struct Attention {
    kernels: Arc<dyn Kernels>,
    cache: ReadBuffer,
    queries: Vec<f32>,
}

impl Attention {
    /// A KV cache of F16 values between 1 and 2.
    pub fn new(kernels: Arc<dyn Kernels>) -> Self {
        let mut cache = ReadBuffer::new(N_KV_HEADS * DEPTH * ROW_BYTES);
        for (i, half) in cache
            .as_mut_slice()
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .enumerate()
        {
            *half = [(i * 97 % 251) as u8, 0x3c];
        }
        Self {
            kernels,
            cache,
            queries: (0..GROUP * HEAD_DIM)
                .map(|i| (i * 97 % 255) as f32 / 64.0)
                .collect(),
        }
    }

    /// Scores and weighted sums of a whole decode step.
    pub fn of_a_step(&self) -> [Workload<'_>; 2] {
        let workload = |name, run| Workload {
            name,
            n_units: N_KV_HEADS,
            granularity: 1,
            bytes: N_KV_HEADS * DEPTH * ROW_BYTES,
            macs: N_KV_HEADS * DEPTH * HEAD_DIM * GROUP,
            repetitions: 1,
            run,
        };
        [
            workload(
                "attention_scores",
                Box::new(|heads, n| self.scores(heads, n)),
            ),
            workload(
                "attention_values",
                Box::new(|heads, n| self.values(heads, n)),
            ),
        ]
    }

    fn rows(&self, head: usize) -> DenseRows<'_> {
        let all = DenseRows {
            dense_type: DenseType::F16,
            n_cols: HEAD_DIM,
            bytes: self.cache.as_slice(),
        };
        all.rows(head * DEPTH, DEPTH)
    }

    fn scores(&self, heads: Range<usize>, repetitions: usize) {
        let mut ledger = Ledger::default();
        let mut scratch = AttentionScratch::new(GROUP, HEAD_DIM);
        let mut scores = vec![0.0; GROUP * DEPTH];
        let queries = Queries {
            of_positions: &[&self.queries],
            first: DEPTH - 1,
            head_dim: HEAD_DIM,
        };
        for head in (0..repetitions).flat_map(|_| heads.clone()) {
            let recorder = ledger.op(Op::AttentionScores);
            let keys = self.rows(head);
            self.kernels
                .attention_scores(queries, keys, 0.1, &mut scores, &mut scratch, recorder);
            black_box(&mut scores);
        }
    }

    fn values(&self, heads: Range<usize>, repetitions: usize) {
        let mut ledger = Ledger::default();
        let mut scratch = AttentionScratch::new(GROUP, HEAD_DIM);
        let weights = vec![1.0 / DEPTH as f32; GROUP * DEPTH];
        let mut out = vec![0.0; GROUP * HEAD_DIM];
        for head in (0..repetitions).flat_map(|_| heads.clone()) {
            let recorder = ledger.op(Op::AttentionValues);
            let (values, first) = (self.rows(head), DEPTH - 1);
            let out = &mut [&mut out[..]];
            self.kernels
                .attention_values(&weights, values, first, out, &mut scratch, recorder);
            black_box(out);
        }
    }
}
