//! How far a replay is.

use super::{
    units::Unit,
    work::{head_chunk_work, layer_work},
};
use crate::{sandbox::GuestShape, task::Task};

/// Called with the multiply-accumulates done and those in all.
pub type ReplayProgress<'p> = &'p mut dyn FnMut(u64, u64);

/// Counts the multiply-accumulates of the guest's calls.
pub(super) struct Meter<'p> {
    done: u64,
    total: u64,
    progress: ReplayProgress<'p>,
}

impl<'p> Meter<'p> {
    /// A meter of the whole replay.
    pub(super) fn new(shape: &GuestShape, task: &Task, progress: ReplayProgress<'p>) -> Self {
        let layers = (0..shape.n_layers as usize).map(Unit::Layer);
        let head = Unit::Head(0..task.n_positions());
        let units: Vec<_> = layers.chain([head]).collect();
        Self::of_units(shape, task, &units, progress)
    }

    /// A meter of some units alone.
    pub(super) fn of_units(
        shape: &GuestShape,
        task: &Task,
        units: &[Unit],
        progress: ReplayProgress<'p>,
    ) -> Self {
        let layer: u64 = (0..task.n_positions())
            .map(|position| layer_work(shape, position))
            .fold(0, u64::saturating_add);
        let choice = head_chunk_work(shape).saturating_mul(shape.n_head_chunks);
        let work = |unit: &Unit| match unit {
            Unit::Layer(_) => layer,
            Unit::Head(positions) => {
                let choices = positions.clone().filter(|&p| task.chooses_at(p));
                choice.saturating_mul(choices.count() as u64)
            }
        };
        Self {
            done: 0,
            total: units.iter().map(work).fold(0, u64::saturating_add),
            progress,
        }
    }

    /// Counts a call of so much work.
    pub(super) fn tick(&mut self, work: u64) {
        // What has to be computed again is not counted twice.
        self.done = self.total.min(self.done.saturating_add(work));
        (self.progress)(self.done, self.total);
    }
}

#[cfg(test)]
mod tests {
    use engine_native::KvType;

    use super::*;

    fn shape() -> GuestShape {
        GuestShape {
            n_vocab: 100,
            n_embd: 8,
            n_layers: 2,
            n_heads: 2,
            n_kv_heads: 1,
            head_dim: 4,
            n_ff: 16,
            context_length: 64,
            rope_dim: 4,
            n_head_chunks: 4,
            tied: true,
            n_parameters: 0,
        }
    }

    /// What the calls of a replay count for adds up to the whole, to the last multiply-accumulate.
    #[test]
    fn a_replay_ends_at_all_of_its_work() {
        let task = Task {
            prompt: vec![1, 2, 3],
            n_generate: 4,
            kv_type: KvType::F16,
            challenge: None,
        };
        let (shape, mut seen) = (shape(), Vec::new());
        let mut progress = |done, of| seen.push((done, of));
        let mut meter = Meter::new(&shape, &task, &mut progress);
        for _ in 0..shape.n_layers {
            (0..task.n_positions()).for_each(|p| meter.tick(layer_work(&shape, p)));
        }
        for _ in 0..task.n_generate as u64 * shape.n_head_chunks {
            meter.tick(head_chunk_work(&shape));
        }
        // Projections of a layer: 8 × (2 × (8 + 4) + 3 × 16) at each of 6 positions; attention:
        // 2 × 8 for each of the 21 pairs of positions. The output matrix: 8 × 100 for each token.
        let whole = 2 * (8 * 72 * 6 + 16 * 21) + 4 * 800;
        assert_eq!(seen.last(), Some(&(whole, whole)));
        let before = seen[seen.len() - 2];
        assert_eq!(before, (whole - 200, whole));
    }
}
