//! The KV cache of a session.

use crate::{
    huge_pages::HugePages,
    kernels::{Kernels, NonFinite},
    ledger::Recorder,
    model::{DenseType, KvType, ModelShape},
    operands::DenseRows,
};

/// Keys and values of every layer, `[n_layers, 2, n_kv_heads, capacity, head_dim]`. The positions
/// of a head are contiguous, so that attention reads one stream.
#[derive(Debug)]
pub(crate) struct KvCache {
    dense_type: DenseType,
    n_kv_heads: usize,
    capacity: usize,
    head_dim: usize,
    bytes: HugePages,
}

/// The two halves of a layer's cache.
#[derive(Debug, Clone, Copy)]
enum Half {
    Keys,
    Values,
}

impl KvCache {
    pub(crate) fn new(shape: &ModelShape, kv_type: KvType, capacity: usize) -> Self {
        let dense_type = kv_type.dense_type();
        let [n_kv_heads, head_dim] = [shape.n_kv_heads, shape.head_dim].map(|n| n as usize);
        let rows = 2 * shape.n_layers as usize * n_kv_heads * capacity;
        Self {
            dense_type,
            n_kv_heads,
            capacity,
            head_dim,
            bytes: HugePages::zeroed(rows * dense_type.row_bytes(head_dim)),
        }
    }

    /// Stores the key and the value of one position, `[n_kv_heads * head_dim]` each.
    pub(crate) fn store(
        &mut self,
        (layer, position): (usize, usize),
        (key, value): (&[f32], &[f32]),
        kernels: &dyn Kernels,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        let row_bytes = self.dense_type.row_bytes(self.head_dim);
        for (source, half) in [(key, Half::Keys), (value, Half::Values)] {
            for (head, x) in source.chunks_exact(self.head_dim).enumerate() {
                let at = self.start(layer, half, head) + position * row_bytes;
                let row = &mut self.bytes.as_mut_slice()[at..at + row_bytes];
                kernels
                    .kv_store(x, self.dense_type, row, recorder)
                    .map_err(|e| NonFinite {
                        element: head * self.head_dim + e.element,
                        ..e
                    })?;
            }
        }
        Ok(())
    }

    /// The keys of `kv_head` at positions 0..n.
    pub(crate) fn keys(&self, layer: usize, kv_head: usize, n: usize) -> DenseRows<'_> {
        self.rows(layer, Half::Keys, kv_head, n)
    }

    /// The values of `kv_head` at positions 0..n.
    pub(crate) fn values(&self, layer: usize, kv_head: usize, n: usize) -> DenseRows<'_> {
        self.rows(layer, Half::Values, kv_head, n)
    }

    fn rows(&self, layer: usize, half: Half, kv_head: usize, n: usize) -> DenseRows<'_> {
        let first = self.start(layer, half, kv_head);
        let row_bytes = self.dense_type.row_bytes(self.head_dim);
        DenseRows {
            dense_type: self.dense_type,
            n_cols: self.head_dim,
            bytes: &self.bytes.as_slice()[first..first + n * row_bytes],
        }
    }

    /// Byte offset of the rows of a head.
    fn start(&self, layer: usize, half: Half, kv_head: usize) -> usize {
        let row_bytes = self.dense_type.row_bytes(self.head_dim);
        ((2 * layer + half as usize) * self.n_kv_heads + kv_head) * self.capacity * row_bytes
    }
}
