//! The body of an answer as server-sent events.

use std::time::{Duration, Instant};

use super::{error::WireError, stream::Streamed};

/// The longest event.
const MOST_EVENT_BYTES: usize = 16 << 20;

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
                    self.at = self.body.read_at();
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
    use super::{
        super::stream::tests::{LONG, answered},
        *,
    };

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
