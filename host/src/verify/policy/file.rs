//! A policy as its TOML file has it.

use serde::Deserialize;

use crate::{digest::Digest, files::read_toml};

/// A policy, as its TOML file says it. What it leaves out is not demanded, except what no honest
/// run can miss: the ceilings, and what a prompt may gain by repetition.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What is accepted.
    pub accept: Accept,
    /// What is required.
    pub require: Require,
    /// What no machine can exceed.
    pub ceilings: Ceilings,
    /// What a prompt may gain by repetition.
    pub caching: Caching,
}

/// Lists of what is accepted; an empty one accepts all that the other rules do.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accept {
    /// Versions of the receipt's schema: its `receipt_schema`.
    pub schema_versions: Vec<String>,
    /// Compute paths.
    pub compute_paths: Vec<String>,
    /// Kernel ids; a `*` at the end stands for any rest.
    pub kernels: Vec<String>,
    /// SHA-256 of model files.
    pub models: Vec<Digest>,
    /// SHA-256 of guests.
    pub guests: Vec<Digest>,
}

/// What is required of a run.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Require {
    /// How much this verification has to have replayed; nothing is accepted without any replay.
    pub parity: Option<RequiredParity>,
    /// Whether the writer, too, has to have replayed the run.
    pub writer_proof: bool,
    /// Keyid of who has to have signed the receipt: SHA-256 of the public key, as `keygen` prints it.
    pub signer: Option<Digest>,
    /// The fewest generated tokens.
    pub min_tokens: u64,
    /// The slowest speed, in generated tokens per second.
    pub min_tokens_per_sec: f64,
    /// The largest spread of the repetitions' times: (longest − shortest) ÷ median. Needs two.
    pub max_relative_spread: Option<f64>,
}

/// How much a verification has to have replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequiredParity {
    /// Units that were drawn.
    Audited,
    /// Everything.
    Replayed,
}

/// Rates that no CPU reaches. A time below what follows from them was not measured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ceilings {
    /// Multiply-accumulates a second, of one thread.
    pub macs_per_sec_per_thread: f64,
    /// Bytes a second that one thread reads from memory.
    pub memory_bytes_per_sec_per_thread: f64,
    /// Bytes a second that one thread reads from a cache.
    pub cache_bytes_per_sec_per_thread: f64,
    /// Bytes that may have come from a cache in every step.
    pub cache_bytes: f64,
}

impl Default for Ceilings {
    /// Some times what the fastest CPUs of 2026 reach: int8 tiles of 1,024 multiply-accumulates a
    /// cycle, 128 bytes a cycle from the first cache, a tenth of a terabyte a second from memory into
    /// one core, and caches of a gigabyte.
    fn default() -> Self {
        Self {
            macs_per_sec_per_thread: 20e12,
            memory_bytes_per_sec_per_thread: 400e9,
            cache_bytes_per_sec_per_thread: 2e12,
            cache_bytes: 4e9,
        }
    }
}

/// How much faster a prompt may be that has been run before.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caching {
    /// Time of the first repetition ÷ time of the one that the figures are of, at most.
    pub max_speedup: f64,
    /// Milliseconds saved that may be an interruption, where there are few samples.
    pub jitter_ms: f64,
}

impl Default for Caching {
    /// What a shared machine does by itself.
    fn default() -> Self {
        Self {
            max_speedup: 1.5,
            jitter_ms: 100.0,
        }
    }
}

/// Policies are short.
pub const MAX_POLICY_BYTES: u64 = 1 << 20;

/// Why a text is no policy.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum PolicyError {
    #[error("found more bytes than a policy has, allowed at most {MAX_POLICY_BYTES}")]
    TooLarge,
    #[error("not UTF-8")]
    NotText,
    #[error("{0}")]
    NotAPolicy(String),
    #[error("{key}: found {found}, allowed {allowed}")]
    Value {
        key: &'static str,
        found: f64,
        allowed: &'static str,
    },
}

impl Policy {
    /// From the bytes of a TOML file.
    ///
    /// # Errors
    /// They are none, or say something that makes no sense.
    pub fn read(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() as u64 > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| PolicyError::NotText)?;
        let policy: Self = read_toml(text).map_err(PolicyError::NotAPolicy)?;
        policy.check()?;
        Ok(policy)
    }

    fn check(&self) -> Result<(), PolicyError> {
        let Ceilings {
            macs_per_sec_per_thread: macs,
            memory_bytes_per_sec_per_thread: memory,
            cache_bytes_per_sec_per_thread: cache,
            cache_bytes,
        } = self.ceilings;
        let rates = [
            ("ceilings.macs_per_sec_per_thread", macs),
            ("ceilings.memory_bytes_per_sec_per_thread", memory),
            ("ceilings.cache_bytes_per_sec_per_thread", cache),
            ("caching.max_speedup", self.caching.max_speedup),
        ];
        let amounts = [
            ("ceilings.cache_bytes", cache_bytes),
            ("caching.jitter_ms", self.caching.jitter_ms),
            (
                "require.min_tokens_per_sec",
                self.require.min_tokens_per_sec,
            ),
            (
                "require.max_relative_spread",
                self.require.max_relative_spread.unwrap_or(0.0),
            ),
        ];
        let value = |(key, found), allowed| PolicyError::Value {
            key,
            found,
            allowed,
        };
        // A comparison with a NaN would accept anything.
        if let Some(&rate) = rates
            .iter()
            .find(|(_, rate)| !(rate.is_finite() && *rate > 0.0))
        {
            return Err(value(rate, "numbers above 0"));
        }
        match amounts.iter().find(|(_, x)| !(x.is_finite() && *x >= 0.0)) {
            Some(&amount) => Err(value(amount, "numbers from 0 on")),
            None => Ok(()),
        }
    }
}
