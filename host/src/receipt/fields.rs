//! The fields of a receipt, in the order of the file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    engine::{EngineRecord, JudgementRecord},
    evidence::Evidence,
    figures::Figures,
    machine::Machine,
    samples::Samples,
    schema::fields_by_version,
    version::{COMMON_SCHEMA, WRITTEN_SCHEMAS, not_null},
};
use crate::{digest::Digest, task::Challenge};

/// A receipt of a benchmark run. Field order is the order in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = fields_by_version)]
pub struct Receipt {
    /// "1.0.0": the version of the fields that BitNet-rs tools read.
    #[schemars(extend("const" = COMMON_SCHEMA))]
    pub schema_version: String,
    /// "1.4.0", or "1.5.0" with `engine`: the oldest version of this schema that has all fields.
    #[schemars(extend("enum" = WRITTEN_SCHEMAS))]
    pub receipt_schema: String,
    /// "real": the number comes from this model's forward pass, by the engine of this project; "external":
    /// by the one in `engine`.
    pub compute_path: String,
    /// The engine, if it is another one than this project's, since schema 1.5.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, with = "EngineRecord")]
    pub engine: Option<EngineRecord>,
    /// "cpu".
    pub backend: String,
    /// Ids of the kernels in the ledger, sorted.
    pub kernels: Vec<String>,
    /// Time of prefill and decode in the median repetition, in milliseconds.
    pub timing_ms: f64,
    /// Tokens generated in each repetition.
    pub tokens_generated: u64,
    /// Tokens generated ÷ time of prefill and decode in the median repetition, per second.
    pub tokens_per_sec: f64,
    /// Prompt tokens after the depth ÷ time of prefill in the median repetition, per second.
    pub prefill_tokens_per_sec: f64,
    /// Decode steps ÷ time of decode in the median repetition, per second; null for one token.
    pub decode_tokens_per_sec: Option<f64>,
    /// Figures of single steps, from all repetitions, since schema 1.4.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Figures")]
    pub figures: Option<Figures>,
    /// Environment variables in effect.
    pub environment: EnvironmentRecord,
    /// The model.
    pub model: ModelRecord,
    /// What was run.
    pub run: RunRecord,
    /// Measured times.
    pub samples: Samples,
    /// What the system says of the run, since schema 1.4.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Evidence")]
    pub evidence: Option<Evidence>,
    /// What the kernels of the median repetition recorded; null of another engine's.
    pub kernel_ledger: Option<Vec<LedgerRecord>>,
    /// Ids of the generated tokens.
    pub tokens: Vec<u32>,
    /// The writer's replay.
    pub parity: Parity,
    /// The machine, as it describes itself.
    pub host: Machine,
    /// The build.
    pub build: Build,
    /// When the receipt was written: RFC 3339, UTC.
    pub created: String,
    /// SHA-256 of the canonical form (RFC 8785) of all other fields. Detects damage, not forgery.
    pub receipt_sha256: Digest,
}

impl Receipt {
    /// Whether the run is another engine's than this project's.
    pub fn is_external(&self) -> bool {
        self.engine.is_some()
    }

    /// What the kernels recorded; nothing of another engine's.
    pub fn ledger(&self) -> &[LedgerRecord] {
        self.kernel_ledger.as_deref().unwrap_or_default()
    }

    /// Number of positions that are fed; the last token is chosen, but not fed. `None` on overflow.
    pub fn n_positions(&self) -> Option<u64> {
        (self.run.prompt_ids.len() as u64).checked_add(self.run.tokens.checked_sub(1)?)
    }

    /// Number of prompt ids that were fed before the clock started.
    pub fn depth(&self) -> u64 {
        self.run.depth.unwrap_or(0)
    }

    /// Number of prompt ids that the timed prefill fed.
    pub fn n_prefilled(&self) -> u64 {
        (self.run.prompt_ids.len() as u64).saturating_sub(self.depth())
    }
}

/// Environment variables in effect, all strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case)]
pub struct EnvironmentRecord {
    /// Version of this program.
    pub BITNET_VERSION: String,
    /// Operating system family.
    pub OS: String,
    /// "1" or "0".
    pub BITNET_DETERMINISTIC: String,
    /// Seed of the prompt.
    pub BITNET_SEED: String,
    /// Threads of the native engine.
    pub RAYON_NUM_THREADS: String,
}

/// The model that was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelRecord {
    /// Name of the file, without its folder.
    pub file_name: String,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// `general.architecture`.
    pub architecture: String,
    /// How I2_S tensors were read: "block128", "row4" or "block64"; null if there are none.
    pub i2s_layout: Option<String>,
    /// Hyperparameters.
    pub shape: ShapeRecord,
    /// Whether the output matrix is the token embedding.
    pub tied_embeddings: bool,
    /// Whether the file has frequency factors for RoPE.
    pub rope_factors: bool,
    /// Elements of all tensors.
    pub parameters: u64,
    /// The bytes of each tensor type.
    pub weight_types: Vec<WeightType>,
}

/// Hyperparameters, from the metadata of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShapeRecord {
    /// Rows of the token embedding.
    pub n_vocab: u64,
    /// Elements of the residual stream.
    pub n_embd: u64,
    /// Layers.
    pub n_layers: u64,
    /// Query heads.
    pub n_heads: u64,
    /// Key and value heads.
    pub n_kv_heads: u64,
    /// Elements of a head.
    pub head_dim: u64,
    /// Elements of a head that RoPE rotates.
    pub rope_dim: u64,
    /// Elements of the feed-forward layer.
    pub n_ff: u64,
    /// Maximum number of positions of a run.
    pub context_length: u64,
}

/// Bytes of one tensor type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightType {
    /// Name of the type, such as "I2_S".
    #[serde(rename = "type")]
    pub tensor_type: String,
    /// Bytes of all tensors of this type.
    pub bytes: u64,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// Where the prompt came from.
    pub prompt: PromptSource,
    /// A verifier's nonce, mixed into the seed of the prompt; null without one.
    pub challenge: Option<Challenge>,
    /// Prompt ids.
    pub prompt_ids: Vec<u32>,
    /// Prompt ids that were fed before the clock started: the depth, since schema 1.4.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "u64")]
    pub depth: Option<u64>,
    /// Tokens to generate.
    pub tokens: u64,
    /// Threads of the native engine.
    pub threads: u64,
    /// Requested kernels: "auto", "scalar", "avx2", "avx-vnni", "avx512-vnni" or "amx"; "external" where
    /// another engine chose its own.
    pub kernel: String,
    /// Untimed runs of another prompt before the first timed run.
    pub warmup: u64,
    /// Timed runs.
    pub repetitions: u64,
    /// How often the whole measurement was started, since schema 1.3.0: 2 if other work disturbed
    /// the first, whose times are in `samples.discarded`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "u64")]
    pub attempts: Option<u64>,
    /// Element type of the KV cache: "f16" or "f32".
    pub kv_type: String,
}

/// Where the prompt came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum PromptSource {
    /// Derived from a seed, as `NUMERICS.md` defines.
    Seeded {
        /// The seed.
        seed: u64,
        /// Number of ids.
        count: u64,
    },
    /// Given as ids.
    Ids,
    /// Encoded from a text by the tokenizer in the model file.
    Text {
        /// SHA-256 of the text in UTF-8.
        sha256: Digest,
    },
}

/// One line of the kernel ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerRecord {
    /// Kernel id.
    pub kernel: String,
    /// The operation that it ran for.
    pub op: String,
    /// Calls.
    pub calls: u64,
    /// Multiply-accumulates; element-wise kernels count one per element.
    pub multiply_accumulates: u64,
}

/// The result of the writer's replay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parity {
    /// Whether the run was replayed. A run that fails its replay gets no receipt.
    pub status: ParityStatus,
    /// Checksum of the native transcript; of another engine's tokens, that of the reference's.
    pub checksum: Digest,
    /// Checksum of the reference's transcript.
    pub reference_checksum: Option<Digest>,
    /// Number of positions compared in each repetition.
    pub positions_compared: u64,
    /// The first position that differed; always null in a receipt.
    pub first_divergence: Option<u64>,
    /// SHA-256 of the reference's WebAssembly module.
    pub guest_sha256: Option<Digest>,
    /// Version of the sandbox.
    pub wasmtime_version: Option<String>,
    /// Fuel of the reference's calls, one position per call, without loading.
    pub fuel: Option<u64>,
    /// Wall time of the replay.
    pub wall_ns: Option<u64>,
    /// How the tokens of another engine were judged, since schema 1.5.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, with = "JudgementRecord")]
    pub judgement: Option<JudgementRecord>,
}

/// Whether a run was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParityStatus {
    /// Every timed repetition agreed with the reference, bit for bit.
    Passed,
    /// The tokens of another engine are consistent with the reference, within a tolerance.
    Consistent,
    /// The run was not replayed (`--parity off`).
    NotChecked,
}

impl ParityStatus {
    /// The status as receipts have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Consistent => "consistent",
            Self::NotChecked => "not_checked",
        }
    }

    /// Whether the writer replayed the run.
    pub fn is_replayed(self) -> bool {
        self != Self::NotChecked
    }
}

/// The build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Commit of the checkout, or "unknown".
    pub git_commit: String,
    /// Whether tracked files were changed: "true", "false" or "unknown".
    pub git_dirty: String,
    /// Compiler version.
    pub rustc: String,
    /// Cargo profile: "debug" or "release". The engine is optimised in both.
    pub profile: String,
    /// Target triple.
    pub target: String,
    /// CPU features that the whole build assumes, separated by commas.
    pub target_features: String,
}

/// The sorted ids of the kernels in a ledger.
pub fn kernel_ids(ledger: &[LedgerRecord]) -> Vec<String> {
    let mut ids: Vec<String> = ledger.iter().map(|entry| entry.kernel.clone()).collect();
    ids.sort();
    ids.dedup();
    ids
}
