//! The hyperparameters of a model.

use super::tokenizer::MIN_VOCABULARY;

/// The largest value of a dimension. Products of two dimensions stay far from overflow.
const MAX_DIMENSION: u32 = 1 << 20;

/// The hyperparameters of a model, in the units of the GGUF keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Tokens in the vocabulary; rows of the embedding.
    pub n_vocab: u32,
    /// Width of the residual stream.
    pub n_embd: u32,
    /// Transformer blocks.
    pub n_layers: u32,
    /// Query heads.
    pub n_heads: u32,
    /// Key and value heads; divides `n_heads`.
    pub n_kv_heads: u32,
    /// Width of one head; all of it is rotated by RoPE.
    pub head_dim: u32,
    /// Width of the feed-forward layer.
    pub n_ff: u32,
    /// The context length in positions.
    pub context_length: u32,
    /// The frequency base of RoPE.
    pub rope_base: f32,
    /// The constant that RMSNorm adds to the mean square.
    pub rms_epsilon: f32,
}

impl Shape {
    /// Width of all query heads together: rows of `attn_q`, columns of `attn_output`.
    pub fn n_query(&self) -> u32 {
        self.n_heads * self.head_dim
    }

    /// Width of all KV heads together: rows of `attn_k` and `attn_v`.
    pub fn n_kv(&self) -> u32 {
        self.n_kv_heads * self.head_dim
    }

    /// Whether the head dimension differs from n_embd / n_heads, so that the file must contain it.
    pub fn has_own_head_dim(&self) -> bool {
        self.n_query() != self.n_embd
    }

    /// Checks that a model of this shape can exist.
    ///
    /// # Errors
    /// A rule is broken; the message names the first one, with the value found.
    pub fn validate(&self) -> Result<(), String> {
        self.check_range()?;
        self.check_heads()?;
        check_positive("rope_base", self.rope_base)?;
        check_positive("rms_epsilon", self.rms_epsilon)
    }

    fn check_range(&self) -> Result<(), String> {
        let dimensions = [
            ("n_vocab", self.n_vocab, MIN_VOCABULARY),
            ("n_embd", self.n_embd, 1),
            ("n_layers", self.n_layers, 1),
            ("n_heads", self.n_heads, 1),
            ("n_kv_heads", self.n_kv_heads, 1),
            ("head_dim", self.head_dim, 2),
            ("n_ff", self.n_ff, 1),
            ("context_length", self.context_length, 1),
        ];
        for (name, found, least) in dimensions {
            if !(least..=MAX_DIMENSION).contains(&found) {
                return Err(format!(
                    "{name} is {found}, allowed are {least} to {MAX_DIMENSION}"
                ));
            }
        }
        Ok(())
    }

    fn check_heads(&self) -> Result<(), String> {
        let (heads, kv_heads) = (self.n_heads, self.n_kv_heads);
        if !heads.is_multiple_of(kv_heads) {
            return Err(format!(
                "n_heads is {heads}, must be a multiple of n_kv_heads {kv_heads}"
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(format!("head_dim is {}, must be even", self.head_dim));
        }
        if heads
            .checked_mul(self.head_dim)
            .is_none_or(|width| width > MAX_DIMENSION)
        {
            return Err(format!(
                "n_heads {heads} times head_dim exceeds {MAX_DIMENSION}"
            ));
        }
        Ok(())
    }
}

pub(super) fn check_positive(name: &str, found: f32) -> Result<(), String> {
    if found.is_finite() && found > 0.0 {
        Ok(())
    } else {
        Err(format!("{name} is {found}, must be finite and above 0"))
    }
}

#[cfg(test)]
mod tests {
    use crate::make_model::{Shape, preset};

    #[test]
    fn each_rule_refuses_by_name() {
        let tiny = preset("tiny").unwrap().shape;
        let broken = [
            (
                Shape {
                    n_vocab: 257,
                    ..tiny.clone()
                },
                "n_vocab is 257",
            ),
            (
                Shape {
                    n_layers: 0,
                    ..tiny.clone()
                },
                "n_layers is 0",
            ),
            (
                Shape {
                    n_kv_heads: 3,
                    ..tiny.clone()
                },
                "n_kv_heads 3",
            ),
            (
                Shape {
                    head_dim: 63,
                    ..tiny.clone()
                },
                "head_dim is 63",
            ),
            (
                Shape {
                    head_dim: 1 << 20,
                    ..tiny.clone()
                },
                "n_heads 4 times head_dim",
            ),
            (
                Shape {
                    n_ff: 1 << 21,
                    ..tiny.clone()
                },
                "n_ff is 2097152",
            ),
            (
                Shape {
                    rope_base: f32::INFINITY,
                    ..tiny.clone()
                },
                "rope_base is inf",
            ),
            (
                Shape {
                    rms_epsilon: 0.0,
                    ..tiny.clone()
                },
                "rms_epsilon is 0",
            ),
        ];
        for (shape, expected) in broken {
            let reason = shape.validate().unwrap_err();
            assert!(reason.contains(expected), "{reason:?} lacks {expected:?}");
        }
    }
}
