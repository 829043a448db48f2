//! Answers of unknown length, read as they come.

use std::time::{Duration, Instant};

use super::{
    client::connect,
    error::{MOST_HEAD_BYTES, WireError},
    message::{Framing, Request, stream_head},
    url::ServerAddress,
    wire::Wire,
};

/// The longest line that says how long a chunk is.
const MOST_CHUNK_LINE: usize = 1 << 10;

/// An answer whose body has yet to come.
pub struct Streamed<'s> {
    /// Such as 200.
    pub status: u16,
    /// The value of its `Content-Type`.
    pub content_type: String,
    wire: Wire<'s>,
    rest: Rest,
}

/// What is left of the body.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// So many bytes.
    Length(u64),
    /// The line before a chunk.
    Size,
    /// So many bytes of this chunk.
    Chunk(u64),
    /// Everything until the connection is closed.
    Open,
    /// Nothing.
    Nothing,
}

/// A request that is connected and not yet sent, so that a clock can start in between.
pub struct Connected<'s> {
    wire: Wire<'s>,
    bytes: Vec<u8>,
}

impl<'s> Connected<'s> {
    /// Connects to `server`, within `patience`.
    ///
    /// # Errors
    /// There is no connection.
    pub fn new(
        server: &ServerAddress,
        request: &Request,
        patience: Duration,
        is_stopped: &'s (dyn Fn() -> bool + Sync),
    ) -> Result<Self, WireError> {
        let stream = connect(server, patience)?;
        Ok(Self {
            wire: Wire::new(stream, is_stopped)?,
            bytes: request.to_bytes(&server.host_and_port),
        })
    }

    /// Sends the request. The head of the answer has to be there within `patience`.
    ///
    /// # Errors
    /// No answer, or none that is HTTP.
    pub fn send(mut self, patience: Duration) -> Result<Streamed<'s>, WireError> {
        self.wire.send(&self.bytes, patience)?;
        let deadline = Instant::now() + patience;
        let head = loop {
            match stream_head(self.wire.unread())? {
                Some(head) => break head,
                None if self.wire.unread().len() > MOST_HEAD_BYTES => return Err(WireError::Head),
                None => self.wire.read_more(deadline)?,
            }
        };
        self.wire.take(head.bytes);
        Ok(Streamed {
            status: head.status,
            content_type: head.content_type,
            wire: self.wire,
            rest: match head.framing {
                Framing::Length(n) => Rest::Length(n),
                Framing::Chunked => Rest::Size,
                Framing::UntilClosed => Rest::Open,
            },
        })
    }
}

impl Streamed<'_> {
    /// The whole body, of at most `most` bytes, which has to be there within `patience`.
    ///
    /// # Errors
    /// It is longer, or did not come.
    pub fn whole(mut self, most: usize, patience: Duration) -> Result<Vec<u8>, WireError> {
        let deadline = Instant::now() + patience;
        let mut body = Vec::new();
        while let Some(piece) = self.piece(deadline)? {
            body.extend_from_slice(&piece);
            if body.len() > most {
                let (found, allowed) = (body.len() as u64, most as u64);
                return Err(WireError::Body { found, allowed });
            }
        }
        Ok(body)
    }

    /// The next bytes of the body; `None` at its end.
    pub(super) fn piece(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, WireError> {
        loop {
            let most = match self.rest {
                Rest::Nothing | Rest::Length(0) => return Ok(None),
                Rest::Size => {
                    self.rest = self.next_chunk(deadline)?;
                    continue;
                }
                // Not before it is needed: the bytes of the chunk are worth something without it.
                Rest::Chunk(0) => {
                    self.line(deadline)?;
                    self.rest = Rest::Size;
                    continue;
                }
                Rest::Length(n) | Rest::Chunk(n) => n.min(usize::MAX as u64) as usize,
                Rest::Open => usize::MAX,
            };
            if self.wire.unread().is_empty() {
                match (self.wire.read(deadline)?, self.rest) {
                    (0, Rest::Open) => return Ok(None),
                    (0, _) => return Err(WireError::CutShort),
                    _ => {}
                }
            }
            let piece = self.wire.take(most.min(self.wire.unread().len()));
            let n = piece.len() as u64;
            match &mut self.rest {
                Rest::Length(left) | Rest::Chunk(left) => *left -= n,
                Rest::Open | Rest::Size | Rest::Nothing => {}
            }
            return Ok(Some(piece));
        }
    }

    /// When the last piece came.
    pub(super) fn read_at(&self) -> Instant {
        self.wire.read_at()
    }

    /// Reads the line before a chunk.
    fn next_chunk(&mut self, deadline: Instant) -> Result<Rest, WireError> {
        let line = self.line(deadline)?;
        let digits = line.split(|&b| b == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(digits.trim_ascii()).ok();
        let size = size.and_then(|text| u64::from_str_radix(text, 16).ok());
        match size {
            None => Err(WireError::Chunk),
            // Trailers are not read: the connection serves one request.
            Some(0) => Ok(Rest::Nothing),
            Some(n) => Ok(Rest::Chunk(n)),
        }
    }

    /// A line without its end.
    fn line(&mut self, deadline: Instant) -> Result<Vec<u8>, WireError> {
        loop {
            if let Some(end) = self.wire.unread().iter().position(|&b| b == b'\n') {
                let mut line = self.wire.take(end + 1);
                line.truncate(line.trim_ascii_end().len());
                return Ok(line);
            }
            if self.wire.unread().len() > MOST_CHUNK_LINE {
                return Err(WireError::Chunk);
            }
            self.wire.read_more(deadline)?;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{io::Write, net::TcpListener, thread};

    use super::*;

    pub(crate) const LONG: Duration = Duration::from_secs(60);

    /// What becomes of an answer that is sent in these pieces, after which the server closes.
    pub(crate) fn answered<T>(
        pieces: &[&str],
        read: impl FnOnce(Streamed) -> T,
    ) -> Result<T, WireError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = format!("http://{address}").parse().unwrap();
        let request = Request {
            method: "GET".into(),
            path: "/".into(),
            body: vec![],
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                for piece in pieces {
                    stream.write_all(piece.as_bytes()).unwrap();
                    stream.flush().unwrap();
                }
                // Not before the request is read: a close with unread bytes destroys what was sent.
                let mut request = [0; 1 << 10];
                let _ = std::io::Read::read(&mut stream, &mut request);
            });
            let connected = Connected::new(&server, &request, LONG, &|| false)?;
            Ok(read(connected.send(LONG)?))
        })
    }

    fn body(head: &str, pieces: &[&str]) -> Result<Vec<u8>, WireError> {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n");
        let pieces: Vec<&str> = [&[head.as_str()], pieces].concat();
        answered(&pieces, |answer| answer.whole(99, LONG))?
    }

    #[test]
    fn bodies_of_known_and_unknown_length() {
        let chunked = "Transfer-Encoding: chunked\r\n";
        for (head, pieces) in [
            ("Content-Length: 5\r\n", &["hel", "lo"][..]),
            ("", &["hel", "lo"]),
            (chunked, &["3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n"]),
            (
                chunked,
                &["3\r", "\nhe", "l\r\n", "2\r\nl", "o\r", "\n0", "\r\n\r\n"],
            ),
            (chunked, &["00005\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"]),
        ] {
            assert_eq!(body(head, pieces).unwrap(), b"hello", "{head} {pieces:?}");
        }
        assert!(body("Content-Length: 0\r\n", &[]).unwrap().is_empty());
    }

    #[test]
    fn bodies_that_are_cut_or_are_no_chunks_are_refused() {
        let chunked = "Transfer-Encoding: chunked\r\n";
        for (head, piece) in [
            ("Content-Length: 5\r\n", "hel"),
            (chunked, ""),
            (chunked, "5\r\nhel"),
            (chunked, "3\r\nhel\r\n"),
        ] {
            let cut = body(head, &[piece]);
            assert!(matches!(cut, Err(WireError::CutShort)), "{piece}: {cut:?}");
        }
        for piece in ["x\r\n", "-1\r\n", "\r\n", &"1".repeat(2000)] {
            let refused = body(chunked, &[piece]);
            assert!(
                matches!(refused, Err(WireError::Chunk)),
                "{piece}: {refused:?}"
            );
        }
        let long = body("Content-Length: 100\r\n", &[&"x".repeat(100)]);
        assert!(matches!(long, Err(WireError::Body { found: 100, .. })));
        for head in [
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "Transfer-Encoding: gzip\r\n",
        ] {
            let refused = body(head, &["a"]);
            assert!(matches!(refused, Err(WireError::NoLength)), "{head}");
        }
    }
}
