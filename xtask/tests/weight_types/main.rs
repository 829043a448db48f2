//! One model in every form that a file may have: whatever the types of its tensors, equal numbers
//! give equal bits, with all kernels and thread counts.

mod dequantize;
mod models;
mod parity;
mod repack;
mod runs;
mod same;
#[path = "../support/walk.rs"]
#[allow(dead_code, reason = "only tensors are read here")]
mod walk;

use std::collections::HashSet;

use engine_native::{Architecture, I2sLayout};
use models::{
    DENSE_TYPES, FLOATS, File, GROUPED_TYPES, WEIGHT_TYPES, dense_shape, grouped, in_types, mixed,
    odd_shapes, power_of_two_shape,
};
use runs::{assert_same_everywhere, chosen_tokens, first_prompt_id, plainest};
use xtask::make_model::{DenseType, GroupedType, OutputMatrix, WeightType};

#[test]
fn all_weight_types_give_the_same_bits() {
    for architecture in Architecture::ALL {
        let files = WEIGHT_TYPES.map(|weights| {
            let shape = power_of_two_shape();
            in_types(architecture, &shape, weights, DenseType::F16)
        });
        assert_same_everywhere(&files);
    }
}

/// Where the scale is not a power of two, types with 16-bit scales round it, all to the same number.
#[test]
fn types_with_16_bit_scales_give_the_same_bits() {
    let types = WEIGHT_TYPES.iter().filter(|&&weights| {
        let is_wide = matches!(weights, WeightType::I2S | WeightType::F32);
        !is_wide
    });
    let files: Vec<File> = types
        .map(|&weights| {
            let shape = dense_shape();
            in_types(Architecture::Bitnet, &shape, weights, DenseType::F16)
        })
        .collect();
    assert_eq!(files.len(), 4);
    assert_same_everywhere(&files);
}

#[test]
fn float_types_need_no_whole_blocks() {
    for architecture in Architecture::ALL {
        for shape in odd_shapes() {
            let [f32, f16, bf16] =
                FLOATS.map(|weights| in_types(architecture, &shape, weights, DenseType::F32));
            // Its scale has more digits than the others can hold.
            let f32 = repack::with_projections_of(f32, &f16, dequantize::f16);
            assert_same_everywhere(&[f32, f16, bf16]);
        }
    }
}

#[test]
fn all_i2s_layouts_give_the_same_bits() {
    for architecture in Architecture::ALL {
        let shape = dense_shape();
        let file = in_types(architecture, &shape, WeightType::I2S, DenseType::F16);
        let files = I2sLayout::ALL.map(|layout| repack::in_layout(&file, layout));
        let mut misread = repack::in_layout(&file, I2sLayout::Row4);
        misread.layout = I2sLayout::Block128;
        assert_same_everywhere(&files);
        assert!(plainest(&misread) != plainest(&file), "{}", file.name);
    }
}

#[test]
fn every_embedding_is_the_floats_that_it_stands_for() {
    for dense in DENSE_TYPES {
        let tied = |dense| {
            let shape = dense_shape();
            in_types(Architecture::BitnetB158, &shape, WeightType::I2S, dense)
        };
        let file = tied(dense);
        let floats = repack::with_rows_of(tied(DenseType::F32), &file, "token_embd.weight", dense);
        assert_same_everywhere(&[floats, file]);
    }
}

#[test]
fn every_output_matrix_is_the_floats_that_it_stands_for() {
    for dense in DENSE_TYPES {
        let untied = |dense| {
            let mut recipe = models::recipe(Architecture::Llama, &dense_shape());
            recipe.output = OutputMatrix::Own(dense);
            File::new(&recipe)
        };
        let file = untied(dense);
        let floats = repack::with_rows_of(untied(DenseType::F32), &file, "output.weight", dense);
        assert_same_everywhere(&[floats, file]);
    }
}

#[test]
fn all_grouped_types_give_the_same_bits() {
    for is_tied in [true, false] {
        let files = GROUPED_TYPES.map(|grouped_type| File::new(&grouped(grouped_type, is_tied)));
        assert_same_everywhere(&files);
        // The halves of its groups have scales of their own.
        let uneven = File::new(&grouped(GroupedType::Q2_0Uneven, is_tied));
        assert_same_everywhere(std::slice::from_ref(&uneven));
        assert!(plainest(&uneven) != plainest(&files[0]));
    }
}

/// Grouped or not: each matrix in its own way, with all kernels and thread counts.
#[test]
fn grouped_matrices_go_with_others() {
    for recipe in mixed() {
        assert_same_everywhere(&[File::new(&recipe)]);
    }
}

/// The comparisons can fail.
#[test]
fn one_flipped_weight_changes_a_run() {
    for weights in WEIGHT_TYPES {
        let shape = power_of_two_shape();
        let file = in_types(Architecture::Llama, &shape, weights, DenseType::F16);
        let flipped = repack::with_flipped_weight(&file, "blk.1.attn_v.weight", weights);
        assert!(plainest(&file) != plainest(&flipped), "{weights:?}");
    }
    for grouped_type in GROUPED_TYPES {
        let file = File::new(&grouped(grouped_type, false));
        let (weights, rows) = (
            WeightType::Grouped(grouped_type),
            DenseType::Grouped(grouped_type),
        );
        for flipped in [
            repack::with_flipped_weight(&file, "blk.1.attn_v.weight", weights),
            repack::with_flipped_row(&file, "token_embd.weight", first_prompt_id(), rows),
        ] {
            assert!(plainest(&file) != plainest(&flipped), "{grouped_type:?}");
        }
    }
    for dense in DENSE_TYPES {
        let file = in_types(Architecture::Llama, &dense_shape(), WeightType::I2S, dense);
        let flipped =
            repack::with_flipped_row(&file, "token_embd.weight", first_prompt_id(), dense);
        assert!(plainest(&file) != plainest(&flipped), "{dense:?}");
    }
}

/// In a TQ type a block without a scale stands for 256 zeros, whatever else is in it.
#[test]
fn blocks_without_a_scale_are_zeros() {
    const NAME: &str = "blk.0.ffn_up.weight";
    let in_type = |weights| {
        let shape = power_of_two_shape();
        in_types(Architecture::Bitnet, &shape, weights, DenseType::F16)
    };
    let floats = in_type(WeightType::F32);
    let zeros = repack::with_overwritten(&floats, NAME, 4 * 512, &[0; 4 * 256]);
    let [tq1_0, tq2_0] = [(WeightType::Tq1_0, 54), (WeightType::Tq2_0, 66)].map(
        |(weights, block_bytes): (_, usize)| {
            // The first block of the second row; minus 0.
            let d = 3 * block_bytes - 2;
            repack::with_overwritten(&in_type(weights), NAME, d, &[0x00, 0x80])
        },
    );
    assert!(plainest(&floats) != plainest(&zeros));
    assert_same_everywhere(&[zeros, tq1_0, tq2_0]);
}

/// A tensor of zeros has no scale to show: it is 1, and all outputs are 0.
#[test]
fn tensors_of_zeros_are_the_same_in_all_float_types() {
    let files = FLOATS.map(|weights| {
        let shape = power_of_two_shape();
        let file = in_types(Architecture::Llama, &shape, weights, DenseType::F16);
        // Zeros of either sign.
        let element_bytes = weights.layout().block_bytes as usize;
        let mut zeros = vec![0; 512 * 512 * element_bytes];
        zeros[element_bytes - 1] = 0x80;
        repack::with_overwritten(&file, "blk.1.attn_output.weight", 0, &zeros)
    });
    assert_same_everywhere(&files);
}

/// Whatever an embedding is made of, it is small beside what a layer adds.
#[test]
fn embeddings_of_all_types_are_about_as_large() {
    for dense in DENSE_TYPES.into_iter().chain([DenseType::F32]) {
        let shape = dense_shape();
        let file = in_types(Architecture::Llama, &shape, WeightType::I2S, dense);
        let rows = repack::rows(&file, "token_embd.weight", dense);
        let square = |x: &f32| f64::from(*x) * f64::from(*x);
        let rms = (rows.iter().map(square).sum::<f64>() / rows.len() as f64).sqrt();
        let mean = rows.iter().map(|&x| f64::from(x)).sum::<f64>() / rows.len() as f64;
        assert!((0.016..0.023).contains(&rms), "{dense:?}: {rms}");
        assert!(mean.abs() < 0.002, "{dense:?}: {mean}");
    }
}

/// They would notice little in a model that repeats itself.
#[test]
fn the_text_of_every_architecture_keeps_moving() {
    for architecture in Architecture::ALL {
        for seed in 0..4 {
            let file = File::new(&models::moving(architecture));
            let tokens = chosen_tokens(&file, seed, 64);
            let n_distinct = tokens.iter().collect::<HashSet<_>>().len();
            assert!(
                n_distinct >= 40,
                "{architecture}, seed {seed}: {n_distinct}"
            );
        }
    }
}
