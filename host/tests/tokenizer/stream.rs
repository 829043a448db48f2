//! Tokens to text, one by one.

use host::input::tokenizer::Tokenizer;

use crate::vectors::{byte_level, decoded, plain, sentence_piece};

/// The ids of the byte tokens, and what each of them gives.
fn assert_given(tokenizer: &Tokenizer, bytes: &[u8], want: &[&str]) {
    let metadata = sentence_piece("llama");
    let id = |byte: &u8| {
        let text = format!("<0x{byte:02X}>");
        metadata.tokens.iter().position(|t| *t == text.as_bytes())
    };
    let mut stream = tokenizer.decode_stream();
    let ids = bytes.iter().map(|byte| id(byte).unwrap() as u32);
    let mut given: Vec<String> = ids.map(|id| stream.push(id)).collect();
    given.push(stream.finish());
    assert_eq!(given, want, "{bytes:x?}");
}

#[test]
fn text_is_given_as_soon_as_it_is_certain() {
    let tokenizer = Tokenizer::from_metadata(&sentence_piece("llama")).unwrap();
    let cases: [(&[u8], &[&str]); 6] = [
        (b"ab", &["a", "b", ""]),
        ("😀".as_bytes(), &["", "", "", "😀", ""]),
        (b"\xFFa", &["\u{fffd}", "a", ""]),
        (b"\xF0\x9Fa", &["", "", "\u{fffd}a", ""]),
        (b"\xF0\x9F\xF0\x9F", &["", "", "\u{fffd}", "", "\u{fffd}"]),
        (b"\xE2\x82", &["", "", "\u{fffd}"]),
    ];
    for (bytes, want) in cases {
        assert_given(&tokenizer, bytes, want);
    }
}

/// As SentencePiece: of the character `▁` one is taken off the start, the byte of a space stays.
#[test]
fn only_the_space_prefix_is_taken_off_and_only_at_the_start() {
    let tokenizer = Tokenizer::from_metadata(&sentence_piece("llama")).unwrap();
    assert_given(&tokenizer, b" a", &[" ", "a", ""]);
    let quick = plain(&tokenizer, "quick");
    let bos = vec![1];
    assert_eq!(decoded(&tokenizer, &[bos, quick.clone()].concat()), "quick");
    let twice = [quick.clone(), quick].concat();
    assert_eq!(decoded(&tokenizer, &twice), "quick quick");
}

#[test]
fn control_tokens_have_no_text_and_unknown_ids_are_visible() {
    let mut metadata = byte_level("gpt-2");
    let beyond = metadata.tokens.len() as u32;
    let (exclamation, quote, hash) = (0, 1, 2);
    let mut types = vec![1; metadata.tokens.len()];
    types[quote as usize] = 3;
    types[hash as usize] = 5;
    metadata.token_types = Some(types);
    metadata.merges = Some(Vec::new());
    let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
    let ids = [quote, exclamation, quote, beyond, u32::MAX, hash];
    assert_eq!(decoded(&tokenizer, &ids), "!\u{fffd}\u{fffd}#");
    let tokenizer = Tokenizer::from_metadata(&sentence_piece("llama")).unwrap();
    assert_eq!(decoded(&tokenizer, &[1, 0]), "\u{2047} ");
}
