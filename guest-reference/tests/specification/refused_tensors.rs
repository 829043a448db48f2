//! One test per rule on which tensors a model has and where they lie.

use crate::support::gguf::{F16, F32, I2_S, Q8_0, Value};
use crate::support::model::{key, small, untied};
use crate::support::rejection::{
    assert_malformed, assert_too_large, assert_unsupported, parse, parse_as,
};

fn quoted(name: &[u8]) -> String {
    format!("`{}`", str::from_utf8(name).expect("ascii"))
}

#[test]
fn every_tensor_is_required() {
    for tensor in small().tensors {
        let name = quoted(&tensor.name);
        let mut file = small();
        file.remove_tensor(name.trim_matches('`'));
        assert_malformed(parse(&file), &[&format!("tensor {name} is missing")]);
    }
}

#[test]
fn tensors_without_a_use() {
    for name in [
        "rope_freqs.weight",
        "blk.0.attn_q.bias",
        "blk.2.attn_norm.weight",
        "output.bias",
        "x",
    ] {
        let mut file = small();
        file.push_tensor(name, &[1], F32, vec![0; 4]);
        assert_unsupported(parse(&file), &[&format!("tensor `{name}` is not part of")]);
    }
}

#[test]
fn a_smaller_block_count_leaves_tensors_over() {
    let mut file = small();
    file.set(&key("block_count"), Value::u32(1));
    assert_unsupported(parse(&file), &["tensor `blk.1.", "block count"]);
}

#[test]
fn every_shape_follows_from_the_metadata() {
    for i in 0..untied().tensors.len() {
        let mut longer = untied();
        longer.tensors[i].dims[0] += 128;
        let name = quoted(&longer.tensors[i].name);
        assert_malformed(parse(&longer), &[&name, "dimensions are", "requires"]);
        let mut deeper = untied();
        deeper.tensors[i].dims.push(1);
        assert_malformed(parse(&deeper), &[&name, "dimensions are", "requires"]);
    }
}

#[test]
fn transposed_matrices() {
    for name in [
        "blk.0.attn_q.weight",
        "blk.1.ffn_down.weight",
        "output.weight",
    ] {
        let mut file = untied();
        file.tensor(name).dims.reverse();
        assert_malformed(parse(&file), &[name, "dimensions are", "requires"]);
    }
}

#[test]
fn a_vector_for_an_embedding() {
    let mut file = small();
    file.remove_key(&key("vocab_size"));
    file.tensor("token_embd.weight").dims = vec![128];
    assert_malformed(parse(&file), &["`token_embd.weight`", "[128]", "[128, 1]"]);
}

#[test]
fn vocabularies_beyond_the_cap() {
    let mut file = small();
    file.tensor("token_embd.weight").dims[1] = (1 << 24) + 1;
    assert_too_large(
        parse(&file),
        &["`token_embd.weight`", "16777217 rows", "at most 16777216"],
    );
}

#[test]
fn weight_types() {
    let numbers = "F32, F16, BF16, Q8_0, Q6_K, Q4_K, Q2_0, PQ2_0 and PTQ1_0";
    let projections = "I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0, F32, F16 and BF16";
    let cases = [
        ("blk.1.ffn_sub_norm.weight", 30, "BF16", "F32 and F16"),
        ("output_norm.weight", Q8_0, "Q8_0", "F32 and F16"),
        ("output_norm.weight", 142, "PQ2_0", "F32 and F16"),
        ("token_embd.weight", 13, "Q5_K", numbers),
        ("token_embd.weight", I2_S, "I2_S", numbers),
        ("output.weight", 35, "TQ2_0", numbers),
        ("blk.0.attn_v.weight", Q8_0, "Q8_0", projections),
        ("blk.0.attn_v.weight", 135, "IQ2_BN", projections),
        ("blk.0.ffn_gate.weight", 777, "unknown", projections),
    ];
    for (name, type_id, found, supported) in cases {
        let mut file = untied();
        file.tensor(name).type_id = type_id;
        let found = format!("type {type_id} ({found})");
        assert_unsupported(parse(&file), &[&format!("`{name}`"), &found, supported]);
    }
}

#[test]
fn norms_may_be_f16_and_embeddings_q8_0() {
    let mut file = small();
    let norm = file.tensor("output_norm.weight");
    (norm.type_id, norm.data) = (F16, vec![0; 256]);
    let embedding = file.tensor("token_embd.weight");
    (embedding.type_id, embedding.data) = (Q8_0, vec![0; 40 * 136]);
    let model = parse(&file).expect("valid model");
    assert_eq!(model.tensors.output_norm.range.len, 256);
    assert_eq!(model.tensors.embedding.row_bytes, 136);
}

#[test]
fn rows_are_whole_blocks() {
    let mut file = small();
    file.set(&key("embedding_length"), Value::u32(144));
    let embedding = file.tensor("token_embd.weight");
    (embedding.type_id, embedding.dims[0]) = (Q8_0, 144);
    assert_malformed(
        parse(&file),
        &["`token_embd.weight`: 144 columns", "multiple of 32"],
    );
}

#[test]
fn ternary_rows_are_whole_bytes() {
    let mut file = small();
    file.set(&key("feed_forward_length"), Value::u32(322));
    for layer in 0..2 {
        for (part, dim) in [("sub_norm", 0), ("gate", 1), ("up", 1), ("down", 0)] {
            let tensor = file.tensor(&format!("blk.{layer}.ffn_{part}.weight"));
            tensor.dims[dim] = 322;
        }
    }
    assert_malformed(
        parse(&file),
        &["`blk.0.ffn_down.weight`: 322 columns", "multiple of 4"],
    );
}

#[test]
fn tensors_lie_inside_the_file() {
    let bytes = small().bytes();
    let file_len = bytes.len() as u64;
    parse_as(&bytes, file_len).expect("valid model");
    let short = parse_as(&bytes[..bytes.len() - 1], file_len - 1);
    assert_malformed(
        short,
        &[
            "`output_norm.weight`: 512 bytes",
            "pass the end of the file",
        ],
    );
}

#[test]
fn offsets_that_overflow() {
    for offset in [u64::MAX - 31, u64::MAX - 1_048_575] {
        let mut file = small();
        file.tensor("blk.0.attn_q.weight").offset = Some(offset);
        assert_malformed(
            parse(&file),
            &["`blk.0.attn_q.weight`", "pass", "the end of"],
        );
    }
}

#[test]
fn tensors_do_not_overlap() {
    let mut file = small();
    // The embedding takes 40 rows of 256 bytes; the norm is said to start 32 bytes earlier.
    file.tensor("output_norm.weight").offset = Some(40 * 256 - 32);
    let needles = [
        "`output_norm.weight` starts at byte 10208",
        "shares bytes with",
    ];
    assert_malformed(parse(&file), &needles);
    let mut file = small();
    file.tensor("blk.0.attn_norm.weight").offset = Some(0);
    assert_malformed(parse(&file), &["starts at", "shares bytes with"]);
}

#[test]
fn no_byte_belongs_to_no_tensor() {
    // A second scale behind the first: the tensors after it start 32 bytes later.
    let mut file = small();
    let wider = file.tensor("blk.0.attn_k.weight");
    wider.data.extend([0; 32]);
    let needles = [
        "`blk.0.attn_v.weight` starts at",
        "after blk.0.attn_k.weight",
    ];
    assert_malformed(parse(&file), &needles);
    // The first tensor starts with the data section.
    let mut file = small();
    file.tensor("token_embd.weight").offset = Some(32);
    assert_malformed(
        parse(&file),
        &["`token_embd.weight` starts at byte 32", "the header"],
    );
    let mut bytes = small().bytes();
    // The file ends with the last tensor, or with its padding.
    let end = bytes.len();
    let padded = end.next_multiple_of(32);
    for len in end..=padded {
        bytes.resize(len, 0);
        parse_as(&bytes, len as u64).expect("padding");
    }
    bytes.push(0);
    assert_malformed(
        parse_as(&bytes, padded as u64 + 1),
        &["1 bytes after output_norm.weight"],
    );
}

#[test]
fn parameters_count_the_elements_of_all_tensors() {
    let file = untied();
    let elements = |dims: &Vec<u64>| dims.iter().product::<u64>();
    let expected: u64 = file
        .tensors
        .iter()
        .map(|tensor| elements(&tensor.dims))
        .sum();
    assert_eq!(parse(&file).expect("valid model").parameters, expected);
}
