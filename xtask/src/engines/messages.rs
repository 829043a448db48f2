//! The messages of the line protocol. `ci/ENGINE_PROTOCOL.md` describes them.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    engine::{Reported, Sums, SumsRequest},
    failure::Cause,
    quote::quote,
};
use crate::kv_name::KvName;

/// The version of the protocol.
pub(super) const PROTOCOL: u32 = 1;

/// What a program says when it is ready.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ready {
    ready: u32,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) kv_type: Option<KvName>,
}

/// A request.
#[derive(Debug, Serialize)]
pub(super) struct Question<'a> {
    pub(super) protocol: u32,
    pub(super) prompt_ids: &'a [u32],
    pub(super) n: usize,
    pub(super) top_logits: usize,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) sums: &'a [SumsRequest],
}

/// A line of an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Token {
        id: i64,
        top_logits: Option<Vec<(i64, f32)>>,
    },
    Sums(Sums),
    End(Option<Reported>),
    Error(String),
}

/// All fields that a line of an answer may have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    token: Option<i64>,
    top_logits: Option<Vec<(i64, f32)>>,
    sums: Option<Sums>,
    end: Option<bool>,
    prompt_ms: Option<f64>,
    decode_ms: Option<f64>,
    error: Option<String>,
}

impl Ready {
    pub(super) fn read(line: &[u8]) -> Result<Self, Cause> {
        // A program that cannot go on says so.
        if let Ok(Message::Error(why)) = Message::read(line) {
            let why = quote(why.as_bytes());
            return Err(Cause::Refused(format!("it says {why} before it was ready")));
        }
        let ready: Self = json(line, "{\"ready\": 1}")?;
        match ready.ready {
            PROTOCOL => Ok(ready),
            other => Err(Cause::BadAnswer(format!(
                "it speaks version {other} of the protocol, allowed {PROTOCOL}"
            ))),
        }
    }
}

impl Message {
    pub(super) fn read(line: &[u8]) -> Result<Self, Cause> {
        let allowed = "{\"token\": ID}, {\"sums\": …}, {\"end\": true} or {\"error\": TEXT}";
        let Fields {
            token,
            top_logits,
            sums,
            end,
            prompt_ms,
            decode_ms,
            error,
        } = json(line, allowed)?;
        let has_logits = top_logits.is_some();
        let has_times = prompt_ms.is_some() || decode_ms.is_some();
        let message = match (token, sums, end, error) {
            (Some(id), None, None, None) if !has_times => Some(Self::Token { id, top_logits }),
            (None, None, Some(true), None) if !has_logits => {
                Some(Self::End(Reported::of(prompt_ms, decode_ms)))
            }
            (None, Some(sums), None, None) if !has_logits && !has_times => Some(Self::Sums(sums)),
            (None, None, None, Some(why)) if !has_logits && !has_times => Some(Self::Error(why)),
            _ => None,
        };
        message.ok_or_else(|| Cause::BadAnswer(format!("found {}, allowed {allowed}", quote(line))))
    }
}

fn json<T: DeserializeOwned>(line: &[u8], allowed: &str) -> Result<T, Cause> {
    serde_json::from_slice(line).map_err(|e| {
        let why = match line.trim_ascii_start().starts_with(b"{") {
            true => format!(" ({e})"),
            false => "; messages belong to standard error".into(),
        };
        let line = quote(line);
        Cause::BadAnswer(format!(
            "found {line} on standard output, allowed {allowed}{why}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_read() {
        let read = |line: &str| Message::read(line.as_bytes()).unwrap();
        let token = |id, top_logits| Message::Token { id, top_logits };
        assert_eq!(read("{\"token\": 7}"), token(7, None));
        assert_eq!(read(" {\"token\":-7}\r"), token(-7, None));
        let top = read("{\"token\":7,\"top_logits\":[[7,1.5],[3,-2]]}");
        assert_eq!(top, token(7, Some(vec![(7, 1.5), (3, -2.0)])));
        assert_eq!(read("{\"end\": true}"), Message::End(None));
        let times = read("{\"end\":true,\"prompt_ms\":1,\"decode_ms\":2.5}");
        let reported = Reported {
            prompt_ms: 1.0,
            decode_ms: 2.5,
        };
        assert_eq!(times, Message::End(Some(reported)));
        let negative = read("{\"end\":true,\"prompt_ms\":1,\"decode_ms\":-2.5}");
        assert_eq!(negative, Message::End(None));
        assert_eq!(read("{\"error\":\"no\"}"), Message::Error("no".into()));
        let sums = read("{\"sums\":{\"tensor\":\"t\",\"sums\":[1,-2]}}");
        let expected = Sums {
            tensor: "t".into(),
            sums: vec![1, -2],
        };
        assert_eq!(sums, Message::Sums(expected));
        let ready = Ready::read(b"{\"ready\":1,\"name\":\"e\",\"kv_type\":\"f32\"}").unwrap();
        assert_eq!(ready.kv_type, Some(KvName::F32));
    }

    #[test]
    fn everything_else_is_refused() {
        for line in [
            "",
            "hello",
            "7",
            "[]",
            "{}",
            "{\"token\":1.5}",
            "{\"token\":\"7\"}",
            "{\"token\":7,\"token\":8}",
            "{\"token\":7,\"end\":true}",
            "{\"token\":7,\"text\":\"a\"}",
            "{\"top_logits\":[]}",
            "{\"end\":false}",
            "{\"token\":7,\"prompt_ms\":1}",
            "{\"end\":true,\"top_logits\":[]}",
            "{\"error\":\"no\",\"end\":true}",
            "{\"error\":\"no\",\"top_logits\":[]}",
            "{\"error\":\"no\",\"decode_ms\":1}",
            "{\"sums\":{\"tensor\":\"t\",\"sums\":[]},\"token\":7}",
            "{\"sums\":{\"tensor\":\"t\",\"sums\":[]},\"top_logits\":[]}",
            "{\"sums\":{\"tensor\":\"t\",\"sums\":[]},\"prompt_ms\":1}",
            "{\"token\":7} {\"token\":8}",
            "<html>",
        ] {
            let refused = Message::read(line.as_bytes());
            assert!(matches!(refused, Err(Cause::BadAnswer(_))), "{line}");
        }
        for line in ["{\"ready\":2}", "{\"token\":7}", "{\"ready\":true}"] {
            let refused = Ready::read(line.as_bytes());
            assert!(matches!(refused, Err(Cause::BadAnswer(_))), "{line}");
        }
        let refused = Ready::read(b"{\"error\":\"no file\"}");
        assert!(matches!(refused, Err(Cause::Refused(_))));
    }
}
