//! Truncated files, wrong preambles, and encodings that break the container format.

use xtask::make_model::gguf_writer::Value;

use super::base::{Base, overwritten};
use super::{Hostile, case};

pub(super) fn truncations(base: &Base) -> Vec<Hostile> {
    let file = base.bytes();
    let header = base.header.to_bytes().len();
    let after = |text: &str| {
        file.windows(text.len())
            .position(|window| window == text.as_bytes())
            .unwrap()
            + text.len()
    };
    vec![
        case("empty file", base.cut(0), &["file"]),
        case("cut inside the magic", base.cut(3), &["file"]),
        case("cut before the version", base.cut(4), &["file"]),
        case("cut inside the tensor count", base.cut(12), &["file"]),
        case("cut before the key count", base.cut(16), &["file"]),
        case("cut before the first key", base.cut(24), &["file"]),
        case("cut inside the first key", base.cut(36), &["file"]),
        case(
            "cut before a value's type",
            base.cut(after("general.file_type")),
            &["file"],
        ),
        case(
            "cut inside a value",
            base.cut(after("rope.freq_base") + 6),
            &["file"],
        ),
        case(
            "cut inside the tokens",
            base.cut(after("tokenizer.ggml.tokens") + 400),
            &["file"],
        ),
        case(
            "cut inside a tensor name",
            base.cut(after("blk.1.attn_sub")),
            &["file"],
        ),
        case(
            "cut inside a tensor's dimensions",
            base.cut(after("blk.1.ffn_up.weight") + 9),
            &["file"],
        ),
        case("cut before the data", base.cut(header), &["weight"]),
        case(
            "cut inside the embedding",
            base.cut(header + 1000),
            &["weight"],
        ),
        case(
            "cut inside the last scale",
            base.cut(file.len() - 512 - 30),
            &["weight"],
        ),
        case(
            "last byte missing",
            base.cut(file.len() - 1),
            &["output_norm.weight"],
        ),
    ]
}

pub(super) fn preamble(base: &Base) -> Vec<Hostile> {
    let patched = |at: usize, bytes: &[u8]| overwritten(base.bytes(), at, bytes);
    vec![
        case("magic of an older format", patched(0, b"GGML"), &["magic"]),
        case(
            "version 0",
            patched(4, &0u32.to_le_bytes()),
            &["version", "0"],
        ),
        case(
            "version 1",
            patched(4, &1u32.to_le_bytes()),
            &["version", "1"],
        ),
        case(
            "version 4",
            patched(4, &4u32.to_le_bytes()),
            &["version", "4"],
        ),
        case(
            "big-endian",
            patched(4, &3u32.to_be_bytes()),
            &["big-endian"],
        ),
        case(
            "tensor count 2^64 - 1",
            patched(8, &u64::MAX.to_le_bytes()),
            &["tensor"],
        ),
        case(
            "tensor count 2^32",
            patched(8, &(1u64 << 32).to_le_bytes()),
            &["tensor"],
        ),
        case("no tensors", base.retained(|_| false).bytes(), &["weight"]),
        case(
            "key count 2^64 - 1",
            patched(16, &u64::MAX.to_le_bytes()),
            &["key"],
        ),
        case(
            "key count 2^32",
            patched(16, &(1u64 << 32).to_le_bytes()),
            &["key"],
        ),
    ]
}

pub(super) fn encodings(base: &Base) -> Vec<Hostile> {
    let huge = u64::MAX.to_le_bytes();
    let string = |bytes: &[u8]| Value::Raw {
        type_id: 8,
        bytes: bytes.to_vec(),
    };
    vec![
        // The eight bytes before a text are its length.
        case(
            "first key of 2^64 - 1 bytes",
            overwritten(base.bytes(), 24, &huge),
            &["key"],
        ),
        case(
            "string of 2^64 - 1 bytes",
            base.with_key("general.name", string(&huge)),
            &[],
        ),
        case(
            "string of 2^40 bytes",
            base.with_key("general.name", string(&(1u64 << 40).to_le_bytes())),
            &[],
        ),
        case(
            "key that is not UTF-8",
            base.with_patch("general.name", 3, b"\xff"),
            &["UTF-8"],
        ),
        case(
            "tensor name that is not UTF-8",
            base.with_patch("blk.0.attn_q.weight", 0, b"\xed\xa0\x80"),
            &["UTF-8"],
        ),
        case(
            "value of unknown type",
            base.with_key(
                "general.unknown",
                Value::Raw {
                    type_id: 13,
                    bytes: vec![0; 8],
                },
            ),
            &["general.unknown", "13"],
        ),
        case(
            "bool of value 2",
            base.with_key(
                "general.flag",
                Value::Raw {
                    type_id: 7,
                    bytes: vec![2],
                },
            ),
            &["general.flag", "2"],
        ),
    ]
}

pub(super) fn arrays(base: &Base) -> Vec<Hostile> {
    let with = |value| base.with_key("general.list", value);
    let nested = [9u32.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec()].concat();
    let deep = Value::Raw {
        type_id: 9,
        bytes: nested.repeat(100_000),
    };
    vec![
        case(
            "array of 2^64 - 1 numbers",
            with(array_head(4, u64::MAX)),
            &["general.list"],
        ),
        case(
            "array of 2^40 bytes",
            with(array_head(0, 1 << 40)),
            &["array"],
        ),
        case(
            "array of 2^61 numbers of 8 bytes",
            with(array_head(10, 1 << 61)),
            &["general.list"],
        ),
        case(
            "array of 2^40 texts",
            with(array_head(8, 1 << 40)),
            &["array"],
        ),
        case(
            "array of 2^40 arrays",
            with(array_head(9, 1 << 40)),
            &["general.list"],
        ),
        case(
            "array of unknown type",
            with(array_head(13, 1)),
            &["general.list", "13"],
        ),
        case(
            "empty array of unknown type",
            with(array_head(13, 0)),
            &["general.list", "13"],
        ),
        case("arrays nested 100000 deep", with(deep), &["general.list"]),
    ]
}

/// An array value with this head and nothing behind it.
fn array_head(element_type: u32, len: u64) -> Value {
    let bytes = [&element_type.to_le_bytes()[..], &len.to_le_bytes()].concat();
    Value::Raw { type_id: 9, bytes }
}
