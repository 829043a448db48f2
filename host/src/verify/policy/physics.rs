//! What a run takes at least: the work of its shape at rates that no machine exceeds.
//!
//! Everything here is a lower bound, so that no honest run is refused: weights count with the
//! information that a ternary digit holds, whatever the file's type; of the output matrix nothing
//! counts, because a choice may be made from few of its rows; caches give what the policy allows.

use engine_native::{ModelShape, Op};

use super::Ceilings;

/// Bytes that a ternary weight cannot be stored in less than: log2(3) bits.
const BYTES_PER_WEIGHT: f64 = 1.584_962_500_721_156 / 8.0;

/// A run's shape and where it ran.
pub(super) struct Machine<'a> {
    pub(super) shape: &'a ModelShape,
    /// Bytes of an element of the KV cache.
    pub(super) kv_bytes: u64,
    pub(super) threads: u64,
    pub(super) ceilings: &'a Ceilings,
}

impl Machine<'_> {
    /// Seconds that positions from `first` to before `end` take at least, fed in one step. `None` if
    /// the shape's work is beyond all numbers.
    pub(super) fn least_seconds(&self, first: u64, end: u64) -> Option<f64> {
        let Ceilings {
            macs_per_sec_per_thread,
            memory_bytes_per_sec_per_thread,
            cache_bytes_per_sec_per_thread,
            cache_bytes,
        } = *self.ceilings;
        let threads = self.threads as f64;
        let macs = self.macs(end)?.checked_sub(self.macs(first)?)? as f64;
        let bytes = self.bytes(end)?;
        let cached = bytes.min(cache_bytes);
        let reading = cached / cache_bytes_per_sec_per_thread
            + (bytes - cached) / memory_bytes_per_sec_per_thread;
        // One may hide behind the other.
        Some((macs / macs_per_sec_per_thread).max(reading) / threads)
    }

    /// Multiply-accumulates of the ternary products and attention of `n_positions` positions.
    fn macs(&self, n_positions: u64) -> Option<u64> {
        if n_positions == 0 {
            return Some(0);
        }
        let attention = [Op::AttentionScores, Op::AttentionValues];
        let products = Op::ALL
            .iter()
            .filter(|op| op.is_projection())
            .chain(&attention);
        products
            .map(|op| op.work(self.shape, n_positions, 0))
            .try_fold(0u64, |sum, work| sum.checked_add(work?))
    }

    /// Bytes of all ternary weights, and of the keys and values of `n_positions` positions.
    fn bytes(&self, n_positions: u64) -> Option<f64> {
        let projections = Op::ALL.iter().filter(|op| op.is_projection());
        let weights = projections
            .map(|op| op.work(self.shape, 1, 0))
            .try_fold(0u64, |sum, work| sum.checked_add(work?))?;
        let kv = Op::KvStore.work(self.shape, n_positions, 0)?;
        Some(weights as f64 * BYTES_PER_WEIGHT + kv as f64 * self.kv_bytes as f64)
    }
}
