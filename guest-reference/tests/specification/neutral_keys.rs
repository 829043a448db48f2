//! Keys under the prefix that change nothing at one value.

use crate::support::gguf::{Gguf, Value};
use crate::support::model::{as_architecture, key, small};
use crate::support::rejection::{assert_malformed, assert_unsupported, parse};

fn flag(on: bool) -> Value {
    Value::raw(7, [u8::from(on)])
}

fn with(name: &str, value: &Value) -> Gguf {
    let mut file = small();
    file.set(&key(name), value.clone());
    file
}

#[test]
fn neutral_values_are_accepted_and_no_others() {
    let zero = || (Value::u32(0), Value::u32(1));
    let off = || (Value::f32(0.0), Value::f32(1.0));
    let one = || (Value::f32(1.0), Value::f32(0.0));
    let cases = [
        ("attention.causal", (flag(true), flag(false))),
        ("attention.clamp_kqv", off()),
        ("attention.max_alibi_bias", off()),
        ("attention.scale", off()),
        ("attention.sliding_window", zero()),
        ("embedding_scale", one()),
        ("expert_count", zero()),
        ("expert_shared_count", zero()),
        ("expert_used_count", zero()),
        ("logit_scale", one()),
        ("nextn_predict_layers", zero()),
        ("pooling_type", zero()),
        ("residual_scale", one()),
        ("rope.scale_linear", one()),
        ("rope.scaling.attn_factor", one()),
        ("rope.scaling.yarn_attn_factor", one()),
        (
            "tensor_data_layout",
            (Value::text("reference"), Value::text("jploski")),
        ),
        ("use_parallel_residual", (flag(false), flag(true))),
    ];
    for (name, (neutral, other)) in cases {
        parse(&with(name, &neutral)).unwrap_or_else(|e| panic!("{name}: {e}"));
        for value in [other, Value::f32(f32::NAN), Value::text("x")] {
            let needles = [&*format!("`{}`", key(name)), "changes the arithmetic"];
            assert_unsupported(parse(&with(name, &value)), &needles);
        }
    }
}

#[test]
fn the_order_of_rows_in_llama_has_a_name() {
    const LAYOUT: &str = "Meta AI original pth";
    let found = parse(&with("tensor_data_layout", &Value::text(LAYOUT)));
    assert_unsupported(found, &["tensor_data_layout"]);
    let llama = as_architecture(with("tensor_data_layout", &Value::text(LAYOUT)), "llama");
    parse(&llama).expect("it is what llama has");
}

#[test]
fn one_file_of_several() {
    let mut file = small();
    file.push_key("split.count", Value::u32(1));
    parse(&file).expect("a whole model");
    file.set("split.count", Value::u32(2));
    file.push_key("split.no", Value::u32(1));
    assert_unsupported(parse(&file), &["`split.count`", "file 2 of 2", "--merge"]);
    // The second file of a real one has no other key.
    file.remove_key("general.architecture");
    assert_unsupported(parse(&file), &["file 2 of 2"]);
    file.set("split.count", Value::f32(2.0));
    assert_malformed(parse(&file), &["`split.count`", "an unsigned integer"]);
}

#[test]
fn a_transform_that_stands_outside_the_tensors() {
    for name in ["prism.hadamard.block_size", "x.prism.hadamard.version"] {
        let mut file = small();
        file.push_key(name, Value::u32(1024));
        assert_unsupported(parse(&file), &[name, "Hadamard"]);
    }
}

#[test]
fn other_kinds_of_files() {
    let mut file = small();
    file.push_key("general.type", Value::text("model"));
    parse(&file).expect("a model");
    for kind in ["adapter", "imatrix", "mmproj", "vocab"] {
        file.set("general.type", Value::text(kind));
        assert_unsupported(parse(&file), &["`general.type`", kind]);
    }
    for (name, what) in [
        ("qwen35", "delta-net"),
        ("maple", "experts"),
        ("clip", "vision"),
        ("bert", "embedding"),
        ("falcon-h1", "recurrent"),
        ("gemma3", "norms"),
        ("qwen2", "biases"),
    ] {
        let mut file = small();
        file.set("general.architecture", Value::text(name));
        assert_unsupported(parse(&file), &[name, what, "are supported"]);
    }
}

#[test]
fn scales_in_tensors_of_their_own() {
    for (name, what) in [
        ("blk.0.attn_k.scale", "scale of a projection"),
        ("blk.0.attn_q.bias", "biases"),
    ] {
        let mut file = small();
        file.push_tensor(name, &[1], 0, vec![0; 4]);
        assert_unsupported(parse(&file), &[name, what]);
    }
}
