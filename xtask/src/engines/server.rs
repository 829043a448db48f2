//! A server that speaks HTTP as llama.cpp's does: started and ended by us, or running somewhere.

use std::time::{Duration, Instant};

use host::watch::Watch;

use super::{
    adapter::{AdapterAnswer, AdapterRequest},
    at::{At, MOST_SHORT_BYTES, SHORT, free_port, is_taken},
    body::{body, merged},
    command::EngineCommand,
    completion::{Completion, Reply, refusal},
    engine::{Answer, Engine, Facts, Request, Settings},
    failure::{Cause, EngineFailure},
    listening::is_reachable_from_elsewhere,
    progress::after,
    quote::quote,
    running::Running,
    spec::EngineSpec,
    vocabulary::Vocabulary,
};
use crate::http::{Connected, Events, Request as HttpRequest, ServerAddress, Streamed};

/// The largest answer that is not streamed.
const MOST_WHOLE_BYTES: usize = 64 << 20;

/// So often another port is tried if somebody takes it first.
const PORTS: usize = 3;

/// A server that is ready.
pub(super) struct Server {
    facts: Facts,
    at: At,
    request: AdapterRequest,
    answer: AdapterAnswer,
    /// Only where the stream has no ids.
    vocabulary: Option<Vocabulary>,
    n_vocab: u32,
    silence: Duration,
    has_failed: bool,
}

impl Server {
    /// Starts `command` on a free port of this machine, and waits until it is ready.
    pub(super) fn start(
        spec: &EngineSpec,
        command: &str,
        settings: &Settings,
        watch: &Watch,
    ) -> Result<Self, EngineFailure> {
        let failed = |cause| EngineFailure::new(&spec.name, cause);
        if !command.contains("{port}") {
            return Err(failed(Cause::Usage(format!(
                "found the command {command:?}, which has no {{port}} for the port to listen on"
            ))));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let port = free_port().map_err(|e| failed(e.into()))?;
            let filled = EngineCommand::new(command, settings, Some(port)).map_err(failed)?;
            let mut at = At {
                address: ServerAddress {
                    host_and_port: format!("127.0.0.1:{port}"),
                },
                running: Some(Running::start(&spec.name, &filled, false)?),
            };
            if let Err(cause) = at.wait_until_ready(&spec.adapter, settings.start, watch) {
                if matches!(cause, Cause::Ended { .. }) && tries < PORTS && is_taken(port) {
                    continue;
                }
                return Err(at.failed(&spec.name, cause));
            }
            if is_reachable_from_elsewhere(port) {
                let why = "other machines can reach it; add --host 127.0.0.1 to its command";
                return Err(at.failed(&spec.name, Cause::Usage(why.into())));
            }
            return Self::of(spec, at, settings, watch);
        }
    }

    /// The server at `address`.
    pub(super) fn connect(
        spec: &EngineSpec,
        address: &ServerAddress,
        settings: &Settings,
        watch: &Watch,
    ) -> Result<Self, EngineFailure> {
        let mut at = At {
            address: address.clone(),
            running: None,
        };
        if let Err(cause) = at.wait_until_ready(&spec.adapter, settings.start, watch) {
            return Err(at.failed(&spec.name, cause));
        }
        Self::of(spec, at, settings, watch)
    }

    /// The server there, which is ready.
    fn of(
        spec: &EngineSpec,
        mut at: At,
        settings: &Settings,
        watch: &Watch,
    ) -> Result<Self, EngineFailure> {
        let facts = at.facts(spec, watch);
        let facts = facts.map_err(|cause| at.failed(&spec.name, cause))?;
        let (Some(request), Some(answer)) = (&spec.adapter.request, &spec.adapter.answer) else {
            let cause = Cause::Usage("its adapter is no server's".into());
            return Err(at.failed(&spec.name, cause));
        };
        let vocabulary = match answer.piece {
            Some(_) => Vocabulary::open(&settings.model).map(Some),
            None => Ok(None),
        };
        let vocabulary = vocabulary.map_err(|cause| at.failed(&spec.name, cause))?;
        Ok(Self {
            facts,
            at,
            request: request.clone(),
            answer: answer.clone(),
            vocabulary,
            n_vocab: settings.n_vocab,
            silence: settings.silence,
            has_failed: false,
        })
    }

    fn ask(&mut self, request: &Request, watch: &Watch) -> Result<Answer, Cause> {
        if self.has_failed {
            return Err(Cause::Refused("it has failed before".into()));
        }
        let asked = body(&self.request.body, request);
        let http = self.http(&asked)?;
        let is_stopped = || watch.is_stopped();
        let connected = Connected::new(&self.at.address, &http, SHORT, &is_stopped);
        let connected = connected.map_err(|e| self.at.explain(e, SHORT, "before the request"))?;
        let sent = Instant::now();
        let streamed = connected.send(self.silence);
        let streamed = streamed.map_err(|e| {
            let when = after(0, request.n);
            self.at.explain(e, self.silence, &when)
        })?;
        let events = Events::new(check_stream(streamed)?);
        let vocabulary = self.vocabulary.as_ref();
        let mut completion = Completion::new(request, &self.answer, vocabulary, self.n_vocab, sent);
        follow(&mut self.at, events, &mut completion, sent, self.silence)?;
        match &self.request.whole {
            Some(difference) if completion.lacks_ids() => {
                let http = self.http(&merged(asked, difference, request))?;
                // All tokens at once arrive as late as the last one did.
                let patience = self.silence + sent.elapsed();
                completion.end_with(&whole(&mut self.at, &http, patience, watch)?)
            }
            _ => completion.end(),
        }
    }

    fn http(&self, body: &serde_json::Value) -> Result<HttpRequest, Cause> {
        Ok(HttpRequest {
            method: "POST".into(),
            path: self.request.path.clone(),
            body: serde_json::to_vec(body).map_err(std::io::Error::from)?,
        })
    }
}

impl Engine for Server {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn run(&mut self, request: &Request, watch: &Watch) -> Result<Answer, EngineFailure> {
        self.ask(request, watch).map_err(|cause| {
            self.has_failed = true;
            self.at.failed(&self.facts.name, cause)
        })
    }
}

/// Reads events until the last one. Since the request was sent, and from one token to the next, no more than
/// `silence` may pass.
fn follow(
    at: &mut At,
    mut events: Events,
    completion: &mut Completion,
    sent: Instant,
    silence: Duration,
) -> Result<(), Cause> {
    let (mut last, mut n) = (sent, 0);
    loop {
        // Comments and events without a token are silence, too.
        let event = events.next(silence.saturating_sub(last.elapsed()));
        let event = event.map_err(|e| at.explain(e, silence, &completion.when()))?;
        let Some(event) = event else {
            let when = completion.when();
            let cut = Cause::BadAnswer(format!("its stream has no last event {when}"));
            return Err(at.ended_or(&when, cut));
        };
        match completion.event(&event)? {
            Reply::More => {}
            Reply::Last => return Ok(()),
        }
        if completion.n() > n {
            (last, n) = (Instant::now(), completion.n());
        }
    }
}

/// The answer to a request that is not streamed.
fn whole(
    at: &mut At,
    http: &HttpRequest,
    patience: Duration,
    watch: &Watch,
) -> Result<Vec<u8>, Cause> {
    let answered = at.question(http, MOST_WHOLE_BYTES, patience, watch);
    match answered.map_err(|e| at.explain(e, patience, "when it was asked again"))? {
        (200, whole) => Ok(whole),
        (status, body) => Err(refusal(status, &body)),
    }
}

/// Checks that an answer is a stream of events.
fn check_stream(streamed: Streamed<'_>) -> Result<Streamed<'_>, Cause> {
    let (status, kind) = (streamed.status, streamed.content_type.clone());
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if status == 200 && kind.eq_ignore_ascii_case("text/event-stream") {
        return Ok(streamed);
    }
    let body = streamed.whole(MOST_SHORT_BYTES, SHORT).unwrap_or_default();
    match status {
        200 => Err(Cause::BadAnswer(format!(
            "found {kind:?} with {}, allowed is text/event-stream",
            quote(&body)
        ))),
        _ => Err(refusal(status, &body)),
    }
}
