//! Every logit that is computed is checked: one that overflows inside a prompt ends the run where logits of
//! every position are asked for, and only there.

use std::{path::Path, sync::Arc};

use engine_native::{
    Engine, EngineOptions, Kernels, LogitsAt, Model, Op, RunError, Screening, SessionOptions, Step,
    available_kernels, gguf::Gguf,
};

/// The largest logits after token 500 are 9 % larger than those after 100 and 250.
const PROMPT: [u32; 5] = [100, 250, 500, 250, 100];
const OVERFLOWING: usize = 2;

/// `models/tiny.gguf` with embeddings and a norm so large that the largest logit after token 500 is 5 %
/// above the largest f32. No hidden state overflows.
fn model() -> Arc<Model> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tiny.gguf");
    let mut file = std::fs::read(&path).unwrap();
    let header = Gguf::parse(&file).unwrap();
    let mut edit_tensor = |name: &str, edit: &dyn Fn(&mut [u8])| {
        let mut tensors = header.tensors.iter();
        let tensor = tensors.find(|tensor| tensor.name == name).unwrap();
        edit(&mut file[tensor.in_memory()]);
    };
    edit_tensor("token_embd.weight", &|bytes| {
        for x in bytes.as_chunks_mut().0 {
            let larger = half::f16::from_le_bytes(*x).to_f32() * 1024.0;
            *x = half::f16::from_f32(larger).to_le_bytes();
        }
    });
    edit_tensor("output_norm.weight", &|bytes| {
        for x in bytes.as_chunks_mut().0 {
            *x = (f32::from_le_bytes(*x) * 8.77e33).to_le_bytes();
        }
    });
    Arc::new(Model::from_bytes(file).unwrap())
}

fn prefill(
    model: &Arc<Model>,
    kernels: Arc<dyn Kernels>,
    options: EngineOptions,
    session: SessionOptions,
) -> Result<Step, RunError> {
    let engine = Engine::with_options(model.clone(), kernels, options, &())?;
    let mut session = engine.session(session)?;
    let mut steps = session.generate(&PROMPT, 1)?;
    steps.next().expect("a step")
}

#[test]
fn the_run_ends_where_they_are_asked_for() {
    let model = model();
    for kernels in available_kernels() {
        for (screening, n_threads) in [
            (Screening::Off, 1),
            (Screening::Off, 3),
            (Screening::Always, 1),
            (Screening::Always, 3),
        ] {
            for prefill_chunk in [1, 2, 64] {
                let options = EngineOptions {
                    screening,
                    min_part_work: 1,
                    ..EngineOptions::new(n_threads)
                };
                let case = format!("{:?}, {options:?}, {prefill_chunk}", kernels.isa());
                let prefill = |logits| {
                    let session = SessionOptions {
                        logits,
                        prefill_chunk,
                        ..SessionOptions::new(PROMPT.len())
                    };
                    prefill(&model, kernels.clone(), options, session)
                };
                let error = prefill(LogitsAt::EveryPosition).expect_err(&case);
                let RunError::NonFinite {
                    position: OVERFLOWING,
                    layer: None,
                    op: Op::Output,
                    at,
                } = error
                else {
                    panic!("{case}: {error}");
                };
                assert_eq!(at.bits, f32::INFINITY.to_bits(), "{case}");
                let step = prefill(LogitsAt::ChoosingPositions).expect(&case);
                assert!(step.choice.logit.is_finite(), "{case}");
            }
        }
    }
}
