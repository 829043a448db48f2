//! A prover made by hand: it says what it likes, when it likes.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use host::{
    challenge::{Commitment, tokens_digest},
    digest::Digest,
};
use serde_json::{Value, json};

use crate::process::Workspace;

/// An answer: status and JSON.
pub type Answer = (u16, Value);

/// A connection to a challenger, and a session.
pub struct Talk {
    stream: TcpStream,
    pub session: String,
}

impl Talk {
    pub fn to(address: &str) -> Self {
        Self {
            stream: TcpStream::connect(address).unwrap(),
            session: String::new(),
        }
    }

    /// A session of `tokens` tokens of the tiny model, with a round trip measured.
    pub fn begun(address: &str, tokens: usize) -> Self {
        let mut talk = Self::to(address);
        let (status, opened) = talk.ask("POST", "/v1/sessions", &terms(tokens));
        assert_eq!(status, 201, "{opened}");
        talk.session = opened["session"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            assert_eq!(talk.in_session("POST", "ping", &Value::Null).0, 200);
        }
        talk
    }

    /// One message and its answer.
    pub fn ask(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, body.to_string().as_bytes())
    }

    pub fn in_session(&mut self, method: &str, what: &str, body: &Value) -> Answer {
        let path = format!("/v1/sessions/{}/{what}", self.session);
        self.ask(method, &path, body)
    }

    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream
            .write_all(&[head.as_bytes(), body].concat())
            .unwrap();
        self.answer().expect("an answer")
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        // Who is refused early may be cut off.
        let _ = self.stream.write_all(bytes);
    }

    /// The next answer; none if the connection was closed.
    pub fn answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.stream.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.stream.read_exact(&mut body).ok()?;
        Some((status, serde_json::from_slice(&body).unwrap()))
    }

    /// The nonce of the next round.
    pub fn nonce(&mut self) -> String {
        let (status, asked) = self.in_session("POST", "rounds", &Value::Null);
        assert_eq!(status, 201, "{asked}");
        asked["nonce"].as_str().unwrap().to_owned()
    }

    pub fn commit(&mut self, round: usize, commitment: &Value) -> Answer {
        self.in_session("POST", &format!("rounds/{round}/answer"), commitment)
    }

    pub fn hand_in(&mut self, round: usize, receipt: &[u8]) -> Answer {
        let path = format!("/v1/sessions/{}/rounds/{round}/receipt", self.session);
        self.send("PUT", &path, receipt)
    }

    /// The statement, or the refusal, when there is one.
    pub fn statement(&mut self) -> Answer {
        loop {
            match self.in_session("GET", "statement", &Value::Null) {
                (202, _) => std::thread::sleep(std::time::Duration::from_millis(50)),
                other => return other,
            }
        }
    }
}

/// Terms of 16 prompt ids of the tiny model.
pub fn terms(tokens: usize) -> Value {
    json!({
        "model": Digest::of(&std::fs::read(crate::process::TINY).unwrap()),
        "kv_type": "f16", "seed": 42, "prompt_tokens": 16, "depth": 0, "tokens": tokens,
    })
}

/// A receipt that answers `nonce`, made by the program itself.
pub fn receipt(workspace: &Workspace, nonce: &str, tokens: usize) -> Vec<u8> {
    let words = format!(
        "benchmark --challenge {nonce} -p 16 -n {tokens} -r 1 --parity off --quiet --output r.json"
    );
    workspace.run(&words).exits(0);
    workspace.read("r.json")
}

/// The commitment that a receipt keeps.
pub fn commitment(receipt: &[u8]) -> Value {
    let receipt: Value = serde_json::from_slice(receipt).unwrap();
    let tokens: Vec<u32> = serde_json::from_value(receipt["tokens"].clone()).unwrap();
    json!(Commitment {
        transcript_checksum: serde_json::from_value(receipt["parity"]["checksum"].clone()).unwrap(),
        tokens_sha256: tokens_digest(&tokens),
    })
}
