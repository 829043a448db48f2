//! A row for programs. Where llama-bench means the same, the name of the column is its own.

use host::{plain::plain, statistics::Mean};

use super::row::{Row, Test, shown, status};
use crate::{
    tabular::{Record, Value},
    units,
};

/// The titles of all columns, in their order.
pub(super) const COLUMNS: [&str; 45] = [
    "build_commit",
    "cpu_info",
    "backends",
    "model_filename",
    "model_type",
    "model_size",
    "model_n_params",
    "n_threads",
    "type_k",
    "type_v",
    "n_prompt",
    "n_gen",
    "n_depth",
    "test_time",
    "avg_ns",
    "stddev_ns",
    "avg_ts",
    "stddev_ts",
    "samples_ns",
    "samples_ts",
    "test",
    "n_timed",
    "time_to_first_token_ns",
    "step_p5_ns",
    "step_p50_ns",
    "step_p95_ns",
    "engine",
    "engine_version",
    "engine_command",
    "engine_sha256",
    "engine_model_sha256",
    "engine_avg_ts",
    "kernels",
    "kernel_option",
    "packing",
    "model_sha256",
    "checksum",
    "replayed_by_writer",
    "tokens_are",
    "n_exact",
    "n_tied",
    "tolerance",
    "why",
    "receipt_sha256",
    "receipt",
];

impl Row<'_> {
    /// All columns.
    pub fn record(&self) -> Record {
        let mut record = self.as_in_llama_bench();
        record.extend(self.of_receipts());
        record
    }

    fn as_in_llama_bench(&self) -> Record {
        let r = &self.entry.receipt;
        let (prompt, tokens) = (r.run.prompt_ids.len() as u64, r.run.tokens);
        let (n_prompt, n_gen, n_depth) = match self.test {
            Test::Prefill => (r.n_prefilled(), 0, r.depth()),
            Test::Decode => (0, tokens, prompt),
        };
        let (ns, ts) = (self.samples_ns(), self.samples_ts());
        let as_real: Vec<f64> = ns.iter().map(|&ns| ns as f64).collect();
        let (ns_mean, ts_mean) = (Mean::of(&as_real), Mean::of(&ts));
        let mean = |of: Option<Mean>| Value::real(of.map(|m| m.mean));
        let deviation = |of: Option<Mean>| Value::real(of.and_then(|m| m.deviation));
        let text = |text: &str| Value::Text(shown(text));
        vec![
            ("build_commit", text(&r.build.git_commit)),
            ("cpu_info", text(&r.host.cpu_model)),
            ("backends", Value::Text("CPU".into())),
            ("model_filename", text(&r.model.file_name)),
            ("model_type", Value::Text(self.model_type())),
            ("model_size", Value::Integer(self.tensor_bytes())),
            ("model_n_params", Value::Integer(r.model.parameters)),
            ("n_threads", Value::Integer(r.run.threads)),
            ("type_k", text(&r.run.kv_type)),
            ("type_v", text(&r.run.kv_type)),
            ("n_prompt", Value::Integer(n_prompt)),
            ("n_gen", Value::Integer(n_gen)),
            ("n_depth", Value::Integer(n_depth)),
            ("test_time", text(&r.created)),
            ("avg_ns", mean(ns_mean)),
            ("stddev_ns", deviation(ns_mean)),
            ("avg_ts", mean(ts_mean)),
            ("stddev_ts", deviation(ts_mean)),
            ("samples_ns", Value::Integers(ns)),
            ("samples_ts", Value::Reals(ts)),
        ]
    }

    fn of_receipts(&self) -> Record {
        let (entry, r) = (self.entry, &self.entry.receipt);
        let steps = self.steps();
        let step = |p| Value::integer(steps.as_ref().map(|steps| *steps.percentile(p)));
        let first = match self.test {
            Test::Prefill => r.figures.as_ref().map(|f| f.time_to_first_token_ns),
            Test::Decode => None,
        };
        let mut record = vec![
            ("test", Value::Text(self.label())),
            ("n_timed", Value::Integer(self.n_timed())),
            ("time_to_first_token_ns", Value::integer(first)),
            ("step_p5_ns", step(5)),
            ("step_p50_ns", step(50)),
            ("step_p95_ns", step(95)),
        ];
        record.extend(self.of_engine());
        let is_other = r.is_external();
        let own = |text: &str| match is_other {
            true => Value::Nothing,
            false => Value::Text(shown(text)),
        };
        let packing = entry.packing.filter(|_| !is_other);
        record.extend([
            ("kernels", own(entry.isa())),
            ("kernel_option", own(&r.run.kernel)),
            (
                "packing",
                packing.map_or(Value::Nothing, |packing| Value::Text(packing.into())),
            ),
            ("model_sha256", Value::Text(r.model.sha256.to_string())),
            ("checksum", Value::Text(r.parity.checksum.to_string())),
            ("replayed_by_writer", Value::Flag(entry.is_replayed())),
        ]);
        record.extend(self.of_tokens());
        record.extend([
            ("receipt_sha256", Value::Text(r.receipt_sha256.to_string())),
            ("receipt", Value::Text(plain(&entry.file, usize::MAX))),
        ]);
        record
    }

    /// Who ran it.
    fn of_engine(&self) -> Record {
        let engine = self.entry.receipt.engine.as_ref();
        let text = |text: Option<String>| text.map_or(Value::Nothing, Value::Text);
        let file = engine.and_then(|engine| engine.model.as_ref());
        let sha256 = engine.and_then(|engine| engine.sha256);
        let version = engine.and_then(|engine| engine.version.as_ref());
        vec![
            ("engine", Value::Text(self.entry.engine())),
            (
                "engine_version",
                text(version.map(|version| shown(version))),
            ),
            (
                "engine_command",
                text(engine.map(|engine| plain(&engine.command, usize::MAX))),
            ),
            (
                "engine_sha256",
                text(sha256.map(|digest| digest.to_string())),
            ),
            (
                "engine_model_sha256",
                text(file.map(|file| file.sha256.to_string())),
            ),
            ("engine_avg_ts", Value::real(self.reported_rate())),
        ]
    }

    /// What is known of the tokens.
    fn of_tokens(&self) -> Record {
        let judgement = self.entry.receipt.parity.judgement;
        vec![
            (
                "tokens_are",
                Value::Text(status(&self.entry.receipt).into()),
            ),
            ("n_exact", Value::integer(judgement.map(|j| j.exact))),
            ("n_tied", Value::integer(judgement.map(|j| j.tied))),
            ("tolerance", Value::real(judgement.map(|j| j.tolerance))),
            ("why", Value::Nothing),
        ]
    }

    /// Architecture, size and the type of most weights, such as "bitnet-b1.58 2.41 B I2_S".
    fn model_type(&self) -> String {
        let model = &self.entry.receipt.model;
        let most = model.weight_types.iter().max_by_key(|t| t.bytes);
        let most = most.map_or(String::new(), |t| format!(" {}", t.tensor_type));
        let count = units::count(model.parameters);
        shown(&format!("{} {count}{most}", model.architecture))
    }

    fn tensor_bytes(&self) -> u64 {
        let types = self.entry.receipt.model.weight_types.iter();
        types.fold(0, |sum, t| sum.saturating_add(t.bytes))
    }
}
