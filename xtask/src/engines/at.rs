//! Where a server is, and its processes if they are ours.

use std::{
    net::{Ipv4Addr, TcpListener, ToSocketAddrs},
    thread,
    time::{Duration, Instant},
};

use host::watch::Watch;

use super::{
    adapter::{Adapter, Version},
    engine::Facts,
    failure::{Cause, EngineFailure},
    printed,
    quote::quote,
    running::Running,
    spec::EngineSpec,
};
use crate::http::{Connected, Request as HttpRequest, ServerAddress, WireError};

/// So often it is asked whether it is ready.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(20);

/// How long a connection, or an answer to a short question, may take.
pub(super) const SHORT: Duration = Duration::from_secs(10);

/// The largest answer to a short question.
pub(super) const MOST_SHORT_BYTES: usize = 1 << 20;

/// Where a server is.
pub(super) struct At {
    pub(super) address: ServerAddress,
    pub(super) running: Option<Running>,
}

impl At {
    /// Asks until it is ready.
    pub(super) fn wait_until_ready(
        &mut self,
        adapter: &Adapter,
        patience: Duration,
        watch: &Watch,
    ) -> Result<(), Cause> {
        let path = adapter.ready.as_deref().unwrap_or("/");
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let patience_left = left.clamp(BETWEEN_QUESTIONS, SHORT);
            let answered = self.question(&get(path), MOST_SHORT_BYTES, patience_left, watch);
            // If it has ended, a stranger has answered.
            self.check_running("before it was ready")?;
            match answered {
                Ok((200, _)) => return Ok(()),
                // It is loading.
                Ok((503, _)) => {}
                Ok((status, body)) => {
                    let body = quote(&body);
                    return Err(Cause::BadAnswer(format!(
                        "{path} answers with status {status} and {body}, allowed 200 or 503"
                    )));
                }
                Err(WireError::Stopped) => return Err(Cause::Interrupted),
                // Ours does not listen yet.
                Err(WireError::TooSlow | WireError::CutShort | WireError::Io(_))
                    if self.running.is_some() => {}
                Err(e) => return Err(self.explain(e, patience_left, "before it was ready")),
            }
            if Instant::now() >= deadline {
                let when = "before it was ready".to_owned();
                return Err(Cause::Silent { patience, when });
            }
            thread::sleep(BETWEEN_QUESTIONS);
        }
    }

    fn check_running(&mut self, when: &str) -> Result<(), Cause> {
        match self.running.as_mut().and_then(Running::ended) {
            Some(status) => Err(Cause::Ended {
                status,
                when: when.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// What is known of it, now that it is ready.
    pub(super) fn facts(&self, spec: &EngineSpec, watch: &Watch) -> Result<Facts, Cause> {
        let facts = match &self.running {
            Some(running) => running.facts(spec)?,
            None => spec.facts(),
        };
        Ok(Facts {
            version: self.version(&spec.adapter, watch),
            is_remote: !is_of_this_machine(&self.address),
            ..facts
        })
    }

    /// What it says its version is; nothing if it does not.
    fn version(&self, adapter: &Adapter, watch: &Watch) -> Option<String> {
        match adapter.version.as_ref()? {
            Version::Answer { path, value } => {
                let answered = self.question(&get(path), MOST_SHORT_BYTES, SHORT, watch);
                let (_, body) = answered.ok()?;
                let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
                body.pointer(value)?.as_str().map(str::to_owned)
            }
            Version::Printed { argument, after } => {
                let program = self.running.as_ref()?.executable();
                printed::version(&program, argument, after)
            }
        }
    }

    /// Asks for something that is not timed: the status of the answer, and its body of at most `most`
    /// bytes.
    pub(super) fn question(
        &self,
        question: &HttpRequest,
        most: usize,
        patience: Duration,
        watch: &Watch,
    ) -> Result<(u16, Vec<u8>), WireError> {
        let is_stopped = || watch.is_stopped();
        let connected = Connected::new(&self.address, question, patience, &is_stopped)?;
        let answer = connected.send(patience)?;
        let status = answer.status;
        Ok((status, answer.whole(most, patience)?))
    }

    /// Why a message did not come.
    pub(super) fn explain(&mut self, error: WireError, patience: Duration, when: &str) -> Cause {
        let when = when.to_owned();
        match error {
            WireError::Stopped => Cause::Interrupted,
            WireError::TooSlow => Cause::Silent { patience, when },
            WireError::Closed | WireError::CutShort | WireError::Io(_) => {
                let address = &self.address;
                let cut = match error {
                    WireError::Io(e) => Cause::Refused(format!("{address}: {e} {when}")),
                    cut => Cause::BadAnswer(format!("{cut} {when}")),
                };
                self.ended_or(&when, cut)
            }
            not_http => Cause::BadAnswer(format!("{}: {not_http}", self.address)),
        }
    }

    /// That its process ended, if it is about to; `otherwise`, if it is not.
    pub(super) fn ended_or(&mut self, when: &str, otherwise: Cause) -> Cause {
        match &mut self.running {
            Some(running) => running.ended_or(when, otherwise),
            None => otherwise,
        }
    }

    /// Ends it, if it is ours.
    pub(super) fn failed(&mut self, name: &str, cause: Cause) -> EngineFailure {
        match &mut self.running {
            Some(running) => running.failed(cause),
            None => EngineFailure::new(name, cause),
        }
    }
}

fn get(path: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".into(),
        path: path.to_owned(),
        body: Vec::new(),
    }
}

/// A port of this machine that nobody has.
pub(super) fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Whether somebody listens on it.
pub(super) fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}

/// Whether all its addresses are this machine's own.
fn is_of_this_machine(address: &ServerAddress) -> bool {
    let addresses = address.host_and_port.to_socket_addrs();
    addresses.is_ok_and(|mut all| all.all(|address| address.ip().is_loopback()))
}
