//! One end of a connection: messages of bounded size, in bounded time.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{
    error::{MOST_HEAD_BYTES, WireError},
    message::Head,
};

/// So often somebody who waits looks whether to stop.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A connection, and what was read of it beyond the last message.
pub(super) struct Wire<'s> {
    stream: TcpStream,
    rest: Vec<u8>,
    is_stopped: &'s (dyn Fn() -> bool + Sync),
}

/// A message's first line, its body, when it was there whole, and whether it is the last one.
pub(super) struct Received<S> {
    pub(super) start: S,
    pub(super) body: Vec<u8>,
    pub(super) at: Instant,
    pub(super) closes: bool,
}

/// Reads a head; `None` if there is more of it to come.
type ParseHead<S> = fn(&[u8]) -> Result<Option<Head<S>>, WireError>;

impl<'s> Wire<'s> {
    pub(super) fn new(
        stream: TcpStream,
        is_stopped: &'s (dyn Fn() -> bool + Sync),
    ) -> io::Result<Self> {
        // The answer of a round is small, and must not wait for more to send.
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            rest: Vec::new(),
            is_stopped,
        })
    }

    /// The next message. It has to begin within `patience`, and to be whole within `duration` after that.
    pub(super) fn receive<S>(
        &mut self,
        parse: ParseHead<S>,
        most_body: impl FnOnce(&S) -> u64,
        patience: Duration,
        duration: Duration,
    ) -> Result<Received<S>, WireError> {
        if self.rest.is_empty() && self.read(Instant::now() + patience)? == 0 {
            return Err(WireError::Closed);
        }
        let deadline = Instant::now() + duration;
        let head = loop {
            match parse(&self.rest)? {
                Some(head) => break head,
                None if self.rest.len() > MOST_HEAD_BYTES => return Err(WireError::Head),
                None => self.read_more(deadline)?,
            }
        };
        let (found, allowed) = (head.body, most_body(&head.start));
        if found > allowed {
            return Err(WireError::Body { found, allowed });
        }
        let end = head.bytes + found as usize;
        while self.rest.len() < end {
            self.read_more(deadline)?;
        }
        let at = Instant::now();
        let rest = self.rest.split_off(end);
        let mut message = std::mem::replace(&mut self.rest, rest);
        Ok(Received {
            body: message.split_off(head.bytes),
            start: head.start,
            at,
            closes: head.closes,
        })
    }

    fn read_more(&mut self, deadline: Instant) -> Result<(), WireError> {
        match self.read(deadline)? {
            0 => Err(WireError::CutShort),
            _ => Ok(()),
        }
    }

    /// Reads what is there, at least a byte; 0 at the end.
    fn read(&mut self, deadline: Instant) -> Result<usize, WireError> {
        let mut buffer = [0; 16 << 10];
        loop {
            if (self.is_stopped)() {
                return Err(WireError::Stopped);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(WireError::TooSlow);
            }
            self.stream
                .set_read_timeout(Some(left.min(BETWEEN_LOOKS)))?;
            match self.stream.read(&mut buffer) {
                Ok(n) => {
                    self.rest.extend_from_slice(&buffer[..n]);
                    return Ok(n);
                }
                Err(e) if is_no_news(&e) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Sends a message.
    pub(super) fn send(&mut self, bytes: &[u8], duration: Duration) -> Result<(), WireError> {
        self.stream.set_write_timeout(Some(duration))?;
        self.stream
            .write_all(bytes)
            .map_err(|e| match is_no_news(&e) {
                true => WireError::TooSlow,
                false => e.into(),
            })
    }
}

fn is_no_news(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
