//! What a session is about. It is fixed before the first nonce, so that nobody can choose by the nonce.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    plain::plain,
    receipt::{MAX_SEED, parse_kv_type_name},
};

/// A prompt follows from 64 bits. If it has fewer itself, the answers to all prompts fit into a smaller table,
/// which could be made beforehand.
pub const LEAST_PROMPT_BITS: u64 = 64;

/// The task of every round, but for its nonce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// SHA-256 of the model file.
    pub model: Digest,
    /// Element type of the KV cache: "f16" or "f32".
    pub kv_type: String,
    /// The seed that each nonce is mixed into.
    pub seed: u64,
    /// Number of prompt ids, those of the depth included.
    pub prompt_tokens: u64,
    /// Number of prompt ids that the writer's own clock does not time. The challenger's does.
    pub depth: u64,
    /// Number of tokens to generate.
    pub tokens: u64,
}

/// Why there is no session of such terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}, allowed {allowed}")]
#[allow(missing_docs)]
pub struct TermsError {
    pub field: &'static str,
    pub found: String,
    pub allowed: String,
}

impl Terms {
    /// Checks that the numbers are possible.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), TermsError> {
        let error = |field, found: String, allowed: &str| TermsError {
            field,
            found,
            allowed: allowed.into(),
        };
        if parse_kv_type_name(&self.kv_type).is_none() {
            let found = format!("{:?}", plain(&self.kv_type, 40));
            return Err(error("kv_type", found, "\"f16\" or \"f32\""));
        }
        for (field, found) in [
            ("prompt_tokens", self.prompt_tokens),
            ("tokens", self.tokens),
        ] {
            if !(1..=1 << 24).contains(&found) {
                return Err(error(field, found.to_string(), "1 to 16777216"));
            }
        }
        if self.depth >= self.prompt_tokens {
            let allowed = "fewer than prompt_tokens";
            return Err(error("depth", self.depth.to_string(), allowed));
        }
        if self.seed > MAX_SEED {
            return Err(error("seed", self.seed.to_string(), "0 to 2^53 - 1"));
        }
        Ok(())
    }

    /// The positions that a replay computes.
    pub fn n_positions(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.tokens) - 1
    }
}

/// Checks that nobody can have looked up the answer to a prompt of so many ids, each of which is one of
/// `n_vocab`.
///
/// # Errors
/// There are too few.
pub fn check_prompt(prompt_tokens: u64, n_vocab: u64) -> Result<(), String> {
    let bits = prompt_bits(prompt_tokens, n_vocab);
    match bits >= LEAST_PROMPT_BITS {
        true => Ok(()),
        false => Err(format!(
            "found {prompt_tokens} ids, {bits} bits, allowed {LEAST_PROMPT_BITS} bits or more: the answers to \
             all shorter prompts could be kept in a table"
        )),
    }
}

/// Whole bits of a prompt of so many ids: each id is one of `n_vocab`.
fn prompt_bits(prompt_tokens: u64, n_vocab: u64) -> u64 {
    u64::from(n_vocab.max(1).ilog2()).saturating_mul(prompt_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            model: Digest([0x11; 32]),
            kv_type: "f16".into(),
            seed: 42,
            prompt_tokens: 16,
            depth: 0,
            tokens: 64,
        }
    }

    #[test]
    fn impossible_terms_are_named() {
        assert_eq!(terms().check(), Ok(()));
        assert_eq!(terms().n_positions(), 79);
        type Edit = (fn(&mut Terms), &'static str);
        let edits: [Edit; 7] = [
            (|t| t.kv_type = "q8\u{1b}".into(), "kv_type: found \"\"q8"),
            (|t| t.prompt_tokens = 0, "prompt_tokens: found 0"),
            (|t| t.tokens = 0, "tokens: found 0, allowed 1 to 16777216"),
            (|t| t.tokens = (1 << 24) + 1, "tokens: found 16777217"),
            (
                |t| t.tokens = u64::MAX,
                "tokens: found 18446744073709551615",
            ),
            (|t| t.depth = 16, "depth: found 16, allowed fewer"),
            (|t| t.seed = 1 << 53, "seed: found 9007199254740992"),
        ];
        for (edit, message) in edits {
            let mut edited = terms();
            edit(&mut edited);
            let error = edited.check().unwrap_err().to_string();
            assert!(!error.contains(char::is_control), "{error:?}");
            assert!(error.starts_with(&message.replace("\"\"", "\"")), "{error}");
        }
    }

    #[test]
    fn bits_are_those_of_whole_ids() {
        assert_eq!(prompt_bits(16, 512), 144);
        assert_eq!(prompt_bits(16, 511), 128);
        assert_eq!(prompt_bits(7, 128_256), 112);
        assert_eq!(prompt_bits(8, 128_256), 128);
        assert_eq!(prompt_bits(100, 1), 0);
        assert_eq!(prompt_bits(100, 0), 0);
        assert_eq!(prompt_bits(u64::MAX, u64::MAX), u64::MAX);
    }
}
