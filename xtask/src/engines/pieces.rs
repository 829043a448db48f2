//! Ids of tokens in a stream that only has their texts.

use std::time::Instant;

use super::{failure::Cause, progress::Progress, quote::quote, vocabulary::Vocabulary};

/// The most bytes of all texts together.
const MOST_BYTES: usize = 64 << 20;

/// How old servers of llama.cpp write a token that is a byte beyond ASCII.
const BYTE: &str = "byte: \\x";

/// The texts that came.
#[derive(Debug)]
pub(super) struct Pieces<'a> {
    vocabulary: &'a Vocabulary,
    /// The text of an event, and when it came. It may be that of several tokens: a server keeps back
    /// those that end within a character.
    events: Vec<(String, Instant)>,
    bytes: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(vocabulary: &'a Vocabulary) -> Self {
        Self {
            vocabulary,
            events: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes the text of an event.
    pub(super) fn came(&mut self, text: &str, at: Instant) -> Result<(), Cause> {
        self.bytes += text.len();
        if self.bytes > MOST_BYTES {
            let n = self.events.len() + 1;
            return Err(Cause::BadAnswer(format!(
                "its stream has more than {MOST_BYTES} bytes of text in {n} pieces"
            )));
        }
        self.events.push((text.to_owned(), at));
        Ok(())
    }

    /// The number of events.
    pub(super) fn n(&self) -> usize {
        self.events.len()
    }

    /// The ids, if each event has the text of one token of `n`, and no other token has it.
    pub(super) fn ids(&self, n: usize) -> Result<Vec<u32>, Cause> {
        if self.events.len() != n {
            let found = self.events.len();
            return Err(Cause::BadAnswer(format!(
                "its stream has text in place of ids, in {found} pieces for {n} tokens"
            )));
        }
        let ids = self.events.iter().map(|(text, _)| self.vocabulary.id(text));
        ids.collect::<Result<_, _>>().map_err(Cause::BadAnswer)
    }

    /// Hands the tokens on, one for each event.
    pub(super) fn one_by_one(&self, ids: &[u32], progress: &mut Progress) -> Result<(), Cause> {
        for (&id, (_, at)) in ids.iter().zip(&self.events) {
            progress.token(i64::from(id), *at)?;
        }
        Ok(())
    }

    /// Hands the tokens on, whose texts are known from another answer with the same text.
    pub(super) fn with_texts(&self, texts: &[&str], progress: &mut Progress) -> Result<(), Cause> {
        let ids = texts.iter().map(|text| match byte(text) {
            Some(byte) => self.vocabulary.id_of(&[byte]),
            None => self.vocabulary.id(text),
        });
        let ids = ids
            .collect::<Result<Vec<u32>, _>>()
            .map_err(Cause::BadAnswer)?;
        let mut ids = ids.into_iter();
        for (text, at) in &self.events {
            let mut bytes = Vec::new();
            while String::from_utf8_lossy(&bytes) != *text {
                let Some(id) = ids.next().filter(|_| bytes.len() < text.len()) else {
                    let text = quote(text.as_bytes());
                    return Err(Cause::BadAnswer(format!(
                        "it gave another text than {text} when it was asked again"
                    )));
                };
                bytes.extend_from_slice(self.vocabulary.text(id));
                progress.token(i64::from(id), *at)?;
            }
        }
        // What comes after the last event ends within a character.
        if let Some((_, at)) = self.events.last() {
            for id in ids {
                progress.token(i64::from(id), *at)?;
            }
        }
        Ok(())
    }
}

fn byte(text: &str) -> Option<u8> {
    u8::from_str_radix(text.strip_prefix(BYTE)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::engine::Request;

    /// The tokens of a stream with these events, when it is asked again for texts.
    fn tokens(events: &[&str], texts: &[&str]) -> Result<Vec<u32>, String> {
        let vocabulary: [&[u8]; 6] = [b"a", b"b", "é".as_bytes(), b"\xc3", b"\xa9", b" c"];
        let vocabulary = Vocabulary::of(vocabulary.map(<[u8]>::to_vec));
        let mut pieces = Pieces::new(&vocabulary);
        let asked = Instant::now();
        for (text, i) in events.iter().zip(1..) {
            let at = asked + std::time::Duration::from_millis(i);
            pieces.came(text, at).unwrap();
        }
        let request = Request::tokens(&[0], texts.len());
        let mut progress = Progress::new(&request, 6, asked);
        let handed = match pieces.ids(texts.len()) {
            Ok(ids) => pieces.one_by_one(&ids, &mut progress),
            Err(_) => pieces.with_texts(texts, &mut progress),
        };
        let answer = handed.and_then(|()| progress.end(None));
        answer
            .map(|answer| answer.tokens)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn texts_become_ids() {
        assert_eq!(tokens(&["a", " c"], &["", ""]), Ok(vec![0, 5]));
        assert_eq!(tokens(&["é", "b"], &["", ""]), Ok(vec![2, 1]));
        let bytes = ["a", "byte: \\xc3", "byte: \\xa9", "b"];
        assert_eq!(tokens(&["a", "é", "b"], &bytes), Ok(vec![0, 3, 4, 1]));
        let lone = ["a", "byte: \\xa9", "b"];
        assert_eq!(tokens(&["a", "\u{fffd}", "b"], &lone), Ok(vec![0, 4, 1]));
        let last = ["a", "b", "byte: \\xc3"];
        assert_eq!(tokens(&["a", "b"], &last), Ok(vec![0, 1, 3]));
    }

    #[test]
    fn more_text_than_any_tokens_have_is_refused() {
        let vocabulary = Vocabulary::of([]);
        let mut pieces = Pieces::new(&vocabulary);
        let half = "x".repeat(MOST_BYTES / 2);
        for _ in 0..2 {
            pieces.came(&half, Instant::now()).unwrap();
        }
        let refused = pieces.came("x", Instant::now()).unwrap_err().to_string();
        assert!(refused.contains("bytes of text in 3 pieces"), "{refused}");
        assert_eq!(pieces.n(), 2);
    }

    #[test]
    fn other_texts_are_refused() {
        for texts in [
            ["a", "a", "b", "b"],
            ["a", "byte: \\xc3", "b", "b"],
            ["a", "x", "b", "b"],
            ["a", "\u{fffd}", "\u{fffd}", "b"],
        ] {
            assert!(tokens(&["a", "é", "b"], &texts).is_err(), "{texts:?}");
        }
    }
}
