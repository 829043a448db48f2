//! One test per rule of the GGUF container.

use guest_reference::gguf::{
    MAX_HEADER_BYTES, MAX_KEYS, MAX_TENSORS, Stop, TensorInfo, TensorType,
};
use guest_reference::model;

use crate::support::gguf::{Value, array, string};
use crate::support::model::{key, small};
use crate::support::rejection::{
    assert_malformed, assert_too_large, assert_unsupported, parse, parse_as,
};

#[test]
fn the_small_model_is_accepted() {
    let model = parse(&small()).expect("valid model");
    assert!(model.tensors.output.is_none());
    let hp = model.hyperparameters;
    assert_eq!(
        (hp.n_vocab, hp.n_query(), hp.n_key(), hp.rope_dim),
        (40, 256, 128, 32)
    );
}

#[test]
fn version_2_is_accepted() {
    let mut file = small();
    file.version = 2;
    parse(&file).expect("version 2 shares the layout");
}

#[test]
fn magic() {
    let mut file = small();
    file.magic = *b"GGML";
    assert_malformed(parse(&file), &["magic", "`GGUF` is required"]);
}

#[test]
fn versions() {
    for version in [0, 1, 4] {
        let mut file = small();
        file.version = version;
        assert_unsupported(parse(&file), &[&format!("version {version};"), "2 and 3"]);
    }
}

#[test]
fn big_endian_files() {
    for version in [1u32, 2, 3] {
        let mut file = small();
        file.version = version.swap_bytes();
        assert_unsupported(parse(&file), &["big-endian", &version.to_string()]);
    }
}

#[test]
fn tensor_and_key_counts() {
    let mut file = small();
    file.n_tensors = Some(MAX_TENSORS + 1);
    assert_too_large(parse(&file), &["tensor count", "65537", "65536"]);
    let mut file = small();
    file.n_keys = Some(MAX_KEYS + 1);
    assert_too_large(parse(&file), &["key count", "65537", "65536"]);
}

#[test]
fn counts_beyond_the_file() {
    let mut file = small();
    (file.tensors, file.n_tensors) = (Vec::new(), Some(1));
    assert_malformed(parse(&file), &["tensor name", "the file ends"]);
    let mut file = small();
    (file.tensors, file.n_keys) = (Vec::new(), Some(file.keys.len() as u64 + 1));
    assert_malformed(parse(&file), &["metadata key", "the file ends"]);
}

#[test]
fn alignments() {
    for n in [0, 4, 33, 48, 131_072] {
        let mut file = small();
        file.set("general.alignment", Value::u32(n));
        let found = format!("is {n};");
        assert_malformed(
            parse(&file),
            &["`general.alignment`", &found, "power of two from 8"],
        );
    }
    let mut file = small();
    file.set("general.alignment", Value::f32(32.0));
    assert_malformed(
        parse(&file),
        &["`general.alignment` is an f32", "an unsigned integer"],
    );
}

#[test]
fn other_alignments_place_the_data() {
    for alignment in [8, 4096] {
        let mut file = small();
        file.set("general.alignment", Value::u32(alignment));
        file.alignment = alignment as usize;
        let model = parse(&file).expect("valid model");
        let start = file.header_len().next_multiple_of(file.alignment) as u64;
        assert_eq!(model.tensors.embedding.range.offset, start);
    }
}

#[test]
fn headers_beyond_the_cap() {
    let mut file = small();
    file.keys.insert(
        0,
        (b"huge".to_vec(), Value::array(0, MAX_HEADER_BYTES, &[])),
    );
    assert_too_large(
        parse_as(&file.bytes(), 1 << 40),
        &["array", "268435456 bytes"],
    );
}

#[test]
fn headers_may_reach_the_cap() {
    // The counts, the key and its type, and what an array starts with.
    let before = 24 + (8 + 4) + 4 + 12;
    let ending_at = |end: u64| {
        let mut file = small();
        let huge = Value::array(0, end - before, &[]);
        file.keys.insert(0, (b"huge".to_vec(), huge));
        file.bytes()
    };
    match model::parse(&ending_at(MAX_HEADER_BYTES), 1 << 40) {
        Err(Stop::NeedMore(n)) => assert_eq!(n, MAX_HEADER_BYTES),
        other => panic!("{:?}", other.map(|_| ())),
    }
    assert_too_large(
        parse_as(&ending_at(MAX_HEADER_BYTES + 1), 1 << 40),
        &["array", "ends at byte 268435457"],
    );
}

#[test]
fn long_values_inside_the_cap_are_asked_for() {
    let mut file = small();
    file.keys
        .insert(0, (b"huge".to_vec(), Value::array(0, 1 << 20, &[])));
    match model::parse(&file.bytes(), 1 << 40) {
        Err(Stop::NeedMore(n)) => assert!(n > 1 << 20),
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[test]
fn keys() {
    let mut file = small();
    file.push_key(vec![b'k'; 65_535], Value::u32(1));
    parse(&file).expect("this long is allowed");
    let mut file = small();
    file.push_key(vec![b'k'; 65_536], Value::u32(1));
    assert_too_large(
        parse(&file),
        &["metadata key", "65536 bytes", "at most 65535"],
    );
    let mut file = small();
    file.push_key([b'k', 0xff], Value::u32(1));
    assert_malformed(parse(&file), &["metadata key", "is not UTF-8"]);
    let mut file = small();
    file.push_key("general.name", Value::text("a"));
    file.push_key("general.name", Value::text("a"));
    assert_malformed(parse(&file), &["`general.name` occurs twice"]);
}

#[test]
fn every_value_type_is_read() {
    let widths = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
    let mut file = small();
    for (type_id, width) in (0u32..).zip(widths).filter(|&(_, width)| width > 0) {
        file.push_key(
            format!("value.{type_id}"),
            Value::raw(type_id, vec![1; width]),
        );
        let elements = vec![0; 3 * width];
        file.push_key(
            format!("array.{type_id}"),
            Value::array(type_id, 3, &elements),
        );
    }
    let nested = array(8, 1, &string(b"text")).repeat(2);
    file.push_key("nested", Value::array(9, 2, &nested));
    parse(&file).expect("keys of others are walked over");
}

#[test]
fn value_types_that_do_not_exist() {
    let mut file = small();
    file.push_key("odd", Value::raw(13, []));
    assert_malformed(parse(&file), &["`odd`", "type is 13", "0 to 12"]);
    let mut file = small();
    file.push_key("odd", Value::array(13, 1, &[]));
    assert_malformed(parse(&file), &["`odd`", "type is 13", "0 to 12"]);
}

#[test]
fn bools() {
    let mut file = small();
    file.push_key("flag", Value::raw(7, [2]));
    assert_malformed(parse(&file), &["`flag`: bool is 2", "0 or 1"]);
}

#[test]
fn strings_that_are_not_used() {
    let mut file = small();
    file.push_key("general.name", Value::text([0xe9, b't', 0xe9]));
    // A template that is longer than any string that is kept.
    let long = vec![b'x'; (16 << 20) + 1];
    file.push_key("tokenizer.chat_template", Value::text(long));
    parse(&file).expect("neither is read");
}

#[test]
fn strings_that_are_used() {
    for name in ["general.architecture", &key("rope.scaling.type")] {
        let mut file = small();
        file.set(name, Value::text([0xc3, 0x28]));
        assert_malformed(parse(&file), &[&format!("`{name}`"), "is not UTF-8"]);
        file.set(name, Value::text(vec![b'x'; (16 << 20) + 1]));
        assert_malformed(parse(&file), &[&format!("`{name}`"), "more than 16 MiB"]);
    }
    let mut file = small();
    let past_the_end = u64::MAX.to_le_bytes();
    file.push_key("general.name", Value::raw(8, past_the_end));
    assert_malformed(parse(&file), &["metadata string", "the file ends after"]);
}

#[test]
fn arrays() {
    let deep = |depth| (1..depth).fold(array(0, 0, &[]), |inner, _| array(9, 1, &inner));
    let mut file = small();
    file.push_key("deep", Value::raw(9, deep(4)));
    parse(&file).expect("four levels are allowed");
    file.set("deep", Value::raw(9, deep(5)));
    assert_malformed(parse(&file), &["`deep`: arrays nest deeper than 4"]);
    let mut file = small();
    file.push_key("long", Value::array(10, 1 << 61, &[]));
    assert_malformed(parse(&file), &["`long`", "exceed any file"]);
    for type_id in [0, 8, 9, 10] {
        let mut file = small();
        (file.tensors, file.n_tensors) = (Vec::new(), Some(0));
        file.push_key("short", Value::array(type_id, 1 << 60, &[]));
        assert_malformed(parse(&file), &["array", "the file ends"]);
    }
}

#[test]
fn tensor_names() {
    let mut file = small();
    file.tensors[0].name = vec![b'n'; 65];
    assert_too_large(parse(&file), &["tensor name", "65 bytes", "at most 64"]);
    let mut file = small();
    file.tensors[0].name = vec![0xff];
    assert_malformed(parse(&file), &["tensor name", "is not UTF-8"]);
    let mut file = small();
    let again = file.tensor("blk.1.attn_q.weight").clone();
    file.tensors.push(again);
    assert_malformed(parse(&file), &["`blk.1.attn_q.weight` occurs twice"]);
}

#[test]
fn dimensions() {
    for n_dims in [0, 5] {
        let mut file = small();
        file.tensor("output_norm.weight").dims = vec![1; n_dims];
        let found = format!("{n_dims} dimensions");
        assert_malformed(parse(&file), &["`output_norm.weight`", &found, "1 to 4"]);
    }
    let mut file = small();
    file.tensor("blk.0.ffn_up.weight").dims[1] = 0;
    assert_malformed(parse(&file), &["`blk.0.ffn_up.weight`: dimension 1 is 0"]);
    let info = TensorInfo {
        dims: vec![1 << 32, 1 << 32],
        tensor_type: TensorType::F32,
        offset: 0,
    };
    assert_malformed(info.elements("wide"), &["`wide`", "multiply past 2^64"]);
}

#[test]
fn unaligned_offsets() {
    let mut file = small();
    file.tensor("output_norm.weight").offset = Some(48);
    assert_malformed(
        parse(&file),
        &["`output_norm.weight`", "offset 48", "alignment 32"],
    );
}
