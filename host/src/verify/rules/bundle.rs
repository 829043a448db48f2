//! Rules on a receipt's bundle. The envelope, the signature and the statement are checked in this
//! order, so no content is used before its signature has been verified.

use super::found::equal;
use crate::{
    attest::{Envelope, PublicKey, Role, Statement},
    digest::Digest,
    plain::plain,
    receipt::Receipt,
    verify::{outcome::Outcome, outcome::RuleOutcome},
};

/// Checks `bundle`, the content of a bundle's file, against the receipt whose file has the digest
/// `receipt_file`.
pub(in crate::verify) fn check(
    receipt: Option<&Receipt>,
    receipt_file: Digest,
    bundle: &[u8],
    key: &PublicKey,
) -> Vec<RuleOutcome> {
    let mut rules = Vec::new();
    if let Some(statement) = signed_statement(bundle, key, &mut rules) {
        rules.push(RuleOutcome::of(
            "bundle_receipt",
            of_this_receipt(&statement, receipt, receipt_file),
        ));
        if let Some(receipt) = receipt {
            let model = equal(&statement.digest(Role::Model), &receipt.model.sha256);
            rules.push(RuleOutcome::of("bundle_model", model));
            let guest = match receipt.parity.guest_sha256 {
                Some(guest) => equal(&statement.digest(Role::Guest), &guest),
                None => Err("the receipt names no guest".into()),
            };
            rules.push(RuleOutcome::of("bundle_guest", guest));
        }
        rules.push(binary(&statement));
    }
    rules
}

/// The statement, if the bundle is well-formed and `key` signed it.
fn signed_statement(
    bundle: &[u8],
    key: &PublicKey,
    rules: &mut Vec<RuleOutcome>,
) -> Option<Statement> {
    let envelope = holds("bundle_envelope", Envelope::parse(bundle), rules)?;
    let payload = holds("bundle_signature", envelope.verify(key), rules)?;
    if let Some(keyid) = envelope.keyid().filter(|&id| id != key.id().to_string()) {
        let evidence = format!(
            "found {}, the public key has {}",
            plain(keyid, 80),
            key.id()
        );
        rules.push(RuleOutcome::new("bundle_keyid", Outcome::Note, evidence));
    }
    holds("bundle_statement", Statement::parse(payload), rules)
}

/// Records whether the rule holds. Returns the value if it does.
pub(super) fn holds<T, E: ToString>(
    rule: &'static str,
    result: Result<T, E>,
    rules: &mut Vec<RuleOutcome>,
) -> Option<T> {
    let (value, result) = match result {
        Ok(value) => (Some(value), Ok(())),
        Err(error) => (None, Err(error.to_string())),
    };
    rules.push(RuleOutcome::of(rule, result));
    value
}

fn of_this_receipt(
    statement: &Statement,
    receipt: Option<&Receipt>,
    receipt_file: Digest,
) -> Result<(), String> {
    let signed = statement.digest(Role::Receipt);
    if signed != receipt_file {
        return Err(format!(
            "the signed receipt has sha256 {signed}, this file has {receipt_file}"
        ));
    }
    let Some(receipt) = receipt else {
        return Ok(());
    };
    let predicate = &statement.predicate;
    equal(&predicate.receipt_schema, &receipt.receipt_schema)?;
    equal(&predicate.transcript_checksum, &receipt.parity.checksum)
}

/// Notes the digest of the signer's binary. It cannot be checked: builds differ from machine to
/// machine, and the verifier does not have the signer's binary.
fn binary(statement: &Statement) -> RuleOutcome {
    let digest = statement.digest(Role::Binary);
    let evidence = format!("{digest}, on the signer's word: the verifier does not have the file");
    RuleOutcome::new("bundle_binary", Outcome::Note, evidence)
}
