//! Any program, by the line protocol of `ci/ENGINE_PROTOCOL.md`.

use std::time::Duration;

use host::watch::Watch;

use super::{
    command::EngineCommand,
    engine::{Answer, Engine, Facts, Request, Settings},
    failure::{Cause, EngineFailure},
    lines::{Lines, NoLine},
    messages::{Message, PROTOCOL, Question, Ready},
    progress::Progress,
    quote::quote,
    running::Running,
    spec::EngineSpec,
};

/// How long a program may take to end after its standard input.
const FAREWELL: Duration = Duration::from_secs(2);

/// A program that is ready.
pub(super) struct Program {
    facts: Facts,
    n_vocab: u32,
    silence: Duration,
    /// Nothing once it has failed.
    lines: Option<Lines>,
    running: Running,
}

impl Program {
    /// Starts `command`, and waits until it says that it is ready.
    pub(super) fn start(
        spec: &EngineSpec,
        command: &str,
        settings: &Settings,
        watch: &Watch,
    ) -> Result<Self, EngineFailure> {
        let failed = |cause| EngineFailure::new(&spec.name, cause);
        let filled = EngineCommand::new(command, settings, None).map_err(failed)?;
        let mut running = Running::start(&spec.name, &filled, true)?;
        let lines = match running.pipes() {
            Some((stdin, stdout)) => Lines::new(stdin, stdout),
            None => Err(std::io::Error::other("it has no pipes")),
        };
        let lines = lines.map_err(|e| running.failed(e.into()))?;
        let when = "before it was ready";
        let ready = match lines.next(settings.start, watch) {
            Ok((line, _)) => Ready::read(&line),
            Err(no) => Err(explain(no, &mut running, settings.start, when)),
        };
        let ready = ready.map_err(|cause| running.failed(cause))?;
        let facts = running.facts(spec);
        let facts = facts.map_err(|cause| running.failed(cause))?;
        let version = match (ready.name, ready.version) {
            (Some(name), Some(version)) => Some(format!("{name} {version}")),
            (name, version) => name.or(version),
        };
        Ok(Self {
            facts: Facts {
                version,
                kv_type: ready.kv_type.unwrap_or(spec.adapter.kv_type).into(),
                ..facts
            },
            n_vocab: settings.n_vocab,
            silence: settings.silence,
            lines: Some(lines),
            running,
        })
    }

    fn ask(&mut self, request: &Request, watch: &Watch) -> Result<Answer, Cause> {
        let Some(lines) = &self.lines else {
            return Err(Cause::Refused("it has failed before".into()));
        };
        let (silence, running) = (self.silence, &mut self.running);
        let question = Question {
            protocol: PROTOCOL,
            prompt_ids: request.prompt,
            n: request.n,
            top_logits: request.top_logits,
            sums: request.sums,
        };
        let line = serde_json::to_vec(&question).map_err(std::io::Error::from)?;
        let asked = lines.send(line, silence, watch);
        let asked = asked.map_err(|no| explain(no, running, silence, "before the request"))?;
        let mut progress = Progress::new(request, self.n_vocab, asked);
        loop {
            let next = lines.next(silence, watch);
            let (line, at) = next.map_err(|no| explain(no, running, silence, &progress.when()))?;
            // It cannot be of this answer, and would have no time.
            if at < asked {
                let line = quote(&line);
                return Err(Cause::BadAnswer(format!(
                    "a line came before the request: {line}"
                )));
            }
            match Message::read(&line)? {
                Message::Token { id, top_logits } => {
                    progress.token(id, at)?;
                    if let Some(top_logits) = top_logits {
                        progress.top_logits(top_logits)?;
                    }
                }
                Message::Sums(sums) => progress.sums(sums)?,
                Message::Error(why) => {
                    let (why, when) = (quote(why.as_bytes()), progress.when());
                    return Err(Cause::Refused(format!("it says {why} {when}")));
                }
                Message::End(reported) => return progress.end(reported),
            }
        }
    }
}

impl Engine for Program {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn run(&mut self, request: &Request, watch: &Watch) -> Result<Answer, EngineFailure> {
        self.ask(request, watch).map_err(|cause| {
            self.lines = None;
            self.running.failed(cause)
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // This closes its standard input, upon which it should end by itself.
        if self.lines.take().is_some() {
            self.running.wait(FAREWELL);
        }
    }
}

/// Why there is no line.
fn explain(no: NoLine, running: &mut Running, patience: Duration, when: &str) -> Cause {
    let when = when.to_owned();
    match no {
        NoLine::Stopped => Cause::Interrupted,
        NoLine::Silent => Cause::Silent { patience, when },
        NoLine::TooLong => Cause::BadAnswer(format!("found a line without an end {when}")),
        NoLine::Closed => {
            let closed = format!("it closed its standard output {when}");
            running.ended_or(&when, Cause::BadAnswer(closed))
        }
        NoLine::Half(half) => {
            let when = format!("{when}, within the line {}", quote(&half));
            let closed = format!("it closed its standard output {when}");
            running.ended_or(&when, Cause::BadAnswer(closed))
        }
    }
}
