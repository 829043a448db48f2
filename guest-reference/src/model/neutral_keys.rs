//! Keys under the prefix that change nothing at one value. Any other value is refused.

use crate::gguf::Value;

/// Whether the key changes nothing. `None`: the key is not known.
pub fn is_neutral(architecture: &str, key: &str, value: &Value) -> Option<bool> {
    Some(match key {
        // One feed-forward network a layer, and no layers beyond those that are run.
        "expert_count" | "expert_used_count" | "expert_shared_count" | "nextn_predict_layers" => {
            *value == Value::Unsigned(0)
        }
        // Tokens come out, not one vector.
        "pooling_type" => *value == Value::Unsigned(0),
        // Attention to all earlier positions and to no later one.
        "attention.causal" => *value == Value::Bool(true),
        "attention.sliding_window" => *value == Value::Unsigned(0),
        // Off; for the scale, 0 stands for one over the root of the head dimension.
        "attention.clamp_kqv" | "attention.max_alibi_bias" | "attention.scale" => {
            *value == Value::F32(0.0)
        }
        // Factors.
        "embedding_scale"
        | "logit_scale"
        | "residual_scale"
        | "rope.scale_linear"
        | "rope.scaling.attn_factor"
        | "rope.scaling.yarn_attn_factor" => *value == Value::F32(1.0),
        "use_parallel_residual" => *value == Value::Bool(false),
        // The order of rows that the architecture has anyway.
        "tensor_data_layout" => {
            let is = |name: &str| matches!(value, Value::Text(text) if text == name.as_bytes());
            is("reference") || architecture == "llama" && is("Meta AI original pth")
        }
        _ => return None,
    })
}
