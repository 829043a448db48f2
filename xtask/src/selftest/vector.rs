//! Vectors: forgeries described as data, each with the rule that must catch it.

use std::collections::BTreeMap;

use host::{files, receipt::seal, verify::Policy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    bundle::BundleForgery,
    edit::{missing, put, take},
    forge::claim_samples,
};
use crate::exit::Exit;

/// A file of vectors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    vector: Vec<Vector>,
}

/// A forgery. `ci/vectors/README.md` documents the fields.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Vector {
    pub name: String,
    /// Who would do this, if the name does not say so.
    #[serde(default)]
    pub story: String,
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    #[serde(default)]
    pub null: Vec<String>,
    #[serde(default)]
    pub remove: Vec<String>,
    #[serde(default)]
    pub copy: BTreeMap<String, String>,
    #[serde(default)]
    pub replace: Vec<(String, String)>,
    pub claim: Option<Value>,
    #[serde(default = "yes")]
    pub seal: bool,
    pub text: Option<String>,
    pub truncate: Option<usize>,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub suffix: String,
    #[serde(default)]
    pub flags: String,
    pub policy: Option<String>,
    /// How to forge the bundle; `None` for a receipt without a bundle.
    pub bundle: Option<BundleForgery>,
    /// Whether the receipt is of another engine.
    #[serde(default)]
    pub external: bool,
    /// How to forge the challenger's statement about a receipt that answers a nonce, which is forged then
    /// instead of the other one.
    pub challenged: Option<BundleForgery>,
    #[serde(default)]
    pub outcome: Expected,
    /// The rule that must catch the forgery; `None` if the bytes are not a receipt.
    pub caught_by: Option<String>,
    /// The other rules that catch it as well. Without all of these, it would be accepted.
    #[serde(default)]
    pub also: Vec<String>,
}

/// The answer that the verifier must give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// A rule is broken.
    #[default]
    Rejected,
    /// A rule cannot be checked.
    Unverifiable,
    /// The bytes are not a receipt.
    NotAReceipt,
}

impl Expected {
    /// How the verifier ends; `None` if it has no verdict.
    pub(super) fn exit(self) -> Option<Exit> {
        match self {
            Self::Rejected => Some(Exit::Rejected),
            Self::Unverifiable => Some(Exit::Unverifiable),
            Self::NotAReceipt => None,
        }
    }
}

fn yes() -> bool {
    true
}

/// Parses vectors in TOML.
///
/// # Errors
/// The text is not valid TOML, two vectors have the same name, or a vector is inconsistent.
pub fn read_vectors(text: &str) -> Result<Vec<Vector>, String> {
    let vectors: Vectors = files::read_toml(text)?;
    let mut names = std::collections::BTreeSet::new();
    for vector in &vectors.vector {
        if !names.insert(&vector.name) {
            return Err(format!("vector {} appears twice", vector.name));
        }
        if vector.caught_by.is_none() != (vector.outcome == Expected::NotAReceipt) {
            return Err(format!(
                "vector {}: caught_by is required, except with the outcome not_a_receipt",
                vector.name
            ));
        }
        if let Some(policy) = &vector.policy {
            // Checked here, because a policy that cannot be read would look like a bad receipt.
            Policy::read(policy.as_bytes())
                .map_err(|e| format!("vector {}: policy: {e}", vector.name))?;
        }
    }
    Ok(vectors.vector)
}

impl Vector {
    /// The rules that must catch it, in alphabetical order.
    pub(super) fn rules(&self) -> Vec<&str> {
        let also = self.also.iter().map(String::as_str);
        let mut rules: Vec<&str> = self.caught_by.as_deref().into_iter().chain(also).collect();
        rules.sort_unstable();
        rules
    }

    /// The rules that must catch it, for messages.
    pub fn expected(&self) -> String {
        match self.outcome {
            Expected::NotAReceipt => "not a receipt".into(),
            Expected::Rejected | Expected::Unverifiable => self.rules().join(", "),
        }
    }

    /// Forges the receipt, starting from the bytes of a genuine one.
    ///
    /// # Errors
    /// An edit names a field that the receipt does not have.
    pub fn forge(&self, genuine: &[u8]) -> Result<Vec<u8>, String> {
        let mut bytes = match &self.text {
            Some(text) => text.clone().into_bytes(),
            None if self.edits_nothing() => genuine.to_vec(),
            None => self.edited(genuine)?,
        };
        if let Some(len) = self.truncate {
            bytes.truncate(len);
        }
        let ends = [&self.prefix, &self.suffix].map(|end| end.as_bytes());
        Ok([ends[0], &bytes, ends[1]].concat())
    }

    fn edits_nothing(&self) -> bool {
        self.set.is_empty()
            && self.null.is_empty()
            && self.remove.is_empty()
            && self.copy.is_empty()
            && self.replace.is_empty()
            && self.claim.is_none()
    }

    fn edited(&self, genuine: &[u8]) -> Result<Vec<u8>, String> {
        let mut receipt: Value = serde_json::from_slice(genuine).map_err(|e| e.to_string())?;
        if let Some(samples) = &self.claim {
            claim_samples(&mut receipt, samples.clone());
        }
        for (at, from) in &self.copy {
            let value = receipt.pointer(from).ok_or_else(|| missing(from))?.clone();
            put(&mut receipt, at, value)?;
        }
        for (at, value) in &self.set {
            put(&mut receipt, at, value.clone())?;
        }
        for at in &self.null {
            put(&mut receipt, at, Value::Null)?;
        }
        for at in &self.remove {
            take(&mut receipt, at)?;
        }
        let mut text = receipt.to_string();
        for (from, to) in &self.replace {
            text = text.replace(from, to);
        }
        if !self.seal {
            return Ok(text.into_bytes());
        }
        let mut receipt = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        sort_kernels(&mut receipt);
        seal(&mut receipt);
        Ok(receipt.to_string().into_bytes())
    }
}

/// Sorts the list of kernels again after names were replaced.
fn sort_kernels(receipt: &mut Value) {
    if let Some(kernels) = receipt["kernels"].as_array_mut() {
        kernels.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        kernels.dedup();
    }
}
