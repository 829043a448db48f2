//! One bad file per rule, and the line that it gets.

use host::input::{tokenizer::EncodeOptions, tokenizer::Tokenizer, tokenizer::TokenizerMetadata};

use crate::vectors::{byte_level, plain, sentence_piece};

type Spoil = fn(&mut TokenizerMetadata<'static>);

fn assert_refused(good: TokenizerMetadata<'static>, cases: &[(Spoil, &str)]) {
    assert!(Tokenizer::from_metadata(&good).is_ok());
    for (spoil, want) in cases {
        let mut metadata = good.clone();
        spoil(&mut metadata);
        let Err(error) = Tokenizer::from_metadata(&metadata) else {
            panic!("accepted, want: {want}");
        };
        assert_eq!(&error.to_string(), want);
    }
}

#[test]
fn files_of_any_kind() {
    let cases: [(Spoil, &str); 16] = [
        (
            |m| m.model = None,
            "tokenizer.ggml.model is missing: it says which tokenizer the file has",
        ),
        (
            |m| m.model = Some("bert"),
            "tokenizer.ggml.model: \"bert\" is not supported, allowed: gpt2, llama",
        ),
        (
            |m| m.tokens = Vec::new(),
            "tokenizer.ggml.tokens is missing: a tokenizer needs tokens",
        ),
        (
            |m| m.tokens = vec![b"a"; (1 << 22) + 1],
            "tokenizer.ggml.tokens has 4194305 entries, allowed: at most 4194304",
        ),
        (|m| m.tokens[7] = b"", "tokenizer.ggml.tokens[7]: is empty"),
        (
            |m| m.tokens[7] = b"a\xFFb",
            "tokenizer.ggml.tokens[7]: is not UTF-8",
        ),
        (
            |m| m.tokens[7] = &[b'a'; 4097],
            "tokenizer.ggml.tokens[7]: has 4097 bytes, allowed: at most 4096",
        ),
        (
            |m| m.tokens[7] = m.tokens[3],
            "tokenizer.ggml.tokens[7]: \"$\" is already tokenizer.ggml.tokens[3]",
        ),
        (
            |m| m.token_types = Some(vec![1; 900]),
            "tokenizer.ggml.token_type has 900 entries, tokenizer.ggml.tokens has 901",
        ),
        (
            |m| m.token_types.as_mut().unwrap()[5] = 7,
            "tokenizer.ggml.token_type[5]: 7 is not a token type, allowed: 1 to 6",
        ),
        (
            |m| m.token_types.as_mut().unwrap()[5] = 0,
            "tokenizer.ggml.token_type[5]: 0 is not a token type, allowed: 1 to 6",
        ),
        (
            |m| m.bos_token_id = Some(901),
            "tokenizer.ggml.bos_token_id: 901 is not a token id, allowed: less than 901",
        ),
        (
            |m| m.eos_token_id = Some(u32::MAX),
            "tokenizer.ggml.eos_token_id: 4294967295 is not a token id, allowed: less than 901",
        ),
        (
            |m| m.eot_token_id = Some(901),
            "tokenizer.ggml.eot_token_id: 901 is not a token id, allowed: less than 901",
        ),
        (
            |m| m.add_bos_token = Some(true),
            "tokenizer.ggml.bos_token_id is missing: tokenizer.ggml.add_bos_token is true",
        ),
        (
            |m| m.add_eos_token = Some(true),
            "tokenizer.ggml.eos_token_id is missing: tokenizer.ggml.add_eos_token is true",
        ),
    ];
    let types = vec![1; 901];
    let good = TokenizerMetadata {
        token_types: Some(types),
        ..byte_level("llama-bpe")
    };
    assert_refused(good, &cases);
}

#[test]
fn files_of_byte_level_bpe() {
    let cases: [(Spoil, &str); 14] = [
        (
            |m| m.pre = None,
            "tokenizer.ggml.pre is missing: gpt2 needs it, the vocabulary is not that of Llama 3",
        ),
        (
            |m| m.pre = Some("default"),
            "tokenizer.ggml.pre: \"default\" is not supported, \
             allowed: llama-bpe, llama3, llama-v3, falcon3, falcon-h1, falcon_e, pixtral, midm-2.0, \
             lfm2, jina-v5-nano, qwen2, deepseek-r1-qwen, kormo, f2llmv2, megrez, gpt-2, phi-2, \
             jina-es, jina-de, jina-v2-es, jina-v2-de, gigachat, a.x-4.0, mellum, modern-bert, exaone4",
        ),
        (
            |m| m.add_space_prefix = Some(true),
            "tokenizer.ggml.add_space_prefix: \"true\" is not supported, allowed: false for gpt2",
        ),
        (
            |m| m.merges = None,
            "tokenizer.ggml.merges is missing: gpt2 needs it",
        ),
        (
            |m| m.merges = Some(vec![b"a b"; (1 << 22) + 1]),
            "tokenizer.ggml.merges has 4194305 entries, allowed: at most 4194304",
        ),
        (
            |m| spoil_merge(m, b"\xC3 a"),
            "tokenizer.ggml.merges[4]: is not UTF-8",
        ),
        (
            |m| spoil_merge(m, b"ab"),
            "tokenizer.ggml.merges[4]: \"ab\" is not two tokens with a space between",
        ),
        (
            |m| spoil_merge(m, b" b"),
            "tokenizer.ggml.merges[4]: \" b\" is not two tokens with a space between",
        ),
        (
            |m| spoil_merge(m, b"a b c"),
            "tokenizer.ggml.merges[4]: \"a b c\" is not two tokens with a space between",
        ),
        (
            |m| spoil_merge(m, "a \u{4e00}".as_bytes()),
            "tokenizer.ggml.merges[4]: \"一\" is not a token of plain text",
        ),
        (
            |m| spoil_merge(m, "\u{4e00} a".as_bytes()),
            "tokenizer.ggml.merges[4]: \"一\" is not a token of plain text",
        ),
        (
            |m| spoil_merge(m, b"! z"),
            "tokenizer.ggml.merges[4]: \"!z\" is not a token of plain text",
        ),
        (
            |m| {
                let first = m.merges.as_ref().unwrap()[2];
                spoil_merge(m, first);
            },
            "tokenizer.ggml.merges[4]: is already tokenizer.ggml.merges[2]",
        ),
        (
            |m| {
                let mut types = vec![1; m.tokens.len()];
                types[64] = 3;
                m.token_types = Some(types);
                spoil_merge(m, b"a b");
            },
            "tokenizer.ggml.merges[4]: \"a\" is not a token of plain text",
        ),
    ];
    let mut good = byte_level("gpt-2");
    good.merges.as_mut().unwrap().truncate(5);
    assert_refused(good, &cases);
}

fn spoil_merge(metadata: &mut TokenizerMetadata<'static>, line: &'static [u8]) {
    metadata.merges.as_mut().unwrap()[4] = line;
}

#[test]
fn files_of_sentence_piece_bpe() {
    let cases: [(Spoil, &str); 9] = [
        (
            |m| m.token_types = None,
            "tokenizer.ggml.token_type is missing: llama needs it",
        ),
        (
            |m| m.scores = None,
            "tokenizer.ggml.scores is missing: llama needs it",
        ),
        (
            |m| m.scores = Some(vec![0.0; 901]),
            "tokenizer.ggml.scores has 901 entries, tokenizer.ggml.tokens has 900",
        ),
        (
            |m| m.scores.as_mut().unwrap()[9] = f32::NAN,
            "tokenizer.ggml.scores[9]: NaN is not a finite number",
        ),
        (
            |m| m.scores.as_mut().unwrap()[9] = f32::NEG_INFINITY,
            "tokenizer.ggml.scores[9]: -inf is not a finite number",
        ),
        (
            |m| m.token_types.as_mut().unwrap()[0] = 6,
            "tokenizer.ggml.tokens[0]: \"<unk>\" is not a byte, allowed: <0x00> to <0xFF>",
        ),
        (
            |m| {
                let byte = m.tokens.iter().position(|text| *text == b"<0x0A>").unwrap();
                assert_eq!(byte, 16);
                m.tokens[byte] = b"<0x0a>";
            },
            "tokenizer.ggml.tokens[16]: \"<0x0a>\" is not a byte, allowed: <0x00> to <0xFF>",
        ),
        (
            |m| {
                let texts = [&[b'1'; 4096], &[b'2'; 4096], &[b'3'; 4096], &[b'4'; 4096]];
                m.tokens.splice(896.., texts.map(|text| &text[..]));
                m.token_types.as_mut().unwrap()[896..].fill(1);
            },
            "tokenizer.ggml.tokens[899]: with it the squares of the lengths in bytes \
             add up to 67118520, allowed: at most 67108864 for llama",
        ),
        (
            |m| m.scores.as_mut().unwrap()[268] = m.scores.as_ref().unwrap()[267],
            "tokenizer.ggml.scores[268]: -5 is also tokenizer.ggml.scores[267], \
             which one merges first is open",
        ),
    ];
    assert_refused(sentence_piece("llama"), &cases);
}

#[test]
fn a_long_text_of_the_file_is_cut_in_a_message() {
    let mut metadata = byte_level("gpt-2");
    metadata.merges = Some(vec![&[b'x'; 5000]]);
    let error = Tokenizer::from_metadata(&metadata).err().unwrap();
    assert!(error.to_string().len() < 200, "{error}");
}

/// With these scores SentencePiece takes the leftmost pair and makes ab c. A list of merges knows no
/// places: one that begins with b c makes a bc.
#[test]
fn equal_scores_are_refused_where_merges_do_not_agree_with_sentence_piece() {
    let of_scores = |ab, bc| TokenizerMetadata {
        model: Some("llama"),
        tokens: vec![b"a", b"b", b"c", b"bc", b"ab"],
        scores: Some(vec![-3.0, -3.0, -3.0, bc, ab]),
        token_types: Some(vec![1; 5]),
        add_space_prefix: Some(false),
        ..Default::default()
    };
    for (ab, bc, want) in [(-1.0, -2.0, [4, 2]), (-2.0, -1.0, [0, 3])] {
        let tokenizer = Tokenizer::from_metadata(&of_scores(ab, bc)).unwrap();
        assert_eq!(plain(&tokenizer, "abc"), want);
    }
    for (ab, bc) in [(-1.0, -1.0), (0.0, -0.0)] {
        let error = Tokenizer::from_metadata(&of_scores(ab, bc)).err().unwrap();
        let want = format!(
            "tokenizer.ggml.scores[4]: {} is also tokenizer.ggml.scores[3], \
             which one merges first is open",
            ab + 0.0
        );
        assert_eq!(error.to_string(), want);
    }
}

#[test]
fn a_text_that_cannot_be_cut_is_refused() {
    let tokenizer = Tokenizer::from_metadata(&byte_level("gpt-2")).unwrap();
    let text = " ".repeat(1 << 20) + "x";
    let error = tokenizer
        .encode(&text, EncodeOptions::default())
        .unwrap_err();
    let message =
        "the text has too long a run of white space, allowed: just under 1,000,000 characters";
    assert_eq!(error.to_string(), message);
}
