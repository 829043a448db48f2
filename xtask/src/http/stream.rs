//! Answers of unknown length, read as they come: bodies in chunks, and server-sent events.

use std::time::{Duration, Instant};

use super::{
    client::connect,
    error::{MOST_HEAD_BYTES, WireError},
    message::{Framing, Request, stream_head},
    url::ServerAddress,
    wire::Wire,
};

/// The longest event, and the longest line that says how long a chunk is.
const MOST_EVENT_BYTES: usize = 16 << 20;
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
    fn piece(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, WireError> {
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

/// A server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its data, or what an old llama.cpp sends as `error`.
    pub data: Vec<u8>,
    /// When its last byte was there.
    pub at: Instant,
}

/// The body of an answer as server-sent events.
pub struct Events<'s> {
    body: Streamed<'s>,
    unread: Vec<u8>,
    at: Instant,
}

impl<'s> Events<'s> {
    /// The events in `body`.
    pub fn new(body: Streamed<'s>) -> Self {
        Self {
            body,
            unread: Vec::new(),
            at: Instant::now(),
        }
    }

    /// The next event with data, which has to be whole within `patience`, whatever comes before it; `None` at the
    /// end.
    ///
    /// # Errors
    /// The connection broke, or the stream ends within an event.
    pub fn next(&mut self, patience: Duration) -> Result<Option<Event>, WireError> {
        let deadline = Instant::now() + patience;
        loop {
            while let Some(end) = end_of_event(&self.unread) {
                let event: Vec<u8> = self.unread.drain(..end).collect();
                let data = data(&event);
                if !data.is_empty() {
                    return Ok(Some(Event { data, at: self.at }));
                }
            }
            if self.unread.len() > MOST_EVENT_BYTES {
                let (found, allowed) = (self.unread.len() as u64, MOST_EVENT_BYTES as u64);
                return Err(WireError::Body { found, allowed });
            }
            match self.body.piece(deadline)? {
                Some(piece) => {
                    self.at = self.body.wire.read_at();
                    self.unread.extend_from_slice(&piece);
                }
                None if self.unread.trim_ascii().is_empty() => return Ok(None),
                None => return Err(WireError::CutShort),
            }
        }
    }
}

/// Where the first event ends: behind an empty line.
fn end_of_event(bytes: &[u8]) -> Option<usize> {
    let mut is_at_start = false;
    for (i, &b) in bytes.iter().enumerate() {
        match b {
            b'\n' if is_at_start => return Some(i + 1),
            b'\n' => is_at_start = true,
            b'\r' => {}
            _ => is_at_start = false,
        }
    }
    None
}

/// The data of an event: its lines joined.
fn data(event: &[u8]) -> Vec<u8> {
    let of_line = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let value = line
            .strip_prefix(b"data:")
            .or_else(|| line.strip_prefix(b"error:"))?;
        Some(value.strip_prefix(b" ").unwrap_or(value).to_owned())
    };
    let lines: Vec<Vec<u8>> = event.split(|&b| b == b'\n').filter_map(of_line).collect();
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpListener, thread};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// What becomes of an answer that is sent in these pieces, after which the server closes.
    fn answered<T>(pieces: &[&str], read: impl FnOnce(Streamed) -> T) -> Result<T, WireError> {
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
        let both = body(
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            &["a"],
        );
        assert!(matches!(both, Err(WireError::NoLength)));
    }

    /// The data of all events, however the stream is cut into pieces.
    fn events(stream: &str, piece: usize) -> Result<Vec<String>, WireError> {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        let mut pieces = vec![head];
        let mut rest = stream;
        while !rest.is_empty() {
            let (first, left) = rest.split_at(piece.min(rest.len()));
            pieces.push(first);
            rest = left;
        }
        answered(&pieces, |answer| {
            assert_eq!(answer.content_type, "text/event-stream");
            let mut events = Events::new(answer);
            let mut all = vec![];
            while let Some(event) = events.next(LONG)? {
                all.push(String::from_utf8(event.data).unwrap());
            }
            Ok(all)
        })?
    }

    #[test]
    fn events_are_read_however_they_are_cut() {
        let stream = ": a comment\n\ndata: {\"a\":1}\n\ndata:x\r\n\r\nevent: y\nid: 1\n\n\n\
                      data: 1\ndata: 2\n\nerror: no\n\n";
        for piece in [1, 2, 3, 7, stream.len()] {
            let found = events(stream, piece).unwrap();
            assert_eq!(found, ["{\"a\":1}", "x", "1\n2", "no"], "{piece}");
        }
        for cut in ["data: 1", "data: 1\n\ndata: 2\n"] {
            let found = events(cut, cut.len());
            assert!(
                matches!(found, Err(WireError::CutShort)),
                "{cut}: {found:?}"
            );
        }
    }
}
