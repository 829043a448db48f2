//! Ids of tokens from their texts, for servers whose stream has no ids.

use std::{collections::HashMap, path::Path};

use engine_native::{ModelError, ModelSource};
use host::input::tokenizer::{Tokenizer, TokenizerMetadata};

use super::{failure::Cause, quote::quote};

/// The texts of a model's tokens.
#[derive(Debug)]
pub(super) struct Vocabulary {
    texts: Vec<Vec<u8>>,
    /// The first token with a text, and another one if there is any.
    ids: HashMap<Vec<u8>, (u32, Option<u32>)>,
}

impl Vocabulary {
    /// That of the model file at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, Cause> {
        let missing = |why: String| {
            let path = path.display();
            Cause::Usage(format!(
                "its stream has no ids, and {path} has no vocabulary to look them up in: {why}"
            ))
        };
        let (header, start) = match ModelSource::open(path)?.header_and_start() {
            Ok(read) => read,
            Err(ModelError::Io(e)) => return Err(e.into()),
            Err(e) => return Err(missing(e.to_string())),
        };
        let metadata = TokenizerMetadata::read(&header.metadata, &start)
            .map_err(|e| missing(e.to_string()))?;
        let tokenizer = Tokenizer::from_metadata(&metadata).map_err(|e| missing(e.to_string()))?;
        let texts = metadata.tokens.iter().zip(0..).map(|(spelling, id)| {
            let text = tokenizer.piece(id).filter(|text| !text.is_empty());
            // A server with --special shows a control token as it is spelled.
            text.unwrap_or(spelling).to_vec()
        });
        Ok(Self::of(texts))
    }

    /// That of tokens with these texts, by id.
    pub(super) fn of(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let texts: Vec<Vec<u8>> = texts.into_iter().collect();
        let mut ids = HashMap::with_capacity(texts.len());
        for (text, id) in texts.iter().zip(0..) {
            ids.entry(text.clone())
                .and_modify(|(_, other)| *other = Some(id))
                .or_insert((id, None));
        }
        Self { texts, ids }
    }

    /// The id of the only token with this text.
    ///
    /// # Errors
    /// There is none, or there are several: what is wrong.
    pub(super) fn id(&self, text: &str) -> Result<u32, String> {
        self.id_of(text.as_bytes())
    }

    /// As [`Vocabulary::id`], of bytes.
    ///
    /// # Errors
    /// As there.
    pub(super) fn id_of(&self, text: &[u8]) -> Result<u32, String> {
        let shown = quote(text);
        match self.ids.get(text) {
            Some((id, None)) => Ok(*id),
            Some((a, Some(b))) => Err(format!(
                "its stream has text in place of ids, and {shown} is the text of ids {a} and {b}"
            )),
            None => Err(format!(
                "its stream has text in place of ids, and {shown} is the text of no token"
            )),
        }
    }

    /// The text of a token that it has.
    pub(super) fn text(&self, id: u32) -> &[u8] {
        &self.texts[id as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_one_token_has_an_id() {
        let vocabulary = Vocabulary::of(["a", "b", "a", " c"].map(|text| text.as_bytes().to_vec()));
        assert_eq!(vocabulary.id("b"), Ok(1));
        assert_eq!(vocabulary.id(" c"), Ok(3));
        assert_eq!(vocabulary.text(3), b" c");
        assert!(vocabulary.id("a").unwrap_err().contains("ids 0 and 2"));
        assert!(vocabulary.id("c").unwrap_err().contains("no token"));
    }

    #[test]
    fn a_model_file_has_texts_and_control_tokens() {
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tiny-rust.gguf");
        let vocabulary = Vocabulary::open(&tiny).unwrap();
        assert!(vocabulary.id("a").is_ok() && vocabulary.id("\n").is_ok());
        let missing = Vocabulary::open(&tiny.with_extension("no"));
        assert!(matches!(missing, Err(Cause::Io(_))));
        let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let refused = Vocabulary::open(&other).unwrap_err().to_string();
        assert!(refused.contains("has no vocabulary"), "{refused}");
    }
}
