//! What a challenger says of its work: a line for people, or an object for programs.

use std::fmt;

use host::{
    challenge::{ChallengePredicate, Terms},
    digest::Digest,
    plain::plain,
    receipt::per_second,
};
use serde::Serialize;

use crate::{
    args::{Format, OutputArgs},
    output::{note, print},
};

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'e> {
    Listening {
        address: String,
        keyid: Digest,
    },
    Begun {
        session: u64,
        terms: &'e Terms,
    },
    Answered {
        session: u64,
        round: usize,
        after_ns: u64,
    },
    /// Of a message that changes nothing.
    NotTaken {
        session: u64,
        why: String,
    },
    Signed {
        session: u64,
        #[serde(flatten)]
        predicate: &'e ChallengePredicate,
    },
    Refused {
        session: u64,
        why: String,
    },
    GivenUp {
        session: u64,
    },
    Broke {
        from: String,
        why: String,
    },
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Listening { address, keyid } => {
                write!(f, "listening on {address}, signing as {keyid}")
            }
            Self::Begun { session, terms } => write!(
                f,
                "session {session}: begun, {} tokens after a prompt of {}, model {}",
                terms.tokens, terms.prompt_tokens, terms.model
            ),
            Self::Answered {
                session,
                round,
                after_ns,
            } => write!(
                f,
                "session {session}: round {round} answered after {:.3} ms",
                *after_ns as f64 / 1e6
            ),
            Self::NotTaken { session, why } => {
                write!(f, "session {session}: not taken: {}", plain(why, 1000))
            }
            Self::Signed { session, predicate } => {
                let times = predicate.rounds.iter().map(|r| r.answered_after_ns);
                let tightest = times.min().unwrap_or(1);
                let rate = per_second(predicate.terms.tokens, tightest).unwrap_or(0.0);
                let replayed = match predicate.replayed {
                    true => "replayed",
                    false => "not replayed",
                };
                write!(
                    f,
                    "session {session}: signed, {replayed}: at least {rate:.1} tokens/s, the tightest of {} \
                     (round trip {:.3} ms included)",
                    crate::units::counted(predicate.rounds.len() as u64, "round"),
                    predicate.round_trip_ns as f64 / 1e6
                )
            }
            Self::Refused { session, why } => {
                write!(f, "session {session}: refused: {}", plain(why, 1000))
            }
            Self::GivenUp { session } => write!(f, "session {session}: given up by the prover"),
            Self::Broke { from, why } => write!(f, "{from}: {}", plain(why, 1000)),
        }
    }
}

/// Where events are said.
#[derive(Debug, Clone, Copy)]
pub struct Log(OutputArgs);

impl Log {
    pub fn new(how: OutputArgs) -> Self {
        Self(how)
    }

    pub fn say(self, event: &Event) {
        let text = match self.0.format {
            Format::Human if self.0.quiet => return,
            Format::Human => event.to_string(),
            Format::Json => serde_json::to_string(event).unwrap_or_default(),
        };
        note(print(&(text + "\n")));
    }
}
