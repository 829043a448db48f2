//! Comparable models: every type has the same scales, and queries and keys have half their size.

use half::f16;
use xtask::make_model::{Recipe, Shape, WeightType, preset, to_vec};

use crate::walk::Walk;

/// The scale of a projection in I2_S, and in TQ2_0 that of its first block.
fn scale(recipe: Recipe, tensor: &str) -> f32 {
    let weights = recipe.weights;
    let file = to_vec(recipe, "comparable", 7).unwrap();
    let read = Walk::over(&file);
    let found = read.tensors.iter().find(|t| t.name == tensor).unwrap();
    let start = read.data_start + found.offset as usize;
    let n: u64 = found.dims.iter().product();
    match weights {
        WeightType::I2S => {
            let at = start + n as usize / 4;
            f32::from_le_bytes(file[at..at + 4].try_into().unwrap())
        }
        WeightType::Tq2_0 => {
            let at = start + 64;
            f16::from_le_bytes(file[at..at + 2].try_into().unwrap()).to_f32()
        }
        other => panic!("{other:?}"),
    }
}

fn recipe(weights: WeightType, comparable: bool) -> Recipe {
    // A width whose scale has more than eight significant bits.
    let shape = Shape {
        n_embd: 768,
        n_heads: 12,
        n_layers: 1,
        ..preset("tiny").unwrap().shape.clone()
    };
    Recipe {
        weights,
        comparable,
        ..Recipe::from(&shape)
    }
}

#[test]
fn comparable_models_have_the_same_scales_in_every_type() {
    for tensor in ["blk.0.attn_q.weight", "blk.0.ffn_up.weight"] {
        let of = |weights, comparable| scale(recipe(weights, comparable), tensor);
        let [i2_s, tq2_0] = [WeightType::I2S, WeightType::Tq2_0].map(|w| of(w, true));
        assert_eq!(i2_s, tq2_0, "{tensor}");
        assert_ne!(
            of(WeightType::I2S, false),
            of(WeightType::Tq2_0, false),
            "{tensor}"
        );
    }
}

#[test]
fn only_queries_and_keys_are_halved() {
    let tq2_0 = |comparable, tensor| scale(recipe(WeightType::Tq2_0, comparable), tensor);
    for (tensor, ratio) in [
        ("blk.0.attn_q.weight", 2.0),
        ("blk.0.attn_k.weight", 2.0),
        ("blk.0.attn_v.weight", 1.0),
        ("blk.0.ffn_down.weight", 1.0),
    ] {
        assert_eq!(
            tq2_0(false, tensor),
            ratio * tq2_0(true, tensor),
            "{tensor}"
        );
    }
}
