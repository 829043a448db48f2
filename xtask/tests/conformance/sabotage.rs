//! Engines that are wrong in known ways: each fails at the tier that shows it, and at none before.

use engine_native::I2sLayout;
use half::f16;
use xtask::make_model::gguf_writer::{I2_S, Q2_0};
use xtask::{
    conformance::{Answer, Case, Outcome, Report},
    kv_name::KvName,
};

use crate::{
    CORPUS, RIGHT, answer, answer_with, answers, closest, made, noisy, outcomes, refused, row,
    second_best, walk::Walk,
};

const PASSED: Outcome = Outcome::Passed;
const FAILED: Outcome = Outcome::Failed;

const KV_TYPES: [KvName; 2] = [KvName::F16, KvName::F32];

fn judge(name: &'static str, answer: Answer) -> Report {
    Report::of(&CORPUS, &answers([(name, answer)]))
}

fn judge_with(kv_type: KvName, name: &'static str, answer: Answer) -> Report {
    let mut answers = answers([(name, answer)]);
    answers.engine.kv_type = kv_type;
    Report::of(&CORPUS, &answers)
}

/// The file with other bytes in each ternary projection.
fn with_projections(file: &[u8], edit: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut changed = file.to_vec();
    let walk = Walk::over(file);
    for tensor in &walk.tensors {
        let n: u64 = tensor.dims.iter().product();
        let n_bytes = match tensor.type_id {
            I2_S => n / 4 + 32,
            Q2_0 if tensor.name != "token_embd.weight" => n / 64 * 18,
            _ => continue,
        };
        let start = walk.data_start + tensor.offset as usize;
        edit(&mut changed[start..start + n_bytes as usize]);
    }
    changed
}

/// Two of the four weights of each byte change places.
fn swap_lanes(tensor: &mut [u8]) {
    let n = tensor.len() - 32;
    for byte in &mut tensor[..n] {
        *byte = *byte & 0x0F | (*byte & 0x30) << 2 | (*byte & 0xC0) >> 2;
    }
}

fn scale_i2_s(tensor: &mut [u8]) {
    let at = tensor.len() - 32;
    let scale = f32::from_le_bytes(tensor[at..at + 4].try_into().unwrap());
    tensor[at..at + 4].copy_from_slice(&(scale * 1.01).to_le_bytes());
}

fn scale_q2_0(tensor: &mut [u8]) {
    for block in tensor.chunks_exact_mut(18) {
        let d = f16::from_le_bytes([block[0], block[1]]).to_f32() * 1.01;
        block[..2].copy_from_slice(&f16::from_f32(d).to_le_bytes());
    }
}

#[test]
fn ours_passes_everything() {
    let report = Report::of(&CORPUS, &RIGHT);
    assert!(report.passed, "{}", report.markdown());
    for counts in &report.tiers {
        assert!(counts.passed > 20, "{counts:?}");
        assert_eq!((counts.failed, counts.refused), (0, 0));
    }
}

#[test]
fn silu_for_squared_relu_fails_at_logits() {
    // The same weights under the name of an architecture with SiLU.
    let (case, file) = (&made("b158-i2_s").case, &made("bitnet-i2_s").file);
    for kv_type in KV_TYPES {
        let report = judge_with(kv_type, "b158-i2_s", answer_with(kv_type, file, case));
        let row = row(&report, "b158-i2_s");
        assert_eq!(outcomes(row), [PASSED, PASSED, FAILED, FAILED, FAILED]);
    }
}

#[test]
fn swapped_lanes_fail_at_sums() {
    let made = made("b158-i2_s");
    let file = with_projections(&made.file, swap_lanes);
    for kv_type in KV_TYPES {
        let answer = answer_with(kv_type, &file, &made.case);
        let report = judge_with(kv_type, "b158-i2_s", answer);
        assert_eq!(
            outcomes(row(&report, "b158-i2_s")),
            [PASSED, FAILED, FAILED, FAILED, FAILED]
        );
    }
}

#[test]
fn the_second_best_token_at_the_closest_choices_fails_at_tokens() {
    for kv_type in KV_TYPES {
        let report = Report::of(&CORPUS, &second_best(kv_type, usize::MAX));
        for made in &CORPUS.cases {
            let (name, tokens) = (&made.case.name, &row(&report, &made.case.name).tokens);
            assert_eq!(tokens.outcome, FAILED, "{name}: {}", tokens.detail);
        }
    }
}

#[test]
fn one_tie_may_be_chance() {
    let report = Report::of(&CORPUS, &second_best(KvName::F16, 1));
    let mut n_tied = 0;
    for made in &CORPUS.cases {
        let (_, choice) = closest(&made.case.runs.f16[0]);
        let expected = if choice.near_tie { PASSED } else { FAILED };
        let (name, tokens) = (&made.case.name, &row(&report, &made.case.name).tokens);
        assert_eq!(tokens.outcome, expected, "{name}: {}", tokens.detail);
        n_tied += usize::from(choice.near_tie);
    }
    assert!(n_tied > 15, "{n_tied}");
}

#[test]
fn one_noisy_run_may_be_chance() {
    let name = "b158-i2_s";
    let right = &RIGHT.answers[name];
    for (n_runs, expected) in [(1, PASSED), (2, FAILED), (4, FAILED)] {
        let report = Report::of(&CORPUS, &answers([(name, noisy(right, n_runs))]));
        let logits = &row(&report, name).logits;
        assert_eq!(logits.outcome, expected, "{n_runs}: {}", logits.detail);
    }
}

/// So even one other token is an error there.
#[test]
fn with_a_cache_in_f32_no_choice_is_a_near_tie() {
    for made in &CORPUS.cases {
        let runs = made.case.runs.f32.iter();
        let is_tied = runs.flat_map(|run| &run.choices).any(|c| c.near_tie);
        assert!(!is_tied, "{}", made.case.name);
    }
    assert!(!Report::of(&CORPUS, &second_best(KvName::F32, 1)).passed);
}

#[test]
fn a_layout_taken_for_another_fails_at_sums() {
    for name in ["b158-i2_s-block64", "b158-i2_s-row4"] {
        let made = made(name);
        let mut case: Case = made.case.clone();
        case.model.i2s_layout = Some(I2sLayout::Block128.as_str().to_owned());
        let report = judge(name, answer(&made.file, Some(&case)));
        assert_eq!(
            outcomes(row(&report, name)),
            [PASSED, FAILED, FAILED, FAILED, FAILED]
        );
    }
}

#[test]
fn a_scale_off_by_a_hundredth_fails_at_logits() {
    let mut n_found = 0;
    for made in &CORPUS.cases {
        let name: &'static str = &made.case.name;
        let edit = match &made.case.model.projections[..] {
            "I2_S" => scale_i2_s,
            "Q2_0" if name != "qwen3-q2_0-g128" => scale_q2_0,
            _ => continue,
        };
        let file = with_projections(&made.file, edit);
        let report = judge(name, answer(&file, Some(&made.case)));
        let row = row(&report, name);
        assert_eq!(
            (row.reads.outcome, row.bits.outcome),
            (PASSED, FAILED),
            "{name}"
        );
        assert_ne!(row.sums.outcome, FAILED, "{name}");
        assert_eq!(row.logits.outcome, FAILED, "{name}: {}", row.logits.detail);
        n_found += 1;
    }
    assert!(n_found > 15, "{n_found}");
}

#[test]
fn a_reader_that_makes_up_what_is_missing_fails_at_reading() {
    let (base, cut) = (made("b158-i2_s"), refused("i2_s-cut-last"));
    let mut file = cut.file.clone();
    file.resize(base.file.len(), 0);
    let both = [
        ("b158-i2_s", answer(&base.file, Some(&base.case))),
        ("i2_s-cut-last", answer(&file, None)),
    ];
    let report = Report::of(&CORPUS, &answers(both));
    assert_eq!(row(&report, "i2_s-cut-last").reads.outcome, FAILED);
    assert_eq!(row(&report, "b158-i2_s").reads.outcome, PASSED);
    let smallest = &report.smallest_failures;
    assert_eq!(
        (smallest.len(), &smallest[0].case[..]),
        (1, "i2_s-cut-last")
    );
}
