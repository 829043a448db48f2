//! What a challenger does when all receipts of a session are there: it verifies each, and signs.

use std::path::PathBuf;

use host::{
    attest::{Envelope, SigningKey},
    verify::{Conclusion, Outcome, Verdict},
    watch::Watch,
};

use super::{events::Event, service::Challenger};
use crate::{
    args::{ChallengeServeArgs, VerifyReceiptArgs},
    commands::verify_receipt::{Shared, examine_bytes},
    exit::{Exit, Failure},
};

/// Who verifies receipts and signs statements.
pub struct Judge<'a> {
    args: &'a ChallengeServeArgs,
    key: SigningKey,
    watch: &'a Watch,
    /// One model stays in memory from one receipt to the next.
    shared: Shared,
}

impl<'a> Judge<'a> {
    pub fn new(args: &'a ChallengeServeArgs, key: SigningKey, watch: &'a Watch) -> Self {
        Self {
            args,
            key,
            watch,
            shared: Shared::remembering(Vec::new()),
        }
    }

    /// Judges the session of this number, all of whose receipts are there.
    ///
    /// # Errors
    /// The command was interrupted.
    pub fn judge(&mut self, challenger: &Challenger, number: u64) -> Result<(), Failure> {
        let Some((session, begun, receipts)) =
            challenger.sessions().numbered(number).map(|entry| {
                let receipts = std::mem::take(&mut entry.receipts);
                (entry.session.clone(), entry.begun.clone(), receipts)
            })
        else {
            return Ok(());
        };
        let mut outcome = Ok(());
        for round in 1..=receipts.len() {
            let nonce = session.nonce(round).cloned();
            outcome = self.verify(round, nonce, &receipts[&round])?;
            if outcome.is_err() {
                break;
            }
        }
        let replayed = !self.args.no_replay;
        let signed = outcome.and_then(|()| {
            let statement = session.statement(begun, replayed);
            let statement = statement.map_err(|e| e.to_string())?;
            challenger.log().say(&Event::Signed {
                session: number,
                predicate: &statement.predicate,
            });
            Ok(Envelope::sign(statement.to_payload(), &self.key).to_json())
        });
        if let Err(why) = &signed {
            challenger.log().say(&Event::Refused {
                session: number,
                why: why.clone(),
            });
        }
        if let Some(entry) = challenger.sessions().numbered(number) {
            entry.outcome = Some(signed);
        }
        Ok(())
    }

    /// Whether the receipt of a round is right.
    fn verify(
        &self,
        round: usize,
        challenge: Option<host::task::Challenge>,
        receipt: &[u8],
    ) -> Result<Result<(), String>, Failure> {
        let args = VerifyReceiptArgs {
            path: Some(PathBuf::from(format!("round-{round}"))),
            model: self.args.model.clone(),
            no_replay: self.args.no_replay,
            jobs: self.args.jobs,
            challenge,
            print: self.args.print,
            ..VerifyReceiptArgs::default()
        };
        match examine_bytes(&self.shared, &args, receipt, self.watch) {
            Ok(examined) => Ok(self
                .judged(&examined.verdict)
                .map_err(|why| format!("round {round}: {why}"))),
            Err(failure) if failure.exit == Exit::Interrupted => Err(failure),
            Err(failure) => Ok(Err(format!(
                "round {round}: the challenger could not verify it: {failure}"
            ))),
        }
    }

    fn judged(&self, verdict: &Verdict) -> Result<(), String> {
        let is_left_out = |rule: &str| self.args.no_replay && rule == "parity_replay";
        let stops = |outcome| matches!(outcome, Outcome::Fail | Outcome::Unverifiable);
        let mut rules = verdict.rules.iter();
        match rules.find(|r| stops(r.outcome) && !is_left_out(r.rule)) {
            None if verdict.conclusion == Conclusion::Accepted || self.args.no_replay => Ok(()),
            None => Err("it was not replayed".into()),
            Some(rule) => Err(format!("{}: {}", rule.rule, rule.evidence)),
        }
    }
}
