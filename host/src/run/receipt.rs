//! The last phase of a run: its receipt.

use std::time::SystemTime;

use engine_native::Ledger;

use super::{
    measured::Measured,
    proved::{Proof, Proved},
    rates::Rates,
};
use crate::{
    digest::Digest,
    guest::{WASMTIME_VERSION, guest_sha256},
    machine::Environment,
    receipt::{
        Build, COMMON_SCHEMA, EnvironmentRecord, Figures, LedgerRecord, Machine, Parity,
        ParityStatus, RECEIPT_SCHEMA, Receipt, RunRecord, Samples, kernel_ids, kernel_name,
        kv_type_name,
    },
    task::Task,
};

impl Proved {
    /// The receipt of the run.
    pub fn receipt(&self) -> Receipt {
        self.measured.receipt(self.parity.as_ref())
    }
}

impl Measured {
    /// The receipt of the run, with the proof of a replay if there is one.
    pub(super) fn receipt(&self, proof: Option<&Proof>) -> Receipt {
        let loaded = &self.loaded;
        let median = &self.repetitions()[self.median()];
        let tokens = self.tokens().to_vec();
        let n_prefilled = loaded.task.prompt.len() - loaded.task.depth;
        let rates = Rates::of(n_prefilled, median.prefill_ns, &median.decode_ns);
        let kernel_ledger = ledger_records(&median.ledger);
        let samples = self.samples();
        let mut receipt = Receipt {
            schema_version: COMMON_SCHEMA.into(),
            receipt_schema: RECEIPT_SCHEMA.into(),
            compute_path: "real".into(),
            engine: None,
            backend: "cpu".into(),
            kernels: kernel_ids(&kernel_ledger),
            timing_ms: rates.timing_ms,
            tokens_generated: tokens.len() as u64,
            tokens_per_sec: rates.tokens_per_sec,
            prefill_tokens_per_sec: rates.prefill_tokens_per_sec,
            decode_tokens_per_sec: rates.decode_tokens_per_sec,
            figures: Figures::of(&samples),
            environment: environment(&loaded.settings.environment),
            model: loaded.file.record(),
            run: self.run_record(),
            samples,
            evidence: Some(self.attempt.system.clone()),
            kernel_ledger: Some(kernel_ledger),
            tokens,
            parity: parity_record(self.checksum(), &loaded.task, proof),
            host: Machine::current(),
            build: Build::current(),
            created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            receipt_sha256: Digest([0; 32]),
        };
        receipt.seal();
        receipt
    }

    fn run_record(&self) -> RunRecord {
        let loaded = &self.loaded;
        let settings = &loaded.settings;
        RunRecord {
            prompt: settings.prompt.source(),
            challenge: loaded.task.challenge.clone(),
            prompt_ids: loaded.task.prompt.clone(),
            depth: Some(loaded.task.depth as u64),
            tokens: settings.n_generate as u64,
            threads: settings.environment.threads as u64,
            kernel: kernel_name(settings.kernel).into(),
            warmup: settings.warmup as u64,
            repetitions: loaded.repetitions as u64,
            attempts: Some(1 + self.discarded.len() as u64),
            kv_type: kv_type_name(settings.kv_type).into(),
        }
    }

    fn samples(&self) -> Samples {
        let repetitions = self.repetitions().iter();
        Samples {
            load_ns: self.loaded.load_ns,
            depth_ns: Some(repetitions.clone().filter_map(|r| r.depth_ns).collect()),
            prefill_ns: repetitions.clone().map(|r| r.prefill_ns).collect(),
            decode_ns: repetitions.clone().map(|r| r.decode_ns.clone()).collect(),
            witness: Some(repetitions.map(|r| r.witness.clone()).collect()),
            discarded: Some(self.discarded.clone()),
        }
    }
}

/// The writer's replay as receipts have it; `checksum` is that of the native transcript.
pub(super) fn parity_record(checksum: Digest, task: &Task, proof: Option<&Proof>) -> Parity {
    match proof {
        Some(proof) => Parity {
            status: ParityStatus::Passed,
            checksum,
            reference_checksum: Some(proof.checksum),
            positions_compared: task.n_positions() as u64,
            first_divergence: None,
            guest_sha256: Some(guest_sha256()),
            wasmtime_version: Some(WASMTIME_VERSION.into()),
            fuel: proof.fuel,
            wall_ns: Some(proof.wall_ns),
            judgement: None,
        },
        None => Parity {
            status: ParityStatus::NotChecked,
            checksum,
            reference_checksum: None,
            positions_compared: 0,
            first_divergence: None,
            guest_sha256: None,
            wasmtime_version: None,
            fuel: None,
            wall_ns: None,
            judgement: None,
        },
    }
}

fn ledger_records(ledger: &Ledger) -> Vec<LedgerRecord> {
    let entries = ledger.entries().into_iter();
    entries
        .map(|entry| LedgerRecord {
            kernel: entry.kernel,
            op: entry.op.name().into(),
            calls: entry.tally.calls,
            multiply_accumulates: entry.tally.macs,
        })
        .collect()
}

/// The variables in effect, as receipts have them.
pub(super) fn environment(environment: &Environment) -> EnvironmentRecord {
    EnvironmentRecord {
        BITNET_VERSION: env!("CARGO_PKG_VERSION").into(),
        OS: std::env::consts::OS.into(),
        BITNET_DETERMINISTIC: u8::from(environment.deterministic).to_string(),
        BITNET_SEED: environment.seed.to_string(),
        RAYON_NUM_THREADS: environment.threads.to_string(),
    }
}
