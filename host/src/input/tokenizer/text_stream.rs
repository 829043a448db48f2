//! Tokens to text, as they come.

use super::text_to_ids::Tokenizer;

/// Text of a run of tokens, given out as soon as it is certain.
///
/// A character may be spread over several tokens: its bytes wait until it is complete. What can
/// never become a character is U+FFFD, as in [`String::from_utf8_lossy`] of all bytes together.
/// Control tokens have no text.
///
/// The space that `llama` puts before a text is taken off the start of the stream. A generation
/// continues its prompt: push the prompt's tokens first, and ignore or print what they give.
pub struct TextStream<'t> {
    tokenizer: &'t Tokenizer,
    waiting: Vec<u8>,
    at_start: bool,
}

impl Tokenizer {
    /// The text of tokens that are yet to come.
    pub fn decode_stream(&self) -> TextStream<'_> {
        TextStream::new(self)
    }
}

impl<'t> TextStream<'t> {
    fn new(tokenizer: &'t Tokenizer) -> Self {
        Self {
            tokenizer,
            waiting: Vec::new(),
            at_start: true,
        }
    }

    /// The text that becomes certain with the token `id`. An id beyond the vocabulary is U+FFFD.
    pub fn push(&mut self, id: u32) -> String {
        let beyond = "\u{FFFD}".as_bytes();
        let mut piece = self.tokenizer.piece(id).unwrap_or(beyond);
        if self.at_start && !piece.is_empty() {
            self.at_start = false;
            if self.tokenizer.starts_with_prefix(id) {
                piece = piece.strip_prefix(b" ").unwrap_or(piece);
            }
        }
        self.waiting.extend_from_slice(piece);
        self.take_certain()
    }

    /// What is left: an incomplete character as U+FFFD, or nothing.
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.waiting).into_owned()
    }

    fn take_certain(&mut self) -> String {
        let mut text = String::new();
        let mut certain = 0;
        for chunk in self.waiting.utf8_chunks() {
            text.push_str(chunk.valid());
            certain += chunk.valid().len();
            let invalid = chunk.invalid();
            if is_incomplete(invalid) && certain + invalid.len() == self.waiting.len() {
                break;
            }
            certain += invalid.len();
            if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.waiting.drain(..certain);
        text
    }
}

/// Whether more bytes can make a character of these.
fn is_incomplete(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
