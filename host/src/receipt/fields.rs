//! The fields of a receipt, in the order of the file.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::version::{COMMON_SCHEMA, RECEIPT_SCHEMA};
use crate::{digest::Digest, task::Challenge};

/// A receipt of a benchmark run. Field order is the order in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// "1.0.0": the version of the fields that BitNet-rs tools read.
    #[schemars(extend("const" = COMMON_SCHEMA))]
    pub schema_version: String,
    /// "1.3.0": the version of this schema.
    #[schemars(extend("const" = RECEIPT_SCHEMA))]
    pub receipt_schema: String,
    /// "real": the number comes from this model's forward pass.
    pub compute_path: String,
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
    /// Prompt tokens ÷ time of prefill in the median repetition, per second.
    pub prefill_tokens_per_sec: f64,
    /// Decode steps ÷ time of decode in the median repetition, per second; null for one token.
    pub decode_tokens_per_sec: Option<f64>,
    /// Environment variables in effect.
    pub environment: EnvironmentRecord,
    /// The model.
    pub model: ModelRecord,
    /// What was run.
    pub run: RunRecord,
    /// Measured times.
    pub samples: Samples,
    /// What the kernels of the median repetition recorded.
    pub kernel_ledger: Vec<LedgerRecord>,
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
    /// Number of positions that are fed; the last token is chosen, but not fed. `None` on overflow.
    pub fn n_positions(&self) -> Option<u64> {
        (self.run.prompt_ids.len() as u64).checked_add(self.run.tokens.checked_sub(1)?)
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
    /// Tokens to generate.
    pub tokens: u64,
    /// Threads of the native engine.
    pub threads: u64,
    /// Requested kernels: "auto", "scalar", "avx2", "avx-vnni", "avx512-vnni" or "amx".
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

/// Measured times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// Time to map, validate and hash the model, to pack weights, and to start threads.
    pub load_ns: u64,
    /// Time of the prefill, `[repetitions]`; it ends when the first token is chosen.
    pub prefill_ns: Vec<u64>,
    /// Time of each decode step, `[repetitions][tokens − 1]`.
    pub decode_ns: Vec<Vec<u64>>,
    /// What the system says of each repetition, `[repetitions]`, since schema 1.3.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Vec<Witness>")]
    pub witness: Option<Vec<Witness>>,
    /// The measurement that was not used, if there was one, since schema 1.3.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Vec<Discarded>")]
    pub discarded: Option<Vec<Discarded>>,
}

/// A second witness of a repetition beside the clock of its steps: what the system counted for the
/// threads that compute, from the repetition's start to its end. Null stands for what it does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Time of the whole repetition in nanoseconds: its steps, and what lies between them.
    pub wall_ns: u64,
    /// CPU time of all threads in nanoseconds.
    pub cpu_ns: Option<u64>,
    /// How often the system took a core away from a thread.
    pub involuntary_switches: Option<u64>,
    /// Instructions in user mode, by the CPU's counter.
    pub instructions: Option<u64>,
    /// Cycles in user mode, by the CPU's counter.
    pub cycles: Option<u64>,
}

/// A measurement that was not used, because the verifier's rules would have rejected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discarded {
    /// The rule, and what it found.
    pub because: String,
    /// Its times, as in `samples`.
    pub prefill_ns: Vec<u64>,
    /// Its times, as in `samples`.
    pub decode_ns: Vec<Vec<u64>>,
    /// The prefill of a prompt that was new, timed before the measurement was made again: the prompt
    /// of the run itself was not new any more.
    pub control_prefill_ns: u64,
    /// The decode steps after that prompt.
    pub control_decode_ns: Vec<u64>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parity {
    /// Whether the run was replayed. A run that fails its replay gets no receipt.
    pub status: ParityStatus,
    /// Checksum of the native transcript.
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
}

/// Whether a run was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParityStatus {
    /// Every timed repetition agreed with the reference, bit for bit.
    Passed,
    /// The run was not replayed (`--parity off`).
    NotChecked,
}

/// The machine, as it describes itself. Verifiers show this, but never rely on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Name of the CPU model, as the CPU reports it.
    pub cpu_model: String,
    /// CPU features that matter to the kernels, sorted. AMX is listed if the CPU has it, even if the
    /// system does not permit its use.
    pub cpu_features: Vec<String>,
    /// Physical cores.
    pub physical_cores: u64,
    /// Logical processors that this process may use.
    pub logical_cores: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Operating system and version.
    pub os: String,
    /// Version of the operating system's kernel.
    pub kernel: String,
    /// CPU frequency governor, if the system reports one.
    pub governor: Option<String>,
    /// The hardware in detail, since schema 1.2.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Hardware")]
    pub hardware: Option<Hardware>,
}

/// The hardware, as CPUID and the operating system describe it. Null stands for what they do not say:
/// nothing is guessed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Vendor of the CPU, such as "GenuineIntel".
    pub cpu_vendor: Option<String>,
    /// Family of the CPU, with the extended family added.
    pub cpu_family: Option<u64>,
    /// Model of the CPU within its family, with the extended model.
    pub cpu_model_number: Option<u64>,
    /// Stepping of the CPU model.
    pub cpu_stepping: Option<u64>,
    /// Size of the level 1 data cache that one core uses.
    pub l1d_cache_bytes: Option<u64>,
    /// Size of the level 2 cache that one core uses, perhaps with other cores.
    pub l2_cache_bytes: Option<u64>,
    /// Size of the level 3 cache that one core uses with others. A socket can have several.
    pub l3_cache_bytes: Option<u64>,
    /// Name of the hypervisor: "KVM", "Hyper-V", "VMware", "Xen", "QEMU", "bhyve", "QNX", "ACRN",
    /// or its own 12 characters. "unnamed" if it has no name, "none" if CPUID reports none.
    pub hypervisor: Option<String>,
    /// Number of NUMA nodes, which Linux lists.
    pub numa_nodes: Option<u64>,
}

/// A field that may be missing, but may not be null.
fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
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
