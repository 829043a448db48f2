//! Kernels that compute something else of a model with grouped ternary weights.

use engine_native::{GroupedRows, Isa, Kernels, NonFinite, QuantizedActivations, Recorder, Scalar};
use xtask::make_model::{GroupedType, Recipe, WeightType, preset};

use crate::{Bench, with_kernels};

/// `qwen3` with all matrices in Q2_0, each block with a scale of its own.
fn recipe() -> Recipe {
    let mut preset = preset("qwen3-tiny").unwrap();
    preset.shape.n_vocab = 301;
    preset.with_weights(WeightType::Grouped(GroupedType::Q2_0Uneven))
}

fn assert_refused(kernels: impl Kernels + Clone + 'static, parts: &[&str]) {
    let bench = Bench::of_model(recipe());
    bench.assert_refused(&|loaded| with_kernels(loaded, kernels.clone()), parts);
}

#[test]
fn the_right_engine_is_not_refused() {
    let bench = Bench::of_model(recipe());
    bench.run(&|loaded| with_kernels(loaded, Scalar)).unwrap();
}

/// The scale of the next block of activations.
#[derive(Clone)]
struct ShiftedScales;

impl Kernels for ShiftedScales {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn grouped_gemv(
        &self,
        weights: GroupedRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        let mut shifted = activations.clone();
        shifted.block_scales.rotate_left(1);
        Scalar.grouped_gemv(weights, &shifted, out, recorder);
    }
}

/// Prefill is right, and so is what follows from it: the first decoded position is not.
#[test]
fn another_block_of_activations() {
    assert_refused(ShiftedScales, &["position 5", "op output: "]);
}

/// One value rounded to a neighbour.
#[derive(Clone)]
struct OtherRounding;

impl Kernels for OtherRounding {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn quantize_blocks(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        Scalar.quantize_blocks(x, out, recorder)?;
        // Not beyond 127.
        let change = if out.values[40] < 127 { 1 } else { -1 };
        out.values[40] += change;
        out.block_sums[1] += i32::from(change);
        Ok(())
    }
}

#[test]
fn another_rounding() {
    assert_refused(
        OtherRounding,
        &["position 0, layer 0, op attn_qkv_quantize: 1 of 256 elements differ; [40] native"],
    );
}

/// Heads, which have 128 elements, stay as they are.
#[derive(Clone)]
struct HeadsAsTheyAre;

impl Kernels for HeadsAsTheyAre {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn rms_norm(
        &self,
        x: &[f32],
        weight: &[f32],
        epsilon: f32,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        Scalar.rms_norm(x, weight, epsilon, out, recorder)?;
        if x.len() == 128 {
            out.copy_from_slice(x);
        }
        Ok(())
    }
}

/// At position 0 there is one key, and so nothing for scores to change.
#[test]
fn heads_that_are_not_normed() {
    assert_refused(
        HeadsAsTheyAre,
        &[
            "position 1, layer 0, op attn_q_norm: ",
            "of 512 elements differ",
        ],
    );
}

/// The row of a neighbouring token.
#[derive(Clone)]
struct NeighbouringRow;

impl Kernels for NeighbouringRow {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn grouped_embedding_row(
        &self,
        weights: GroupedRows,
        row: usize,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        Scalar.grouped_embedding_row(weights, row ^ 1, out, recorder);
    }
}

#[test]
fn another_row_of_the_embedding() {
    assert_refused(NeighbouringRow, &["position 0, layer 0, op embed: "]);
}
