//! A client with one connection, which stays open from one request to the next.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use super::{
    error::WireError,
    message::{Request, response_head},
    url::ServerAddress,
    wire::Wire,
};

/// The largest answer.
const MOST_ANSWER_BYTES: u64 = 1 << 20;

/// A server that cannot be reached within this time is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// The time for an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// A server, and the connection to it.
pub struct Client<'s> {
    server: ServerAddress,
    wire: Option<Wire<'s>>,
    is_stopped: &'s (dyn Fn() -> bool + Sync),
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl<'s> Client<'s> {
    /// Connects with the first request.
    pub fn new(server: ServerAddress, is_stopped: &'s (dyn Fn() -> bool + Sync)) -> Self {
        Self {
            server,
            wire: None,
            is_stopped,
        }
    }

    /// Sends a request and waits for its answer. A request is never sent twice: it may have been heard.
    ///
    /// # Errors
    /// There is no connection, or no answer.
    pub fn ask(&mut self, method: &str, path: &str, body: Vec<u8>) -> Result<Answer, WireError> {
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => Wire::new(connect(&self.server, CONNECT)?, self.is_stopped)?,
        };
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            body,
        };
        wire.send(&request.to_bytes(&self.server.host_and_port), ANSWER)?;
        let received = wire.receive(response_head, |_| MOST_ANSWER_BYTES, ANSWER, ANSWER)?;
        if !received.closes {
            self.wire = Some(wire);
        }
        Ok(Answer {
            status: received.start,
            body: received.body,
        })
    }

    /// Forgets the connection, which may be too old.
    pub fn reconnect(&mut self) {
        self.wire = None;
    }
}

/// A connection to `server`, within `patience` for each of its addresses.
pub(super) fn connect(server: &ServerAddress, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in server.host_and_port.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
