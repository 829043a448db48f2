//! The signed payload: an in-toto Statement v1.

use serde::{Deserialize, Serialize};

use super::in_toto::{FieldError, STATEMENT_TYPE, Sha256, check_field};
use crate::{
    digest::Digest,
    files::{JsonError, read_json, read_json_value},
    receipt::Receipt,
};

/// The value of `predicateType`.
pub const PREDICATE_TYPE: &str = "https://bitreceipt.dev/receipt/v1";

/// The claim that a signer makes, and the only one.
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
    /// The claim about the subjects.
    pub predicate: Predicate,
}

/// A file that the statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The role of the file in the run.
    pub name: Role,
    /// The digest of the file.
    pub digest: Sha256,
}

/// The role of a file in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The file of the receipt, byte for byte.
    Receipt,
    /// The model file.
    Model,
    /// The executable that wrote the receipt.
    Binary,
    /// The WebAssembly module of the reference.
    Guest,
}

impl Role {
    /// All roles. Every statement has one subject for each of them.
    pub const ALL: [Self; 4] = [Self::Receipt, Self::Model, Self::Binary, Self::Guest];
}

/// The claim about the subjects. The digest of the receipt already binds its content; the fields
/// here are for readers who have only the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The receipt's `receipt_schema`, which defines the meaning of its fields.
    pub receipt_schema: String,
    /// The receipt's `parity.checksum`, which commits to the whole transcript.
    pub transcript_checksum: Digest,
    /// Always [`CLAIM`].
    pub claim: String,
}

/// The run was not replayed, so its receipt is not signed.
#[derive(Debug, thiserror::Error)]
#[error("the run was not replayed (--parity off): nothing unproved is signed")]
pub struct NotProved;

/// Why a payload is not a valid statement about a receipt.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StatementError {
    #[error("not a statement: {0}")]
    NotAStatement(#[from] JsonError),
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("subject: found {found} named {role:?}, allowed 1")]
    Subjects { found: usize, role: Role },
}

impl Statement {
    /// A statement about `receipt`. `file` is the content of its file, `binary` the digest of the
    /// executable that wrote it.
    ///
    /// # Errors
    /// The run was not replayed.
    pub fn about(receipt: &Receipt, file: &[u8], binary: Digest) -> Result<Self, NotProved> {
        let guest = receipt.parity.guest_sha256.ok_or(NotProved)?;
        if !receipt.parity.status.is_replayed() {
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

    /// Parses a payload whose signature has been verified.
    ///
    /// # Errors
    /// The payload is not an in-toto statement with this predicate and one subject for every
    /// [`Role`].
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        // The types first, because they determine which fields are allowed.
        let value = read_json_value(payload)?;
        check_field(&value, "_type", STATEMENT_TYPE)?;
        check_field(&value, "predicateType", PREDICATE_TYPE)?;
        let statement: Self = read_json(payload)?;
        check_field(&value["predicate"], "claim", CLAIM)?;
        for role in Role::ALL {
            let found = statement.subject.iter().filter(|s| s.name == role).count();
            if found != 1 {
                return Err(StatementError::Subjects { found, role });
            }
        }
        Ok(statement)
    }

    /// The payload to be signed: JSON without white space.
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement's keys are strings")
    }

    /// The digest of the subject with this role.
    pub fn digest(&self, role: Role) -> Digest {
        let subject = self.subject.iter().find(|subject| subject.name == role);
        subject.expect("every role has a subject").digest.sha256
    }
}
