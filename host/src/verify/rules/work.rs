//! The least work of a run's positions, derived from the model's shape: multiply-accumulates, and
//! bytes read.
//!
//! All figures are lower bounds. A ternary weight counts with its information content, whatever its
//! type in the file. The output matrix does not count, because a choice may need only a few of its
//! rows.

use std::ops::Range;

use engine_native::{ModelShape, Op};

use super::ledger;
use crate::receipt::{Receipt, parse_kv_type_name};

/// The least bytes that a ternary weight needs: log2(3) bits.
const BYTES_PER_WEIGHT: f64 = 1.584_962_500_721_156 / 8.0;

/// The work of a receipt's run.
pub(in crate::verify) struct Work {
    shape: ModelShape,
    /// Bytes of an element of the KV cache.
    kv_bytes: u64,
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
        })
    }

    /// The multiply-accumulates of ternary products and attention at `positions`. `None` on
    /// overflow.
    pub(in crate::verify) fn macs(&self, positions: Range<u64>) -> Option<u64> {
        let before = self.macs_before(positions.start)?;
        self.macs_before(positions.end)?.checked_sub(before)
    }

    fn macs_before(&self, end: u64) -> Option<u64> {
        if end == 0 {
            return Some(0);
        }
        let attention = [Op::AttentionScores, Op::AttentionValues];
        let products = Op::ALL
            .iter()
            .filter(|op| op.is_projection())
            .chain(&attention);
        products
            .map(|op| op.work(&self.shape, end, 0))
            .try_fold(0u64, |sum, work| sum.checked_add(work?))
    }

    /// The bytes that a step reads if it feeds positions up to, but not including, `end`: all
    /// ternary weights, and the keys and values of all positions before `end`. `None` on overflow.
    pub(in crate::verify) fn bytes(&self, end: u64) -> Option<f64> {
        let projections = Op::ALL.iter().filter(|op| op.is_projection());
        let weights = projections
            .map(|op| op.work(&self.shape, 1, 0))
            .try_fold(0u64, |sum, work| sum.checked_add(work?))?;
        let kv = Op::KvStore.work(&self.shape, end, 0)?;
        Some(weights as f64 * BYTES_PER_WEIGHT + kv as f64 * self.kv_bytes as f64)
    }
}
