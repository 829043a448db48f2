//! The corpus as JSON: what anybody reads without this program. `ci/conformance/README.md` describes it.

use host::digest::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kv_name::KvName;

/// Version of the corpus: of its format, its models and what they answer.
pub const CORPUS_VERSION: u64 = 1;

/// `corpus.json`: the list of all cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Version of the corpus.
    pub version: u64,
    /// SPDX identifier of the licence of all files.
    pub licence: String,
    /// How far logits of a right engine may be from the reference's, for either type of KV cache.
    pub bounds: BoundsOf,
    /// Models to be run, by name; each has a file `cases/<name>.json`.
    pub cases: Vec<IndexEntry>,
    /// Files to be refused.
    pub refused: Vec<RefusedFile>,
}

/// Bounds for engines with a KV cache of either type.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BoundsOf {
    pub f16: Bounds,
    pub f32: Bounds,
}

/// How far logits of a right engine may be from the reference's, in spreads (standard deviations of all
/// logits at a position), and how often it may choose another token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The largest deviation of one logit. Another token whose logit is within it of the best is a tie.
    pub tolerance: f64,
    /// The largest root mean square of the deviations in all runs of a case but the one where it is largest.
    pub noise: f64,
    /// The most runs of a case that may end in a tie: the rest of such a run is not judged.
    pub tied_runs: usize,
}

impl BoundsOf {
    /// Those for a KV cache of this type.
    pub fn kv(self, kv_type: KvName) -> Bounds {
        match kv_type {
            KvName::F16 => self.f16,
            KvName::F32 => self.f32,
        }
    }
}

/// A case in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexEntry {
    /// Name of the case.
    pub name: String,
    /// Its model file, in the folder `models`.
    pub model: ModelFile,
}

/// A model file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Name of the file.
    pub file_name: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: Sha256Hex,
    /// `general.architecture`
    pub architecture: String,
    /// Type of the projections.
    pub projections: String,
    /// Layout of I2_S tensors, which no file names: `block128` (as published files), `block64` or `row4`.
    pub i2s_layout: Option<String>,
    /// Type of the token embedding.
    pub embedding: String,
    /// Type of the output matrix; none if it is the token embedding.
    pub output: Option<String>,
}

/// A digest in hexadecimal.
pub type Sha256Hex = String;

/// `cases/<name>.json`: a model, and what the reference computes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Version of the corpus.
    pub version: u64,
    /// Name of the case.
    pub name: String,
    /// What is particular about the model.
    pub about: String,
    /// Its file.
    pub model: ModelFile,
    /// A message that refuses the model names what is not supported if it has one of these words.
    pub refusal_names: Vec<String>,
    /// Rows of tensors, dequantized.
    pub rows: Vec<RowFact>,
    /// Integer sums of projections.
    pub sums: Vec<SumsFact>,
    /// Prompts as ids, to which nothing is added. Each is a run of its own, from an empty KV cache.
    pub prompts: Vec<Vec<u32>>,
    /// Tokens to choose after each prompt. The end of a text does not end a run.
    pub n_tokens: usize,
    /// The runs with a KV cache of either type, in the order of the prompts.
    pub runs: Runs,
}

/// The reference's runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// With keys and values rounded to f16, as llama.cpp keeps them by default.
    pub f16: Vec<RunFact>,
    /// With keys and values in f32.
    pub f32: Vec<RunFact>,
}

impl Runs {
    /// Those with a KV cache of this type.
    pub fn kv(&self, kv_type: KvName) -> &[RunFact] {
        match kv_type {
            KvName::F16 => &self.f16,
            KvName::F32 => &self.f32,
        }
    }
}

/// A run of the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunFact {
    /// The greedy choices after the prompt, one after another.
    pub choices: Vec<ChoiceFact>,
    /// Digests of the residual stream at the last position of the prompt: SHA-256 of the f32,
    /// little-endian, that leave each layer.
    pub residuals: Vec<Sha256Hex>,
    /// Checksum of the whole run's transcript (`guest-reference/NUMERICS.md`, section 6).
    pub checksum: Sha256Hex,
}

/// A row of a tensor, dequantized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowFact {
    /// Name of the tensor.
    pub tensor: String,
    /// Index of the row.
    pub row: u64,
    /// All elements, each exactly an f32.
    pub values: Vec<f32>,
}

/// The integer sums of a ternary projection for one vector of activations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SumsFact {
    /// Its name in the case.
    pub name: String,
    /// Name of the tensor.
    pub tensor: String,
    /// Whether `input` is what the model computes at the last position of the first prompt, in any order of
    /// float sums but for the last bits. Otherwise it has to be given to the projection.
    pub in_run: bool,
    /// The activations, each exactly an f32, `[n_cols]`.
    pub input: Vec<f32>,
    /// The activations, quantized, `[n_cols]`.
    pub quantized: Vec<i8>,
    /// The scales that they were quantized with: `[1]`, or one for each block of 32.
    pub activation_scales: Vec<f32>,
    /// Σ weight × quantized activation: `[n_rows]`; for types with one scale per group `[n_rows][n_cols / 32]`,
    /// of the first rows only.
    pub sums: Vec<i32>,
}

/// A greedy choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceFact {
    /// The token with the largest logit; among equals the lowest id.
    pub token: u32,
    /// How far its logit is above all others.
    pub lead: f64,
    /// Standard deviation of all logits at this position.
    pub spread: f64,
    /// Whether the lead is within the tolerance, so that a right engine may choose another token.
    pub near_tie: bool,
    /// The largest logits with their ids, from the largest down.
    pub top_logits: Vec<(u32, f32)>,
}

/// A file that must be refused, as a change of another file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusedFile {
    /// Its name.
    pub name: String,
    /// Why it must be refused.
    pub why: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: Sha256Hex,
    /// Name of the case whose model it was made from.
    pub base: String,
    /// What is changed, from the start of the base to its end.
    pub splices: Vec<Splice>,
}

/// A change of a file: some of its bytes are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Splice {
    /// Where, in the base file.
    pub at: u64,
    /// How many bytes are taken away.
    pub remove: u64,
    /// What is put there, in hexadecimal.
    pub insert: String,
}

/// Of a file's bytes.
pub(super) fn sha256(bytes: &[u8]) -> Sha256Hex {
    Digest::of(bytes).to_string()
}
