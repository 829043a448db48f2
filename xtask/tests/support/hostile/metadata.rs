//! Keys that are missing, of the wrong type, or of a value that no model has.

use xtask::make_model::gguf_writer::Value;

use super::base::Base;
use super::{Hostile, case};

pub(super) fn missing_keys(base: &Base) -> Vec<Hostile> {
    let without = |key: &str| base.without_key(&format!("bitnet-b1.58.{key}"));
    vec![
        case(
            "no architecture",
            base.without_key("general.architecture"),
            &["general.architecture"],
        ),
        case(
            "no context length",
            without("context_length"),
            &["context_length"],
        ),
        case(
            "no embedding length",
            without("embedding_length"),
            &["embedding_length"],
        ),
        case("no block count", without("block_count"), &["block_count"]),
        case(
            "no feed-forward length",
            without("feed_forward_length"),
            &["feed_forward_length"],
        ),
        case(
            "no head count",
            without("attention.head_count"),
            &["attention.head_count"],
        ),
        // Readers take the head count instead; then the shape of attn_k is wrong.
        case(
            "no KV head count",
            without("attention.head_count_kv"),
            &["blk.0.attn_k.weight"],
        ),
        case(
            "no epsilon",
            without("attention.layer_norm_rms_epsilon"),
            &["attention.layer_norm_rms_epsilon"],
        ),
    ]
}

pub(super) fn wrong_types(base: &Base) -> Vec<Hostile> {
    let with = |key: &str, value| base.with_key(&format!("bitnet-b1.58.{key}"), value);
    let minus_one = Value::Raw {
        type_id: 5,
        bytes: (-1i32).to_le_bytes().to_vec(),
    };
    vec![
        case(
            "architecture as a number",
            base.with_key("general.architecture", Value::U32(1)),
            &["general.architecture"],
        ),
        case(
            "block count as a text",
            with("block_count", text("2")),
            &["block_count"],
        ),
        case(
            "block count below zero",
            with("block_count", minus_one),
            &["block_count"],
        ),
        case(
            "width as a float",
            with("embedding_length", Value::F32(128.0)),
            &["embedding_length"],
        ),
        case(
            "head count as an array",
            with("attention.head_count", Value::I32s(vec![2, 2])),
            &["attention.head_count"],
        ),
        case(
            "epsilon as an integer",
            with("attention.layer_norm_rms_epsilon", Value::U32(1)),
            &["attention.layer_norm_rms_epsilon"],
        ),
        case(
            "RoPE base as a text",
            with("rope.freq_base", text("10000")),
            &["rope.freq_base"],
        ),
        case(
            "RoPE scaling as a number",
            with("rope.scaling.type", Value::U32(0)),
            &["rope.scaling.type"],
        ),
        case(
            "alignment as a text",
            base.with_key("general.alignment", text("32")),
            &["general.alignment"],
        ),
        case(
            "duplicate key",
            base.with_header(|header| header.push_key("general.name", text("again"))),
            &["general.name"],
        ),
    ]
}

pub(super) fn wrong_values(base: &Base) -> Vec<Hostile> {
    let with = |key: &str, n: u32| base.with_key(&format!("bitnet-b1.58.{key}"), Value::U32(n));
    let aligned = |n| base.with_key("general.alignment", Value::U32(n));
    let unequal_heads = base.with_header(|header| {
        header.push_key("bitnet-b1.58.attention.key_length", Value::U32(64));
        header.push_key("bitnet-b1.58.attention.value_length", Value::U32(128));
    });
    vec![
        case(
            "another architecture",
            base.with_key("general.architecture", text("mamba")),
            &["general.architecture", "mamba"],
        ),
        case(
            "RoPE scaling",
            base.with_key("bitnet-b1.58.rope.scaling.type", text("longrope")),
            &["rope.scaling.type", "longrope"],
        ),
        case(
            "vocabulary one larger than the embedding",
            with("vocab_size", 259),
            &["vocab_size", "259", "258"],
        ),
        case(
            "no context",
            with("context_length", 0),
            &["context_length", "0"],
        ),
        case(
            "no width",
            with("embedding_length", 0),
            &["embedding_length", "0"],
        ),
        case(
            "width 2^32 - 1",
            with("embedding_length", u32::MAX),
            &["embedding_length"],
        ),
        case(
            "width of another model",
            with("embedding_length", 256),
            &["weight", "256"],
        ),
        case("no blocks", with("block_count", 0), &["block_count", "0"]),
        case(
            "2^32 - 1 blocks",
            with("block_count", u32::MAX),
            &["block_count"],
        ),
        case("one block too many", with("block_count", 3), &["blk.2."]),
        case("one block too few", with("block_count", 1), &["blk.1."]),
        case(
            "no feed-forward layer",
            with("feed_forward_length", 0),
            &["feed_forward_length", "0"],
        ),
        case(
            "no heads",
            with("attention.head_count", 0),
            &["attention.head_count", "0"],
        ),
        case(
            "three heads in 128 columns",
            with("attention.head_count", 3),
            &["128", "3"],
        ),
        case(
            "no KV heads",
            with("attention.head_count_kv", 0),
            &["attention.head_count_kv", "0"],
        ),
        case(
            "two heads, three KV heads",
            with("attention.head_count_kv", 3),
            &["attention.head_count_kv", "3"],
        ),
        case(
            "heads of another width for values",
            unequal_heads,
            &["64", "128"],
        ),
        case(
            "a width of values alone",
            with("attention.value_length", 128),
            &["64", "128"],
        ),
        case(
            "odd number of rotated dimensions",
            with("rope.dimension_count", 63),
            &["rope.dimension_count", "63"],
        ),
        case(
            "more rotated dimensions than a head has",
            with("rope.dimension_count", 66),
            &["rope.dimension_count", "66"],
        ),
        case("alignment 0", aligned(0), &["general.alignment", "0"]),
        case("alignment 3", aligned(3), &["general.alignment", "3"]),
        case(
            "alignment 2^31",
            aligned(1 << 31),
            &["general.alignment", "2147483648"],
        ),
    ]
}

pub(super) fn reals(base: &Base) -> Vec<Hostile> {
    let with = |key: &str, x: f32| base.with_key(&format!("bitnet-b1.58.{key}"), Value::F32(x));
    let epsilon = |x| with("attention.layer_norm_rms_epsilon", x);
    let rope_base = |x| with("rope.freq_base", x);
    vec![
        case("epsilon 0", epsilon(0.0), &["layer_norm_rms_epsilon", "0"]),
        case(
            "epsilon below zero",
            epsilon(-1e-5),
            &["layer_norm_rms_epsilon", "-"],
        ),
        case(
            "epsilon infinite",
            epsilon(f32::INFINITY),
            &["layer_norm_rms_epsilon", "inf"],
        ),
        case(
            "epsilon not a number",
            epsilon(f32::NAN),
            &["layer_norm_rms_epsilon", "NaN"],
        ),
        case("RoPE base 0", rope_base(0.0), &["rope.freq_base", "0"]),
        case(
            "RoPE base below zero",
            rope_base(-10_000.0),
            &["rope.freq_base", "-10000"],
        ),
        case(
            "RoPE base infinite",
            rope_base(f32::INFINITY),
            &["rope.freq_base", "inf"],
        ),
        case(
            "RoPE base not a number",
            rope_base(f32::NAN),
            &["rope.freq_base", "NaN"],
        ),
    ]
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}
