//! The work of a replay, in multiply-accumulates.

use super::{
    calls::{head_chunk_work, layer_work},
    units::Unit,
};
use crate::{sandbox::GuestShape, task::Task};

/// The work of a full replay of `task`.
pub fn replay_work(shape: &GuestShape, task: &Task) -> u64 {
    let layers = (0..shape.n_layers as usize).map(Unit::Layer);
    let head = Unit::Head(0..task.n_positions());
    let units: Vec<_> = layers.chain([head]).collect();
    units_work(shape, task, &units)
}

/// The work of a row of logits.
pub(super) fn row_work(shape: &GuestShape) -> u64 {
    head_chunk_work(shape).saturating_mul(shape.n_head_chunks)
}

/// The work of some units of a replay.
pub(super) fn units_work(shape: &GuestShape, task: &Task, units: &[Unit]) -> u64 {
    let layer = (0..task.n_positions())
        .map(|position| layer_work(shape, position))
        .fold(0, u64::saturating_add);
    let work = |unit: &Unit| match unit {
        Unit::Layer(_) => layer,
        Unit::Head(positions) => {
            let choices = positions.clone().filter(|&p| task.chooses_at(p));
            row_work(shape).saturating_mul(choices.count() as u64)
        }
    };
    units.iter().map(work).fold(0, u64::saturating_add)
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

    /// The work of all calls of a replay adds up exactly to the total.
    #[test]
    fn a_replay_ends_at_all_of_its_work() {
        let task = Task {
            prompt: vec![1, 2, 3],
            depth: 0,
            n_generate: 4,
            kv_type: KvType::F16,
            challenge: None,
        };
        let shape = shape();
        let layers = shape.n_layers
            * (0..task.n_positions())
                .map(|p| layer_work(&shape, p))
                .sum::<u64>();
        let head = task.n_generate as u64 * shape.n_head_chunks * head_chunk_work(&shape);
        // Projections of a layer: 8 × (2 × (8 + 4) + 3 × 16) at each of 6 positions; attention:
        // 2 × 8 for each of the 21 pairs of positions. The output matrix: 8 × 100 for each token.
        let whole = 2 * (8 * 72 * 6 + 16 * 21) + 4 * 800;
        assert_eq!(replay_work(&shape, &task), whole);
        assert_eq!(layers + head, whole);
    }
}
