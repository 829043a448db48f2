//! What holds for every text.

use ::tokenizers::{NormalizedString, Normalizer, normalizers::NFC};
use proptest::{collection::vec, prelude::*};

use crate::vectors::{BYTE_LEVEL, SENTENCE_PIECE, decoded, plain};

/// Characters that decide where texts are cut, among any others.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-zA-Z']{1,6}",
        2 => "[ \t\r\n\u{a0}]{1,4}",
        2 => "[0-9½٣]{1,5}",
        2 => "\\PC{1,4}",
        1 => any::<char>().prop_map(String::from),
        1 => "[aeEo\u{1112}][\u{301}\u{308}\u{323}\u{1161}\u{11ab}]{1,3}",
        1 => Just("▁".to_owned()),
        1 => Just("<user>".to_owned()),
        1 => Just("<|eot_id|>".to_owned()),
    ];
    vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// What decoding gives back: `llama` has one spelling for a space and for `▁`, Qwen one for a character
/// and its parts.
fn as_decoded(name: &str, text: &str) -> String {
    match name {
        "qwen2" => {
            let mut text = NormalizedString::from(text);
            NFC.normalize(&mut text).unwrap();
            text.get().to_owned()
        }
        _ if SENTENCE_PIECE.contains(&name) => text.replace('▁', " "),
        _ => text.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_text_comes_back(text in text()) {
        for name in [BYTE_LEVEL, SENTENCE_PIECE].concat() {
            let tokenizer = tokenizers::get(name);
            let ids = plain(tokenizer, &text);
            prop_assert_eq!(decoded(tokenizer, &ids), as_decoded(name, &text), "{}", name);
        }
    }

    #[test]
    fn a_stream_gives_what_all_bytes_together_give(ids in vec(0u32..900, 0..40)) {
        for &name in BYTE_LEVEL {
            let tokenizer = tokenizers::get(name);
            let alone = ids.iter().map(|&id| tokenizers::bytes(name, id));
            let want = String::from_utf8_lossy(&alone.collect::<Vec<_>>().concat()).into_owned();
            prop_assert_eq!(decoded(tokenizer, &ids), want, "{}", name);
        }
    }

    #[test]
    fn a_stream_never_takes_back(text in text(), split in any::<prop::sample::Index>()) {
        for name in [BYTE_LEVEL, SENTENCE_PIECE].concat() {
            let tokenizer = tokenizers::get(name);
            let ids = plain(tokenizer, &text);
            let mut stream = tokenizer.decode_stream();
            let first = &ids[..split.index(ids.len() + 1)];
            let given: String = first.iter().map(|&id| stream.push(id)).collect();
            prop_assert!(as_decoded(name, &text).starts_with(&given), "{}: {:?}", name, given);
        }
    }
}

mod tokenizers {
    use std::{collections::HashMap, sync::LazyLock};

    use host::input::tokenizer::Tokenizer;

    use crate::vectors::{BYTE_LEVEL, SENTENCE_PIECE, byte_level, tokenizer};

    static ALL: LazyLock<HashMap<&str, Tokenizer>> = LazyLock::new(|| {
        let all = [BYTE_LEVEL, SENTENCE_PIECE].concat().into_iter();
        all.map(|name| (name, tokenizer(name))).collect()
    });

    pub fn get(name: &str) -> &'static Tokenizer {
        &ALL[name]
    }

    /// The bytes of a byte-level token, from its spelling: a character of Latin-1 is its own byte,
    /// the n-th one after Latin-1 is the n-th of the bytes that are left.
    pub fn bytes(name: &'static str, id: u32) -> Vec<u8> {
        let left = (0x00..=0x20).chain(0x7F..=0xA0).chain([0xAD]);
        let left: Vec<u8> = left.collect();
        let text = str::from_utf8(byte_level(name).tokens[id as usize]).unwrap();
        let byte = |c: char| match u32::from(c) {
            c @ 0x100.. => left[c as usize - 0x100],
            c => c as u8,
        };
        text.chars().map(byte).collect()
    }
}
