//! GGUF files that are no whole ternary language model, called what they are.

use super::ModelError;
use crate::gguf::{Metadata, Value};

/// Files of other kinds, by `general.type`.
const OTHER_KINDS: [(&str, &str); 4] = [
    ("adapter", "an adapter (LoRA), not a model"),
    ("imatrix", "statistics for quantizing, not a model"),
    ("mmproj", "a vision or audio tower, not a language model"),
    ("vocab", "a vocabulary without weights"),
];

/// Refuses a part of a model, files that only look like a supported model, and files of other kinds.
pub(super) fn check(metadata: &Metadata) -> Result<(), ModelError> {
    check_whole(metadata)?;
    check_not_rotated(metadata)?;
    let Some(Value::String(kind)) = metadata.get("general.type") else {
        return Ok(());
    };
    match OTHER_KINDS.iter().find(|(name, _)| name.as_bytes() == kind) {
        None => Ok(()),
        Some((name, what)) => Err(ModelError::Unsupported {
            what: "key general.type".into(),
            found: format!("\"{name}\": {what}"),
            supported: "\"model\"".into(),
        }),
    }
}

/// Refuses one file of several.
fn check_whole(metadata: &Metadata) -> Result<(), ModelError> {
    let count = metadata.unsigned("split.count")?.unwrap_or(1);
    let number = metadata.unsigned("split.no")?.unwrap_or(0);
    if count <= 1 {
        return Ok(());
    }
    Err(ModelError::Unsupported {
        what: "key split.count".into(),
        found: format!(
            "file {} of the {count} files of a split model",
            number.saturating_add(1)
        ),
        supported: "a whole model: llama-gguf-split --merge FIRST_FILE MERGED_FILE".into(),
    })
}

/// Refuses Bonsai-2: without its Hadamard transform, the output would be fluent nonsense.
fn check_not_rotated(metadata: &Metadata) -> Result<(), ModelError> {
    let rotated = metadata
        .iter()
        .find(|(key, _)| key.contains("prism.hadamard"));
    match rotated {
        None => Ok(()),
        Some((key, _)) => Err(ModelError::Unsupported {
            what: format!("key {}", key.escape_default()),
            found: "activations that go through a Hadamard transform (Bonsai-2)".into(),
            supported: "models without one".into(),
        }),
    }
}

/// Architectures that people try, and why they are none of the supported ones.
const OTHER_ARCHITECTURES: [(&str, &str); 20] = [
    ("bert", EMBEDDINGS),
    ("clip", TOWER),
    ("deepseek2", EXPERTS),
    ("falcon-h1", RECURRENT),
    ("gemma-embedding", EMBEDDINGS),
    ("gemma3", "other norms, activation and attention windows"),
    ("gpt-oss", EXPERTS),
    ("jina-bert-v2", EMBEDDINGS),
    ("llama-embed", EMBEDDINGS),
    ("mamba", RECURRENT),
    ("maple", EXPERTS),
    ("mmproj", TOWER),
    ("modern-bert", EMBEDDINGS),
    ("nomic-bert", EMBEDDINGS),
    ("qwen2", "biases on queries, keys and values"),
    ("qwen35", DELTA_NET),
    ("qwen35moe", DELTA_NET),
    ("qwen3moe", EXPERTS),
    ("qwen3next", DELTA_NET),
    ("rwkv7", RECURRENT),
];

const DELTA_NET: &str = "gated delta-net layers";
const EMBEDDINGS: &str = "an embedding model, which emits no tokens";
const EXPERTS: &str = "a mixture of experts";
const RECURRENT: &str = "recurrent layers";
const TOWER: &str = "a vision or audio tower, not a language model";

/// What is known of an architecture that is not supported, behind its name.
pub(super) fn architecture_note(name: &str) -> String {
    let known = OTHER_ARCHITECTURES.iter().find(|(other, _)| *other == name);
    known.map_or(String::new(), |(_, what)| format!(", {what}"))
}
