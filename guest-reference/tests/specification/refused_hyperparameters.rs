//! One test per rule on the architecture's keys.

use crate::support::gguf::{Gguf, Value};
use crate::support::model::{key, small};
use crate::support::rejection::{assert_malformed, assert_unsupported, parse};

/// The small model with one key of the architecture changed.
fn with(name: &str, value: Value) -> Gguf {
    let mut file = small();
    file.set(&key(name), value);
    file
}

/// The small model without some keys of the architecture.
fn without(names: &[&str]) -> Gguf {
    let mut file = small();
    names.iter().for_each(|name| file.remove_key(&key(name)));
    file
}

fn assert_size_refused(name: &str, n: u32, allowed: &str) {
    let (key, found) = (format!("`{}`", key(name)), format!("is {n};"));
    assert_malformed(parse(&with(name, Value::u32(n))), &[&key, &found, allowed]);
}

#[test]
fn architecture() {
    for other in ["bitnet-b1.58x", "gpt2", "Llama", ""] {
        let mut file = small();
        file.set("general.architecture", Value::text(other));
        let found = format!("is `{other}`;");
        let names = "`bitnet-b1.58`, `bitnet-25`, `bitnet`, `llama` and `qwen3`";
        assert_unsupported(parse(&file), &["`general.architecture`", &found, names]);
    }
    let mut file = small();
    file.remove_key("general.architecture");
    assert_malformed(parse(&file), &["`general.architecture` is missing"]);
    file.push_key("general.architecture", Value::u32(1));
    assert_malformed(
        parse(&file),
        &["`general.architecture` is an unsigned integer", "a string"],
    );
}

#[test]
fn unknown_keys_of_the_architecture() {
    for name in [
        "expert_weights_scale",
        "swin_norm",
        "attention.logit_softcapping",
    ] {
        let found = parse(&with(name, Value::u32(1)));
        assert_unsupported(
            found,
            &[&format!("`{}`", key(name)), "could change the arithmetic"],
        );
    }
    let mut file = small();
    file.push_key("bitnet-b1.58x.expert_count", Value::u32(1));
    parse(&file).expect("another prefix means nothing here");
}

#[test]
fn required_keys() {
    for name in [
        "context_length",
        "embedding_length",
        "block_count",
        "feed_forward_length",
        "attention.head_count",
        "attention.layer_norm_rms_epsilon",
    ] {
        assert_malformed(
            parse(&without(&[name])),
            &[&format!("`{}` is missing", key(name))],
        );
    }
}

#[test]
fn optional_keys() {
    let model = parse(&without(&["vocab_size", "rope.dimension_count"])).expect("valid model");
    let hp = model.hyperparameters;
    assert_eq!((hp.n_vocab, hp.vocab_size, hp.rope_dim), (40, None, 64));
    let model = parse(&without(&["rope.freq_base"])).expect("valid model");
    assert_eq!(model.hyperparameters.rope_base, 10_000.0);
    // Without a number of KV heads there is one per query head: the key matrix is too small.
    assert_malformed(
        parse(&without(&["attention.head_count_kv"])),
        &["`blk.0.attn_k.weight`", "[128, 128]", "[128, 256]"],
    );
}

#[test]
fn sizes_out_of_range() {
    for (name, most) in [
        ("context_length", 1 << 24),
        ("embedding_length", 1 << 20),
        ("block_count", 1024),
        ("feed_forward_length", 1 << 20),
        ("attention.head_count", 4096),
        ("attention.head_count_kv", 4096),
    ] {
        let allowed = format!("1 to {most} are allowed");
        for n in [0, most + 1, u32::MAX] {
            assert_size_refused(name, n, &allowed);
        }
    }
    let found = parse(&with("block_count", Value::raw(10, u64::MAX.to_le_bytes())));
    assert_malformed(found, &["block_count", "18446744073709551615"]);
}

#[test]
fn value_types() {
    for (value, name) in [
        (Value::raw(5, 2i32.to_le_bytes()), "a signed integer"),
        (Value::f32(2.0), "an f32"),
        (Value::raw(12, 2f64.to_le_bytes()), "an f64"),
        (Value::raw(7, [1]), "a bool"),
        (Value::text("2"), "a string"),
        (Value::array(4, 1, &[2, 0, 0, 0]), "an array"),
    ] {
        let needles = ["block_count", name, "an unsigned integer is required"];
        assert_malformed(parse(&with("block_count", value)), &needles);
    }
    parse(&with("block_count", Value::raw(0, [2]))).expect("any unsigned width will do");
}

#[test]
fn constants_are_finite_and_positive() {
    for name in ["rope.freq_base", "attention.layer_norm_rms_epsilon"] {
        for x in [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY] {
            let value = format!("is {x};");
            let needles = [name, &value, "a finite value > 0 is required"];
            assert_malformed(parse(&with(name, Value::f32(x))), &needles);
        }
        let double = Value::raw(12, 1f64.to_le_bytes());
        assert_malformed(
            parse(&with(name, double)),
            &[name, "an f64; an f32 is required"],
        );
    }
}

#[test]
fn kv_heads_divide_query_heads() {
    for n in [3, 8] {
        assert_size_refused(
            "attention.head_count_kv",
            n,
            "a divisor of the 4 query heads",
        );
    }
}

#[test]
fn head_dimension_without_key_length() {
    let mut file = without(&["attention.key_length", "attention.value_length"]);
    // 128 over 4 heads are 32: the query matrix then has too many rows.
    assert_malformed(
        parse(&file),
        &["`blk.0.attn_sub_norm.weight`", "[256]", "[128]"],
    );
    for (n_heads, n_kv_heads) in [(3, 3), (256, 2)] {
        file.set(&key("attention.head_count"), Value::u32(n_heads));
        file.set(&key("attention.head_count_kv"), Value::u32(n_kv_heads));
        let needles = ["embedding_length` is 128", "multiple of the"];
        assert_malformed(parse(&file), &needles);
    }
    file.set(&key("attention.head_count"), Value::u32(128));
    file.remove_key(&key("rope.dimension_count"));
    assert_unsupported(parse(&file), &["head dimension is 1 ", "one even number"]);
}

#[test]
fn head_dimension_with_key_length() {
    let found = parse(&with("attention.value_length", Value::u32(32)));
    assert_unsupported(found, &["head dimension is 64 for keys and 32 for values"]);
    assert_unsupported(
        parse(&without(&["attention.value_length"])),
        &["head dimension is 64 for keys and 32 for values"],
    );
    let mut file = with("attention.key_length", Value::u32(63));
    file.set(&key("attention.value_length"), Value::u32(63));
    assert_unsupported(parse(&file), &["head dimension is 63", "one even number"]);
    for name in ["attention.key_length", "attention.value_length"] {
        for n in [0, 1, 262_145] {
            assert_size_refused(name, n, "2 to 262144 are allowed");
        }
    }
}

#[test]
fn rotary_dimension() {
    for n in [0, 1, 65, 66] {
        assert_size_refused("rope.dimension_count", n, "2 to 64 are allowed");
    }
    assert_size_refused("rope.dimension_count", 33, "an even number is required");
}

#[test]
fn vocabulary_size_agrees_with_the_embedding() {
    assert_size_refused("vocab_size", 41, "`token_embd.weight` has 40 rows");
    let found = parse(&with("vocab_size", Value::f32(40.0)));
    assert_malformed(found, &["vocab_size", "an unsigned integer is required"]);
}
