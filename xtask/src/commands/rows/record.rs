//! A row for programs. Where llama-bench means the same, the name of the column is its own.

use host::{plain::plain, statistics::Mean};

use super::row::{Row, Test, shown};
use crate::{
    tabular::{Record, Value},
    units,
};

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
        let packing = entry.packing.map(|packing| Value::Text(packing.into()));
        vec![
            ("test", Value::Text(self.label())),
            ("n_timed", Value::Integer(self.n_timed())),
            ("step_p5_ns", step(5)),
            ("step_p50_ns", step(50)),
            ("step_p95_ns", step(95)),
            ("kernels", Value::Text(entry.isa().into())),
            ("kernel_option", Value::Text(shown(&r.run.kernel))),
            ("packing", packing.unwrap_or(Value::Nothing)),
            ("model_sha256", Value::Text(r.model.sha256.to_string())),
            ("checksum", Value::Text(r.parity.checksum.to_string())),
            ("replayed_by_writer", Value::Flag(entry.is_replayed())),
            ("receipt_sha256", Value::Text(r.receipt_sha256.to_string())),
            ("receipt", Value::Text(plain(&entry.file, usize::MAX))),
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
