//! Another program whose run a receipt is of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What a receipt says where another engine decides: its compute path, and the kernels that were asked for.
pub const EXTERNAL: &str = "external";

/// The largest tolerance that a receipt can name, in spreads.
pub const MAX_TOLERANCE: f64 = 100.0;

/// An engine that is not this project's. Everything here is the writer's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineRecord {
    /// Name of the engine, such as "llama-server".
    pub name: String,
    /// Version, as the engine or its user names it; null if neither does.
    pub version: Option<String>,
    /// SHA-256 of its executable; null if only its address is known.
    pub sha256: Option<Digest>,
    /// How it was started, with `{model}`, `{threads}` and `{port}` where their values stood; or the
    /// address at which it answered.
    pub command: String,
    /// The file that it read; null if that is the model of the receipt.
    pub model: Option<EngineModel>,
}

/// A file with the weights of the receipt's model in another form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineModel {
    /// Name of the file, without its folder.
    pub file_name: String,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// Size of the file in bytes.
    pub file_bytes: u64,
}

/// The reference's judgement of an engine's tokens, position by position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgementRecord {
    /// How far below the largest logit that of a token may be, in standard deviations of all logits of
    /// its position.
    pub tolerance: f64,
    /// Tokens that the reference would have chosen, or its best token that does not end the text where the engine
    /// went on.
    pub exact: u64,
    /// Other tokens, within the tolerance.
    pub tied: u64,
}
