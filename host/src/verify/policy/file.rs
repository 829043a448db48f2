//! A policy, as it is written in a TOML file.

use serde::{Deserialize, Serialize};

use super::ceilings::Ceilings;
use crate::{
    digest::Digest, files::read_toml, judge::Tolerance, receipt::MAX_TOLERANCE,
    verify::rules::engine::is_tolerance,
};

/// A policy, as it is written in a TOML file. Settings that are left out require nothing, except
/// for `ceilings`, `caching` and `retime`, whose defaults every honest run meets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The accepted values.
    #[serde(default = "Accept::of_a_file")]
    pub accept: Accept,
    /// The requirements on a run.
    pub require: Require,
    /// Rates that no machine can exceed.
    pub ceilings: Ceilings,
    /// How much faster a repeated prompt may be.
    pub caching: Caching,
    /// How much faster the writer's machine may be than this one.
    pub retime: Retime,
}

/// Lists of accepted values. An empty list accepts everything that other rules accept, except for
/// `engines`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accept {
    /// Versions of the receipt's schema: its `receipt_schema`.
    pub schema_versions: Vec<String>,
    /// Compute paths.
    pub compute_paths: Vec<String>,
    /// Kernel ids. A `*` at the end matches any ending.
    pub kernels: Vec<String>,
    /// SHA-256 of model files.
    pub models: Vec<Digest>,
    /// SHA-256 of the writer's guests.
    pub guests: Vec<Digest>,
    /// Names of other engines whose receipts count, although their tokens are only consistent with the
    /// reference, not equal in every bit. A `*` at the end matches any ending. A file that names none accepts
    /// none; without a file, all are.
    #[serde(default = "Vec::new")]
    pub engines: Vec<String>,
    /// How far the logit of another engine's token may be below the largest, in spreads; the program's
    /// own tolerance if it is not given.
    pub tolerance: Option<f64>,
}

impl Default for Accept {
    fn default() -> Self {
        Self {
            engines: vec!["*".into()],
            ..Self::of_a_file()
        }
    }
}

impl Accept {
    /// What a file accepts that says nothing of it.
    fn of_a_file() -> Self {
        Self {
            schema_versions: Vec::new(),
            compute_paths: Vec::new(),
            kernels: Vec::new(),
            models: Vec::new(),
            guests: Vec::new(),
            engines: Vec::new(),
            tolerance: None,
        }
    }
}

/// Requirements on a run and its verification.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Require {
    /// How much this verification must replay. Without any replay, nothing is accepted anyway.
    pub parity: Option<RequiredParity>,
    /// Whether the writer must have replayed the run as well.
    pub writer_proof: bool,
    /// The keyid of the required signer: SHA-256 of the public key, as `keygen` prints it.
    pub signer: Option<Digest>,
    /// Whether the prompt must come from a challenge that this verifier gave (`--challenge`): no
    /// run from before it, and no answer that was remembered, passes.
    pub challenge: bool,
    /// Whether every token of another engine must be the reference's choice: no ties. Where the reference would end
    /// the text and the engine goes on, the best token that does not end it is the choice.
    pub exact_tokens: bool,
    /// The minimum number of timed runs.
    pub min_repetitions: u64,
    /// The minimum number of generated tokens.
    pub min_tokens: u64,
    /// The minimum speed in generated tokens per second.
    pub min_tokens_per_sec: f64,
    /// The minimum speed in generated tokens per second that a challenger's clock shows (`--challenged`).
    pub min_challenged_tokens_per_sec: Option<f64>,
    /// The minimum speed of the prefill, in prompt tokens per second.
    pub min_prefill_tokens_per_sec: Option<f64>,
    /// The minimum speed of decode, in tokens per second. A run of one token has none.
    pub min_decode_tokens_per_sec: Option<f64>,
    /// The maximum of the median time to the first token, in nanoseconds.
    pub max_time_to_first_token_ns: Option<u64>,
    /// The maximum of the median decode step, in nanoseconds: it varies less than a rate does.
    pub max_p50_step_ns: Option<u64>,
    /// The maximum of the time that 95 % of the decode steps do not exceed, in nanoseconds.
    pub max_p95_step_ns: Option<u64>,
    /// The maximum of the time that 99 % of the decode steps do not exceed, in nanoseconds.
    pub max_p99_step_ns: Option<u64>,
    /// The maximum spread of the repetitions' times: (longest − shortest) ÷ median. If it is set, a
    /// receipt needs at least two repetitions.
    pub max_relative_spread: Option<f64>,
}

/// How much a verification must replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequiredParity {
    /// Units that are drawn at random.
    Audited,
    /// Everything.
    Replayed,
}

/// How much faster a prompt may be when it is run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caching {
    /// The maximum of: time of the first repetition ÷ time of the one that the figures come from.
    pub max_speedup: f64,
    /// With few samples, savings up to this many milliseconds count as jitter.
    pub jitter_ms: f64,
}

impl Default for Caching {
    /// Allows the variation that shared machines show without any cache.
    fn default() -> Self {
        Self {
            max_speedup: 1.5,
            jitter_ms: 100.0,
        }
    }
}

/// How a receipt's speed may compare with that of the same task here (`--retime`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retime {
    /// The maximum of: a rate in the receipt ÷ the same rate here, per thread where this machine has
    /// fewer. Beyond it, a receipt from the same CPU model is rejected, another one is doubtful.
    pub max_ratio_to_retime: f64,
}

impl Default for Retime {
    /// Builds and clocks of one model differ by less. Disturbed runs can differ by more, and are not
    /// judged.
    fn default() -> Self {
        Self {
            max_ratio_to_retime: 3.0,
        }
    }
}

/// The smallest and the largest figure of a policy: what is calculated with them stays finite.
const SMALLEST: f64 = 1e-9;
const LARGEST: f64 = 1e12;

/// The most CPUs that a policy adds to the table: each takes time with every step.
const MOST_CPUS: usize = 64;

/// The largest policy file that is read.
pub const MAX_POLICY_BYTES: u64 = 1 << 20;

/// Why a text is not a valid policy.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum PolicyError {
    #[error("found too many bytes, allowed at most {MAX_POLICY_BYTES}")]
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
    #[error("accept.tolerance: found {0}, allowed numbers from 0 to {MAX_TOLERANCE}")]
    Tolerance(f64),
    #[error("ceilings.cpus: {0:?}: allowed are figures above 0")]
    Cpu(String),
}

impl Policy {
    /// The tolerance for tokens of other engines: `asked`, or that of the policy, or the default.
    pub fn tolerance(&self, asked: Option<f64>) -> Tolerance {
        let spreads = asked.or(self.accept.tolerance);
        spreads.map_or_else(Tolerance::default, Tolerance::of_spreads)
    }

    /// Parses the bytes of a TOML file.
    ///
    /// # Errors
    /// The bytes are not TOML, or a key is unknown or has an invalid value.
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
        let rates = [
            ("caching.max_speedup", self.caching.max_speedup),
            (
                "retime.max_ratio_to_retime",
                self.retime.max_ratio_to_retime,
            ),
        ];
        let amounts = [
            ("caching.jitter_ms", self.caching.jitter_ms),
            (
                "require.min_tokens_per_sec",
                self.require.min_tokens_per_sec,
            ),
            (
                "require.min_challenged_tokens_per_sec",
                self.require.min_challenged_tokens_per_sec.unwrap_or(0.0),
            ),
            (
                "require.min_prefill_tokens_per_sec",
                self.require.min_prefill_tokens_per_sec.unwrap_or(0.0),
            ),
            (
                "require.min_decode_tokens_per_sec",
                self.require.min_decode_tokens_per_sec.unwrap_or(0.0),
            ),
            (
                "require.max_relative_spread",
                self.require.max_relative_spread.unwrap_or(0.0),
            ),
        ];
        let mut rates = self.ceilings.positive().into_iter().chain(rates);
        let mut amounts = self.ceilings.amounts().into_iter().chain(amounts);
        let value = |(key, found), allowed| PolicyError::Value {
            key,
            found,
            allowed,
        };
        if let Some(tolerance) = self.accept.tolerance.filter(|&t| !is_tolerance(t)) {
            return Err(PolicyError::Tolerance(tolerance));
        }
        // NaN must be refused here, because comparisons with it can accept anything.
        if let Some(rate) = rates.find(|(_, rate)| !(SMALLEST..=LARGEST).contains(rate)) {
            return Err(value(rate, "numbers above 0, from 1e-9 to 1e12"));
        }
        if self.ceilings.cpus.len() > MOST_CPUS {
            let found = self.ceilings.cpus.len() as f64;
            return Err(value(("ceilings.cpus", found), "64 CPUs"));
        }
        if let Some(cpu) = self.ceilings.cpus.iter().find(|cpu| !cpu.is_valid()) {
            return Err(PolicyError::Cpu(cpu.name.clone()));
        }
        match amounts.find(|(_, x)| !(0.0..=LARGEST).contains(x)) {
            Some(amount) => Err(value(amount, "numbers from 0 to 1e12")),
            None => Ok(()),
        }
    }
}
