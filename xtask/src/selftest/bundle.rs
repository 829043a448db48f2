//! Forged bundles.

use std::collections::BTreeMap;

use host::attest::{Envelope, SigningKey};
use serde::Deserialize;
use serde_json::Value;

use super::edit::put;

/// How the bundle beside a receipt is forged. `ci/vectors/bundles.toml` says what the fields do.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BundleForgery {
    pub statement: BTreeMap<String, Value>,
    pub signed_by: Option<By>,
    pub set: BTreeMap<String, Value>,
    pub truncate: Option<usize>,
    pub text: Option<String>,
}

/// Who signs a forged statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Whose public key the verifier has.
    Signer,
    /// Somebody else.
    Attacker,
}

/// The keys of a drill.
pub struct Keys {
    /// Whose public key the verifier has.
    pub signer: SigningKey,
    /// Somebody else's.
    pub attacker: SigningKey,
}

impl BundleForgery {
    /// The bytes that are handed in beside the receipt, made from those of its genuine bundle.
    ///
    /// # Errors
    /// An edit is of a place that is not there.
    pub fn forge(&self, genuine: &[u8], keys: &Keys) -> Result<Vec<u8>, String> {
        if let Some(text) = &self.text {
            return Ok(text.clone().into_bytes());
        }
        let mut bundle: Value = serde_json::from_slice(genuine).map_err(|e| e.to_string())?;
        if !self.statement.is_empty() || self.signed_by.is_some() {
            let signatures = bundle["signatures"].take();
            bundle = self.forged_statement(genuine, keys)?;
            if self.signed_by.is_none() {
                bundle["signatures"] = signatures;
            }
        }
        for (at, value) in &self.set {
            put(&mut bundle, at, value.clone())?;
        }
        let mut bytes = bundle.to_string().into_bytes();
        bytes.truncate(self.truncate.unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// An envelope around the edited statement.
    fn forged_statement(&self, genuine: &[u8], keys: &Keys) -> Result<Value, String> {
        let envelope = Envelope::parse(genuine).map_err(|e| e.to_string())?;
        let payload = envelope.verify(&keys.signer.public_key());
        let payload = payload.map_err(|e| e.to_string())?;
        let mut statement = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
        for (at, value) in &self.statement {
            put(&mut statement, at, value.clone())?;
        }
        let key = match self.signed_by {
            Some(By::Signer) => &keys.signer,
            Some(By::Attacker) | None => &keys.attacker,
        };
        let signed = Envelope::sign(statement.to_string().into_bytes(), key).to_json();
        serde_json::from_str(&signed).map_err(|e| e.to_string())
    }
}
