//! What an engine answers: `answers.json`, the same for an engine that this program ran and for one that
//! somebody else ran.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::{CORPUS_VERSION, RowFact, Sha256Hex};
use crate::kv_name::KvName;

/// An engine's answers to the corpus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Version of the corpus that was answered.
    pub version: u64,
    /// The engine.
    pub engine: EngineName,
    /// By name of the case or of the file to be refused. What is left out is not shown.
    pub answers: BTreeMap<String, Answer>,
}

/// What an engine is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineName {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: Option<String>,
    /// Element type of its KV cache.
    #[serde(default)]
    pub kv_type: KvName,
}

/// The answer to one case. Each field may be left out: what is not shown is not judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The engine refused the file: what it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The engine neither answered nor refused: it crashed, hung, or its answer cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// The runs, in the order of the prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Vec<RunAnswer>>,
    /// Rows of tensors, dequantized: any of those that the case has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<RowFact>>,
    /// Integer sums: any of those that the case has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sums: Option<Vec<SumsAnswer>>,
}

/// An engine's run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAnswer {
    /// The greedy choices after the prompt.
    pub tokens: Vec<u32>,
    /// For each token ids and logits, the largest among them. A constant may be added to all logits of a
    /// token, so log-probabilities do as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logits: Option<Vec<Vec<(u32, f32)>>>,
    /// Digests of the residual stream, as the case has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residuals: Option<Vec<Sha256Hex>>,
    /// Checksum of the transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Sha256Hex>,
}

/// Integer sums of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SumsAnswer {
    /// Their name in the case.
    pub name: String,
    /// The sums, in the order of the case.
    pub sums: Vec<i64>,
}

impl Answers {
    /// Nothing yet.
    pub fn of(name: &str, version: Option<String>, kv_type: KvName) -> Self {
        Self {
            version: CORPUS_VERSION,
            engine: EngineName {
                name: name.to_owned(),
                version,
                kv_type,
            },
            answers: BTreeMap::new(),
        }
    }
}

impl Answer {
    /// A refusal.
    pub fn refusal(message: impl Into<String>) -> Self {
        Self {
            refused: Some(message.into()),
            ..Self::default()
        }
    }

    /// Neither an answer nor a refusal.
    pub fn failure(message: impl Into<String>) -> Self {
        Self {
            failed: Some(message.into()),
            ..Self::default()
        }
    }
}
