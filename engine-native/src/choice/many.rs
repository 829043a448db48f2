//! Greedy choices at many positions at once, as when the tokens of a claim are fed. The output
//! matrix is taken block by block, each block for all positions, so that it is read from memory
//! only once.

use std::ops::Range;

use super::output_rows::OutputRows;
use crate::{
    engine::Engine,
    error::{RunError, check_cancelled, non_finite},
    kernels::{Kernels, NonFinite},
    ledger::{Choice, Ledger, Op, Recorder},
    model::DenseType,
    observer::Observer,
    operands::DenseRows,
    run::{PositionState, Session},
    workers::Scratch,
};

/// First row of a part of the output matrix, and its logits.
type Part<'l> = (usize, &'l mut [f32]);
/// The best choice so far, `[position]`.
type Best = Vec<Option<Choice>>;

/// Size of a block of rows, as they are multiplied: it stays in a core's cache for all positions.
const BLOCK_BYTES: usize = 256 << 10;

impl Session {
    /// Chooses a token at each of `positions`, which may be empty. They belong to the last chunk,
    /// which began at position `first`.
    pub(crate) fn choose_each(
        &mut self,
        positions: Range<usize>,
        first: usize,
    ) -> Result<(), RunError> {
        if self.engine.screen.is_some() || positions.len() < 2 {
            for position in positions {
                check_cancelled(&*self.observer)?;
                let choice = self.choose(position - first, position)?;
                self.traces[position].choice = Some(choice);
                self.advance_choice();
            }
            return Ok(());
        }
        let (engine, observer) = (&self.engine, &*self.observer);
        let rows = OutputRows::of(engine);
        let states = &mut self.states[positions.start - first..positions.end - first];
        for state in &mut *states {
            rows.quantize(state, &*engine.kernels, &mut self.scratch[0].ledger)?;
        }
        let states = &*states;
        let work = self.logits.len() * rows.n_cols();
        let shares = engine.workers.shares(work.saturating_mul(states.len()));
        let mut best_of_parts = vec![vec![None; states.len()]; shares.n_parts()];
        let parts = shares.split(&mut self.logits, rows.unit());
        let parts = parts.zip(&mut best_of_parts);
        let job = |(part, best): (Part, &mut Best), scratch: &mut Scratch| {
            best_in(
                part,
                rows,
                states,
                engine,
                observer,
                best,
                &mut scratch.ledger,
            )
        };
        engine.workers.run(parts, &mut self.scratch, job)?;
        for (i, trace) in self.traces[positions].iter_mut().enumerate() {
            let best = best_of_parts.iter().filter_map(|best| best[i]);
            trace.choice = best.fold(None, |best, choice| Some(larger(best, choice)));
        }
        Ok(())
    }
}

/// Finds the best choice at each position among the rows of one part.
fn best_in(
    (start, logits): Part,
    rows: OutputRows,
    states: &[PositionState],
    engine: &Engine,
    observer: &dyn Observer,
    best: &mut Best,
    ledger: &mut Ledger,
) -> Result<(), RunError> {
    let kernels = &*engine.kernels;
    let mut block = Block::for_rows(rows);
    for (i, out) in logits.chunks_mut(block.n_rows).enumerate() {
        check_cancelled(observer)?;
        let start = start + i * block.n_rows;
        let rows = rows.rows(start, out.len());
        let rows = block.prepare(rows, kernels, ledger.op(Op::Output));
        for (state, best) in states.iter().zip(&mut *best) {
            rows.gemv(state, out, kernels, ledger.op(Op::Output));
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
        let macs = out.len() * (rows.n_cols() + 1) * states.len();
        observer.advance(macs as u64);
    }
    Ok(())
}

/// A block of rows; dense ones are widened to f32 once for all positions.
struct Block {
    n_rows: usize,
    row: Vec<f32>,
    /// The rows as f32, little endian.
    bytes: Vec<u8>,
}

impl Block {
    fn for_rows(rows: OutputRows) -> Self {
        let row_bytes = match rows {
            OutputRows::Dense(rows) => rows.n_cols * size_of::<f32>(),
            OutputRows::Grouped(rows) => rows.n_cols / 4,
        };
        let n_rows = (BLOCK_BYTES / row_bytes).next_multiple_of(rows.unit());
        Self {
            n_rows: n_rows.max(rows.unit()),
            row: vec![0.0; rows.n_cols()],
            bytes: Vec::new(),
        }
    }

    /// The rows to multiply: exactly the values that logits are computed from.
    fn prepare<'a>(
        &'a mut self,
        rows: OutputRows<'a>,
        kernels: &dyn Kernels,
        recorder: &mut Recorder,
    ) -> OutputRows<'a> {
        match rows {
            OutputRows::Dense(rows) => OutputRows::Dense(self.widen(rows, kernels, recorder)),
            OutputRows::Grouped(_) => rows,
        }
    }

    /// Widens `rows`.
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

/// The choice with the larger logit. On a tie `best` stays: its row is the lower one.
fn larger(best: Option<Choice>, next: Choice) -> Choice {
    match best {
        Some(best) if best.logit >= next.logit => best,
        _ => next,
    }
}
