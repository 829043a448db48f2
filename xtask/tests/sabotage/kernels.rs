//! Kernels that compute something else.

use std::sync::Arc;

use engine_native::{
    DenseRows, Engine, EngineOptions, GemmBatch, GemmScratch, Isa, Kernels, NonFinite,
    QuantizedActivations, Recorder, Scalar, ScreenActivations, ScreenRows, Screening, TernaryRows,
};
use host::run::NativeRunner;

use crate::{Bench, with_kernels};

/// Squared ReLU replaced by SiLU: normal speed, other text.
pub struct Silu;

impl Kernels for Silu {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn squared_relu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], r: &mut Recorder) {
        Scalar.squared_relu_mul(gate, up, out, r);
        for ((out, x), up) in out.iter_mut().zip(gate).zip(up) {
            *out = x / (1.0 + (-x).exp()) * up;
        }
    }
}

#[test]
fn another_activation() {
    Bench::new().assert_refused(
        &|loaded| with_kernels(loaded, Silu),
        &[
            "parity failed",
            "repetition 0",
            "position 0, layer 0, op ffn_activation",
            "of 768",
        ],
    );
}

/// An unpack that swaps the weights 5 and 37 of every block.
struct SwappedLanes;

fn swap_lanes(activations: &QuantizedActivations) -> QuantizedActivations {
    // Swapping activations is swapping weights.
    let mut swapped = activations.clone();
    for block in swapped.values.chunks_exact_mut(128) {
        block.swap(5, 37);
    }
    swapped
}

/// A batch whose activations are swapped.
struct SwappedBatch<'a> {
    activations: Vec<QuantizedActivations>,
    batch: &'a mut dyn GemmBatch,
}

impl<'a> SwappedBatch<'a> {
    fn of(batch: &'a mut dyn GemmBatch) -> Self {
        let activations = (0..batch.n_positions()).map(|i| swap_lanes(batch.position(i).0));
        Self {
            activations: activations.collect(),
            batch,
        }
    }
}

impl GemmBatch for SwappedBatch<'_> {
    fn n_positions(&self) -> usize {
        self.batch.n_positions()
    }

    fn position(&mut self, i: usize) -> (&QuantizedActivations, &mut [f32]) {
        (&self.activations[i], self.batch.position(i).1)
    }
}

impl Kernels for SwappedLanes {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn ternary_gemv(
        &self,
        weights: TernaryRows,
        activations: &QuantizedActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        Scalar.ternary_gemv(weights, &swap_lanes(activations), out, recorder);
    }

    fn ternary_gemm(
        &self,
        weights: TernaryRows,
        batch: &mut dyn GemmBatch,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        Scalar.ternary_gemm(weights, &mut SwappedBatch::of(batch), scratch, recorder);
    }
}

#[test]
fn two_swapped_lanes() {
    Bench::new().assert_refused(
        &|loaded| with_kernels(loaded, SwappedLanes),
        &[
            "position 0, layer 0, op attn_q:",
            "of 256 elements differ",
            "native 0x",
            "reference 0x",
        ],
    );
}

/// A NaN in one activation, which the engine's own check sees.
struct NanInNorm;

impl Kernels for NanInNorm {
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
        out[7] = f32::NAN;
        Ok(())
    }
}

/// An embedding row with one element off. (By much: a last bit would vanish in the first residual
/// addition, and what changes no result is no wrong result.)
struct WrongEmbedding;

impl Kernels for WrongEmbedding {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn embedding_row(&self, row: DenseRows, out: &mut [f32], recorder: &mut Recorder) {
        Scalar.embedding_row(row, out, recorder);
        out[17] += 1.0;
    }
}

/// A screen whose approximations are further off than it says.
struct LyingScreen;

impl Kernels for LyingScreen {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        Scalar.output_screen(rows, x, out, recorder);
        out.iter_mut().step_by(2).for_each(|x| *x -= x.abs());
    }
}

#[test]
fn a_screen_that_leaves_out_the_best() {
    Bench::new().assert_refused(
        &|loaded| {
            let model = loaded.engine().model().clone();
            let options = EngineOptions {
                screening: Screening::Always,
                ..EngineOptions::new(1)
            };
            let engine = Engine::with_options(model, Arc::new(LyingScreen), options, &()).unwrap();
            Box::new(NativeRunner::new(&engine, loaded.task()).unwrap())
        },
        &["op greedy_choice: native chose token"],
    );
}

#[test]
fn a_wrong_embedding() {
    Bench::new().assert_refused(
        &|loaded| with_kernels(loaded, WrongEmbedding),
        &["position 0, layer 0, op embed: 1 of 256 elements differ; [17] native"],
    );
}

#[test]
fn a_nan_ends_the_run() {
    Bench::new().assert_refused(
        &|loaded| with_kernels(loaded, NanInNorm),
        &[
            "non-finite",
            "position 0, layer 0, op attn_qkv_quantize",
            "element 7",
            "0x7fc00000",
        ],
    );
}

/// The same NaN, laundered to 0 by a quantization without the check.
struct LaunderedNan;

impl Kernels for LaunderedNan {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn quantize(
        &self,
        x: &[f32],
        out: &mut QuantizedActivations,
        recorder: &mut Recorder,
    ) -> Result<(), NonFinite> {
        let mut x = x.to_vec();
        x[7] = 0.0;
        Scalar.quantize(&x, out, recorder)
    }
}

#[test]
fn a_laundered_nan_is_a_divergence() {
    Bench::new().assert_refused(
        &|loaded| with_kernels(loaded, LaunderedNan),
        &["position 0, layer 0, op attn_qkv_quantize: 1 of 256 elements differ; [7] native"],
    );
}
