//! The greedy choice at one position, among the logits of all rows of the output matrix or of those
//! that a screen cannot rule out.

use super::output_rows::OutputRows;
use crate::{
    engine::Engine,
    error::{RunError, non_finite},
    kernels::check_finite,
    ledger::{Choice, Op},
    operands::{Bound, DenseRows, ROW_UNIT},
    run::Session,
    screen::{Screen, ScreenBuffers},
};

/// If more than one row in this many is left, the full product is as fast.
const LARGEST_PART: usize = 8;
/// Work of comparing one approximation with its bound, in multiply-accumulates.
const BOUND_WORK: usize = 64;
/// With fewer rows left, refining costs more than computing their logits.
const WORTH_REFINING: usize = 16;
/// After this many consecutive choices that needed the full product, the run stops screening.
const FUTILE: u32 = 4;

impl Session {
    /// Chooses the token after `position`, which is the `i`-th of the last chunk.
    pub(crate) fn choose(&mut self, i: usize, position: usize) -> Result<Choice, RunError> {
        if let Some(choice) = self.try_screened(i, position)? {
            return Ok(choice);
        }
        self.output(i)?;
        self.choose_among_all(position)
    }

    /// Reports the work of one choice to the observer.
    pub(crate) fn advance_choice(&self) {
        let shape = self.engine.model.shape();
        self.observer.advance(shape.n_vocab * (shape.n_embd + 1));
    }

    /// The screened choice, if the engine has a screen and it rules out enough rows.
    fn try_screened(&mut self, i: usize, position: usize) -> Result<Option<Choice>, RunError> {
        let (Some(screen), Some(mut buffers)) = (self.engine.screen.clone(), self.screen.take())
        else {
            return Ok(None);
        };
        let choice = self.choose_screened(&screen, &mut buffers, i, position);
        self.screen = Some(buffers);
        choice
    }

    /// The logits at `position`, which is the `i`-th of the last chunk. A choice checks the logits that it
    /// is made among; these may be handed out without one.
    pub(crate) fn checked_output(&mut self, i: usize, position: usize) -> Result<&[f32], RunError> {
        self.output(i)?;
        check_finite(&self.logits).map_err(non_finite(position, None, Op::Output))?;
        Ok(&self.logits)
    }

    /// Computes the logits of the `i`-th position of the last chunk, and does not check them.
    fn output(&mut self, i: usize) -> Result<(), RunError> {
        let engine = &self.engine;
        let rows = OutputRows::of(engine);
        let scratch = &mut self.scratch;
        let state = &mut self.states[i];
        rows.quantize(state, &*engine.kernels, &mut scratch[0].ledger)?;
        let state = &self.states[i];
        let shares = engine.workers.shares(self.logits.len() * rows.n_cols());
        let parts = shares.split(&mut self.logits, rows.unit());
        engine.workers.run(parts, scratch, |(start, out), scratch| {
            if out.is_empty() {
                return Ok(());
            }
            let rows = rows.rows(start, out.len());
            let recorder = scratch.ledger.op(Op::Output);
            rows.gemv(state, out, &*engine.kernels, recorder);
            Ok(())
        })
    }

    /// Chooses among all logits; those computed last must be those of `position`.
    pub(crate) fn choose_among_all(&mut self, position: usize) -> Result<Choice, RunError> {
        let recorder = self.scratch[0].ledger.op(Op::GreedyChoice);
        let best = self
            .engine
            .kernels
            .argmax(&self.logits, recorder)
            .map_err(non_finite(position, None, Op::Output))?;
        Ok(Choice {
            token: best as u32,
            logit: self.logits[best],
        })
    }

    /// Makes the choice of the full product from a few of its rows. `None` if too many are left.
    fn choose_screened(
        &mut self,
        screen: &Screen,
        buffers: &mut ScreenBuffers,
        i: usize,
        position: usize,
    ) -> Result<Option<Choice>, RunError> {
        if buffers.n_futile >= FUTILE {
            return Ok(None);
        }
        let hidden = &self.states[i].normed;
        let lost = buffers.x.quantize(hidden);
        let Some(bound) = Bound::new(hidden, lost, screen.largest_norm()) else {
            buffers.n_futile += 1;
            return Ok(None);
        };
        let best = self.approximate(screen, buffers)?;
        // Rows that cannot reach the exact logit of the row that looks best are ruled out.
        let kernels = self.engine.kernels.clone();
        let mut least = [0.0];
        let rows = screened_rows(&self.engine);
        let recorder = self.scratch[0].ledger.op(Op::Output);
        kernels.output_gemv(
            rows.rows(best, 1),
            &self.states[i].normed,
            &mut least,
            recorder,
        );
        let n_left = self.reaching(screen, bound, least[0], buffers)?;
        let n_left = self.refine(screen, bound, least[0], n_left, buffers)?;
        if n_left > self.logits.len() / LARGEST_PART {
            buffers.n_futile += 1;
            return Ok(None);
        }
        let rows = &buffers.rows[..n_left];
        let is_left = rows.binary_search(&(best as u32)).is_ok();
        assert!(is_left, "a row that reaches its own logit was left out");
        buffers.n_futile = 0;
        buffers.logits.resize(n_left, 0.0);
        self.output_of(rows, i, &mut buffers.logits)?;
        let recorder = self.scratch[0].ledger.op(Op::GreedyChoice);
        let best = kernels
            .argmax(&buffers.logits, recorder)
            .map_err(non_finite(position, None, Op::Output))?;
        Ok(Some(Choice {
            token: rows[best],
            logit: buffers.logits[best],
        }))
    }

    /// Writes approximations of all logits to `self.logits`. Returns the row of the largest one.
    fn approximate(
        &mut self,
        screen: &Screen,
        buffers: &mut ScreenBuffers,
    ) -> Result<usize, RunError> {
        let Engine {
            workers, kernels, ..
        } = &self.engine;
        let (rows, x) = (screen.rows(), &buffers.x);
        let shares = workers.shares(self.logits.len() * rows.n_cols);
        let best_of_parts = &mut buffers.best_of_parts[..shares.n_parts()];
        let parts = shares.split(&mut self.logits, ROW_UNIT);
        let parts = parts.zip(&mut *best_of_parts);
        workers.run(parts, &mut self.scratch, |((start, out), best), scratch| {
            *best = None;
            if out.is_empty() {
                return Ok(());
            }
            let rows = rows.rows(start, out.len());
            let recorder = scratch.ledger.op(Op::OutputScreen);
            kernels.output_screen(rows, x, out, recorder);
            *best = Some(start + kernels.largest(out));
            Ok(())
        })?;
        let best = best_of_parts.iter().flatten().copied();
        let larger = |a: usize, b: usize| {
            if self.logits[b] > self.logits[a] {
                b
            } else {
                a
            }
        };
        Ok(best.reduce(larger).expect("a vocabulary has a token"))
    }

    /// Writes the rows whose logit may be `least` or more to `buffers.rows`. Returns how many there
    /// are.
    fn reaching(
        &mut self,
        screen: &Screen,
        bound: Bound,
        least: f32,
        buffers: &mut ScreenBuffers,
    ) -> Result<usize, RunError> {
        let Engine {
            workers, kernels, ..
        } = &self.engine;
        let bounded = screen.bounded(&self.logits, bound);
        let shares = workers.shares(self.logits.len() * BOUND_WORK);
        let rows_of_parts = &mut buffers.rows_of_parts[..shares.n_parts()];
        let parts = shares.split(&mut buffers.rows, ROW_UNIT);
        let parts = parts.zip(&mut *rows_of_parts);
        workers.run(parts, &mut self.scratch, |((start, rows), found), _| {
            let bounded = bounded.part(start..start + rows.len());
            *found = start..start + kernels.reaching(bounded, least, rows);
            Ok(())
        })?;
        let mut n_left = 0;
        for found in rows_of_parts {
            let n_found = found.len();
            buffers.rows.copy_within(found.clone(), n_left);
            n_left += n_found;
        }
        Ok(n_left)
    }

    /// Rules out more of the first `n_left` rows, if there are enough to pay for it. Returns how
    /// many are left.
    fn refine(
        &mut self,
        screen: &Screen,
        bound: Bound,
        least: f32,
        n_left: usize,
        buffers: &mut ScreenBuffers,
    ) -> Result<usize, RunError> {
        if n_left < WORTH_REFINING {
            return Ok(n_left);
        }
        let ScreenBuffers {
            x, rows, logits, ..
        } = buffers;
        let rows = &mut rows[..n_left];
        logits.clear();
        logits.extend(rows.iter().map(|&row| self.logits[row as usize]));
        let Engine {
            workers, kernels, ..
        } = &self.engine;
        let refine = screen.refine();
        let part_len = workers.part_len(rows.len(), refine.n_cols, 1);
        let parts = rows.chunks(part_len).zip(logits.chunks_mut(part_len));
        workers.run(parts, &mut self.scratch, |(rows, out), scratch| {
            let recorder = scratch.ledger.op(Op::OutputRefine);
            kernels.output_refine(refine, rows, x, out, recorder);
            Ok(())
        })?;
        Ok(screen.drop_below(rows, logits, bound, least))
    }

    /// Computes the logits of some rows at the `i`-th position of the last chunk.
    fn output_of(&mut self, rows: &[u32], i: usize, out: &mut [f32]) -> Result<(), RunError> {
        let Engine {
            workers, kernels, ..
        } = &self.engine;
        let matrix = screened_rows(&self.engine);
        let hidden = &self.states[i].normed;
        let part_len = workers.part_len(rows.len(), matrix.n_cols, 1);
        let parts = rows.chunks(part_len).zip(out.chunks_mut(part_len));
        workers.run(parts, &mut self.scratch, |(rows, out), scratch| {
            for (row, out) in rows.iter().zip(out.chunks_mut(1)) {
                let row = matrix.rows(*row as usize, 1);
                let recorder = scratch.ledger.op(Op::Output);
                kernels.output_gemv(row, hidden, out, recorder);
            }
            Ok(())
        })
    }
}

/// The output matrix of an engine with a screen.
fn screened_rows(engine: &Engine) -> DenseRows<'_> {
    let matrix = engine.model.output().dense();
    let matrix = matrix.expect("only dense matrices have a screen");
    DenseRows::of(matrix, engine.model.file_bytes())
}
