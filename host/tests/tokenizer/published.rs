//! llama.cpp's own test vocabularies and texts: tabs, digits, emoji, contractions, many scripts. See
//! `make_published.py`.

use std::sync::LazyLock;

use host::input::{tokenizer::Tokenizer, tokenizer::TokenizerMetadata};
use serde::Deserialize;
use serde_json::Value;

use crate::vectors::{BYTE_LEVEL, decoded, plain};

static PUBLISHED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("published.json")).unwrap());

/// The part of a vocabulary that the texts need.
#[derive(Deserialize)]
struct Vocabulary {
    n_vocab: usize,
    tokens: Vec<(usize, String, i32)>,
    #[serde(default)]
    merges: Vec<String>,
    scores: Option<Vec<f32>>,
    /// What each text encodes to.
    ids: Vec<Vec<u32>>,
}

impl Vocabulary {
    fn of(name: &str) -> Self {
        serde_json::from_value(PUBLISHED[name].clone()).unwrap()
    }

    /// The tokenizer of a file with this vocabulary and the name `pre`; without it, SentencePiece. The
    /// ids that no text needs are unused.
    fn tokenizer(&self, pre: Option<&str>) -> Tokenizer {
        const UNUSED: i32 = 5;
        let mut texts: Vec<String> = (0..self.n_vocab).map(|id| format!("unused {id}")).collect();
        let mut types = vec![UNUSED; self.n_vocab];
        for (id, text, kind) in &self.tokens {
            texts[*id].clone_from(text);
            types[*id] = *kind;
        }
        let merges = self.merges.iter().map(String::as_bytes).collect();
        let metadata = TokenizerMetadata {
            model: Some(if pre.is_some() { "gpt2" } else { "llama" }),
            pre,
            tokens: texts.iter().map(String::as_bytes).collect(),
            token_types: Some(types),
            merges: pre.map(|_| merges),
            scores: self.all_scores(),
            ..Default::default()
        };
        Tokenizer::from_metadata(&metadata).unwrap()
    }

    fn all_scores(&self) -> Option<Vec<f32>> {
        let mut all = vec![0.0; self.n_vocab];
        for ((id, ..), score) in self.tokens.iter().zip(self.scores.as_ref()?) {
            all[*id] = *score;
        }
        Some(all)
    }

    fn assert_encodes(&self, tokenizer: &Tokenizer, name: &str) {
        let texts = texts();
        assert_eq!(self.ids.len(), texts.len());
        for (text, ids) in texts.iter().zip(&self.ids) {
            assert_eq!(&plain(tokenizer, text), ids, "{name}: {text:?}");
            assert_eq!(&decoded(tokenizer, ids), text, "{name}");
        }
    }
}

fn texts() -> Vec<String> {
    serde_json::from_value(PUBLISHED["texts"].clone()).unwrap()
}

#[test]
fn texts_encode_as_published() {
    for name in BYTE_LEVEL {
        let published = Vocabulary::of(name);
        published.assert_encodes(&published.tokenizer(Some(name)), name);
    }
    let published = Vocabulary::of("llama-spm");
    published.assert_encodes(&published.tokenizer(None), "llama-spm");
}
