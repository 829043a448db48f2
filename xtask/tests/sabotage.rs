//! A wrong engine gets no receipt, and the message says where it is wrong.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Parser;
use engine_native::{
    Choice, DenseRows, Engine, EngineOptions, GemmBatch, GemmScratch, Isa, Kernels, NonFinite,
    QuantizedActivations, Recorder, Scalar, ScreenActivations, ScreenRows, Screening, TernaryRows,
};
use host::{
    attest::{NewKey, bundle_path},
    cancel::Cancel,
    run::{Loaded, RunFailure},
    task::{NativeRunner, OpBits, Recording, Runner, Task},
};
use xtask::{
    args::{Args, Command},
    commands::benchmark::run_with,
    exit::{Exit, Failure},
};

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
const OLD_RECEIPT: &str = "an old receipt";

/// Runs `benchmark` with another engine, over an old receipt.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("r.json"), OLD_RECEIPT).unwrap();
        Self { folder }
    }

    fn receipt(&self) -> PathBuf {
        self.folder.path().join("r.json")
    }

    fn stale(&self) -> PathBuf {
        self.folder.path().join("r.json.stale")
    }

    fn run(&self, make: &dyn Fn(&Loaded) -> Box<dyn Runner>) -> Result<Exit, Failure> {
        self.run_signed(None, make)
    }

    fn run_signed(
        &self,
        key: Option<&Path>,
        make: &dyn Fn(&Loaded) -> Box<dyn Runner>,
    ) -> Result<Exit, Failure> {
        let output = self.receipt();
        let mut words = vec![
            "xtask",
            "benchmark",
            "--deterministic",
            "--quiet",
            "--tokens",
            "9",
            "--prompt-tokens",
            "6",
            "--model",
            TINY,
            "--output",
            output.to_str().unwrap(),
        ];
        if let Some(key) = key {
            words.extend(["--sign", key.to_str().unwrap()]);
        }
        let args = Args::parse_from(words);
        let Command::Benchmark(args) = args.command else {
            unreachable!()
        };
        run_with(&args, &Cancel::default(), Some(make))
    }

    /// The run is refused with exit code 1, leaves no receipt, and its message has all of `parts`.
    fn assert_refused(&self, make: &dyn Fn(&Loaded) -> Box<dyn Runner>, parts: &[&str]) {
        let failure = self.run(make).expect_err("a wrong engine is refused");
        let message = failure.error.to_string();
        assert_eq!(failure.exit, Exit::Rejected, "{message}");
        for part in parts {
            assert!(message.contains(part), "no {part:?} in: {message}");
        }
        assert!(!self.receipt().exists(), "a refused run leaves no receipt");
        let stale = std::fs::read_to_string(self.stale()).unwrap();
        assert_eq!(stale, OLD_RECEIPT, "the old receipt is kept as stale");
    }
}

/// The native engine with other kernels.
fn with_kernels(loaded: &Loaded, kernels: impl Kernels + 'static) -> Box<dyn Runner> {
    let model = loaded.engine().model().clone();
    let engine = Engine::new(model, Arc::new(kernels), 1).unwrap();
    Box::new(NativeRunner::new(&engine, loaded.task()).unwrap())
}

#[test]
fn the_right_engine_is_not_refused() {
    let bench = Bench::new();
    let exit = bench.run(&|loaded| with_kernels(loaded, Scalar));
    assert_eq!(exit.unwrap(), Exit::Done);
    assert!(!bench.stale().exists());
    let receipt = std::fs::read_to_string(bench.receipt()).unwrap();
    assert!(receipt.contains("\"status\": \"passed\""));
}

/// Squared ReLU replaced by SiLU: normal speed, other text.
struct Silu;

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

/// A wrong run is not signed, and the signature of the old receipt goes with it.
#[test]
fn a_wrong_run_leaves_no_bundle() {
    for sign in [false, true] {
        let bench = Bench::new();
        let bundle = bundle_path(&bench.receipt());
        std::fs::write(&bundle, "an old bundle").unwrap();
        let key = bench.folder.path().join("my.key");
        NewKey::write(&key).unwrap();
        let failure = bench
            .run_signed(sign.then_some(&*key), &|loaded| with_kernels(loaded, Silu))
            .expect_err("a wrong engine is refused");
        let message = failure.error.to_string();
        assert_eq!(failure.exit, Exit::Rejected, "{message}");
        assert!(message.contains("; the old bundle is now "), "{message}");
        assert!(!bench.receipt().exists() && !bundle.exists());
        let stale = bench.folder.path().join("r.json.dsse.json.stale");
        assert_eq!(std::fs::read_to_string(stale).unwrap(), "an old bundle");
    }
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
            let engine = Engine::with_options(model, Arc::new(LyingScreen), options).unwrap();
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

/// The right engine, whose recordings are edited before anybody sees them.
struct Edited<F> {
    inner: Box<dyn Runner>,
    n_recorded: usize,
    edit: F,
}

impl<F: Fn(usize, &mut Recording)> Runner for Edited<F> {
    fn record(&mut self, task: &Task, cancel: &Cancel) -> Result<Recording, RunFailure> {
        let mut recording = self.inner.record(task, cancel)?;
        (self.edit)(self.n_recorded, &mut recording);
        self.n_recorded += 1;
        Ok(recording)
    }

    fn op_outputs(
        &mut self,
        task: &Task,
        position: usize,
        layer: usize,
        cancel: &Cancel,
    ) -> Result<Vec<OpBits>, RunFailure> {
        self.inner.op_outputs(task, position, layer, cancel)
    }
}

/// `edit` is told the number of the run: 0 is the warm-up, 1 to 3 are timed.
fn edited<F: Fn(usize, &mut Recording) + Clone + 'static>(
    edit: F,
) -> impl Fn(&Loaded) -> Box<dyn Runner> {
    move |loaded| {
        Box::new(Edited {
            inner: with_kernels(loaded, Scalar),
            n_recorded: 0,
            edit: edit.clone(),
        })
    }
}

fn flip_lowest_bit(x: &mut f32) {
    *x = f32::from_bits(x.to_bits() ^ 1);
}

#[test]
fn one_ulp_in_a_hidden_state() {
    Bench::new().assert_refused(
        &edited(|_, r| flip_lowest_bit(&mut r.traces[11].hidden[3])),
        &["position 11, op output_norm: 1 of 256 elements differ; [3] native"],
    );
}

#[test]
fn one_ulp_in_a_residual_stream() {
    Bench::new().assert_refused(
        &edited(|_, r| flip_lowest_bit(&mut r.traces[4].boundaries[2 * 256 + 9])),
        &[
            "position 4, layer 2, op unknown",
            "1 of 256 elements differ; [9] native",
        ],
    );
}

#[test]
fn one_ulp_in_a_logit() {
    Bench::new().assert_refused(
        &edited(|_, r| flip_lowest_bit(&mut r.traces[7].choice.as_mut().unwrap().logit)),
        &["position 7, op output: 1 of 1 elements differ"],
    );
}

#[test]
fn a_constant_output_engine() {
    let constant = |_: usize, r: &mut Recording| {
        r.tokens.fill(7);
        for (i, trace) in r.traces.iter_mut().enumerate() {
            if i > 5 {
                trace.input = 7;
            }
            if let Some(choice) = &mut trace.choice {
                *choice = Choice {
                    token: 7,
                    ..*choice
                };
            }
        }
    };
    Bench::new().assert_refused(
        &edited(constant),
        &["position 5, op greedy_choice: native chose token 7, reference"],
    );
}

#[test]
fn a_token_list_that_is_not_what_was_decoded() {
    Bench::new().assert_refused(
        &edited(|_, r| *r.tokens.last_mut().unwrap() ^= 1),
        &["position 13, op greedy_choice"],
    );
}

#[test]
fn a_count_off_by_one() {
    let short = |_: usize, r: &mut Recording| r.tokens.truncate(8);
    Bench::new().assert_refused(&edited(short), &["tokens: native has 8, the task has 9"]);
    let short = |_: usize, r: &mut Recording| r.traces.truncate(13);
    Bench::new().assert_refused(
        &edited(short),
        &["positions: native has 13, the task has 14"],
    );
    let short = |_: usize, r: &mut Recording| r.decode_ns.truncate(7);
    Bench::new().assert_refused(
        &edited(short),
        &["decode samples: native has 7, the task has 8"],
    );
}

#[test]
fn a_count_off_by_one_names_its_repetition() {
    let third = |run: usize, r: &mut Recording| {
        if run == 3 {
            r.tokens.truncate(8);
        }
    };
    Bench::new().assert_refused(&edited(third), &["repetition 2: tokens: native has 8"]);
}

#[test]
fn every_timed_repetition_counts() {
    let second = |run: usize, r: &mut Recording| {
        if run == 2 {
            flip_lowest_bit(&mut r.traces[0].hidden[0]);
        }
    };
    Bench::new().assert_refused(
        &edited(second),
        &["repetition 1", "position 0, op output_norm"],
    );
}

#[test]
fn the_warm_up_is_not_evidence() {
    let warm_up = |run: usize, r: &mut Recording| {
        if run == 0 {
            flip_lowest_bit(&mut r.traces[0].hidden[0]);
        }
    };
    assert_eq!(Bench::new().run(&edited(warm_up)).unwrap(), Exit::Done);
}
