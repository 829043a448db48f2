//! Rules on a challenger's statement: envelope, signature and content in this order, then whether the
//! receipt is of one of its rounds.

use super::bundle::holds;
use crate::{
    attest::{Envelope, PublicKey},
    challenge::{Bound, ChallengeStatement, check_round, check_terms, check_times},
    digest::Digest,
    receipt::Receipt,
    verify::outcome::RuleOutcome,
};

/// Checks `statement`, the content of its file, against the receipt whose file has the digest
/// `receipt_file`. The bound is there if every rule holds.
pub(in crate::verify) fn check(
    receipt: Option<&Receipt>,
    receipt_file: Digest,
    statement: &[u8],
    key: &PublicKey,
) -> (Vec<RuleOutcome>, Option<Bound>) {
    let mut rules = Vec::new();
    let bound = bound(receipt, receipt_file, statement, key, &mut rules);
    (rules, bound)
}

fn bound(
    receipt: Option<&Receipt>,
    receipt_file: Digest,
    statement: &[u8],
    key: &PublicKey,
    rules: &mut Vec<RuleOutcome>,
) -> Option<Bound> {
    let envelope = holds("challenged_envelope", Envelope::parse(statement), rules)?;
    let payload = holds("challenged_signature", envelope.verify(key), rules)?;
    let statement = ChallengeStatement::parse(payload);
    let statement = holds("challenged_statement", statement, rules)?;
    let place = statement.place_of(receipt_file).ok_or_else(|| {
        format!(
            "the statement has no round with this receipt, whose file has sha256 {receipt_file}"
        )
    });
    let place = holds("challenged_receipt", place, rules)?;
    let (receipt, predicate) = (receipt?, &statement.predicate);
    let round = &predicate.rounds[place];
    let terms = check_terms(receipt, &predicate.terms);
    let all = [
        holds("challenged_terms", terms, rules),
        holds("challenged_round", check_round(receipt, round), rules),
        holds("challenged_times", check_times(receipt, round), rules),
    ];
    let do_all_hold = all.iter().all(Option::is_some);
    do_all_hold.then(|| Bound::of(predicate, place, key.id()))
}
