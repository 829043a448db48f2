//! What only some architectures have: RoPE's frequency factors and scaling, sub-norms.

use engine_native::Architecture;
use xtask::make_model::gguf_writer::{BF16, F32, Value};

use super::base::Base;
use super::{Hostile, case};

fn llama() -> Base {
    Base::of_architecture(Architecture::Llama)
}

pub(super) fn rope_factors() -> Vec<Hostile> {
    const NAME: &str = "rope_freqs.weight";
    let (llama, bitnet) = (llama(), Base::of_architecture(Architecture::Bitnet));
    let bytes =
        |factors: &[f32]| -> Vec<u8> { factors.iter().flat_map(|f| f.to_le_bytes()).collect() };
    // Heads have 64 elements, so there are 32 factors.
    let with_last = |last: f32| {
        let mut factors = [1.0; 32];
        factors[31] = last;
        llama.with_new_tensor(NAME, &[32], F32, &bytes(&factors))
    };
    vec![
        case("RoPE factor 0", with_last(0.0), &[NAME, "0"]),
        case("RoPE factor minus 0", with_last(-0.0), &[NAME, "0"]),
        case("RoPE factor below zero", with_last(-2.5), &[NAME, "-2.5"]),
        case(
            "RoPE factor not a number",
            with_last(f32::NAN),
            &[NAME, "NaN"],
        ),
        case(
            "RoPE factor infinite",
            with_last(f32::INFINITY),
            &[NAME, "inf"],
        ),
        case(
            "as many RoPE factors as elements",
            llama.with_new_tensor(NAME, &[64], F32, &bytes(&[1.0; 64])),
            &[NAME, "64"],
        ),
        case(
            "one RoPE factor",
            llama.with_new_tensor(NAME, &[1], F32, &bytes(&[1.0])),
            &[NAME, "1"],
        ),
        case(
            "RoPE factors in two dimensions",
            llama.with_new_tensor(NAME, &[16, 2], F32, &bytes(&[1.0; 32])),
            &[NAME, "16"],
        ),
        case(
            "BF16 RoPE factors",
            llama.with_new_tensor(NAME, &[32], BF16, &[0x80, 0x3F].repeat(32)),
            &[NAME, "BF16"],
        ),
        case(
            "RoPE factors of bitnet",
            bitnet.with_new_tensor(NAME, &[32], F32, &bytes(&[1.0; 32])),
            &[NAME],
        ),
    ]
}

pub(super) fn rope_scaling() -> Vec<Hostile> {
    const TYPE: &str = "rope.scaling.type";
    const FACTOR: &str = "rope.scaling.factor";
    let llama = llama();
    let with = |scaling_type: Option<&str>, factor: Option<Value>| {
        llama.with_header(|header| {
            if let Some(name) = scaling_type {
                header.push_key(&format!("llama.{TYPE}"), Value::String(name.to_owned()));
            }
            if let Some(factor) = factor {
                header.push_key(&format!("llama.{FACTOR}"), factor);
            }
        })
    };
    let linear = |factor: f32| with(Some("linear"), Some(Value::F32(factor)));
    let eight = || Some(Value::F32(8.0));
    vec![
        case(
            "llama with YaRN from an unknown length",
            with(Some("yarn"), eight()),
            &["original_context_length"],
        ),
        case(
            "scaling type in capitals",
            with(Some("LINEAR"), eight()),
            &[TYPE, "LINEAR"],
        ),
        case(
            "linear scaling without a factor",
            with(Some("linear"), None),
            &[FACTOR],
        ),
        case(
            "scaling factor without a type",
            with(None, eight()),
            &[FACTOR, "8"],
        ),
        case(
            "scaling factor of no scaling",
            with(Some("none"), eight()),
            &[FACTOR, "8"],
        ),
        case("scaling factor 0", linear(0.0), &[FACTOR, "0"]),
        case("scaling factor below zero", linear(-2.0), &[FACTOR, "-2"]),
        case(
            "scaling factor not a number",
            linear(f32::NAN),
            &[FACTOR, "NaN"],
        ),
        case(
            "scaling factor infinite",
            linear(f32::INFINITY),
            &[FACTOR, "inf"],
        ),
        case(
            "scaling factor 0 without a type",
            with(None, Some(Value::F32(0.0))),
            &[FACTOR, "0"],
        ),
        case(
            "scaling factor as an integer",
            with(Some("linear"), Some(Value::U32(2))),
            &[FACTOR],
        ),
    ]
}

pub(super) fn keys_and_tensors() -> Vec<Hostile> {
    let (llama, bitnet) = (llama(), Base::of_architecture(Architecture::Bitnet));
    let norm = 1.0f32.to_le_bytes().repeat(128);
    let with_norm = |name: &str| llama.with_new_tensor(name, &[128], F32, &norm);
    let named = |name: &str| llama.with_key("general.architecture", Value::String(name.to_owned()));
    vec![
        case(
            "architecture llama4",
            named("llama4"),
            &["general.architecture", "llama4"],
        ),
        case(
            "architecture in capitals",
            named("LLAMA"),
            &["general.architecture", "LLAMA"],
        ),
        case(
            "bitnet keys for a llama model",
            named("bitnet"),
            &["bitnet."],
        ),
        case(
            "llama with a sliding window",
            llama.with_key("llama.attention.sliding_window", Value::U32(64)),
            &["llama.attention.sliding_window"],
        ),
        case(
            "llama with experts",
            llama.with_key("llama.expert_count", Value::U32(8)),
            &["llama.expert_count"],
        ),
        case(
            "llama without a KV head count",
            llama.without_key("llama.attention.head_count_kv"),
            &["blk.0.attn_k.weight"],
        ),
        case(
            "llama with a sub-norm of attention",
            with_norm("blk.0.attn_sub_norm.weight"),
            &["blk.0.attn_sub_norm.weight"],
        ),
        case(
            "llama with a sub-norm of the FFN",
            with_norm("blk.1.ffn_sub_norm.weight"),
            &["blk.1.ffn_sub_norm.weight"],
        ),
        case(
            "llama with a bias",
            with_norm("blk.0.attn_q.bias"),
            &["blk.0.attn_q.bias"],
        ),
        case(
            "llama with a bias of the output",
            with_norm("output.bias"),
            &["output.bias"],
        ),
        case(
            "bitnet without a sub-norm",
            bitnet.without_tensor("blk.1.ffn_sub_norm.weight"),
            &["blk.1.ffn_sub_norm.weight"],
        ),
        case(
            "bitnet with a weight scale of its own",
            bitnet.with_new_tensor("blk.0.attn_q.scale", &[1], F32, &norm[..4]),
            &["blk.0.attn_q.scale"],
        ),
    ]
}
