//! The names that a file can give its pre-tokenizer.

use host::input::{tokenizer::EncodeOptions, tokenizer::Tokenizer, tokenizer::TokenizerMetadata};

use crate::vectors::{byte_level, cases, plain};

const LLAMA_3: &[&str] = &[
    "llama-bpe",
    "llama3",
    "llama-v3",
    "falcon3",
    "falcon-h1",
    "falcon_e",
    "pixtral",
    "midm-2.0",
    "lfm2",
    "jina-v5-nano",
];
const QWEN_2: &[&str] = &["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez"];
const GPT_2: &[&str] = &[
    "gpt-2",
    "phi-2",
    "jina-es",
    "jina-de",
    "jina-v2-es",
    "jina-v2-de",
    "gigachat",
    "a.x-4.0",
    "mellum",
    "modern-bert",
    "exaone4",
];

/// A file with the vocabulary for `kind` that names its pre-tokenizer `name`, and a BOS token.
fn tokenizer(kind: &'static str, name: &'static str) -> Tokenizer {
    let metadata = TokenizerMetadata {
        pre: Some(name),
        bos_token_id: Some(0),
        ..byte_level(kind)
    };
    Tokenizer::from_metadata(&metadata).unwrap()
}

#[test]
fn every_name_means_one_of_three_kinds() {
    for (names, has_bos) in [(LLAMA_3, true), (QWEN_2, false), (GPT_2, false)] {
        let kind = names[0];
        for name in names {
            let tokenizer = tokenizer(kind, name);
            for (text, want) in cases(kind) {
                assert_eq!(plain(&tokenizer, text), want, "{name}: {text:?}");
            }
            let empty = tokenizer.encode("", EncodeOptions::default()).unwrap();
            assert_eq!(empty, if has_bos { vec![0] } else { vec![] }, "{name}");
            let description = tokenizer.describe();
            let shown = format!("gpt2 BPE, {name}, ");
            assert!(description.starts_with(&shown), "{description}");
        }
    }
}

/// Else the test above could not tell them apart.
#[test]
fn the_kinds_differ_on_each_vocabulary() {
    let kinds = [LLAMA_3[0], QWEN_2[0], GPT_2[0]];
    for vocabulary in kinds {
        for kind in kinds {
            let tokenizer = tokenizer(vocabulary, kind);
            let is_same = cases(vocabulary).all(|(text, want)| plain(&tokenizer, text) == want);
            assert_eq!(is_same, kind == vocabulary, "{kind} on {vocabulary}");
        }
    }
}

#[test]
fn digits_are_words_of_their_own_for_qwen_only() {
    let ids = |kind| plain(&tokenizer("llama-bpe", kind), "1958");
    assert_eq!(ids("qwen2").len(), 4);
    assert!(ids("llama-bpe").len() < 4);
}

/// As `Qwen2Tokenizer` of transformers; the others take a text as it is.
#[test]
fn qwen_takes_a_character_and_its_parts_for_the_same() {
    for (composed, parts) in [("é", "e\u{301}"), ("한", "\u{1112}\u{1161}\u{11ab}")] {
        let is_same = |kind| {
            let tokenizer = tokenizer("qwen2", kind);
            plain(&tokenizer, composed) == plain(&tokenizer, parts)
        };
        assert!(is_same("qwen2"));
        assert!(!is_same("llama-bpe") && !is_same("gpt-2"));
    }
}
