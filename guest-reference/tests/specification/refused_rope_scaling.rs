//! One test per rule on the keys of RoPE scaling.

use guest_reference::model::{RopeScaling, Yarn};

use crate::support::gguf::{Gguf, Value};
use crate::support::model::{as_architecture, key, small};
use crate::support::rejection::{assert_malformed, assert_unsupported, parse};

const TYPE: &str = "rope.scaling.type";
const FACTOR: &str = "rope.scaling.factor";
const ORIGINAL: &str = "rope.scaling.original_context_length";
const BETA_FAST: &str = "rope.scaling.yarn_beta_fast";
const BETA_SLOW: &str = "rope.scaling.yarn_beta_slow";

/// The small model with some keys of the architecture.
fn with(keys: &[(&str, Value)]) -> Gguf {
    let mut file = small();
    for (name, value) in keys {
        file.set(&key(name), value.clone());
    }
    file
}

/// The small model with YaRN, a factor of 4 over 2048 positions.
fn yarn() -> Gguf {
    with(&[
        (TYPE, Value::text("yarn")),
        (FACTOR, Value::f32(4.0)),
        (ORIGINAL, Value::u32(2048)),
    ])
}

fn scaling(file: &Gguf) -> RopeScaling {
    parse(file).expect("valid").hyperparameters.rope_scaling
}

#[test]
fn none_and_linear() {
    let mut file = with(&[(TYPE, Value::text("none"))]);
    assert_eq!(scaling(&file), RopeScaling::None);
    file.set(&key(FACTOR), Value::f32(1.0));
    assert_eq!(scaling(&file), RopeScaling::None, "1 scales nothing");
    file.set(&key(FACTOR), Value::f32(4.0));
    let unsettled = [FACTOR, "4 without a type of scaling"];
    assert_unsupported(parse(&file), &unsettled);
    file.set(&key(TYPE), Value::text("linear"));
    assert_eq!(scaling(&file), RopeScaling::Linear(4.0));
    file.remove_key(&key(TYPE));
    assert_unsupported(parse(&file), &unsettled);
}

#[test]
fn yarn_in_every_architecture() {
    let defaults = Yarn {
        factor: 4.0,
        original_context: 2048,
        beta_fast: 32.0,
        beta_slow: 1.0,
    };
    for name in ["bitnet-b1.58", "bitnet-25", "bitnet", "llama", "qwen3"] {
        let file = as_architecture(yarn(), name);
        assert_eq!(scaling(&file), RopeScaling::Yarn(defaults), "{name}");
    }
    let mut file = yarn();
    file.set(&key(BETA_FAST), Value::f32(16.0));
    file.set(&key(BETA_SLOW), Value::f32(0.5));
    let (beta_fast, beta_slow) = (16.0, 0.5);
    let stated = Yarn {
        beta_fast,
        beta_slow,
        ..defaults
    };
    assert_eq!(scaling(&file), RopeScaling::Yarn(stated));
}

#[test]
fn types_of_scaling() {
    for other in ["longrope", "YaRN", ""] {
        let found = parse(&with(&[(TYPE, Value::text(other))]));
        let quoted = format!("`{other}`; `none`, `linear` and `yarn`");
        assert_unsupported(found, &[TYPE, &quoted]);
    }
    let found = parse(&with(&[(TYPE, Value::u32(0))]));
    assert_malformed(found, &[TYPE, "a string is required"]);
}

#[test]
fn factors() {
    for x in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let found = parse(&with(&[(FACTOR, Value::f32(x))]));
        assert_malformed(found, &[FACTOR, "a finite value > 0 is required"]);
    }
    for kind in ["linear", "yarn"] {
        let found = parse(&with(&[(TYPE, Value::text(kind))]));
        let missing = format!("is missing; scaling `{kind}` needs it");
        assert_malformed(found, &[FACTOR, &missing]);
    }
}

#[test]
fn original_context_of_yarn() {
    let mut file = yarn();
    file.remove_key(&key(ORIGINAL));
    assert_malformed(parse(&file), &[ORIGINAL, "is missing"]);
    for n in [0, (1 << 24) + 1] {
        file.set(&key(ORIGINAL), Value::u32(n));
        let found = format!("is {n}; 1 to 16777216 are allowed");
        assert_malformed(parse(&file), &[ORIGINAL, &found]);
    }
    file.set(&key(ORIGINAL), Value::f32(2048.0));
    assert_malformed(parse(&file), &[ORIGINAL, "an unsigned integer is required"]);
}

#[test]
fn betas_of_yarn() {
    for name in [BETA_FAST, BETA_SLOW] {
        for x in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let mut file = yarn();
            file.set(&key(name), Value::f32(x));
            assert_malformed(parse(&file), &[name, "a finite value > 0 is required"]);
        }
        for other in [None, Some("none"), Some("linear")] {
            let mut file = with(&[(name, Value::f32(2.0)), (FACTOR, Value::f32(1.0))]);
            if let Some(other) = other {
                file.set(&key(TYPE), Value::text(other));
            }
            assert_unsupported(parse(&file), &[name, "belongs to scaling `yarn`"]);
        }
    }
    for slow in [32.0, 33.0] {
        let mut file = yarn();
        file.set(&key(BETA_SLOW), Value::f32(slow));
        let found = format!("{BETA_FAST}` is 32; a value above");
        assert_malformed(parse(&file), &[&found, BETA_SLOW]);
    }
}

#[test]
fn the_base_of_yarn() {
    for base in [1.0f32, 0.5] {
        let mut file = yarn();
        file.set(&key("rope.freq_base"), Value::f32(base));
        let found = format!("rope.freq_base` is {base}; a value > 1 is required");
        assert_malformed(parse(&file), &[&found, "`yarn`"]);
        file.set(&key(TYPE), Value::text("linear"));
        parse(&file).expect("only YaRN takes its logarithm");
    }
}

#[test]
fn keys_of_scaling_without_meaning() {
    let mut file = with(&[
        (ORIGINAL, Value::f32(-1.0)),
        ("rope.scaling.finetuned", Value::text("any")),
    ]);
    parse(&file).expect("nothing follows from them");
    file.set(&key(TYPE), Value::text("linear"));
    file.set(&key(FACTOR), Value::f32(2.0));
    parse(&file).expect("nor with linear scaling");
}
