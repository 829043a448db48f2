//! Keys of an architecture that change nothing at one value, and may have no other.
//!
//! Source: the GGUF specification and llama.cpp's list of keys. Reasons: `guest-reference/NUMERICS.md`,
//! section 5.

use super::{Architecture, ModelError};
use crate::gguf::Value;

/// The value at which a key changes nothing.
#[derive(Debug, Clone, Copy)]
enum Neutral {
    Unsigned(u64),
    F32(f32),
    Bool(bool),
    /// One of these.
    String(&'static [&'static str]),
}

/// The keys, their neutral values, and what any other value would ask for.
const NEUTRAL_KEYS: [(&str, Neutral, &str); 18] = [
    ("attention.causal", Neutral::Bool(true), BIDIRECTIONAL),
    (
        "attention.clamp_kqv",
        Neutral::F32(0.0),
        "clamped queries, keys and values",
    ),
    ("attention.max_alibi_bias", Neutral::F32(0.0), "ALiBi"),
    (
        "attention.scale",
        Neutral::F32(0.0),
        "another scale of scores",
    ),
    (
        "attention.sliding_window",
        Neutral::Unsigned(0),
        "a sliding window",
    ),
    ("embedding_scale", Neutral::F32(1.0), "scaled embeddings"),
    ("expert_count", Neutral::Unsigned(0), EXPERTS),
    ("expert_shared_count", Neutral::Unsigned(0), EXPERTS),
    ("expert_used_count", Neutral::Unsigned(0), EXPERTS),
    ("logit_scale", Neutral::F32(1.0), "scaled logits"),
    (
        "nextn_predict_layers",
        Neutral::Unsigned(0),
        "layers that predict further tokens",
    ),
    ("pooling_type", Neutral::Unsigned(0), "an embedding model"),
    ("residual_scale", Neutral::F32(1.0), "scaled residuals"),
    ("rope.scale_linear", Neutral::F32(1.0), SCALING),
    ("rope.scaling.attn_factor", Neutral::F32(1.0), SCALING),
    ("rope.scaling.yarn_attn_factor", Neutral::F32(1.0), SCALING),
    (
        "tensor_data_layout",
        Neutral::String(&["reference"]),
        "another order of rows",
    ),
    (
        "use_parallel_residual",
        Neutral::Bool(false),
        "parallel residuals",
    ),
];

const BIDIRECTIONAL: &str = "attention to later positions";
const EXPERTS: &str = "a mixture of experts";
const SCALING: &str = "another scaling of RoPE";

/// The order of rows in files of the Llama family, by the name that the specification has for it.
const LLAMA_LAYOUTS: Neutral = Neutral::String(&["reference", "Meta AI original pth"]);

/// Refuses `key`, whose name in `architecture` is `suffix`, unless it is known to change nothing.
pub(super) fn check(
    architecture: Architecture,
    key: &str,
    suffix: &str,
    value: &Value,
) -> Result<(), ModelError> {
    let Some((_, neutral, asks_for)) = NEUTRAL_KEYS.iter().find(|row| row.0 == suffix) else {
        return Err(ModelError::Unsupported {
            what: format!("key {}", key.escape_default()),
            found: "a setting of unknown meaning".into(),
            supported: "only the keys of the architecture".into(),
        });
    };
    let neutral = match (suffix, architecture) {
        ("tensor_data_layout", Architecture::Llama) => LLAMA_LAYOUTS,
        _ => *neutral,
    };
    if neutral.is(value) {
        return Ok(());
    }
    Err(ModelError::Unsupported {
        what: format!("key {key}"),
        found: match neutral.shown(value) {
            Some(value) => format!("{value}, which asks for {asks_for}"),
            None => value.type_name().into(),
        },
        supported: format!("{neutral}, at which the key changes nothing"),
    })
}

impl Neutral {
    fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Unsigned(n), Value::Unsigned(found)) => n == *found,
            (Self::F32(x), Value::F32(found)) => x == *found,
            (Self::Bool(b), Value::Bool(found)) => b == *found,
            (Self::String(texts), Value::String(found)) => {
                texts.iter().any(|text| text.as_bytes() == found)
            }
            _ => false,
        }
    }
}

impl Neutral {
    /// A value for a message; `None` if it is of another type than this one.
    fn shown(self, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::Unsigned(_), Value::Unsigned(n)) => Some(n.to_string()),
            (Self::F32(_), Value::F32(x)) => Some(format!("{x:?}")),
            (Self::Bool(_), Value::Bool(b)) => Some(b.to_string()),
            (Self::String(_), Value::String(bytes)) => {
                let text = String::from_utf8_lossy(bytes);
                Some(format!("\"{}\"", text.escape_default()))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Neutral {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Unsigned(n) => write!(f, "{n}"),
            Self::F32(x) => write!(f, "{x:?} (f32)"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::String(texts) => write!(f, "\"{}\"", texts.join("\" and \"")),
        }
    }
}
