//! Decodes tokens to text, one at a time.

use super::text_to_ids::Tokenizer;

/// A decoder that returns text as soon as it is certain.
///
/// The bytes of a character may be spread over several tokens; they are held back until the
/// character is complete. Invalid bytes become U+FFFD, as with [`String::from_utf8_lossy`] over all
/// bytes. Control tokens have no text.
///
/// The space that `llama` puts before a text is removed at the start of the stream. The text of a
/// generation continues its prompt, so push the prompt's tokens first, and ignore or print their
/// text.
pub struct TextStream<'t> {
    tokenizer: &'t Tokenizer,
    waiting: Vec<u8>,
    at_start: bool,
}

impl Tokenizer {
    /// A decoder for a stream of tokens.
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

    /// Adds the token `id` and returns the text that is now certain. An id beyond the vocabulary
    /// becomes U+FFFD.
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

    /// Ends the stream and returns the rest: U+FFFD for an incomplete character, or nothing.
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

/// Whether these bytes are the beginning of a character.
fn is_incomplete(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
