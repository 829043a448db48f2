//! Reads a file with the tokens of another engine. `ci/TRANSCRIPT.md` describes the format.

use engine_native::KvType;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    digest::Digest,
    files::{JsonError, read_json},
    judge::Claim,
    receipt::parse_kv_type_name,
    task::Task,
};

/// A run of another engine: its prompt and the tokens that it chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalRun {
    /// Version of the format: 1.
    pub version: u64,
    /// Ids of the prompt.
    pub prompt_ids: Vec<u32>,
    /// Ids that the engine chose greedily after the prompt.
    pub tokens: Vec<u32>,
    /// Element type of the KV cache: "f16" (the default) or "f32".
    #[serde(default)]
    pub kv_type: Option<String>,
    /// For each token, ids and the engine's logits or log-probabilities for them, the chosen one among them.
    #[serde(default)]
    pub top_logits: Option<Vec<Vec<(u32, f32)>>>,
    /// Digest of the model file that the engine read.
    #[serde(default)]
    pub model_sha256: Option<Digest>,
    /// Name of the engine, and its version.
    #[serde(default)]
    pub engine: Option<String>,
    /// The speed that the engine claims.
    #[serde(default)]
    pub tokens_per_sec: Option<f64>,
}

/// The largest file that is read.
pub const MAX_EXTERNAL_BYTES: u64 = 16 << 20;

/// Why bytes are not a valid transcript.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NotAnExternalRun {
    #[error("found too many bytes, allowed at most {MAX_EXTERNAL_BYTES}")]
    TooLarge,
    #[error("{0}")]
    Json(#[from] JsonError),
    #[error("{key}: found {found}, allowed {allowed}")]
    Value {
        key: &'static str,
        found: String,
        allowed: &'static str,
    },
    #[error(
        "logit_tolerance: the tolerance is the verifier's, not the file's; remove the field, and use --tolerance"
    )]
    Tolerance,
}

/// A transcript of before, which declared a tolerance.
#[derive(Deserialize)]
struct WithTolerance {
    logit_tolerance: Option<IgnoredAny>,
}

impl WithTolerance {
    fn is(bytes: &[u8]) -> bool {
        serde_json::from_slice(bytes)
            .is_ok_and(|Self { logit_tolerance }| logit_tolerance.is_some())
    }
}

impl ExternalRun {
    /// Parses the bytes of a JSON file.
    ///
    /// # Errors
    /// The bytes are not JSON, or a field is missing or has an invalid value.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAnExternalRun> {
        if bytes.len() as u64 > MAX_EXTERNAL_BYTES {
            return Err(NotAnExternalRun::TooLarge);
        }
        let transcript: Self = read_json(bytes).map_err(|e| match WithTolerance::is(bytes) {
            true => NotAnExternalRun::Tolerance,
            false => e.into(),
        })?;
        let value = |key, found: &dyn std::fmt::Debug, allowed| NotAnExternalRun::Value {
            key,
            found: format!("{found:?}"),
            allowed,
        };
        if transcript.version != 1 {
            return Err(value("version", &transcript.version, "1"));
        }
        for (key, ids) in [
            ("prompt_ids", &transcript.prompt_ids),
            ("tokens", &transcript.tokens),
        ] {
            if ids.is_empty() {
                return Err(value(key, ids, "at least one id"));
            }
        }
        if transcript.kv_type().is_none() {
            return Err(value("kv_type", &transcript.kv_type, "\"f16\" or \"f32\""));
        }
        let speed = transcript.tokens_per_sec;
        if speed.is_some_and(|x| !x.is_finite() || x < 0.0) {
            return Err(value("tokens_per_sec", &speed, "numbers from 0 up"));
        }
        Ok(transcript)
    }

    fn kv_type(&self) -> Option<KvType> {
        match &self.kv_type {
            None => Some(KvType::default()),
            Some(name) => parse_kv_type_name(name),
        }
    }

    /// What is judged, for a model with these ids that end a text ([`Claim::ends`]). It is not checked yet.
    pub fn claim<'a>(&'a self, ends: &'a [u32]) -> Claim<'a> {
        Claim {
            ends,
            tokens: &self.tokens,
            top_logits: self.top_logits.as_deref(),
        }
    }

    /// The task that the reference replays.
    pub fn task(&self) -> Task {
        Task {
            prompt: self.prompt_ids.clone(),
            depth: 0,
            n_generate: self.tokens.len(),
            kv_type: self.kv_type().unwrap_or_default(),
            challenge: None,
        }
    }
}
