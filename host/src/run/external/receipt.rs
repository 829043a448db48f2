//! The receipt of another engine's run.

use std::time::SystemTime;

use super::measurement::ExternalMeasurement;
use crate::{
    digest::Digest,
    input::HashedModel,
    judge::Judgement,
    machine::Environment,
    receipt::{
        Build, COMMON_SCHEMA, EXTERNAL, EXTERNAL_SCHEMA, Evidence, Figures, JudgementRecord,
        Machine, Parity, ParityStatus, Receipt, RepetitionEvidence, RunRecord, Samples, Witness,
        kv_type_name,
    },
    run::{
        RunSettings,
        proved::Proof,
        rates::Rates,
        receipt::{environment, parity_record},
    },
    statistics::Sorted,
    task::Task,
};

/// What the reference found of a task.
#[derive(Clone, Copy)]
pub(super) struct Findings<'a> {
    pub(super) task: &'a Task,
    pub(super) tokens: &'a [u32],
    pub(super) judgement: &'a Judgement,
    pub(super) proof: &'a Proof,
}

pub(super) fn receipt(
    judged: Findings,
    measurement: &ExternalMeasurement,
    settings: &RunSettings,
    file: &HashedModel,
) -> Receipt {
    let samples = samples(measurement);
    let n_prompt = judged.task.prompt.len();
    let (prefill_ns, decode_ns) = median(&samples);
    let rates = Rates::of(n_prompt, prefill_ns, decode_ns);
    let threads = measurement.threads;
    let mut receipt = Receipt {
        schema_version: COMMON_SCHEMA.into(),
        receipt_schema: EXTERNAL_SCHEMA.into(),
        compute_path: EXTERNAL.into(),
        engine: Some(measurement.engine.clone()),
        backend: "cpu".into(),
        kernels: Vec::new(),
        timing_ms: rates.timing_ms,
        tokens_generated: judged.tokens.len() as u64,
        tokens_per_sec: rates.tokens_per_sec,
        prefill_tokens_per_sec: rates.prefill_tokens_per_sec,
        decode_tokens_per_sec: rates.decode_tokens_per_sec,
        figures: Figures::of(&samples),
        environment: environment(&Environment {
            threads,
            ..settings.environment
        }),
        model: file.record(),
        run: run_record(judged, measurement, settings),
        evidence: Some(evidence(measurement)),
        samples,
        kernel_ledger: None,
        tokens: judged.tokens.to_vec(),
        parity: parity(judged),
        host: Machine::current(),
        build: Build::current(),
        created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        receipt_sha256: Digest([0; 32]),
    };
    receipt.seal();
    receipt
}

fn run_record(
    judged: Findings,
    measurement: &ExternalMeasurement,
    settings: &RunSettings,
) -> RunRecord {
    RunRecord {
        prompt: settings.prompt.source(),
        challenge: judged.task.challenge.clone(),
        prompt_ids: judged.task.prompt.clone(),
        depth: Some(0),
        tokens: judged.task.n_generate as u64,
        threads: measurement.threads as u64,
        kernel: EXTERNAL.into(),
        warmup: measurement.warmup as u64,
        repetitions: measurement.repetitions.len() as u64,
        attempts: Some(1),
        kv_type: kv_type_name(judged.task.kv_type).into(),
    }
}

/// The checksum is that of the reference, fed the engine's tokens: the engine has no transcript.
fn parity(judged: Findings) -> Parity {
    let Findings {
        judgement, proof, ..
    } = judged;
    Parity {
        status: ParityStatus::Consistent,
        judgement: Some(JudgementRecord {
            tolerance: judgement.limits.consistent.spreads,
            exact: judgement.exact as u64,
            tied: judgement.tied as u64,
        }),
        ..parity_record(proof.checksum, judged.task, Some(proof))
    }
}

/// The prefill and the steps of the median repetition.
fn median(samples: &Samples) -> (u64, &[u64]) {
    let repetitions = samples.prefill_ns.iter().zip(&samples.decode_ns);
    let total = |&(prefill, steps): &(&u64, &Vec<u64>)| prefill + steps.iter().sum::<u64>();
    let sorted = Sorted::by(repetitions, |one, other| total(one).cmp(&total(other)));
    let sorted = sorted.expect("there is at least one repetition");
    let (prefill_ns, decode_ns) = sorted.median();
    (**prefill_ns, decode_ns)
}

/// The times. What the clock measured as nothing counts as a nanosecond.
fn samples(measurement: &ExternalMeasurement) -> Samples {
    let repetitions = measurement.repetitions.iter();
    let some = |ns: u64| ns.max(1);
    let prefill_ns: Vec<u64> = repetitions.clone().map(|r| some(r.prefill_ns)).collect();
    let decode_ns: Vec<Vec<u64>> = repetitions
        .map(|r| r.decode_ns.iter().copied().map(some).collect())
        .collect();
    // Between the arrivals of two tokens lies nothing else.
    let times = prefill_ns.iter().zip(&decode_ns);
    let wall = times.map(|(prefill, steps)| prefill + steps.iter().sum::<u64>());
    let witness = wall.map(|wall_ns| Witness {
        wall_ns,
        ..Witness::default()
    });
    Samples {
        load_ns: some(measurement.load_ns),
        depth_ns: Some(Vec::new()),
        witness: Some(witness.collect()),
        discarded: Some(Vec::new()),
        prefill_ns,
        decode_ns,
    }
}

/// What the system says. Nobody knows how the engine was built, or what it does inside.
fn evidence(measurement: &ExternalMeasurement) -> Evidence {
    Evidence {
        engine_opt_level: "unknown".into(),
        read_bandwidth: None,
        pinned: false,
        repetitions: vec![RepetitionEvidence::default(); measurement.repetitions.len()],
        ..measurement.system.clone()
    }
}
