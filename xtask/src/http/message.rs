//! Requests and responses as bytes.

use super::error::WireError;

/// More headers than any proxy adds.
const MOST_HEADERS: usize = 64;

/// A request, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Such as POST.
    pub method: String,
    /// The path, without a host.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// The body, JSON.
    pub body: Vec<u8>,
}

/// The head of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head<S> {
    pub(super) start: S,
    /// Bytes of the head itself, with the empty line.
    pub(super) bytes: usize,
    /// Bytes of the body.
    pub(super) body: u64,
    /// Whether this is the last message of its connection.
    pub(super) closes: bool,
}

/// Method and path.
pub(super) type RequestLine = (String, String);

/// The head of a request; `None` if there is more to come.
pub(super) fn request_head(bytes: &[u8]) -> Result<Option<Head<RequestLine>>, WireError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(n) = request.parse(bytes)? else {
        return Ok(None);
    };
    let line = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let start = (line(request.method), line(request.path));
    head(start, n, request.version, request.headers).map(Some)
}

/// The head of a response, with its status; `None` if there is more to come.
pub(super) fn response_head(bytes: &[u8]) -> Result<Option<Head<u16>>, WireError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(n) = response.parse(bytes)? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    head(status, n, response.version, response.headers).map(Some)
}

/// The head of an answer whose body is read as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamHead {
    pub(super) status: u16,
    /// Bytes of the head itself, with the empty line.
    pub(super) bytes: usize,
    pub(super) content_type: String,
    pub(super) framing: Framing,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClosed,
}

/// The head of an answer that may be long; `None` if there is more to come.
pub(super) fn stream_head(bytes: &[u8]) -> Result<Option<StreamHead>, WireError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(n) = response.parse(bytes)? else {
        return Ok(None);
    };
    let mut codings = values(response.headers, "transfer-encoding");
    let framing = match (codings.next(), body_length(response.headers)?) {
        (None, None) => Framing::UntilClosed,
        (None, Some(length)) => Framing::Length(length),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Framing::Chunked,
        (Some(_), _) => return Err(WireError::NoLength),
    };
    let content_type = values(response.headers, "content-type").next();
    let content_type = String::from_utf8_lossy(content_type.unwrap_or_default());
    Ok(Some(StreamHead {
        status: response.code.unwrap_or_default(),
        bytes: n,
        content_type: content_type.into_owned(),
        framing,
    }))
}

fn head<S>(
    start: S,
    bytes: usize,
    version: Option<u8>,
    headers: &[httparse::Header],
) -> Result<Head<S>, WireError> {
    if values(headers, "transfer-encoding").next().is_some() {
        return Err(WireError::NoLength);
    }
    let body = body_length(headers)?.unwrap_or(0);
    let closes = values(headers, "connection").any(|value| value.eq_ignore_ascii_case(b"close"));
    Ok(Head {
        start,
        bytes,
        body,
        closes: closes || version == Some(0),
    })
}

/// The values of all headers of this name.
fn values<'h>(
    headers: &'h [httparse::Header],
    name: &'static str,
) -> impl Iterator<Item = &'h [u8]> {
    let named = headers
        .iter()
        .filter(move |h| h.name.eq_ignore_ascii_case(name));
    named.map(|h| h.value.trim_ascii())
}

/// The bytes of the body, if a header says how many.
fn body_length(headers: &[httparse::Header]) -> Result<Option<u64>, WireError> {
    let mut lengths = values(headers, "content-length");
    match (lengths.next(), lengths.next()) {
        (None, _) => Ok(None),
        (Some(length), None) => whole(length).map(Some).ok_or(WireError::NoLength),
        // Two lengths are how messages are smuggled past proxies.
        (Some(_), Some(_)) => Err(WireError::NoLength),
    }
}

fn whole(text: &[u8]) -> Option<u64> {
    let is_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| is_digits)?;
    text.parse().ok()
}

impl Request {
    pub(super) fn to_bytes(&self, host: &str) -> Vec<u8> {
        let Self { method, path, body } = self;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        // In one piece: two packets take longer than one.
        [head.as_bytes(), body].concat()
    }
}

impl Response {
    /// A response with a value as JSON.
    pub fn json(status: u16, value: &impl serde::Serialize) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self { status, body }
    }

    /// A response that says why a request is refused.
    pub fn error(status: u16, why: impl std::fmt::Display) -> Self {
        Self::json(status, &serde_json::json!({ "error": why.to_string() }))
    }

    pub(super) fn to_bytes(&self, closes: bool) -> Vec<u8> {
        let (status, n) = (self.status, self.body.len());
        let connection = if closes { "close" } else { "keep-alive" };
        let head = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {n}\r\n\
             Connection: {connection}\r\nCache-Control: no-store\r\n\r\n",
            reason(status)
        );
        [head.as_bytes(), &self.body].concat()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes, it is a head, the beginning of one, or refused; and a head is no longer than what came.
        #[test]
        fn any_bytes_are_read_or_refused(
            noise in prop::collection::vec(any::<u8>(), 0..40),
            at in 0..200usize,
        ) {
            let request = Request {
                method: "PUT".into(),
                path: "/v1/sessions/a/rounds/1/receipt".into(),
                body: b"{}".into(),
            };
            let mut bytes = request.to_bytes("h:1");
            let at = at.min(bytes.len());
            bytes.splice(at..(at + noise.len()).min(bytes.len()), noise);
            for read in [request_head(&bytes).map(|h| h.map(|h| h.bytes)), response_head(&bytes).map(|h| h.map(|h| h.bytes))] {
                if let Ok(Some(n)) = read {
                    prop_assert!(n <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let request = Request {
            method: "POST".into(),
            path: "/a/b".into(),
            body: b"{}".into(),
        };
        let bytes = request.to_bytes("h:1");
        let head = request_head(&bytes).unwrap().unwrap();
        assert_eq!(head.start, ("POST".into(), "/a/b".into()));
        assert_eq!((head.body, head.closes), (2, false));
        assert_eq!(&bytes[head.bytes..], b"{}");
        for n in 0..head.bytes {
            assert_eq!(request_head(&bytes[..n]).unwrap(), None, "{n}");
        }
        for closes in [true, false] {
            let response = Response::error(409, "no");
            let bytes = response.to_bytes(closes);
            let head = response_head(&bytes).unwrap().unwrap();
            assert_eq!((head.start, head.closes), (409, closes));
            assert_eq!(&bytes[head.bytes..], br#"{"error":"no"}"#);
        }
    }

    #[test]
    fn a_body_has_one_plain_length() {
        let head =
            |headers: &str| request_head(format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes());
        assert_eq!(head("").unwrap().unwrap().body, 0);
        assert_eq!(head("content-LENGTH: 12 \r\n").unwrap().unwrap().body, 12);
        for bad in [
            "Content-Length: -1\r\n",
            "Content-Length: +1\r\n",
            "Content-Length: 1 1\r\n",
            "Content-Length: \r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "Transfer-Encoding: chunked\r\n",
        ] {
            let refused = head(bad);
            assert!(
                matches!(refused, Err(WireError::NoLength)),
                "{bad}: {refused:?}"
            );
        }
        assert!(matches!(head("no colon\r\n"), Err(WireError::NotHttp(_))));
    }

    #[test]
    fn old_clients_close() {
        let head = |text: &str| request_head(text.as_bytes()).unwrap().unwrap();
        assert!(head("GET / HTTP/1.0\r\n\r\n").closes);
        assert!(head("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n").closes);
        assert!(!head("GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n").closes);
    }
}
