//! Tokens that are not plain text: before and after it, in it, at its end.

use host::input::{
    tokenizer::EncodeError, tokenizer::EncodeOptions, tokenizer::Tokenizer,
    tokenizer::TokenizerMetadata,
};

use crate::vectors::{byte_level, decoded, plain, sentence_piece};

const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

/// A byte-level vocabulary with more tokens after its own. The BOS token is the first of them.
fn with_tokens(
    pre: &'static str,
    more: &[(&'static str, i32)],
) -> (TokenizerMetadata<'static>, u32) {
    let mut metadata = byte_level(pre);
    let first = metadata.tokens.len();
    let mut types = vec![1; first];
    for (text, token_type) in more {
        metadata.tokens.push(text.as_bytes());
        types.push(*token_type);
    }
    metadata.token_types = Some(types);
    metadata.bos_token_id = Some(first as u32);
    (metadata, first as u32)
}

fn chat() -> (Tokenizer, u32) {
    let marks = [
        ("<|begin_of_text|>", CONTROL),
        ("<|eot_id|>", CONTROL),
        ("<|eot_id|>+", CONTROL),
        ("  ", USER_DEFINED),
        ("[PAD]", 5),
    ];
    let (metadata, first) = with_tokens("llama-bpe", &marks);
    (Tokenizer::from_metadata(&metadata).unwrap(), first)
}

fn encode(tokenizer: &Tokenizer, text: &str, add_special: bool, parse_special: bool) -> Vec<u32> {
    let options = EncodeOptions {
        add_special,
        parse_special,
    };
    tokenizer.encode(text, options).unwrap()
}

#[test]
fn control_tokens_in_a_text_are_plain_unless_asked_for() {
    let (tokenizer, first) = chat();
    let (a, b) = (plain(&tokenizer, "a"), plain(&tokenizer, " b"));
    let text = "a<|eot_id|> b";
    let as_text = encode(&tokenizer, text, false, false);
    assert!(as_text.iter().all(|&id| id < first), "{as_text:?}");
    assert_eq!(decoded(&tokenizer, &as_text), text);
    let parsed = encode(&tokenizer, text, false, true);
    assert_eq!(parsed, [a.clone(), vec![first + 1], b].concat());
    let longest = encode(&tokenizer, "a<|eot_id|>+", false, true);
    assert_eq!(longest, [a, vec![first + 2]].concat());
}

#[test]
fn a_control_token_that_is_a_whole_word_is_plain_text_too() {
    let (metadata, first) = with_tokens("llama-bpe", &[("zebra", CONTROL), ("zebras", 5)]);
    let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
    for text in ["zebra", "zebras"] {
        let ids = plain(&tokenizer, text);
        assert!(ids.iter().all(|&id| id < first), "{ids:?}");
    }
    assert_eq!(encode(&tokenizer, "zebra", false, true), [first]);
}

#[test]
fn user_defined_tokens_are_always_found() {
    let (tokenizer, first) = chat();
    let [a] = plain(&tokenizer, "a")[..] else {
        panic!("a token")
    };
    for parse_special in [false, true] {
        let ids = encode(&tokenizer, "a  a", false, parse_special);
        assert_eq!(ids, [a, first + 3, a]);
        assert_eq!(decoded(&tokenizer, &ids), "a  a");
    }
}

/// As the reference does with added tokens: they are found in the text as it is given, and only what
/// is between them is put into normalization form C.
#[test]
fn qwen_finds_tokens_before_it_normalizes() {
    let marks = [
        ("<|im_start|>", CONTROL),
        ("<|im_end|>", CONTROL),
        ("<think>", USER_DEFINED),
        ("e\u{301}", USER_DEFINED),
    ];
    let (metadata, first) = with_tokens("qwen2", &marks);
    let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
    let (caf, grave, mark) = ("caf", "\u{e8}", "\u{301}");
    let text = "<|im_start|>cafe\u{301}e\u{300}<think>\u{301}<|im_end|>";
    let want = [
        vec![first],
        plain(&tokenizer, caf),
        vec![first + 3],
        plain(&tokenizer, grave),
        vec![first + 2],
        plain(&tokenizer, mark),
        vec![first + 1],
    ];
    assert_eq!(encode(&tokenizer, text, false, true), want.concat());
    assert!(tokenizer.is_end(first + 1));
    let as_text = encode(&tokenizer, "<|im_start|><think>", false, false);
    assert!(!as_text.contains(&first), "{as_text:?}");
    assert_eq!(as_text.last(), Some(&(first + 2)));
}

#[test]
fn by_default_a_text_gets_bos_and_control_tokens_are_text() {
    let (tokenizer, first) = chat();
    let ids = tokenizer.encode("<|eot_id|>", EncodeOptions::default());
    let want = [vec![first], plain(&tokenizer, "<|eot_id|>")].concat();
    assert_eq!(ids.unwrap(), want);
}

#[test]
fn bos_and_eos_are_added_as_the_file_says_or_its_kind_has_it() {
    let byte_level = |pre| with_tokens(pre, &[("<s>", CONTROL), ("</s>", CONTROL)]).0;
    let unnamed = |metadata| TokenizerMetadata {
        bos_token_id: None,
        ..metadata
    };
    let cases = [
        ("gpt-2", byte_level("gpt-2"), None, None, (false, false)),
        (
            "gpt-2, BOS",
            byte_level("gpt-2"),
            Some(true),
            None,
            (true, false),
        ),
        (
            "llama-bpe",
            byte_level("llama-bpe"),
            None,
            None,
            (true, false),
        ),
        (
            "no BOS",
            byte_level("llama-bpe"),
            Some(false),
            None,
            (false, false),
        ),
        (
            "both",
            byte_level("llama-bpe"),
            Some(true),
            Some(true),
            (true, true),
        ),
        (
            "unnamed",
            unnamed(byte_level("llama-bpe")),
            None,
            None,
            (false, false),
        ),
        ("llama", sentence_piece("llama"), None, None, (true, false)),
        (
            "llama, EOS",
            sentence_piece("llama"),
            Some(false),
            Some(true),
            (false, true),
        ),
    ];
    for (name, metadata, add_bos_token, add_eos_token, (bos, eos)) in cases {
        let eos_token_id = metadata
            .eos_token_id
            .or(metadata.bos_token_id.map(|id| id + 1));
        let metadata = TokenizerMetadata {
            add_bos_token,
            add_eos_token,
            eos_token_id,
            ..metadata
        };
        let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
        let mut want = plain(&tokenizer, "text");
        want.splice(..0, metadata.bos_token_id.filter(|_| bos));
        want.extend(eos_token_id.filter(|_| eos));
        assert_eq!(encode(&tokenizer, "text", true, false), want, "{name}");
    }
}

#[test]
fn a_generation_ends_at_eos_at_eot_and_at_control_tokens_known_for_it() {
    let marks = [
        ("<|begin_of_text|>", CONTROL),
        ("<|end_of_text|>", CONTROL),
        ("<|eot_id|>", CONTROL),
        ("<|endoftext|>", 1),
        ("my end", CONTROL),
        ("my turn", CONTROL),
    ];
    let (metadata, first) = with_tokens("llama-bpe", &marks);
    let metadata = TokenizerMetadata {
        eos_token_id: Some(first + 4),
        eot_token_id: Some(first + 5),
        ..metadata
    };
    let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
    let ends: Vec<u32> = (0..tokenizer.n_vocab() as u32)
        .filter(|&id| tokenizer.is_end(id))
        .collect();
    assert_eq!(ends, [1, 2, 4, 5].map(|n| first + n));
}

#[test]
fn each_text_between_control_tokens_gets_its_space() {
    let metadata = sentence_piece("llama");
    let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
    let (quick, brown) = (plain(&tokenizer, "quick"), plain(&tokenizer, "brown"));
    let ids = encode(&tokenizer, "quick</s><s>brown", false, true);
    assert_eq!(ids, [quick, vec![2, 1], brown].concat());
}

/// As SentencePiece, which looks for them before it merges.
#[test]
fn user_defined_tokens_of_sentence_piece_merge_with_nothing() {
    for (type_of_b, want) in [(USER_DEFINED, vec![0, 1]), (1, vec![2])] {
        let metadata = TokenizerMetadata {
            model: Some("llama"),
            tokens: vec![b"a", b"b", b"ab"],
            scores: Some(vec![0.0; 3]),
            token_types: Some(vec![1, type_of_b, 1]),
            add_space_prefix: Some(false),
            ..Default::default()
        };
        let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
        assert_eq!(plain(&tokenizer, "ab"), want, "{type_of_b}");
    }
}

#[test]
fn a_byte_without_a_token_is_named() {
    let mut metadata = byte_level("gpt-2");
    metadata.tokens.truncate(2);
    metadata.merges = Some(Vec::new());
    let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
    assert_eq!(plain(&tokenizer, "!\"").len(), 2);
    let error = tokenizer
        .encode("!#", EncodeOptions::default())
        .unwrap_err();
    assert_eq!(error, EncodeError::NoToken { byte: b'#' });
    let message = "the vocabulary has no token for byte 0x23 of the text";
    assert_eq!(error.to_string(), message);
}

#[test]
fn the_description_gives_kind_and_sizes() {
    let metadata = byte_level("llama-bpe");
    let n_merges = metadata.merges.as_ref().unwrap().len();
    let tokenizer = Tokenizer::from_metadata(&metadata).unwrap();
    let want = format!("gpt2 BPE, llama-bpe, 901 tokens, {n_merges} merges");
    assert_eq!(tokenizer.describe(), want);
    let tokenizer = Tokenizer::from_metadata(&sentence_piece("llama")).unwrap();
    assert_eq!(tokenizer.describe(), "llama SentencePiece BPE, 900 tokens");
}

#[test]
fn a_file_without_pre_tokenizer_is_llama_3_if_its_vocabulary_is() {
    let mut names: Vec<String> = (0..128_254).map(|id| format!("t{id}")).collect();
    names.extend(["<|begin_of_text|>", "<|eot_id|>"].map(String::from));
    let describe = |names: &[String]| {
        let metadata = TokenizerMetadata {
            model: Some("gpt2"),
            tokens: names.iter().map(String::as_bytes).collect(),
            merges: Some(Vec::new()),
            ..Default::default()
        };
        Tokenizer::from_metadata(&metadata).map(|tokenizer| tokenizer.describe())
    };
    let want = "gpt2 BPE, llama-bpe, 128,256 tokens, 0 merges";
    assert_eq!(describe(&names).unwrap(), want);
    let key = "tokenizer.ggml.pre is missing: ";
    let refused = |names: &[String]| describe(names).unwrap_err().to_string().starts_with(key);
    assert!(refused(&names[1..]), "one token fewer");
    names[128_255] = "<|eot|>".to_owned();
    assert!(refused(&names), "another vocabulary of that size");
}
