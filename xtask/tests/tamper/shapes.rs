//! Shapes and types of other models than the committed one: what is possible is told from what is not.

use host::verify::Outcome;
use serde_json::{Value, json};

use crate::genuine::{self, GENUINE, edited, verify};

/// The outcome of one rule on the genuine receipt with an edit.
fn outcome(rule: &str, edit: impl FnOnce(&mut Value)) -> Outcome {
    let verdict = verify(edited(edit).to_string().as_bytes()).unwrap();
    genuine::rule(&verdict, rule).outcome
}

#[test]
fn a_layout_belongs_to_i2_s_tensors_and_to_nothing_else() {
    let with = |types: &[&str], layout: Option<&str>| {
        outcome("model_shape", |r| {
            let types = types.iter().map(|t| json!({ "type": t, "bytes": 64 }));
            r["model"]["weight_types"] = types.collect();
            r["model"]["i2s_layout"] = json!(layout);
        })
    };
    for (types, layout, expected) in [
        (&["I2_S"][..], Some("row4"), Outcome::Pass),
        (&["F32", "I2_S"], Some("block128"), Outcome::Pass),
        (&["F32", "TQ2_0"], None, Outcome::Pass),
        (&["I2_S"], None, Outcome::Fail),
        (&["F32", "TQ2_0"], Some("row4"), Outcome::Fail),
        (&["TQ1_0"], Some("rows"), Outcome::Fail),
        (&["I2_S"], Some("rows"), Outcome::Fail),
    ] {
        assert_eq!(with(types, layout), expected, "{types:?} {layout:?}");
    }
}

/// llama: no sub-norms, and perhaps a frequency factor for each pair of elements that RoPE rotates.
#[test]
fn frequency_factors_and_sub_norms_are_parameters() {
    let model = &GENUINE["model"];
    let shape = |key: &str| model["shape"][key].as_u64().unwrap();
    let sub_norms = shape("n_layers") * (shape("n_heads") * shape("head_dim") + shape("n_ff"));
    let without_sub_norms = model["parameters"].as_u64().unwrap() - sub_norms;
    let with = |factors: bool, parameters: u64| {
        outcome("model_parameters", |r| {
            r["model"]["architecture"] = json!("llama");
            r["model"]["rope_factors"] = json!(factors);
            r["model"]["parameters"] = json!(parameters);
        })
    };
    assert_eq!(with(false, without_sub_norms), Outcome::Pass);
    assert_eq!(with(true, without_sub_norms), Outcome::Fail);
    let factors = shape("rope_dim") / 2;
    assert_eq!(with(true, without_sub_norms + factors), Outcome::Pass);
    assert_eq!(with(true, without_sub_norms + factors + 1), Outcome::Fail);
}

/// The mistake that this project began with: another activation than the model's.
#[test]
fn the_activation_is_that_of_the_architecture() {
    let with = |architecture: &str, activation: &str| {
        outcome("ledger_kernels", |r| {
            r["model"]["architecture"] = json!(architecture);
            let entries = r["kernel_ledger"].as_array_mut().unwrap();
            let is_it = |e: &&mut Value| e["op"] == "ffn_activation";
            let entry = entries.iter_mut().find(is_it).unwrap();
            let kernel = entry["kernel"].as_str().unwrap();
            entry["kernel"] = json!(kernel.replace("squared_relu_mul", activation));
        })
    };
    for (architecture, activation, other) in [
        ("bitnet-b1.58", "squared_relu_mul", "silu_mul"),
        ("bitnet-25", "squared_relu_mul", "silu_mul"),
        ("bitnet", "silu_mul", "squared_relu_mul"),
        ("llama", "silu_mul", "squared_relu_mul"),
    ] {
        assert_eq!(with(architecture, activation), Outcome::Pass);
        assert_eq!(with(architecture, other), Outcome::Fail, "{architecture}");
        assert_eq!(with(architecture, "residual_add"), Outcome::Fail);
    }
}
