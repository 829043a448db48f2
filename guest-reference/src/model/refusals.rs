//! Files that are no whole ternary language model, called what they are.

use alloc::format;

use crate::error::{Error, Result};
use crate::gguf::Metadata;

/// Refuses one file of several, transforms that stand outside the tensors, and files that are no
/// model.
pub fn check(metadata: &Metadata) -> Result<()> {
    let count = metadata.unsigned_if_present("split.count")?.unwrap_or(1);
    let number = metadata.unsigned_if_present("split.no")?.unwrap_or(0);
    if count > 1 {
        return Err(Error::Unsupported(format!(
            "key `split.count`: this is file {} of {count}; merge them with llama-gguf-split --merge",
            number.saturating_add(1)
        )));
    }
    // Without the transform of the activations, the output would be fluent nonsense.
    if let Some(key) = metadata.keys().find(|key| key.contains("prism.hadamard")) {
        return Err(Error::Unsupported(format!(
            "key `{key}`: a Hadamard transform of activations is not supported"
        )));
    }
    for kind in ["adapter", "imatrix", "mmproj", "vocab"] {
        if metadata.is_text("general.type", kind) {
            return Err(Error::Unsupported(format!(
                "key `general.type` is `{kind}`; a whole model is required"
            )));
        }
    }
    Ok(())
}

/// What is known of an architecture that is not supported.
pub fn architecture_note(name: &str) -> &'static str {
    match name {
        "qwen35" | "qwen35moe" | "qwen3next" => " (gated delta-net layers)",
        "deepseek2" | "gpt-oss" | "maple" | "qwen3moe" => " (a mixture of experts)",
        "falcon-h1" | "mamba" | "rwkv7" => " (recurrent layers)",
        "gemma3" => " (other norms, activation and attention windows)",
        "qwen2" => " (biases on queries, keys and values)",
        "clip" | "mmproj" => " (a vision or audio tower)",
        "bert" | "gemma-embedding" | "jina-bert-v2" | "llama-embed" | "modern-bert"
        | "nomic-bert" => " (an embedding model)",
        _ => "",
    }
}

/// Why a tensor without a use is there, if that is known.
pub fn tensor_note(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "scale" | "weight_scale" | "input_scale")) => {
            ": the scale of a projection in a tensor of its own is not supported"
        }
        Some((_, "bias")) => ": biases are not supported",
        _ => "",
    }
}
