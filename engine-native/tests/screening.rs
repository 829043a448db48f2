//! Screened choices equal those of the full product, token and logit, whatever the output matrix.

use std::{path::Path, sync::Arc};

use engine_native::{
    DenseRows, Engine, EngineOptions, Isa, Kernels, Ledger, LogitsAt, Model, Op, Recorder,
    RefineRows, Scalar, ScreenActivations, ScreenRows, Screening, SessionOptions,
    available_kernels,
};

const N_TOKENS: usize = 24;

/// `models/tiny.gguf` with an edited embedding, which is also its output matrix. `edit` gets the
/// F16 rows.
fn model(edit: impl Fn(&mut [Vec<half::f16>])) -> Arc<Model> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tiny.gguf");
    let mut file = std::fs::read(&path).unwrap();
    let tiny = Model::from_bytes(file.clone()).unwrap();
    let matrix = tiny.output().dense().unwrap();
    let old = matrix.rows(&file);
    let start = old.as_ptr() as usize - file.as_ptr() as usize;
    let half = |b: &[u8]| half::f16::from_le_bytes([b[0], b[1]]);
    let row = |row: &[u8]| row.chunks_exact(2).map(half).collect();
    let mut rows: Vec<Vec<_>> = old.chunks_exact(matrix.row_bytes()).map(row).collect();
    edit(&mut rows);
    for (i, x) in rows.iter().flatten().enumerate() {
        file[start + 2 * i..][..2].copy_from_slice(&x.to_le_bytes());
    }
    Arc::new(Model::from_bytes(file).unwrap())
}

struct Run {
    /// Tokens and the bits of their logits.
    choices: Vec<(u32, u32)>,
    ledger: Ledger,
}

fn run(model: &Arc<Model>, kernels: Arc<dyn Kernels>, screening: Screening, threads: usize) -> Run {
    let options = EngineOptions {
        screening,
        min_part_work: 1,
        ..EngineOptions::new(threads)
    };
    let engine = Engine::with_options(model.clone(), kernels, options, &()).unwrap();
    let options = SessionOptions::new(3 + N_TOKENS);
    let mut session = engine.session(options).unwrap();
    let steps = session.generate(&[5, 77, 300], N_TOKENS).unwrap();
    let choices = steps.map(|step| {
        let choice = step.unwrap().choice;
        (choice.token, choice.logit.to_bits())
    });
    Run {
        choices: choices.collect(),
        ledger: session.ledger(),
    }
}

/// Makes each row occur twice.
fn doubled(rows: &mut [Vec<half::f16>]) {
    let (first, second) = rows.split_at_mut(256);
    second.clone_from_slice(first);
}

/// Feeding tokens, like a claim, makes the same choices as decoding, for any chunk length.
#[test]
fn fed_tokens_choose_what_decoding_chooses() {
    assert_fed_chooses_the_same(&model(|_| {}));
    assert_fed_chooses_the_same(&model(doubled));
}

fn assert_fed_chooses_the_same(model: &Arc<Model>) {
    let prompt = [5, 77, 300];
    let decoded = in_full(model);
    let chosen = decoded.iter().map(|(token, _)| *token);
    let fed: Vec<u32> = prompt
        .into_iter()
        .chain(chosen.take(N_TOKENS - 1))
        .collect();
    for (screening, n_threads) in [
        (Screening::Off, 1),
        (Screening::Off, 3),
        (Screening::Always, 1),
    ] {
        for prefill_chunk in [1, 2, 7, 64] {
            let options = EngineOptions {
                screening,
                ..EngineOptions::new(n_threads)
            };
            let engine =
                Engine::with_options(model.clone(), Arc::new(Scalar), options, &()).unwrap();
            let options = SessionOptions {
                prefill_chunk,
                choose_from: prompt.len() - 1,
                ..SessionOptions::new(fed.len())
            };
            let mut session = engine.session(options).unwrap();
            let step = session.generate(&fed, 1).unwrap().next().unwrap().unwrap();
            let choices = step.positions.iter().filter_map(|trace| trace.choice);
            let choices: Vec<_> = choices.map(|c| (c.token, c.logit.to_bits())).collect();
            assert_eq!(
                choices, decoded,
                "{screening:?}, {n_threads} threads, chunks of {prefill_chunk}"
            );
        }
    }
}

/// Returning all logits does not change any choice.
#[test]
fn fed_tokens_choose_the_same_where_all_logits_are_handed_out() {
    let model = model(|_| {});
    let fed = [5, 77, 300, 9, 41];
    let engine = Engine::new(model, Arc::new(Scalar), 1).unwrap();
    let choices = |logits, prefill_chunk| {
        let options = SessionOptions {
            logits,
            prefill_chunk,
            choose_from: 1,
            ..SessionOptions::new(fed.len())
        };
        let mut session = engine.session(options).unwrap();
        let step = session.generate(&fed, 1).unwrap().next().unwrap().unwrap();
        let choices = step.positions.iter().filter_map(|trace| trace.choice);
        let choices: Vec<_> = choices.map(|c| (c.token, c.logit.to_bits())).collect();
        (choices, step.logits)
    };
    let (expected, _) = choices(LogitsAt::ChoosingPositions, 5);
    assert_eq!(expected.len(), 4);
    for prefill_chunk in [1, 3, 5] {
        let (found, logits) = choices(LogitsAt::EveryPosition, prefill_chunk);
        assert_eq!(found, expected, "chunks of {prefill_chunk}");
        for ((token, logit), logits) in found.iter().zip(&logits[1..]) {
            assert_eq!(logits[*token as usize].to_bits(), *logit);
        }
    }
}

/// Choices among all logits.
fn in_full(model: &Arc<Model>) -> Vec<(u32, u32)> {
    run(model, Arc::new(Scalar), Screening::Off, 1).choices
}

fn assert_same_choices(model: &Arc<Model>) {
    let expected = in_full(model);
    for kernels in available_kernels() {
        for threads in [1, 3] {
            let isa = kernels.isa();
            let found = run(model, kernels.clone(), Screening::Always, threads);
            assert_eq!(expected, found.choices, "{isa:?}, {threads} threads");
            let screened = found.ledger.total(Op::OutputScreen);
            assert!(screened.tally.macs > 0, "nothing was screened");
        }
    }
}

#[test]
fn of_tiny() {
    assert_same_choices(&model(|_| ()));
}

/// Each row occurs twice: the lower of two equal rows is chosen.
#[test]
fn among_equals() {
    let model = model(doubled);
    assert!(in_full(&model).iter().all(|(token, _)| *token < 256));
    assert_same_choices(&model);
}

/// Each row occurs twice, with one element different by one ulp.
#[test]
fn among_rows_that_hardly_differ() {
    assert_same_choices(&model(|rows| {
        let (first, second) = rows.split_at_mut(256);
        for (i, (first, second)) in first.iter().zip(second).enumerate() {
            second.clone_from(first);
            second[i] = half::f16::from_bits(first[i].to_bits() ^ 1);
        }
    }));
}

#[test]
fn among_rows_of_very_different_lengths() {
    assert_same_choices(&model(|rows| {
        for (i, row) in rows.iter_mut().enumerate() {
            let factor = [1.0, 1e-3, 0.0, 1.1, 100.0][i % 5];
            row.iter_mut()
                .for_each(|x| *x = half::f16::from_f32(x.to_f32() * factor));
        }
    }));
}

/// Makes rows so similar that only the refined copy can tell them apart.
fn alike(rows: &mut [Vec<half::f16>]) {
    let base = rows[7].clone();
    for row in rows {
        for (x, base) in row.iter_mut().zip(&base) {
            *x = half::f16::from_f32(base.to_f32() + 0.08 * x.to_f32());
        }
    }
}

#[test]
fn among_rows_that_only_more_bits_tell_apart() {
    let model = model(alike);
    assert_same_choices(&model);
    for kernels in available_kernels() {
        let ledger = run(&model, kernels, Screening::Always, 2).ledger;
        let rows = |op| ledger.total(op).tally.macs / model.shape().n_embd;
        let [refined, computed] = [Op::OutputRefine, Op::Output].map(rows);
        assert!(
            refined > 4 * computed,
            "{refined} refined, {computed} computed"
        );
    }
}

/// All rows are equal: none can be ruled out, and after a few attempts screening stops.
#[test]
fn where_screening_is_futile() {
    let model = model(|rows| {
        let row = rows[7].clone();
        rows.fill(row);
    });
    assert_same_choices(&model);
    let ledger = run(&model, Arc::new(Scalar), Screening::Always, 1).ledger;
    let of_all = model.shape().n_vocab * model.shape().n_embd;
    let n_screened = ledger.total(Op::OutputScreen).tally.macs / of_all;
    assert_eq!(n_screened, 4, "of {N_TOKENS} choices");
}

#[test]
fn small_matrices_and_scalar_kernels_are_not_screened_unless_asked_for() {
    let tiny = model(|_| ());
    for kernels in available_kernels() {
        let ledger = run(&tiny, kernels, Screening::Auto, 1).ledger;
        assert_eq!(ledger.total(Op::OutputScreen).tally.calls, 0);
    }
}

#[test]
fn few_logits_are_computed() {
    let tiny = model(|_| ());
    let ledger = run(&tiny, Arc::new(Scalar), Screening::Always, 1).ledger;
    let n_computed = ledger.total(Op::Output).tally.macs / tiny.shape().n_embd;
    let of_all = N_TOKENS as u64 * tiny.shape().n_vocab;
    assert!(n_computed < of_all / 4, "{n_computed} of {of_all}");
}

/// Kernels whose approximations violate the bound: for half of the rows, or for all once they are
/// refined.
enum Unbounded {
    Screened,
    Refined,
}

impl Kernels for Unbounded {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn output_gemv(&self, rows: DenseRows, x: &[f32], out: &mut [f32], recorder: &mut Recorder) {
        Scalar.output_gemv(rows, x, out, recorder);
    }

    fn output_screen(
        &self,
        rows: ScreenRows,
        x: &ScreenActivations,
        out: &mut [f32],
        recorder: &mut Recorder,
    ) {
        Scalar.output_screen(rows, x, out, recorder);
        if matches!(self, Self::Screened) {
            out.iter_mut().step_by(2).for_each(|x| *x -= x.abs());
        }
    }

    fn output_refine(
        &self,
        refine: RefineRows,
        rows: &[u32],
        x: &ScreenActivations,
        approximations: &mut [f32],
        recorder: &mut Recorder,
    ) {
        Scalar.output_refine(refine, rows, x, approximations, recorder);
        if matches!(self, Self::Refined) {
            approximations.iter_mut().for_each(|x| *x -= x.abs());
        }
    }
}

/// Shows that the comparison above can fail.
#[test]
fn a_bound_that_does_not_hold_changes_the_choices() {
    let tiny = model(|_| ());
    let found = run(&tiny, Arc::new(Unbounded::Screened), Screening::Always, 1);
    assert_ne!(in_full(&tiny), found.choices);
}

/// Even the row whose logit is known is then ruled out.
#[test]
#[should_panic(expected = "reaches its own logit")]
fn a_refined_bound_that_does_not_hold_is_noticed() {
    let alike = model(alike);
    run(&alike, Arc::new(Unbounded::Refined), Screening::Always, 1);
}
