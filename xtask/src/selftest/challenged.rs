//! A genuine answer to a challenge, and what the challenger signed.

use host::{
    attest::{Envelope, SigningKey},
    challenge::{ChallengeStatement, Commitment, Refusal, Session, Terms},
    digest::Digest,
    receipt::{PromptSource, Receipt},
    task::Challenge,
    verify::Checked,
};

/// What the challenger's clock shows more than the writer's.
const THERE_AND_BACK_NS: u64 = 1_000_000;

/// A receipt that answers a nonce, and the statement about it.
#[derive(Default)]
pub(super) struct Challenged {
    pub(super) receipt: Vec<u8>,
    pub(super) statement: Vec<u8>,
}

/// The nonce of the drill.
pub(super) fn nonce() -> Challenge {
    let nonce = Digest::of(b"a drill").to_string();
    nonce.parse().expect("a digest's text is a challenge")
}

impl Challenged {
    /// The receipt's statement, as a challenger with `key` makes it.
    pub(super) fn of(receipt: Vec<u8>, key: &SigningKey) -> Result<Self, String> {
        let checked = Checked::read(&receipt).map_err(|e| e.to_string())?;
        let parsed = checked.receipt.ok_or("it is no receipt of this version")?;
        let mut session = Session::new(terms(&parsed)?, 1, u64::MAX).map_err(|e| e.to_string())?;
        let statement = play(&mut session, &parsed, Digest::of(&receipt));
        let statement = statement.map_err(|e| e.to_string())?;
        let envelope = Envelope::sign(statement.to_payload(), key);
        Ok(Self {
            receipt,
            statement: envelope.to_json().into_bytes(),
        })
    }
}

fn terms(receipt: &Receipt) -> Result<Terms, String> {
    let PromptSource::Seeded { seed, count } = receipt.run.prompt else {
        return Err("its prompt follows from no seed".into());
    };
    Ok(Terms {
        model: receipt.model.sha256,
        kv_type: receipt.run.kv_type.clone(),
        seed,
        prompt_tokens: count,
        depth: receipt.depth(),
        tokens: receipt.run.tokens,
    })
}

fn play(
    session: &mut Session,
    receipt: &Receipt,
    file: Digest,
) -> Result<ChallengeStatement, Refusal> {
    let steps = receipt.samples.decode_ns.iter().flatten();
    let own: u64 = receipt.samples.prefill_ns.iter().chain(steps).sum();
    session.went_there_and_back(THERE_AND_BACK_NS);
    let round = session.ask(nonce(), 0)?;
    let answer = Commitment::to(receipt.parity.checksum, &receipt.tokens);
    session.answer(round, answer, own + THERE_AND_BACK_NS)?;
    session.receipt(round, receipt, file)?;
    session.statement("2026-11-28T08:00:00Z".into(), true)
}
