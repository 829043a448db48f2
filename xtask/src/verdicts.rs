//! Verdicts that `verify-receipt --format json` printed, read again. They are as good as whoever made
//! them: only contradictions inside one are found.

use host::{
    digest::Digest,
    files::{JsonError, read_json},
    verify::{Conclusion, Covered, ModelSummary, Outcome},
};
use serde::{Deserialize, Serialize};

/// A verdict, with the fields that are used of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadVerdict {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// What is known about the tokens.
    pub tokens: String,
    /// The receipt; `None` if it could not be read.
    pub receipt: Option<ReadReceipt>,
    /// How much was replayed.
    pub replayed: Part,
    /// The number of verdicts that this one was merged from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_from: Option<usize>,
    /// The guest, if something was replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_sha256: Option<Digest>,
    /// What an audit covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<ReadAudit>,
    /// Every rule.
    pub rules: Vec<ReadRule>,
    /// Who verified, and by which policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<ReadVerifier>,
    /// The receipt's file, if whoever collected the verdicts has added it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// How much was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Nothing.
    Nothing,
    /// Parts that the verifier named.
    Layers,
    /// Units that were drawn at random.
    Sample,
    /// Everything, by several verifiers.
    Merged,
    /// Everything.
    Everything,
}

impl Part {
    /// The rules that say that it was replayed.
    fn rules(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::Layers | Self::Sample => &["audit_transcript", "audit_units"],
            Self::Merged => &["merge_same", "merge_complete"],
            Self::Everything => &["parity_replay", "parity_checksum"],
        }
    }

    /// The word of a verdict.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Layers => "layers",
            Self::Sample => "sample",
            Self::Merged => "merged",
            Self::Everything => "everything",
        }
    }
}

/// What a verdict says about the receipt. `host::verify::Summary` is what is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadReceipt {
    pub receipt_sha256: Digest,
    pub tokens: u64,
    pub prompt_tokens: u64,
    pub prompt: String,
    pub model: ModelSummary,
    pub checksum: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<ReadEngine>,
    pub claimed: ReadClaim,
}

/// Another engine than this project's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadEngine {
    pub name: String,
    pub version: Option<String>,
    pub sha256: Option<Digest>,
    pub command: String,
    pub model: Option<(String, Digest)>,
}

/// What only the writer can know. Of another engine that is rejected, no rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadClaim {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_sec: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill_tokens_per_sec: Option<f64>,
    pub decode_tokens_per_sec: Option<f64>,
    pub threads: u64,
    pub isas: Vec<String>,
    pub kv_type: String,
    pub repetitions: u64,
    pub cpu: String,
    pub os: String,
    pub created: String,
    pub build: String,
}

/// What an audit covered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadAudit {
    pub covered: Covered,
}

/// A rule with its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadRule {
    pub rule: String,
    pub outcome: Outcome,
    pub evidence: String,
}

/// Who verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReadVerifier {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<serde_json::Value>,
}

impl ReadVerdict {
    /// Reads the JSON document `bytes`.
    ///
    /// # Errors
    /// Why it is no verdict, or what in it contradicts itself.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let verdict: Self = read_json(bytes).map_err(|e| match e {
            JsonError::Json(e) if e.is_data() => format!("this is no verdict: {e}"),
            JsonError::Json(e) => format!("this is no verdict: not JSON: {e}"),
            e => format!("this is no verdict: {e}"),
        })?;
        verdict.check()?;
        Ok(verdict)
    }

    /// Finds what no verifier writes: another conclusion than that of the rules, or an audit of parts
    /// that the run does not have.
    fn check(&self) -> Result<(), String> {
        let follows = Conclusion::of(self.rules.iter().map(|rule| rule.outcome));
        let is_open = follows == Conclusion::Accepted && self.replayed == Part::Nothing;
        if self.conclusion != follows || is_open {
            return Err(format!(
                "found the conclusion {} with {} replayed, which does not follow from the rules",
                self.conclusion.as_str(),
                self.replayed.as_str()
            ));
        }
        if self.replayed != Part::Nothing && self.receipt.is_none() {
            return Err("found a replay without a receipt".into());
        }
        let holds = |id: &&str| self.rules_with(Outcome::Pass).any(|rule| rule.rule == *id);
        let mut needed = self
            .replayed
            .rules()
            .iter()
            .chain(self.of_tokens())
            .copied();
        if self.conclusion == Conclusion::Accepted
            && let Some(missing) = needed.find(|id| !holds(id))
        {
            return Err(format!(
                "found the conclusion accepted without the rule {missing}"
            ));
        }
        let (Some(receipt), Some(audit)) = (&self.receipt, &self.audit) else {
            return Ok(());
        };
        let covered = &audit.covered;
        let n_positions = receipt.prompt_tokens.checked_add(receipt.tokens);
        let n_positions = n_positions.and_then(|n| n.checked_sub(1));
        let is_of_the_run = n_positions == Some(covered.n_positions as u64);
        let mut layers = covered.layers.iter();
        let mut positions = covered.positions.iter();
        let exist = layers.all(|&layer| layer < covered.n_layers)
            && positions.all(|p| p.start < p.end && p.end <= covered.n_positions);
        match is_of_the_run && exist {
            true => Ok(()),
            false => Err("found an audit of parts that the run does not have".into()),
        }
    }

    /// What a replay says of the tokens: they are equal, or another engine's are consistent.
    fn of_tokens(&self) -> &'static [&'static str] {
        let is_external = self.receipt.as_ref().is_some_and(|r| r.engine.is_some());
        match (self.replayed, is_external) {
            (Part::Everything, false) => &["parity_tokens"],
            (Part::Everything, true) => &["parity_judgement", "parity_counts"],
            _ => &[],
        }
    }

    /// The rules with this outcome.
    pub fn rules_with(&self, outcome: Outcome) -> impl Iterator<Item = &ReadRule> {
        self.rules.iter().filter(move |r| r.outcome == outcome)
    }

    /// Whether the digest of the receipt was found to be that of its content.
    pub fn has_own_digest(&self) -> bool {
        self.rules_with(Outcome::Pass)
            .any(|rule| rule.rule == "receipt_sha256")
    }
}
