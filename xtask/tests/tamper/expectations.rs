//! What becomes of an edit whose `receipt_sha256` was recomputed: the rule that must catch it, or
//! the admission that nothing can.

use host::{
    receipt::EXTERNAL,
    verify::{Conclusion, Outcome, Verdict},
};

use crate::{
    edits::{
        Edit,
        Kind::{self, *},
    },
    genuine::rules,
};

/// What must become of an edit.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// Rejected, and each of these rules is broken.
    By(&'static [&'static str]),
    /// Rejected, and one of these rules is broken.
    ByOneOf(&'static [&'static str]),
    /// Neither accepted nor rejected, because of this rule.
    Unverifiable(&'static str),
    /// Accepted, with this rule as a note.
    Noted(&'static str),
    /// Accepted: nobody can check it.
    Unchecked,
    /// Accepted, or rejected by this rule alone: it depends on the machine that ran the test.
    UncheckedOrBy(&'static str),
    /// No receipt at all: an error, and no verdict.
    NotAReceipt,
}
use Expect::*;

/// A path, the kinds of edits there (none named: all that have no row above), what is expected.
type Row = (&'static str, &'static [Kind], Expect);

/// The first row that fits an edit counts. `**` ends a path at any depth.
///
/// The rows with [`Unchecked`] and [`Noted`] are the complete list of what a receipt merely says.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    ("", &[Mistyped, Nulled], NotAReceipt),
    ("schema_version", &[Mistyped, Nulled, Removed], NotAReceipt),
    ("schema_version", &[], Unverifiable("schema_version")),
    ("receipt_schema", &[], Unverifiable("schema_version")),
    ("**", &[Mistyped, Added, Removed], By(&["schema"])),

    // Null is a value of these; everywhere else it breaks the schema.
    ("decode_tokens_per_sec", &[Nulled], By(&["decode_tokens_per_sec"])),
    ("parity.reference_checksum", &[Nulled], By(&["parity_record"])),
    ("parity.guest_sha256", &[Nulled], By(&["parity_record"])),
    ("parity.wasmtime_version", &[Nulled], By(&["parity_record"])),
    ("parity.fuel", &[Nulled], By(&["parity_record"])),
    ("parity.wall_ns", &[Nulled], By(&["parity_record"])),
    ("samples.witness.*.wall_ns", &[Nulled], By(&["schema"])),
    ("samples.witness.*.*", &[Nulled], Unchecked),
    ("figures.decode_step_ns", &[Nulled], By(&["figures"])),
    ("figures.decode_tokens_per_sec_p5*", &[Nulled], By(&["figures"])),
    ("evidence.repetitions", &[Nulled], By(&["schema"])),
    ("evidence.before", &[Nulled], By(&["schema"])),
    ("evidence.after", &[Nulled], By(&["schema"])),
    ("evidence.engine_opt_level", &[Nulled], By(&["schema"])),
    ("evidence.pinned", &[Nulled], By(&["schema"])),
    ("evidence.cpus.*", &[Nulled], By(&["schema"])),
    ("evidence.repetitions.*", &[Nulled], By(&["schema"])),
    ("evidence.**", &[Nulled], Unchecked),
    ("host.governor", &[Nulled], Unchecked),
    ("host.hardware.*", &[Nulled], Unchecked),
    ("model.i2s_layout", &[Nulled], By(&["model_shape"])),
    ("kernel_ledger", &[Nulled], By(&["kernels", "ledger_work"])),
    ("**", &[Nulled], By(&["schema"])),

    ("compute_path", &[], By(&["compute_path"])),
    ("backend", &[], By(&["backend"])),
    ("kernels", &[], By(&["kernels"])),
    ("kernels.*", &[], By(&["kernels"])),
    ("timing_ms", &[], By(&["timing_ms"])),
    ("tokens_generated", &[], By(&["token_count", "tokens_per_sec"])),
    ("tokens_per_sec", &[], By(&["tokens_per_sec"])),
    ("prefill_tokens_per_sec", &[], By(&["prefill_tokens_per_sec"])),
    ("decode_tokens_per_sec", &[], By(&["decode_tokens_per_sec"])),

    ("figures.**", &[], By(&["figures"])),

    ("environment.BITNET_VERSION", &[Longer], Unchecked),
    ("environment.OS", &[Longer], Unchecked),
    // A run on one thread that was not told to be deterministic computes the same.
    ("environment.BITNET_DETERMINISTIC", &[Down], Unchecked),
    ("environment.*", &[], By(&["environment"])),

    // Where the file lay says nothing about its content.
    ("model.file_name", &[Longer], Unchecked),
    ("model.file_name", &[], By(&["model_file_name"])),
    ("model.sha256", &[Digit], Unverifiable("model_sha256")),
    ("model.sha256", &[], By(&["schema"])),
    ("model.architecture", &[], By(&["model_shape"])),
    ("model.file_bytes", &[], By(&["model_record"])),
    ("model.shape.context_length", &[], By(&["model_record"])),
    ("model.shape.rope_dim", &[], By(&["model_shape", "ledger_work", "model_record"])),
    ("model.shape.*", &[], By(&["model_parameters", "ledger_work", "model_record"])),
    ("model.i2s_layout", &[], By(&["model_shape"])),
    ("model.rope_factors", &[], By(&["model_shape", "model_parameters", "model_record"])),
    ("model.tied_embeddings", &[], By(&["model_parameters", "model_record"])),
    ("model.parameters", &[], By(&["model_parameters", "model_record"])),
    ("model.weight_types", &[], By(&["model_record"])),
    ("model.weight_types.*.type", &[], By(&["model_record"])),
    ("model.weight_types.*.bytes", &[], By(&["model_record"])),

    ("run.prompt.kind", &[], By(&["schema"])),
    ("run.prompt.seed", &[], By(&["prompt", "environment"])),
    ("run.prompt.count", &[], By(&["prompt"])),
    // Text that is no challenge; others stand in `freshness`.
    ("run.challenge", &[], By(&["schema"])),
    ("run.prompt_ids", &[], By(&["prompt"])),
    ("run.prompt_ids.*", &[], By(&["prompt"])),
    ("run.depth", &[], By(&["samples", "prefill_tokens_per_sec"])),
    ("run.tokens", &[], By(&["token_count", "samples", "ledger_work"])),
    ("run.threads", &[], By(&["environment"])),
    ("run.kernel", &[], By(&["run_settings", "ledger_kernels"])),
    ("run.warmup", &[], Unchecked),
    ("run.repetitions", &[], By(&["samples"])),
    ("run.attempts", &[], By(&["attempts"])),
    ("run.kv_type", &[], By(&["run_settings", "ledger_kernels"])),

    ("samples.load_ns", &[Zero], By(&["samples"])),
    ("samples.load_ns", &[], Unchecked),
    ("samples.*_ns", &[], By(&["samples"])),
    ("samples.prefill_ns.*", &[], By(&["tokens_per_sec", "prefill_tokens_per_sec"])),
    // The order of the steps is part of the claim.
    ("samples.decode_ns.*", &[Swapped], Unchecked),
    ("samples.decode_ns.*", &[], By(&["samples"])),
    ("samples.decode_ns.*.*", &[], By(&["tokens_per_sec", "decode_tokens_per_sec"])),

    ("samples.witness", &[], By(&["witness_times"])),
    // The system's own word: any time that its threads can have had.
    ("samples.witness.*.wall_ns", &[Zero], By(&["witness_times"])),
    ("samples.witness.*.wall_ns", &[], Unchecked),
    ("samples.witness.*.instructions", &[FilledNumber], By(&["witness_counters"])),
    ("samples.witness.*.instructions", &[], By(&["schema"])),
    ("samples.witness.*.cycles", &[FilledText], By(&["schema"])),
    ("samples.witness.*.*", &[], Unchecked),

    // The system's own word, as long as it is possible.
    ("evidence.**", &[FilledText], By(&["schema"])),
    ("evidence.engine_opt_level", &[Up, Doubled, Longer, Empty], By(&["evidence"])),
    ("evidence.engine_opt_level", &[], Unchecked),
    ("evidence.repetitions", &[], By(&["evidence"])),
    ("evidence.cpus", &[Swapped, Repeated], By(&["evidence"])),
    ("evidence.cpus**", &[], UncheckedOrBy("evidence")),
    ("evidence.pinned", &[], UncheckedOrBy("evidence")),
    ("evidence.priority", &[Doubled], By(&["evidence"])),
    ("evidence.**", &[], Unchecked),

    // The order of the lines has no meaning.
    ("kernel_ledger", &[Swapped], Unchecked),
    ("kernel_ledger", &[Repeated], By(&["ledger_entries", "ledger_work"])),
    ("kernel_ledger", &[], By(&["ledger_work"])),
    ("kernel_ledger.*.kernel", &[], By(&["kernels", "ledger_kernels"])),
    ("kernel_ledger.*.op", &[], By(&["ledger_kernels", "ledger_work"])),
    ("kernel_ledger.*.calls", &[Zero], By(&["ledger_entries"])),
    // How the work is cut into calls is the engine's own affair.
    ("kernel_ledger.*.calls", &[], Unchecked),
    ("kernel_ledger.*.multiply_accumulates", &[], By(&["ledger_work"])),

    ("tokens", &[Dropped, Repeated], By(&["token_count"])),
    ("tokens", &[], By(&["parity_tokens"])),
    ("tokens.*", &[], ByOneOf(&["parity_tokens", "token_count"])),

    ("parity.status", &[], By(&["schema"])),
    ("parity.*checksum", &[Digit], By(&["parity_record"])),
    ("parity.*checksum", &[], By(&["schema"])),
    ("parity.positions_compared", &[], By(&["parity_record"])),
    ("parity.first_divergence", &[FilledNumber], By(&["parity_record"])),
    ("parity.first_divergence", &[], By(&["schema"])),
    // Whichever guest the writer had: ours has replayed the run.
    ("parity.guest_sha256", &[Digit], Noted("guest_sha256")),
    ("parity.guest_sha256", &[], By(&["schema"])),
    // Another sandbox's fuel is not comparable, and the verdict says so.
    ("parity.wasmtime_version", &[], Noted("parity_fuel")),
    ("parity.fuel", &[Zero], By(&["parity_record"])),
    ("parity.fuel", &[], By(&["parity_fuel"])),
    ("parity.wall_ns", &[Zero], By(&["parity_record"])),
    ("parity.wall_ns", &[], Unchecked),

    // The machine and the build describe themselves.
    ("host.governor", &[FilledNumber], By(&["schema"])),
    ("host.hardware.cpu_vendor", &[FilledNumber], By(&["schema"])),
    ("host.hardware.cpu_vendor", &[], Unchecked),
    ("host.hardware.hypervisor", &[FilledNumber], By(&["schema"])),
    ("host.hardware.hypervisor", &[], Unchecked),
    ("host.hardware.*", &[FilledText], By(&["schema"])),
    ("host.cpu_features", &[Swapped, Repeated], By(&["machine_features"])),
    // Which features there are is the writer's word, but for those that the kernels need.
    ("host.cpu_features**", &[], UncheckedOrBy("machine_features")),
    ("host.logical_cores", &[Down, Zero], By(&["machine_cores"])),
    ("host.physical_cores", &[Up, Doubled, Zero], By(&["machine_cores"])),
    ("host.**", &[], Unchecked),
    ("build.git_commit", &[Digit], Unchecked),
    ("build.git_*", &[], By(&["build"])),
    ("build.*", &[], Unchecked),
    ("created", &[], By(&["created"])),
    ("receipt_sha256", &[Digit], By(&["receipt_sha256"])),
    ("receipt_sha256", &[], By(&["schema"])),
];

/// What is different in a receipt of another engine: these rows count before those of [`TABLE`].
#[rustfmt::skip]
pub const EXTERNAL_TABLE: &[Row] = &[
    ("engine.version", &[Nulled], Unchecked),
    ("engine.name", &[Longer], Unchecked),
    ("engine.version", &[Longer, Up, Down], Unchecked),
    ("engine.command", &[Longer], Unchecked),
    ("engine.*", &[Empty], By(&["engine"])),
    ("engine.sha256", &[FilledNumber, FilledText], By(&["schema"])),
    ("engine.model", &[FilledNumber, FilledText], By(&["schema"])),
    ("kernel_ledger", &[FilledNumber, FilledText], By(&["schema"])),

    ("model.shape.rope_dim", &[Up, Down, Doubled, Zero], By(&["model_shape", "model_record"])),
    ("model.shape.n_*", &[Up, Down, Doubled, Zero], By(&["model_parameters", "model_record"])),
    ("model.shape.head_dim", &[Up, Down, Doubled, Zero], By(&["model_parameters", "model_record"])),

    // There is no part of the prompt that was not timed.
    ("run.depth", &[Up, Down, Doubled], By(&["engine_claims"])),
    ("run.tokens", &[Up, Down, Doubled, Zero], By(&["token_count", "samples"])),
    ("run.kernel", &[Longer, Empty], By(&["run_settings"])),
    ("run.kv_type", &[Longer, Empty], By(&["run_settings"])),

    // Nobody counted anything but the time.
    ("samples.witness.*.wall_ns", &[Down], By(&["witness_times"])),
    ("samples.witness.*.*", &[FilledNumber], By(&["engine_claims"])),
    ("samples.witness.*.*", &[FilledText], By(&["schema"])),
    ("evidence.engine_opt_level", &[Longer, Empty], By(&["evidence"])),
    ("evidence.pinned", &[Negated], By(&["engine_claims"])),
    ("evidence.read_bandwidth", &[FilledNumber], By(&["engine_claims"])),
    ("evidence.repetitions.*.*", &[FilledNumber], By(&["engine_claims"])),

    ("tokens", &[Swapped], By(&["parity_judgement"])),
    ("tokens.*", &[Up, Down, Doubled, Zero], ByOneOf(&["parity_judgement", "parity_counts", "token_count"])),
    ("parity.judgement.exact", &[Up, Down, Doubled, Zero], By(&["parity_record", "parity_counts"])),
    ("parity.judgement.tied", &[Up, Down, Doubled], By(&["parity_record"])),
    // The verifier has its own.
    ("parity.judgement.tolerance", &[Up, Down, Doubled, Zero], Unchecked),
];

/// Whether `pattern` describes `path`: `*` stands for any part of one key, a last `**` for any rest.
pub fn describes(pattern: &str, path: &str) -> bool {
    if let Some(parent) = pattern.strip_suffix("**") {
        return path.starts_with(parent);
    }
    let (keys, wanted) = (path.split('.'), pattern.split('.'));
    keys.clone().count() == wanted.clone().count() && keys.zip(wanted).all(|(k, w)| fits(w, k))
}

fn fits(wanted: &str, key: &str) -> bool {
    match wanted.split_once('*') {
        None => wanted == key,
        Some((start, end)) => key
            .strip_prefix(start)
            .is_some_and(|rest| rest.ends_with(end)),
    }
}

/// What the table expects of an edit, if it says anything.
pub fn of(edit: &Edit) -> Option<Expect> {
    let is_external = edit.document["compute_path"].as_str() == Some(EXTERNAL)
        || edit.document["engine"].is_object();
    let more = EXTERNAL_TABLE.iter().filter(|_| is_external);
    let row = more.chain(TABLE).find(|(pattern, kinds, _)| {
        describes(pattern, &edit.path) && (kinds.is_empty() || kinds.contains(&edit.kind))
    });
    row.map(|(_, _, expect)| *expect)
}

impl Expect {
    /// Whether the verdict is what was expected.
    pub fn is_met(self, verdict: &Verdict) -> bool {
        let failed = rules(verdict, Outcome::Fail);
        match self {
            By(expected) => {
                verdict.conclusion == Conclusion::Rejected
                    && expected.iter().all(|rule| failed.contains(rule))
            }
            ByOneOf(expected) => {
                verdict.conclusion == Conclusion::Rejected
                    && expected.iter().any(|rule| failed.contains(rule))
            }
            Unverifiable(rule) => {
                verdict.conclusion == Conclusion::Unverifiable
                    && rules(verdict, Outcome::Unverifiable).contains(&rule)
            }
            Noted(rule) => {
                verdict.conclusion == Conclusion::Accepted
                    && rules(verdict, Outcome::Note).contains(&rule)
            }
            Unchecked => verdict.conclusion == Conclusion::Accepted,
            UncheckedOrBy(rule) => failed.iter().all(|&f| f == rule),
            NotAReceipt => false,
        }
    }
}
