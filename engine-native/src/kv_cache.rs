//! The KV cache of a session.

use crate::{
    kernels::{DenseRows, Kernels, NonFinite},
    ledger::Recorder,
    model::{DenseType, ModelShape},
};

/// Element type of the KV cache. It changes the result, so it is part of the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KvType {
    /// Keys and values as computed.
    F32,
    /// Keys and values rounded to half precision.
    #[default]
    F16,
}

impl KvType {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        self.dense_type().row_bytes(1)
    }

    fn dense_type(self) -> DenseType {
        match self {
            Self::F32 => DenseType::F32,
            Self::F16 => DenseType::F16,
        }
    }
}

/// Keys and values of every layer, each `[n_kv_heads, capacity, head_dim]`: the positions of one
/// head follow one another, so that attention streams.
#[derive(Debug)]
pub(crate) struct KvCache {
    dense_type: DenseType,
    capacity: usize,
    head_dim: usize,
    layers: Vec<LayerCache>,
}

#[derive(Debug, Clone)]
struct LayerCache {
    keys: Vec<u8>,
    values: Vec<u8>,
}

impl KvCache {
    pub(crate) fn new(shape: &ModelShape, kv_type: KvType, capacity: usize) -> Self {
        let dense_type = kv_type.dense_type();
        let head_dim = shape.head_dim as usize;
        let bytes = shape.n_kv_heads as usize * capacity * dense_type.row_bytes(head_dim);
        let layer = LayerCache {
            keys: vec![0; bytes],
            values: vec![0; bytes],
        };
        Self {
            dense_type,
            capacity,
            head_dim,
            layers: vec![layer; shape.n_layers as usize],
        }
    }

    /// Stores the key and value, `[n_kv_heads * head_dim]` each, of one position.
    pub(crate) fn store(
        &mut self,
        (layer, position): (usize, usize),
        (key, value): (&[f32], &[f32]),
        kernels: &dyn Kernels,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        let row_bytes = self.dense_type.row_bytes(self.head_dim);
        let layer = &mut self.layers[layer];
        for (source, cache) in [(key, &mut layer.keys), (value, &mut layer.values)] {
            for (head, x) in source.chunks_exact(self.head_dim).enumerate() {
                let at = (head * self.capacity + position) * row_bytes;
                let row = &mut cache[at..at + row_bytes];
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

    /// Keys of `kv_head` at positions 0..n.
    pub(crate) fn keys(&self, layer: usize, kv_head: usize, n: usize) -> DenseRows<'_> {
        self.rows(&self.layers[layer].keys, kv_head, n)
    }

    /// Values of `kv_head` at positions 0..n.
    pub(crate) fn values(&self, layer: usize, kv_head: usize, n: usize) -> DenseRows<'_> {
        self.rows(&self.layers[layer].values, kv_head, n)
    }

    fn rows<'a>(&self, cache: &'a [u8], kv_head: usize, n: usize) -> DenseRows<'a> {
        let row_bytes = self.dense_type.row_bytes(self.head_dim);
        let first = kv_head * self.capacity * row_bytes;
        DenseRows {
            dense_type: self.dense_type,
            n_cols: self.head_dim,
            bytes: &cache[first..first + n * row_bytes],
        }
    }
}
