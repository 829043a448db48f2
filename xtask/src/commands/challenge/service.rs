//! What a challenger answers. Every time is taken here: a nonce's before it leaves, an answer's when it is
//! there whole.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant, SystemTime},
};

use host::{
    challenge::{Asked, Commitment, Hello, Opened, PROTOCOL, Refusal, Session, Terms, Told},
    digest::Digest,
    files::read_json,
    receipt::{MAX_RECEIPT_BYTES, largest_receipt_bytes},
    task::Challenge,
    verify::Checked,
    watch::Watch,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    events::{Event, Log},
    route::Route,
    sessions::{Ended, Entry, Sessions},
};
use crate::{
    args::ChallengeServeArgs,
    http::{Request, Response, Service, WireError},
};

/// No other message has more bytes.
const MOST_BYTES: u64 = 4 << 10;

/// The challenger, as its connections see it.
pub struct Challenger {
    n_rounds: usize,
    longest_wait: Duration,
    most_positions: u64,
    log: Log,
    watch: Watch,
    is_over: AtomicBool,
    clock: Instant,
    sessions: Mutex<Sessions>,
    complete: Mutex<Sender<u64>>,
}

type Answered = Result<Response, Response>;

impl Challenger {
    /// A challenger, and where the numbers of complete sessions come out.
    pub fn new(args: &ChallengeServeArgs, log: Log, watch: Watch) -> (Self, Receiver<u64>) {
        let (complete, completed) = channel();
        let challenger = Self {
            n_rounds: args.rounds,
            longest_wait: args.answer_within,
            most_positions: args.max_positions,
            log,
            watch,
            is_over: AtomicBool::new(false),
            clock: Instant::now(),
            sessions: Mutex::new(Sessions::new(args.answer_within)),
            complete: Mutex::new(complete),
        };
        (challenger, completed)
    }

    /// Ends it.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Its log.
    pub fn log(&self) -> Log {
        self.log
    }

    /// Its sessions.
    pub fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets sessions that are over. Returns how many are.
    pub fn sweep(&self, fetching: Duration) -> Ended {
        let (ended, given_up) = self.sessions().sweep(Instant::now(), fetching);
        for session in given_up {
            self.log.say(&Event::GivenUp { session });
        }
        ended
    }

    fn nanoseconds(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.clock).as_nanos() as u64
    }

    fn open(&self, body: &[u8]) -> Answered {
        let terms: Terms = message(body)?;
        let wait_ns = self.longest_wait.as_nanos() as u64;
        let session = Session::new(terms.clone(), self.n_rounds, wait_ns).map_err(refused)?;
        let (found, allowed) = (terms.n_positions(), self.most_positions);
        if found > allowed {
            let why = format!("found {found} positions, this challenger allows at most {allowed}");
            return Err(Response::error(422, why));
        }
        let name = Digest(random()?).to_string();
        let begun = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let added = self.sessions().add(&name, session, begun);
        let number = added.ok_or_else(|| Response::error(503, "there are too many sessions"))?;
        self.log.say(&Event::Begun {
            session: number,
            terms: &terms,
        });
        let opened = Opened {
            session: name,
            rounds: self.n_rounds,
        };
        Ok(Response::json(201, &opened))
    }

    fn ping(&self, name: &str, at: Instant) -> Answered {
        let mut sessions = self.sessions();
        let entry = found(&mut sessions, name)?;
        if let Some(sent_at_ns) = entry.pong_at_ns {
            let there_and_back = self.nanoseconds(at).saturating_sub(sent_at_ns);
            entry.session.went_there_and_back(there_and_back);
        }
        entry.pong_at_ns = Some(self.nanoseconds(Instant::now()));
        Ok(Response::json(200, &json!({})))
    }

    fn ask(&self, name: &str) -> Answered {
        let nonce = Digest(random()?).to_string();
        let nonce: Challenge = nonce
            .parse()
            .map_err(|e| Response::error(503, format_args!("nonce: {e}")))?;
        let mut sessions = self.sessions();
        let entry = found(&mut sessions, name)?;
        let now_ns = self.nanoseconds(Instant::now());
        let round = entry.session.ask(nonce.clone(), now_ns);
        let round = round.map_err(|e| self.not_taken(entry.number, e))?;
        Ok(Response::json(201, &Asked { round, nonce }))
    }

    fn take_answer(&self, name: &str, round: usize, body: &[u8], at: Instant) -> Answered {
        let commitment: Commitment = message(body)?;
        let mut sessions = self.sessions();
        let entry = found(&mut sessions, name)?;
        let after_ns = entry
            .session
            .answer(round, commitment, self.nanoseconds(at));
        let answered_after_ns = after_ns.map_err(|e| self.not_taken(entry.number, e))?;
        self.log.say(&Event::Answered {
            session: entry.number,
            round,
            after_ns: answered_after_ns,
        });
        Ok(Response::json(200, &Told { answered_after_ns }))
    }

    fn take_receipt(&self, name: &str, round: usize, body: &[u8]) -> Answered {
        let bad = |why: String| Response::error(422, format_args!("round {round}: {why}"));
        let checked = Checked::read(body).map_err(|e| bad(format!("not a receipt: {e}")))?;
        let receipt = checked.receipt.as_ref();
        let receipt = receipt.ok_or_else(|| bad("this receipt cannot be read".into()))?;
        let mut sessions = self.sessions();
        let entry = found(&mut sessions, name)?;
        let taken = entry.session.receipt(round, receipt, Digest::of(body));
        taken.map_err(|e| self.not_taken(entry.number, e))?;
        entry.receipts.insert(round, body.to_vec());
        let (n, of) = entry.session.progress();
        if n == of {
            let complete = self.complete.lock().unwrap_or_else(PoisonError::into_inner);
            // The other end is there until the command ends.
            let _ = complete.send(entry.number);
        }
        Ok(Response::json(200, &json!({})))
    }

    fn statement(&self, name: &str) -> Answered {
        let mut sessions = self.sessions();
        let entry = found(&mut sessions, name)?;
        let (n, of) = entry.session.progress();
        match &entry.outcome {
            None if n < of => {
                let why = format!("found {n} receipts of {of} rounds");
                Err(Response::error(409, why))
            }
            None => Ok(Response::json(202, &json!({}))),
            Some(outcome) => {
                let response = match outcome {
                    Ok(statement) => Response {
                        status: 200,
                        body: statement.clone().into_bytes(),
                    },
                    Err(why) => Response::error(422, why),
                };
                sessions.fetched(name);
                Ok(response)
            }
        }
    }

    fn not_taken(&self, session: u64, refusal: Refusal) -> Response {
        let why = refusal.to_string();
        self.log.say(&Event::NotTaken { session, why });
        refused(refusal)
    }
}

impl Service for Challenger {
    fn most_body(&self, method: &str, path: &str) -> u64 {
        let Route::Receipt(name, _) = Route::of(method, path) else {
            return MOST_BYTES;
        };
        let mut sessions = self.sessions();
        let Some(entry) = sessions.get(name) else {
            return MOST_BYTES;
        };
        let terms = entry.session.terms();
        let [prompt, tokens] = [terms.prompt_tokens, terms.tokens].map(|n| n as usize);
        largest_receipt_bytes(prompt, tokens, 1).min(MAX_RECEIPT_BYTES)
    }

    fn answer(&self, request: &Request, at: Instant) -> Response {
        let body = &request.body;
        let answered = match Route::of(&request.method, &request.path) {
            Route::Hello => Ok(Response::json(
                200,
                &Hello {
                    protocol: PROTOCOL.into(),
                    rounds: self.n_rounds,
                },
            )),
            Route::Open => self.open(body),
            Route::Ping(name) => self.ping(name, at),
            Route::Ask(name) => self.ask(name),
            Route::Answer(name, round) => self.take_answer(name, round, body, at),
            Route::Receipt(name, round) => self.take_receipt(name, round, body),
            Route::Statement(name) => self.statement(name),
            Route::OtherMethod => Err(Response::error(405, "this address has another method")),
            Route::Nowhere => Err(Response::error(404, "there is no such address")),
        };
        answered.unwrap_or_else(|refused| refused)
    }

    fn broke(&self, from: SocketAddr, why: &WireError) {
        let (from, why) = (from.to_string(), why.to_string());
        self.log.say(&Event::Broke { from, why });
    }

    fn is_stopped(&self) -> bool {
        self.is_over.load(Ordering::SeqCst) || self.watch.is_stopped()
    }
}

fn message<T: DeserializeOwned + Serialize>(body: &[u8]) -> Result<T, Response> {
    read_json(body).map_err(|e| Response::error(400, e))
}

fn found<'s>(sessions: &'s mut Sessions, name: &str) -> Result<&'s mut Entry, Response> {
    let entry = sessions.get(name);
    entry.ok_or_else(|| Response::error(404, "there is no such session, or it is over"))
}

fn refused(refusal: Refusal) -> Response {
    let status = match refusal {
        Refusal::Content(_) => 422,
        Refusal::Order(_) => 409,
    };
    Response::error(status, refusal)
}

fn random() -> Result<[u8; 32], Response> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| Response::error(503, format_args!("the system has no random numbers: {e}")))?;
    Ok(bytes)
}
