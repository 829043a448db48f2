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
    read_at: Instant,
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
            read_at: Instant::now(),
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
        let mut message = self.take(end);
        Ok(Received {
            body: message.split_off(head.bytes),
            start: head.start,
            at,
            closes: head.closes,
        })
    }

    /// What was read and not yet taken.
    pub(super) fn unread(&self) -> &[u8] {
        &self.rest
    }

    /// When the last of it came.
    pub(super) fn read_at(&self) -> Instant {
        self.read_at
    }

    /// Takes the first `n` bytes of what is unread.
    pub(super) fn take(&mut self, n: usize) -> Vec<u8> {
        let rest = self.rest.split_off(n);
        std::mem::replace(&mut self.rest, rest)
    }

    /// Reads at least a byte.
    pub(super) fn read_more(&mut self, deadline: Instant) -> Result<(), WireError> {
        match self.read(deadline)? {
            0 => Err(WireError::CutShort),
            _ => Ok(()),
        }
    }

    /// Reads what is there, at least a byte; 0 at the end.
    pub(super) fn read(&mut self, deadline: Instant) -> Result<usize, WireError> {
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
                    self.read_at = Instant::now();
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::http::message::request_head;

    const SHORT: Duration = Duration::from_millis(30);
    const LONG: Duration = Duration::from_secs(60);

    /// Two ends of a connection.
    fn ends() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    /// What becomes of `sent`, after which the sender stays silent, or closes.
    fn received(
        sent: &str,
        closes: bool,
        (patience, duration): (Duration, Duration),
    ) -> Result<Vec<u8>, WireError> {
        let (mut near, far) = ends();
        near.write_all(sent.as_bytes()).unwrap();
        let _open = (!closes).then_some(near);
        let mut wire = Wire::new(far, &|| false).unwrap();
        let received = wire.receive(request_head, |_| 9, patience, duration);
        received.map(|received| received.body)
    }

    #[test]
    fn nobody_is_waited_for_longer_than_allowed() {
        let half = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab";
        for sent in ["P", &half[..20], half] {
            let cut = received(sent, true, (LONG, LONG));
            assert!(matches!(cut, Err(WireError::CutShort)), "{sent}: {cut:?}");
            let slow = received(sent, false, (LONG, SHORT));
            assert!(matches!(slow, Err(WireError::TooSlow)), "{sent}: {slow:?}");
        }
        let silent = received("", false, (SHORT, LONG));
        assert!(matches!(silent, Err(WireError::TooSlow)), "{silent:?}");
        let closed = received("", true, (LONG, LONG));
        assert!(matches!(closed, Err(WireError::Closed)), "{closed:?}");
        let whole = received(&format!("{half}cdnext"), false, (LONG, LONG));
        assert_eq!(whole.unwrap(), b"abcd");
    }

    #[test]
    fn two_messages_at_once_are_two() {
        let (mut near, far) = ends();
        let one = "POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\na";
        near.write_all(one.repeat(2).as_bytes()).unwrap();
        let mut wire = Wire::new(far, &|| false).unwrap();
        for _ in 0..2 {
            let received = wire.receive(request_head, |_| 9, LONG, LONG).unwrap();
            assert_eq!(received.body, b"a");
        }
    }

    #[test]
    fn a_wait_ends_when_it_is_told_to() {
        let (_near, far) = ends();
        let mut wire = Wire::new(far, &|| true).unwrap();
        let stopped = wire.receive(request_head, |_| 9, LONG, LONG);
        assert!(matches!(stopped, Err(WireError::Stopped)));
    }
}
