//! What a run's positions take at least, by the shape of its model: multiply-accumulates, and bytes read.
//!
//! Everything here is a lower bound: weights count with the information that a ternary digit holds,
//! whatever the file's type; of the output matrix nothing counts, because a choice may be made from few
//! of its rows.

use std::ops::Range;

use engine_native::{ModelShape, Op};

use super::ledger;
use crate::receipt::{Receipt, parse_kv_type_name};

/// Bytes that a ternary weight cannot be stored in less than: log2(3) bits.
const BYTES_PER_WEIGHT: f64 = 1.584_962_500_721_156 / 8.0;

/// The work of a receipt's run.
pub(in crate::verify) struct Work {
    shape: ModelShape,
    /// Bytes of an element of the KV cache.
    kv_bytes: u64,
}

impl Work {
    /// # Errors
    /// The receipt names no architecture.
    pub(in crate::verify) fn of(r: &Receipt) -> Result<Self, String> {
        let kv_type = parse_kv_type_name(&r.run.kv_type);
        Ok(Self {
            shape: ledger::shape(r)?,
            // A type that does not exist is another rule's to refuse.
            kv_bytes: kv_type.unwrap_or_default().bytes() as u64,
        })
    }

    /// Multiply-accumulates of the ternary products and of attention at `positions`. `None` if they
    /// are beyond all numbers, as with all that follows.
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

    /// Bytes that one step reads which feeds positions before `end`: all ternary weights, and the keys
    /// and values of these positions.
    pub(in crate::verify) fn bytes(&self, end: u64) -> Option<f64> {
        let projections = Op::ALL.iter().filter(|op| op.is_projection());
        let weights = projections
            .map(|op| op.work(&self.shape, 1, 0))
            .try_fold(0u64, |sum, work| sum.checked_add(work?))?;
        let kv = Op::KvStore.work(&self.shape, end, 0)?;
        Some(weights as f64 * BYTES_PER_WEIGHT + kv as f64 * self.kv_bytes as f64)
    }
}
