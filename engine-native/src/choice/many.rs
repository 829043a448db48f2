//! Greedy choices at many positions at once, as when a claim is fed: a few rows of the output matrix
//! are computed for every position before the next ones, so that it comes from memory once, without a
//! copy of it.

use std::ops::Range;

use crate::{
    engine::Engine,
    error::{RunError, non_finite},
    kernels::{Kernels, NonFinite},
    ledger::{Choice, Ledger, Op, Recorder},
    model::DenseType,
    operands::{DenseRows, ROW_UNIT},
    run::{PositionState, Session},
    workers::Scratch,
};

/// Logits of consecutive rows, and the first of these rows.
type Part<'l> = (usize, &'l mut [f32]);
/// The best choice so far, `[position]`.
type Best = Vec<Option<Choice>>;

/// Bytes of the rows that are computed for one position after another: they stay in a core's cache.
const BLOCK_BYTES: usize = 256 << 10;

impl Session {
    /// Chooses the tokens after `positions` of the last chunk, which began at position `first`; there
    /// may be none.
    pub(crate) fn choose_each(
        &mut self,
        positions: Range<usize>,
        first: usize,
    ) -> Result<(), RunError> {
        if self.engine.screen.is_some() || positions.len() < 2 {
            for position in positions {
                let choice = self.choose(position - first, position)?;
                self.traces[position].choice = Some(choice);
            }
            return Ok(());
        }
        let engine = &self.engine;
        let states = &self.states[positions.start - first..positions.end - first];
        let rows = DenseRows::of(engine.model.output(), engine.model.file_bytes());
        let work = self.logits.len() * rows.n_cols;
        let shares = engine.workers.shares(work.saturating_mul(states.len()));
        let mut best_of_parts = vec![vec![None; states.len()]; shares.n_parts()];
        let parts = shares.split(&mut self.logits, ROW_UNIT);
        let parts = parts.zip(&mut best_of_parts);
        let job = |(part, best): (Part, &mut Best), scratch: &mut Scratch| {
            best_in(part, rows, states, engine, best, &mut scratch.ledger)
        };
        engine.workers.run(parts, &mut self.scratch, job)?;
        for (i, trace) in self.traces[positions].iter_mut().enumerate() {
            let best = best_of_parts.iter().filter_map(|best| best[i]);
            trace.choice = best.fold(None, |best, choice| Some(larger(best, choice)));
        }
        Ok(())
    }
}

/// The best choices among the rows of one part, block by block.
fn best_in(
    (start, logits): Part,
    rows: DenseRows,
    states: &[PositionState],
    engine: &Engine,
    best: &mut Best,
    ledger: &mut Ledger,
) -> Result<(), RunError> {
    let kernels = &*engine.kernels;
    let mut block = Block::for_rows(rows);
    for (i, out) in logits.chunks_mut(block.n_rows).enumerate() {
        let start = start + i * block.n_rows;
        let rows = rows.rows(start, out.len());
        let rows = block.widen(rows, kernels, ledger.op(Op::Output));
        for (state, best) in states.iter().zip(&mut *best) {
            kernels.output_gemv(rows, &state.normed, out, ledger.op(Op::Output));
            let largest = kernels.argmax(out, ledger.op(Op::GreedyChoice));
            let largest = largest.map_err(|at| {
                let element = start + at.element;
                non_finite(state.position, None, Op::Output)(NonFinite { element, ..at })
            })?;
            let choice = Choice {
                token: (start + largest) as u32,
                logit: out[largest],
            };
            *best = Some(larger(*best, choice));
        }
    }
    Ok(())
}

/// Some rows of a matrix, widened once for all positions.
struct Block {
    n_rows: usize,
    row: Vec<f32>,
    /// Little endian.
    bytes: Vec<u8>,
}

impl Block {
    fn for_rows(rows: DenseRows) -> Self {
        let n_rows = BLOCK_BYTES / (rows.n_cols * size_of::<f32>());
        let n_rows = n_rows.next_multiple_of(ROW_UNIT).max(ROW_UNIT);
        Self {
            n_rows,
            row: vec![0.0; rows.n_cols],
            bytes: Vec::with_capacity(n_rows * rows.n_cols * size_of::<f32>()),
        }
    }

    /// `rows` as the logits are computed from them: of the values that their type means.
    fn widen(
        &mut self,
        rows: DenseRows,
        kernels: &dyn Kernels,
        recorder: &mut Recorder,
    ) -> DenseRows<'_> {
        let row_bytes = rows.n_cols * size_of::<f32>();
        self.bytes.resize(rows.n_rows() * row_bytes, 0);
        for (i, bytes) in self.bytes.chunks_exact_mut(row_bytes).enumerate() {
            kernels.embedding_row(rows.rows(i, 1), &mut self.row, recorder);
            for (bytes, x) in bytes.as_chunks_mut().0.iter_mut().zip(&self.row) {
                *bytes = x.to_le_bytes();
            }
        }
        DenseRows {
            dense_type: DenseType::F32,
            n_cols: rows.n_cols,
            bytes: &self.bytes,
        }
    }
}

/// The one with the larger logit; of equals, the one of the lower row, which comes first.
fn larger(best: Option<Choice>, next: Choice) -> Choice {
    match best {
        Some(best) if best.logit >= next.logit => best,
        _ => next,
    }
}
