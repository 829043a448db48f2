//! What is signed: an in-toto Statement v1
//! (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    digest::Digest,
    receipt::{ParityStatus, Receipt},
};

/// `_type`
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// `predicateType`
pub const PREDICATE_TYPE: &str = "https://bitreceipt.dev/receipt/v1";

/// What a signer says, and all that a signer says.
pub const CLAIM: &str =
    "I ran this binary on this model and it wrote this receipt; the speed is my word.";

/// A statement about a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    /// What is said of the subjects.
    pub predicate: Predicate,
}

/// A file that the statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its part in the run.
    pub name: Role,
    /// Of its bytes.
    pub digest: Sha256,
}

/// A digest with the name of its algorithm, as in-toto has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Sha256 {
    pub sha256: Digest,
}

/// The part that a file had in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The receipt's file, byte for byte.
    Receipt,
    /// The model's file.
    Model,
    /// The executable that wrote the receipt.
    Binary,
    /// The reference's module.
    Guest,
}

impl Role {
    /// All of them: the subjects of every statement.
    pub const ALL: [Self; 4] = [Self::Receipt, Self::Model, Self::Binary, Self::Guest];
}

/// What is said of the subjects. The receipt is bound by its digest; this lets a reader of the
/// statement alone know what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The receipt's `receipt_schema`, which says what its fields mean.
    pub receipt_schema: String,
    /// The receipt's `parity.checksum`, which commits to the whole transcript.
    pub transcript_checksum: Digest,
    /// [`CLAIM`].
    pub claim: String,
}

/// Nothing is signed that was not replayed.
#[derive(Debug, thiserror::Error)]
#[error("the run was not replayed (--parity off): nothing unproved is signed")]
pub struct NotProved;

/// Why a payload is no statement about a receipt.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StatementError {
    #[error("not a statement: {0}")]
    NotAStatement(#[from] serde_json::Error),
    #[error("{field}: found {found}, allowed {allowed:?}")]
    Field {
        field: &'static str,
        found: String,
        allowed: &'static str,
    },
    #[error("subject: found {found} named {role:?}, allowed 1")]
    Subjects { found: usize, role: Role },
}

impl Statement {
    /// About `receipt`, whose file has the bytes `file`, written by the executable with the digest
    /// `binary`.
    ///
    /// # Errors
    /// The run was not replayed.
    pub fn about(receipt: &Receipt, file: &[u8], binary: Digest) -> Result<Self, NotProved> {
        let guest = receipt.parity.guest_sha256.ok_or(NotProved)?;
        if receipt.parity.status != ParityStatus::Passed {
            return Err(NotProved);
        }
        let digest = |role| match role {
            Role::Receipt => Digest::of(file),
            Role::Model => receipt.model.sha256,
            Role::Binary => binary,
            Role::Guest => guest,
        };
        let subject = |name| Subject {
            name,
            digest: Sha256 {
                sha256: digest(name),
            },
        };
        Ok(Self {
            statement_type: STATEMENT_TYPE.into(),
            subject: Role::ALL.map(subject).to_vec(),
            predicate_type: PREDICATE_TYPE.into(),
            predicate: Predicate {
                receipt_schema: receipt.receipt_schema.clone(),
                transcript_checksum: receipt.parity.checksum,
                claim: CLAIM.into(),
            },
        })
    }

    /// From a payload whose signature holds.
    ///
    /// # Errors
    /// It is no in-toto statement with our predicate and one subject of every [`Role`].
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        // The types first: they say which fields there may be.
        let value: Value = serde_json::from_slice(payload)?;
        check_field(&value, "_type", STATEMENT_TYPE)?;
        check_field(&value, "predicateType", PREDICATE_TYPE)?;
        // From the bytes again: a value no longer shows keys that appeared twice.
        let statement: Self = serde_json::from_slice(payload)?;
        check_field(&value["predicate"], "claim", CLAIM)?;
        for role in Role::ALL {
            let found = statement.subject.iter().filter(|s| s.name == role).count();
            if found != 1 {
                return Err(StatementError::Subjects { found, role });
            }
        }
        Ok(statement)
    }

    /// The payload: JSON without white space.
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement's keys are strings")
    }

    /// The digest of the subject that has this part.
    pub fn digest(&self, role: Role) -> Digest {
        let subject = self.subject.iter().find(|subject| subject.name == role);
        subject.expect("there is one of every role").digest.sha256
    }
}

fn check_field(
    value: &Value,
    field: &'static str,
    allowed: &'static str,
) -> Result<(), StatementError> {
    match value.get(field) {
        Some(Value::String(found)) if found == allowed => Ok(()),
        found => Err(StatementError::Field {
            field,
            found: found.map_or("nothing".into(), Value::to_string),
            allowed,
        }),
    }
}
