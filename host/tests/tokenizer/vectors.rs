//! Small vocabularies that the reference tokenizers made, and what they encode to there. See
//! `make_vectors.py`.

use std::sync::LazyLock;

use host::input::{tokenizer::EncodeOptions, tokenizer::Tokenizer, tokenizer::TokenizerMetadata};
use serde_json::Value;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("vectors.json")).unwrap());

/// The names of the vocabularies, each with the kind that a file with it has.
pub const BYTE_LEVEL: &[&str] = &["llama-bpe", "gpt-2", "qwen2"];
pub const SENTENCE_PIECE: &[&str] = &["llama", "llama without space prefix"];

const PLAIN: EncodeOptions = EncodeOptions {
    add_special: false,
    parse_special: false,
};

/// A byte-level vocabulary of the vectors, as a file gives it.
pub fn byte_level(pre: &'static str) -> TokenizerMetadata<'static> {
    let vocabulary = &VECTORS[pre];
    TokenizerMetadata {
        model: Some("gpt2"),
        pre: Some(pre),
        tokens: bytes(&vocabulary["tokens"]),
        merges: Some(bytes(&vocabulary["merges"])),
        ..Default::default()
    }
}

/// A SentencePiece vocabulary of the vectors, as a file gives it.
pub fn sentence_piece(name: &str) -> TokenizerMetadata<'static> {
    let vocabulary = &VECTORS[name];
    let numbers = |key: &str| vocabulary[key].as_array().unwrap().iter();
    let scores = numbers("scores").map(|s| s.as_f64().unwrap() as f32);
    let types = numbers("token_types").map(|t| t.as_i64().unwrap() as i32);
    TokenizerMetadata {
        model: Some("llama"),
        tokens: bytes(&vocabulary["tokens"]),
        scores: Some(scores.collect()),
        token_types: Some(types.collect()),
        bos_token_id: Some(1),
        eos_token_id: Some(2),
        add_space_prefix: Some(name == "llama"),
        ..Default::default()
    }
}

/// The tokenizer of any vocabulary of the vectors.
pub fn tokenizer(name: &'static str) -> Tokenizer {
    let metadata = match BYTE_LEVEL.contains(&name) {
        true => byte_level(name),
        false => sentence_piece(name),
    };
    Tokenizer::from_metadata(&metadata).unwrap()
}

/// `text` without anything around it.
pub fn plain(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    tokenizer.encode(text, PLAIN).unwrap()
}

pub fn decoded(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    let mut stream = tokenizer.decode_stream();
    let mut text: String = ids.iter().map(|&id| stream.push(id)).collect();
    text.push_str(&stream.finish());
    text
}

fn bytes(strings: &'static Value) -> Vec<&'static [u8]> {
    let strings = strings.as_array().unwrap().iter();
    strings.map(|s| s.as_str().unwrap().as_bytes()).collect()
}

/// The texts of a vocabulary, and what they encode to.
pub fn cases(name: &str) -> impl Iterator<Item = (&'static str, Vec<u32>)> {
    let cases = VECTORS[name]["cases"].as_array().unwrap();
    cases.iter().map(|case| {
        let ids = case[1].as_array().unwrap().iter();
        let ids = ids.map(|id| id.as_u64().unwrap() as u32).collect();
        (case[0].as_str().unwrap(), ids)
    })
}

#[test]
fn texts_encode_as_in_the_reference() {
    for name in [BYTE_LEVEL, SENTENCE_PIECE].concat() {
        let tokenizer = tokenizer(name);
        for (text, want) in cases(name) {
            assert_eq!(plain(&tokenizer, text), want, "{name}: {text:?}");
        }
    }
}

#[test]
fn tokens_decode_as_in_the_reference() {
    for name in [BYTE_LEVEL, SENTENCE_PIECE].concat() {
        let tokenizer = tokenizer(name);
        // Where the reference gives back something else than the text.
        let want = VECTORS[name]["decoded"].as_array();
        for (at, (text, ids)) in cases(name).enumerate() {
            let want = want.map_or(text, |want| want[at].as_str().unwrap());
            assert_eq!(decoded(&tokenizer, &ids), want, "{name}: {text:?}");
        }
    }
}

#[test]
fn a_word_that_no_merges_lead_to_is_found_only_where_whole_words_count() {
    let tokenizer = tokenizer("llama-bpe");
    let last = tokenizer.n_vocab() as u32 - 1;
    assert_eq!(plain(&tokenizer, " Ruhestörung"), [last]);

    let merged = TokenizerMetadata {
        pre: Some("gpt-2"),
        ..byte_level("llama-bpe")
    };
    let merged = Tokenizer::from_metadata(&merged).unwrap();
    let ids = plain(&merged, " Ruhestörung");
    assert!(ids.len() > 1, "{ids:?}");
}

/// The runs of spaces in the vocabulary of Mistral 7B are like that. The ids are those of sentencepiece.
#[test]
fn runs_of_one_character_that_share_a_score_grow_from_the_left() {
    let metadata = TokenizerMetadata {
        model: Some("llama"),
        tokens: vec!["▁", "▁▁", "▁▁▁"]
            .into_iter()
            .map(str::as_bytes)
            .collect(),
        scores: Some(vec![-3.0, -1.0, -1.0]),
        token_types: Some(vec![1; 3]),
        add_space_prefix: Some(false),
        ..Default::default()
    };
    let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
    assert_eq!(plain(&tokenizer, "     "), [2, 1]);
}
