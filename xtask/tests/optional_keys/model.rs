//! Small models whose tensors fit one set of sizes, under any keys.

use engine_native::Architecture;
use xtask::make_model::gguf_writer::{F32, GgufHeader, Value};

/// The sizes that the tensors of a file have.
#[derive(Debug)]
pub struct Base {
    pub n_embd: u64,
    pub n_heads: u64,
    pub n_kv_heads: u64,
    pub head_dim: u64,
    pub n_ff: u64,
    pub n_vocab: u64,
}

const fn base(n_embd: u64, n_heads: u64, n_kv_heads: u64, head_dim: u64) -> Base {
    Base {
        n_embd,
        n_heads,
        n_kv_heads,
        head_dim,
        n_ff: 6,
        n_vocab: 3,
    }
}

/// Heads that are n_embd / n_heads wide; heads of another width, where that is a whole and even number,
/// odd, and no whole number.
pub const BASES: [Base; 4] = [
    base(8, 2, 1, 4),
    base(12, 2, 2, 4),
    base(12, 4, 2, 4),
    base(10, 4, 1, 2),
];

/// Keys without the architecture's prefix, and their values.
#[derive(Clone, Debug)]
pub struct Keys(Vec<(&'static str, Value)>);

impl Keys {
    pub fn new(values: impl Iterator<Item = (&'static str, Value)>) -> Self {
        Self(values.collect())
    }

    /// Sets the key or takes it away.
    pub fn set(&mut self, name: &'static str, value: Option<Value>) {
        let found = self.0.iter().position(|(key, _)| *key == name);
        match (found, value) {
            (Some(at), Some(value)) => self.0[at].1 = value,
            (Some(at), None) => drop(self.0.remove(at)),
            (None, Some(value)) => self.0.push((name, value)),
            (None, None) => {}
        }
    }
}

/// A file of one layer. All weights are zeros, which are valid in every tensor.
pub fn file(architecture: Architecture, base: &Base, keys: &Keys) -> Vec<u8> {
    let mut header = GgufHeader::default();
    for (name, value) in &keys.0 {
        let is_general = name.starts_with("general.");
        let prefix = if is_general {
            String::new()
        } else {
            format!("{architecture}.")
        };
        let value = match value {
            Value::String(text) if text == ARCHITECTURE => Value::String(architecture.to_string()),
            other => other.clone(),
        };
        header.push_key(&format!("{prefix}{name}"), value);
    }
    for (name, dims) in tensors(architecture, base) {
        let n_bytes = 4 * dims.iter().product::<u64>();
        header.push_tensor(&name, &dims, F32, n_bytes);
    }
    let mut bytes = header.to_bytes();
    bytes.resize(bytes.len() + header.data_bytes() as usize, 0);
    bytes
}

/// Stands for the name of the file's architecture.
pub const ARCHITECTURE: &str = "(architecture)";

fn tensors(architecture: Architecture, base: &Base) -> Vec<(String, Vec<u64>)> {
    let (embd, ff) = (base.n_embd, base.n_ff);
    let (query, key) = (
        base.n_heads * base.head_dim,
        base.n_kv_heads * base.head_dim,
    );
    let mut layer = vec![
        ("attn_norm", vec![embd]),
        ("attn_q", vec![embd, query]),
        ("attn_k", vec![embd, key]),
        ("attn_v", vec![embd, key]),
        ("attn_output", vec![query, embd]),
        ("ffn_norm", vec![embd]),
        ("ffn_gate", vec![embd, ff]),
        ("ffn_up", vec![embd, ff]),
        ("ffn_down", vec![ff, embd]),
    ];
    if architecture.has_sub_norms() {
        layer.extend([("attn_sub_norm", vec![query]), ("ffn_sub_norm", vec![ff])]);
    }
    if architecture.has_head_norms() {
        let head = base.head_dim;
        layer.extend([("attn_q_norm", vec![head]), ("attn_k_norm", vec![head])]);
    }
    let layer = layer
        .into_iter()
        .map(|(part, dims)| (format!("blk.0.{part}.weight"), dims));
    let embedding = ("token_embd.weight".to_owned(), vec![embd, base.n_vocab]);
    let norm = ("output_norm.weight".to_owned(), vec![embd]);
    [embedding, norm].into_iter().chain(layer).collect()
}
