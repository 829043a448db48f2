//! Forged bundles.

use std::collections::BTreeMap;

use host::attest::{Envelope, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::edit::put;

/// How to forge a receipt's bundle. `ci/vectors/README.md` documents the fields.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BundleForgery {
    pub statement: BTreeMap<String, Value>,
    pub signed_by: Option<By>,
    pub keyid_of: Option<By>,
    pub set: BTreeMap<String, Value>,
    pub nameless: bool,
    pub truncate: Option<usize>,
    pub text: Option<String>,
}

/// Who signs a forged statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The signer whose public key the verifier has.
    Signer,
    /// An attacker with another key.
    Attacker,
}

/// The keys of a drill.
pub struct Keys {
    /// The key whose public half the verifier has.
    pub signer: SigningKey,
    /// An attacker's key.
    pub attacker: SigningKey,
}

impl Keys {
    fn of(&self, by: By) -> &SigningKey {
        match by {
            By::Signer => &self.signer,
            By::Attacker => &self.attacker,
        }
    }
}

impl BundleForgery {
    /// Forges the bundle, starting from the bytes of a genuine one.
    ///
    /// # Errors
    /// An edit names a field that does not exist.
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
        if let Some(by) = self.keyid_of {
            let keyid = keys.of(by).public_key().id().to_string();
            put(&mut bundle, "/signatures/0/keyid", keyid.into())?;
        }
        for (at, value) in &self.set {
            put(&mut bundle, at, value.clone())?;
        }
        if self.nameless {
            let fields = ["payload", "payloadType", "signatures"];
            bundle = fields
                .map(|field| bundle[field].take())
                .into_iter()
                .collect();
        }
        let mut bytes = bundle.to_string().into_bytes();
        bytes.truncate(self.truncate.unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// A newly signed envelope with the edited statement.
    fn forged_statement(&self, genuine: &[u8], keys: &Keys) -> Result<Value, String> {
        let envelope = Envelope::parse(genuine).map_err(|e| e.to_string())?;
        let payload = envelope.verify(&keys.signer.public_key());
        let payload = payload.map_err(|e| e.to_string())?;
        let mut statement = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
        for (at, value) in &self.statement {
            put(&mut statement, at, value.clone())?;
        }
        let key = keys.of(self.signed_by.unwrap_or(By::Attacker));
        let signed = Envelope::sign(statement.to_string().into_bytes(), key).to_json();
        serde_json::from_str(&signed).map_err(|e| e.to_string())
    }
}
