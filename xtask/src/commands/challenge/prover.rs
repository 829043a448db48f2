//! The other side: what `benchmark --challenge-from` says to a challenger.

use std::{thread, time::Duration};

use host::{
    challenge::{Asked, Commitment, Hello, MAX_ROUNDS, Opened, PROTOCOL, Terms, Told},
    files::read_json,
    watch::Watch,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    exit::{Exit, Failure},
    http::{Answer, Client, ServerAddress, WireError},
};

/// Round trips that are measured before the rounds.
const PINGS: usize = 6;

/// Time between two questions for the statement.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// A prover's connection to a challenger.
pub struct Prover<'s> {
    server: ServerAddress,
    client: Client<'s>,
    session: String,
}

impl<'s> Prover<'s> {
    /// Greets a challenger. Returns the number of its rounds, too.
    ///
    /// # Errors
    /// Nobody is there, or somebody else.
    pub fn greet(
        server: &ServerAddress,
        is_stopped: &'s (dyn Fn() -> bool + Sync),
    ) -> Result<(Self, usize), Failure> {
        let mut prover = Self {
            server: server.clone(),
            client: Client::new(server.clone(), is_stopped),
            session: String::new(),
        };
        let answer = prover.ask("GET", "/v1", Vec::new())?;
        let hello: Option<Hello> = read_json(&answer.body).ok();
        let is_one =
            |hello: &Hello| hello.protocol == PROTOCOL && (1..=MAX_ROUNDS).contains(&hello.rounds);
        match hello.filter(|hello| answer.status == 200 && is_one(hello)) {
            Some(hello) => Ok((prover, hello.rounds)),
            None => Err(prover.not_a_challenger()),
        }
    }

    /// Begins a session, and has the round trip measured. Returns the number of its rounds.
    ///
    /// # Errors
    /// The challenger refuses the terms, or is gone.
    pub fn open(&mut self, terms: &Terms) -> Result<usize, Failure> {
        let opened: Opened = self.tell("POST", "/v1/sessions", terms, Exit::Usage)?;
        self.session = opened.session;
        for _ in 0..PINGS {
            let _: Value = self.tell("POST", &self.path("ping"), &Value::Null, Exit::Io)?;
        }
        Ok(opened.rounds)
    }

    /// The nonce of the next round.
    ///
    /// # Errors
    /// The challenger refuses, or is gone.
    pub fn nonce(&mut self) -> Result<Asked, Failure> {
        self.tell("POST", &self.path("rounds"), &Value::Null, Exit::Rejected)
    }

    /// Sends the answer of a round. Returns the nanoseconds since its nonce, by the challenger's clock.
    ///
    /// # Errors
    /// The challenger refuses, or is gone.
    pub fn answer(&mut self, round: usize, commitment: &Commitment) -> Result<u64, Failure> {
        let path = self.path(&format!("rounds/{round}/answer"));
        let told: Told = self.tell("POST", &path, commitment, Exit::Rejected)?;
        Ok(told.answered_after_ns)
    }

    /// Sends the receipt of a round.
    ///
    /// # Errors
    /// The challenger refuses, or is gone.
    pub fn receipt(&mut self, round: usize, receipt: &[u8]) -> Result<(), Failure> {
        // A connection that was silent during a replay may be closed by now.
        self.client.reconnect();
        let path = self.path(&format!("rounds/{round}/receipt"));
        let answer = self.ask("PUT", &path, receipt.to_vec())?;
        self.checked(answer, Exit::Rejected).map(drop)
    }

    /// The signed statement, when the challenger has verified everything.
    ///
    /// # Errors
    /// The challenger refuses to sign, or is gone; or the command is interrupted.
    pub fn statement(&mut self, watch: &Watch) -> Result<Vec<u8>, Failure> {
        loop {
            let answer = self.ask("GET", &self.path("statement"), Vec::new())?;
            let answer = self.checked(answer, Exit::Rejected)?;
            if answer.status != 202 {
                return Ok(answer.body);
            }
            if watch.is_stopped() {
                return Err(Failure::interrupted());
            }
            thread::sleep(BETWEEN_QUESTIONS);
        }
    }

    fn path(&self, what: &str) -> String {
        format!("/v1/sessions/{}/{what}", self.session)
    }

    fn tell<T: DeserializeOwned + Serialize>(
        &mut self,
        method: &str,
        path: &str,
        message: &impl Serialize,
        refused: Exit,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(message).unwrap_or_default();
        let answer = self.ask(method, path, body)?;
        let answer = self.checked(answer, refused)?;
        read_json(&answer.body).map_err(|_| self.not_a_challenger())
    }

    fn ask(&mut self, method: &str, path: &str, body: Vec<u8>) -> Result<Answer, Failure> {
        self.client.ask(method, path, body).map_err(|error| {
            let failure = match &error {
                WireError::Stopped => return Failure::interrupted(),
                WireError::Io(e) => Failure::of_io(e),
                WireError::Closed | WireError::CutShort | WireError::TooSlow => {
                    Failure::new(Exit::Io, error)
                }
                _ => return self.not_a_challenger(),
            };
            failure
                .about(&self.server)
                .with_hint("is `challenge serve` running there?")
        })
    }

    /// The answer, unless it is a refusal, which ends with this code.
    fn checked(&self, answer: Answer, refused: Exit) -> Result<Answer, Failure> {
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(why) = body["error"].as_str() else {
            return Err(self.not_a_challenger());
        };
        let exit = match answer.status {
            503 => Exit::Io,
            _ => refused,
        };
        let what = format_args!("the challenger refuses: {why}");
        Err(Failure::new(exit, what).about(&self.server))
    }

    fn not_a_challenger(&self) -> Failure {
        let what = format_args!("what answers there is no challenger of {PROTOCOL}");
        Failure::new(Exit::BadInput, what)
            .about(&self.server)
            .with_hint("name the address that `challenge serve` prints")
    }
}
