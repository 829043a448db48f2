//! The least work of a run's positions, derived from the model's shape: multiply-accumulates, bytes
//! read, and additions that depend on each other.
//!
//! All figures are lower bounds. A ternary weight counts with its information content, whatever its
//! type in the file; a weight of a dense output matrix with the smallest type that there is.

use std::ops::Range;

use engine_native::{ModelShape, Op};

use super::{ledger, ternary};
use crate::receipt::{Receipt, parse_kv_type_name};

/// The least bytes that a ternary weight needs: log2(3) bits.
const BYTES_PER_WEIGHT: f64 = 1.584_962_500_721_156 / 8.0;

/// The least bytes of a weight of a dense output matrix: 4.5 bits, as in Q4_K. The screen has 5 bits.
const BYTES_PER_OUTPUT_WEIGHT: f64 = 4.5 / 8.0;

/// Lanes of every sum whose order `NUMERICS.md` fixes: `dot16` and `sum16`.
const LANES: u64 = 16;

/// Columns of a group, each of which adds once to the sum of a row of a grouped product.
const GROUP: u64 = 64;

/// The products of a layer in the order in which each depends on the ones before it.
const REGIONS: [&[Op]; 5] = [
    &[Op::AttnQ, Op::AttnK, Op::AttnV],
    &[Op::AttentionScores, Op::AttentionValues],
    &[Op::AttnOutput],
    &[Op::FfnGate, Op::FfnUp],
    &[Op::FfnDown],
];

/// The work of a receipt's run.
pub(in crate::verify) struct Work {
    shape: ModelShape,
    /// Bytes of an element of the KV cache.
    kv_bytes: u64,
    has_grouped_projections: bool,
    has_grouped_output: bool,
}

/// Products that can be computed at the same time, and how often they follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) struct Region {
    /// Multiply-accumulates of each.
    pub(in crate::verify) macs: u64,
    /// How many there are.
    pub(in crate::verify) times: u64,
}

impl Work {
    /// The work of the run in `r`.
    ///
    /// # Errors
    /// The receipt's architecture does not exist.
    pub(in crate::verify) fn of(r: &Receipt) -> Result<Self, String> {
        let kv_type = parse_kv_type_name(&r.run.kv_type);
        Ok(Self {
            shape: ledger::shape(r)?,
            // Another rule refuses types that do not exist.
            kv_bytes: kv_type.unwrap_or_default().bytes() as u64,
            has_grouped_projections: ternary::has_grouped_projections(r),
            has_grouped_output: ternary::has_grouped_output(r),
        })
    }

    /// The regions of a step that feeds `positions` and chooses one token, in their order. `None`
    /// on overflow.
    pub(in crate::verify) fn regions(&self, positions: &Range<u64>) -> Option<Vec<Region>> {
        let n_layers = self.shape.n_layers.max(1);
        let in_layers = REGIONS.iter().map(|ops| {
            Some(Region {
                macs: self.macs_of(ops, positions)? / n_layers,
                times: n_layers,
            })
        });
        let choice = Some(Region {
            macs: self.choice_macs()?,
            times: 1,
        });
        in_layers.chain([choice]).collect()
    }

    /// The multiply-accumulates of steps that feed `positions` and choose `n_choices` tokens. `None`
    /// on overflow.
    pub(in crate::verify) fn macs(&self, positions: &Range<u64>, n_choices: u64) -> Option<u64> {
        let choices = self.choice_macs()?.checked_mul(n_choices)?;
        let products: Vec<Op> = REGIONS.concat();
        self.macs_of(&products, positions)?.checked_add(choices)
    }

    /// With or without a screen, a choice has a product for every element of the output matrix.
    fn choice_macs(&self) -> Option<u64> {
        Op::Output.work(&self.shape, 1, 1)
    }

    fn macs_of(&self, ops: &[Op], positions: &Range<u64>) -> Option<u64> {
        let before = |end: u64| match end {
            0 => Some(0),
            end => ops
                .iter()
                .map(|op| op.work(&self.shape, end, 0))
                .try_fold(0u64, |sum, work| sum.checked_add(work?)),
        };
        before(positions.end)?.checked_sub(before(positions.start)?)
    }

    /// The bytes that a step reads if it feeds positions up to, but not including, `end`, and
    /// chooses a token: all weights, and the keys and values of all positions before `end`. `None`
    /// on overflow.
    pub(in crate::verify) fn bytes(&self, end: u64) -> Option<f64> {
        let kv = Op::KvStore.work(&self.shape, end, 0)?;
        let per_output_weight = match self.has_grouped_output {
            true => BYTES_PER_WEIGHT,
            false => BYTES_PER_OUTPUT_WEIGHT,
        };
        Some(
            self.ternary_bytes()?
                + self.choice_macs()? as f64 * per_output_weight
                + kv as f64 * self.kv_bytes as f64,
        )
    }

    /// The bytes of the projections' ternary weights. `None` on overflow.
    pub(in crate::verify) fn ternary_bytes(&self) -> Option<f64> {
        let projections = Op::ALL.iter().filter(|op| op.is_projection());
        let weights = projections
            .map(|op| op.work(&self.shape, 1, 0))
            .try_fold(0u64, |sum, work| sum.checked_add(work?))?;
        Some(weights as f64 * BYTES_PER_WEIGHT)
    }

    /// The additions that position `position` has to make one after the other, in all layers: the
    /// contract fixes the order of these sums, so no kernel and no number of threads shortens the
    /// chain. `None` on overflow.
    pub(in crate::verify) fn dependent_adds(&self, position: u64) -> Option<u64> {
        let s = &self.shape;
        let sum16 = |n: u64| n.div_ceil(LANES) + u64::from(LANES.ilog2());
        let sub_norms = match s.architecture.has_sub_norms() {
            true => sum16(s.q_dim()?) + sum16(s.n_ff),
            false => 0,
        };
        let head_norms = match s.architecture.has_head_norms() {
            true => sum16(s.head_dim),
            false => 0,
        };
        // Of the projections that follow one another, two have n_embd columns.
        let columns = || {
            s.n_embd
                .checked_mul(2)?
                .checked_add(s.q_dim()?)?
                .checked_add(s.n_ff)
        };
        let projections = match self.has_grouped_projections {
            true => columns()? / GROUP,
            false => 0,
        };
        let output = match self.has_grouped_output {
            true => s.n_embd / GROUP,
            false => 0,
        };
        let attended = position.checked_add(1)?;
        // A score, the sum of the softmax, and the sum over the values, which has one lane.
        let attention = sum16(s.head_dim) + sum16(attended) + attended;
        let norms = 2 * sum16(s.n_embd) + head_norms + sub_norms;
        let layer = norms + attention + projections;
        let layers = layer.checked_mul(s.n_layers)?;
        layers.checked_add(sum16(s.n_embd) + output)
    }
}
