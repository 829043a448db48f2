//! Whether a receipt is of a round: of the session's terms, with the nonce and the digests of the round.

use super::{
    messages::tokens_digest,
    statement::RoundRecord,
    terms::{Terms, check_prompt},
};
use crate::receipt::{PromptSource, Receipt};

/// The writer's clock may run faster than the challenger's by one part in so many.
const CLOCKS_AGREE_TO: u64 = 1000;

/// Checks that the receipt is of `terms`, of one timed run that was not begun again, and of a prompt that
/// nobody can have looked up.
///
/// # Errors
/// What is different.
pub fn check_terms(receipt: &Receipt, terms: &Terms) -> Result<(), String> {
    let run = &receipt.run;
    let PromptSource::Seeded { seed, count } = run.prompt else {
        return Err("run.prompt: found one that follows from no seed".into());
    };
    let same = |what: &str, found: &dyn std::fmt::Display, allowed: &dyn std::fmt::Display| {
        let (found, allowed) = (found.to_string(), allowed.to_string());
        match found == allowed {
            true => Ok(()),
            false => Err(format!(
                "{what}: found {found}, the session is about {allowed}"
            )),
        }
    };
    same("model.sha256", &receipt.model.sha256, &terms.model)?;
    same("run.kv_type", &run.kv_type, &terms.kv_type)?;
    same("run.prompt.seed", &seed, &terms.seed)?;
    same("run.prompt.count", &count, &terms.prompt_tokens)?;
    same("run.depth", &receipt.depth(), &terms.depth)?;
    same("run.tokens", &run.tokens, &terms.tokens)?;
    for (what, found) in [
        ("run.repetitions", run.repetitions),
        ("run.attempts", run.attempts.unwrap_or(1)),
    ] {
        if found != 1 {
            return Err(format!("{what}: found {found}, allowed 1 for each nonce"));
        }
    }
    check_prompt(terms.prompt_tokens, receipt.model.shape.n_vocab)
        .map_err(|why| format!("prompt: {why}"))
}

/// Checks that the receipt has the nonce of the round, and the digests that were sent for it.
///
/// # Errors
/// What is different.
pub fn check_round(receipt: &Receipt, round: &RoundRecord) -> Result<(), String> {
    match &receipt.run.challenge {
        Some(found) if *found == round.nonce => {}
        found => {
            let found = found.as_ref().map_or("none".into(), ToString::to_string);
            return Err(format!(
                "run.challenge: found {found}, the nonce is {}",
                round.nonce
            ));
        }
    }
    let sent = &round.commitment;
    for (what, found, sent) in [
        (
            "parity.checksum",
            receipt.parity.checksum,
            sent.transcript_checksum,
        ),
        (
            "digest of the tokens",
            tokens_digest(&receipt.tokens),
            sent.tokens_sha256,
        ),
    ] {
        if found != sent {
            return Err(format!("{what}: found {found}, sent was {sent}"));
        }
    }
    Ok(())
}

/// Checks that the receipt's own times fit into the time of the round: the run was inside it.
///
/// # Errors
/// They do not.
pub fn check_times(receipt: &Receipt, round: &RoundRecord) -> Result<(), String> {
    let samples = &receipt.samples;
    let times = samples.depth_ns.iter().flatten();
    let times = times.chain(&samples.prefill_ns);
    let mut times = times.chain(samples.decode_ns.iter().flatten());
    let own = times.try_fold(0u64, |sum, &ns| sum.checked_add(ns));
    let own = own.ok_or("samples: the times overflow")?;
    let most = round.answered_after_ns;
    let most = most.saturating_add(most / CLOCKS_AGREE_TO);
    match own <= most {
        true => Ok(()),
        false => Err(format!(
            "samples: found {own} ns, the answer was there after {} ns: the writer's clock is wrong",
            round.answered_after_ns
        )),
    }
}
