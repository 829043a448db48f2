//! Receipts of a model with grouped ternary weights: kernels, operations and work of its own, none of which
//! goes with another model.

use std::sync::LazyLock;

use engine_native::Op;
use host::{
    input::HashedModel,
    receipt::Receipt,
    verify::{Checked, Policy, Verdict, least_step_seconds},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::make_model::{preset, to_vec};

use crate::{
    edits, expectations,
    genuine::{
        self, assert_accepted, assert_rejected_by, benchmarked_model, edited, rules, seal,
        with_replay_of,
    },
};

/// `qwen3` with projections, embedding and output matrix in Q2_0, and where it is.
static MODEL: LazyLock<(TempDir, HashedModel)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qwen3.gguf");
    let recipe = preset("qwen3-tiny").unwrap().usual();
    std::fs::write(&path, to_vec(recipe, "tamper", 1).unwrap()).unwrap();
    let model = genuine::open(&path);
    (folder, model)
});

/// As [`genuine::GENUINE`], of that model.
static GENUINE: LazyLock<Value> = LazyLock::new(|| {
    let path = MODEL.0.path().join("qwen3.gguf");
    let bytes = benchmarked_model(path.to_str().unwrap(), &[]);
    serde_json::from_slice(&bytes).unwrap()
});

const N_TOKENS: u64 = 3;

fn replayed(receipt: &Value) -> Verdict {
    let mut checked = Checked::read(receipt.to_string().as_bytes()).unwrap();
    with_replay_of(&mut checked, &MODEL.1);
    checked.with_policy(&Policy::default());
    checked.verdict()
}

/// `receipt` with other lines in the ledger, and what follows from them.
fn with_ledger(receipt: &Value, edit: impl FnOnce(&mut Vec<Value>)) -> Value {
    let mut receipt = receipt.clone();
    let entries = receipt["kernel_ledger"].as_array_mut().unwrap();
    edit(entries);
    let mut kernels: Vec<Value> = entries.iter().map(|e| e["kernel"].clone()).collect();
    kernels.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    kernels.dedup();
    receipt["kernels"] = json!(kernels);
    seal(&mut receipt);
    receipt
}

/// The genuine receipt with another ledger.
fn forged(edit: impl FnOnce(&mut Vec<Value>)) -> Value {
    with_ledger(&GENUINE, edit)
}

fn shape(key: &str) -> u64 {
    GENUINE["model"]["shape"][key].as_u64().unwrap()
}

fn is_projection(entry: &Value) -> bool {
    Op::from_name(entry["op"].as_str().unwrap()).is_some_and(Op::is_projection)
}

/// Replaces `from` by `to` in the kernels of the entries that `is_meant`, of which there are some.
fn rename(entries: &mut [Value], is_meant: impl Fn(&Value) -> bool, from: &str, to: &str) {
    let mut n_renamed = 0;
    for entry in entries.iter_mut().filter(|e| is_meant(e)) {
        let kernel = entry["kernel"].as_str().unwrap();
        if let Some(rest) = kernel.strip_prefix(from) {
            entry["kernel"] = json!(format!("{to}{rest}"));
            n_renamed += 1;
        }
    }
    assert!(n_renamed > 0, "no {from}");
}

/// The same for the entries of one operation.
fn rename_of(entries: &mut [Value], op: &str, from: &str, to: &str) {
    rename(entries, |e| e["op"] == op, from, to);
}

/// The line of the ledger with the kernel `start…` for `op`.
fn entry<'e>(entries: &'e mut [Value], op: &str, start: &str) -> &'e mut Value {
    let is_it = |e: &&mut Value| e["op"] == op && e["kernel"].as_str().unwrap().starts_with(start);
    entries.iter_mut().find(is_it).unwrap()
}

/// Projections as of one scale, in all that the ledger says of them.
fn with_one_scale(entries: &mut [Value]) {
    for (from, to) in [("grouped_gemv", "i2s_gemv"), ("grouped_gemm", "i2s_gemm")] {
        rename(entries, is_projection, from, to);
    }
    let is_input = |e: &Value| e["op"] != "output_quantize";
    rename(entries, is_input, "block_quantize", "activation_quantize");
}

#[test]
fn a_genuine_receipt_is_accepted() {
    assert_accepted(&replayed(&GENUINE));
    let mut entries = GENUINE["kernel_ledger"].as_array().unwrap().clone();
    for (op, kernel) in [
        ("embed", "embedding_row_grouped_"),
        ("attn_qkv_quantize", "block_quantize_"),
        ("attn_q", "grouped_gemv_"),
        ("attn_q", "grouped_gemm_"),
        ("attn_q_norm", "rms_norm_"),
        ("attn_k_norm", "rms_norm_"),
        ("output_quantize", "block_quantize_"),
        ("output", "grouped_gemv_"),
    ] {
        entry(&mut entries, op, kernel);
    }
    // What the forgeries below start from.
    assert_accepted(&replayed(&forged(|_| ())));
}

/// Whatever else is edited: the same rules are there for it as with any model.
#[test]
fn every_edit_is_caught_by_the_rule_that_is_there_for_it() {
    let edits = edits::all(&GENUINE);
    let is_meant = |path: &str| {
        let starts = ["kernel_ledger.", "model.weight_types", "model.shape."];
        starts.iter().any(|start| path.starts_with(start))
    };
    let mut n_edits = 0;
    for edit in edits.iter().filter(|edit| is_meant(&edit.path)) {
        let expect = expectations::of(edit).unwrap();
        let mut receipt = edit.document.clone();
        seal(&mut receipt);
        let verdict = replayed(&receipt);
        let (path, kind) = (&edit.path, edit.kind);
        assert!(
            expect.is_met(&verdict),
            "{path} {kind:?}: expected {expect:?}: {verdict:?}"
        );
        n_edits += 1;
    }
    assert!(n_edits > 500, "found {n_edits}");
}

/// All projections have one kind of weights, and their inputs are quantized for it.
#[test]
fn kernels_of_both_kinds_do_not_mix() {
    for op in Op::ALL.iter().filter(|op| op.is_projection()) {
        for (from, to) in [("grouped_gemv", "i2s_gemv"), ("grouped_gemm", "i2s_gemm")] {
            let mixed = forged(|entries| rename_of(entries, op.name(), from, to));
            assert_rejected_by(&replayed(&mixed), &["ledger_kernels"]);
        }
    }
    for op in [
        "attn_qkv_quantize",
        "attn_output_quantize",
        "ffn_gate_up_quantize",
        "ffn_down_quantize",
    ] {
        let (from, to) = ("block_quantize", "activation_quantize");
        let mixed = forged(|entries| rename_of(entries, op, from, to));
        assert_rejected_by(&replayed(&mixed), &["ledger_kernels"]);
        let mixed = with_ledger(&genuine::GENUINE, |entries| {
            rename_of(entries, op, to, from)
        });
        assert_rejected_by(&genuine::replayed(&mixed), &["ledger_kernels"]);
    }
}

/// Consistent in itself, so that only the file tells.
#[test]
fn projections_of_the_other_kind_than_the_files() {
    let one_scale = forged(|entries| with_one_scale(entries));
    assert_rejected_by(&replayed(&one_scale), &["model_kernels"]);
    let grouped = with_ledger(&genuine::GENUINE, |entries| {
        for (from, to) in [
            ("i2s_gemv", "grouped_gemv"),
            ("i2s_gemm", "grouped_gemm"),
            ("activation_quantize", "block_quantize"),
        ] {
            rename(entries, |_| true, from, to);
        }
    });
    // And no tensor of the committed model has a type for that.
    let broken = ["ledger_kernels", "model_kernels"];
    assert_rejected_by(&genuine::replayed(&grouped), &broken);
    // With such a type, that is what the description of the file is for.
    let mut described = grouped;
    described["model"]["weight_types"][0]["type"] = json!("Q2_0");
    seal(&mut described);
    let failed = rules(&genuine::replayed(&described), host::verify::Outcome::Fail);
    assert!(!failed.contains(&"ledger_kernels"), "{failed:?}");
    assert!(failed.contains(&"model_record"), "{failed:?}");
}

#[test]
fn an_embedding_or_output_matrix_of_the_other_kind() {
    let (grouped, f16) = ("embedding_row_grouped", "embedding_row_f16");
    let embedding = forged(|entries| rename_of(entries, "embed", grouped, f16));
    assert_rejected_by(&replayed(&embedding), &["model_kernels"]);
    let output = forged(|entries| {
        rename_of(entries, "output", "grouped_gemv", "output_gemv_f16");
        entries.retain(|e| e["op"] != "output_quantize");
    });
    assert_rejected_by(&replayed(&output), &["model_kernels"]);
    // A dense output matrix has no use for a quantized state.
    let output = forged(|entries| {
        rename_of(entries, "output", "grouped_gemv", "output_gemv_f16");
    });
    assert_rejected_by(&replayed(&output), &["ledger_work", "model_kernels"]);

    let of_tiny = |edit: &dyn Fn(&mut Vec<Value>)| {
        genuine::replayed(&with_ledger(&genuine::GENUINE, |entries| edit(entries)))
    };
    let broken = ["ledger_kernels", "model_kernels"];
    let embedding = of_tiny(&|entries| rename_of(entries, "embed", f16, grouped));
    assert_rejected_by(&embedding, &broken);
    let output = of_tiny(&|entries| {
        rename_of(entries, "output", "output_gemv_f16", "grouped_gemv");
    });
    let broken = ["ledger_kernels", "ledger_work", "model_kernels"];
    assert_rejected_by(&output, &broken);
}

#[test]
fn kernels_that_compute_something_else() {
    for (op, from, to) in [
        ("attn_q_norm", "rms_norm", "rope_apply"),
        ("attn_k_norm", "rms_norm", "block_quantize"),
        ("output_quantize", "block_quantize", "activation_quantize"),
        ("output_quantize", "block_quantize", "rms_norm"),
        ("attn_q", "grouped_gemv", "block_quantize"),
        ("attn_norm", "rms_norm", "grouped_gemv"),
    ] {
        let other = forged(|entries| rename_of(entries, op, from, to));
        assert_rejected_by(&replayed(&other), &["ledger_kernels"]);
    }
}

#[test]
fn the_work_of_its_own_operations_follows_from_the_shape() {
    let n_positions = 4 + N_TOKENS - 1;
    let heads = |n: &str| n_positions * shape("n_layers") * shape(n) * shape("head_dim");
    for (op, kernel, work) in [
        ("attn_q_norm", "rms_norm", heads("n_heads")),
        ("attn_k_norm", "rms_norm", heads("n_kv_heads")),
        (
            "output_quantize",
            "block_quantize",
            N_TOKENS * shape("n_embd"),
        ),
    ] {
        for other in [work - 1, work + 1, 2 * work] {
            let changed = forged(|entries| {
                let found = &mut entry(entries, op, kernel)["multiply_accumulates"];
                assert_eq!(*found, work, "{op}");
                *found = json!(other);
            });
            assert_rejected_by(&replayed(&changed), &["ledger_work"]);
        }
        let without = forged(|entries| entries.retain(|e| e["op"] != op));
        assert_rejected_by(&replayed(&without), &["ledger_work"]);
        // Another model has no such operation.
        let line = entry(
            &mut GENUINE["kernel_ledger"].as_array().unwrap().clone(),
            op,
            kernel,
        )
        .take();
        let with = with_ledger(&genuine::GENUINE, |entries| entries.push(line));
        let failed = rules(&genuine::replayed(&with), host::verify::Outcome::Fail);
        assert!(failed.contains(&"ledger_work"), "{op}: {failed:?}");
    }
}

/// The figures of a screened run that would be accepted of a dense output matrix.
#[test]
fn grouped_output_matrices_are_not_screened() {
    let (n_vocab, n_embd) = (shape("n_vocab"), shape("n_embd"));
    let screened = |refine: Option<u64>| {
        forged(|entries| {
            let mut output = entry(entries, "output", "grouped_gemv").clone();
            let kernel = output["kernel"].as_str().unwrap();
            let mut lines = vec![(
                "output_screen",
                kernel.replace("grouped_gemv", "output_screen"),
                N_TOKENS * n_vocab * n_embd,
            )];
            if let Some(refine) = refine {
                let kernel = kernel.replace("grouped_gemv", "output_refine");
                lines.push(("output_refine", kernel, refine));
            }
            for (op, kernel, work) in lines {
                entries.push(json!({
                    "op": op, "kernel": kernel, "calls": 1, "multiply_accumulates": work
                }));
            }
            // One row that is left of each, and the one that the screen starts from.
            output["multiply_accumulates"] = json!(2 * N_TOKENS * n_embd);
            output["calls"] = json!(1);
            *entry(entries, "output", "grouped_gemv") = output;
            let choice = entry(entries, "greedy_choice", "argmax");
            choice["multiply_accumulates"] = json!(N_TOKENS);
            choice["calls"] = json!(1);
        })
    };
    for refine in [None, Some(n_embd)] {
        assert_rejected_by(&replayed(&screened(refine)), &["ledger_work"]);
    }
}

/// Tensors of no grouped type: kernels of such types have nothing to read.
#[test]
fn the_description_of_the_file_has_a_type_for_the_kernels() {
    for other in ["TQ2_0", "F16", "Q8_0"] {
        let mut described = GENUINE.clone();
        let types = described["model"]["weight_types"].as_array_mut().unwrap();
        let is_grouped = |t: &&mut Value| t["type"] == "Q2_0";
        types.iter_mut().find(is_grouped).unwrap()["type"] = json!(other);
        seal(&mut described);
        let failed = rules(&replayed(&described), host::verify::Outcome::Fail);
        assert!(failed.contains(&"ledger_kernels"), "{other}: {failed:?}");
        assert!(failed.contains(&"model_record"), "{other}: {failed:?}");
    }
    // No layout either, which I2_S alone has.
    let mut described = GENUINE.clone();
    described["model"]["i2s_layout"] = json!("block128");
    seal(&mut described);
    assert_rejected_by(&replayed(&described), &["model_shape"]);
}

/// Head norms have a weight for each element of a head, twice in each layer.
#[test]
fn head_norms_are_parameters() {
    let head_norms = 2 * shape("n_layers") * shape("head_dim");
    let mut without = GENUINE.clone();
    let parameters = without["model"]["parameters"].as_u64().unwrap();
    without["model"]["parameters"] = json!(parameters - head_norms);
    seal(&mut without);
    let broken = ["model_parameters", "model_record"];
    assert_rejected_by(&replayed(&without), &broken);
    // In `llama` that is the number, but there they have no operations.
    without["model"]["architecture"] = json!("llama");
    seal(&mut without);
    let broken = ["ledger_work", "model_record"];
    assert_rejected_by(&replayed(&without), &broken);
}

/// A row's sum over its groups is one chain: the least time of a step counts it, and the head norms.
#[test]
fn groups_and_heads_are_added_one_after_another() {
    // One core, to which additions are dear and the rest is next to free.
    let (ghz, cycles) = (11.0, 1000.0);
    let policy = format!(
        "[ceilings]
        margin = 1.25
        hand_over_ns = 1e9
        dependent_add_cycles = {cycles:?}
        [[ceilings.cpus]]
        name = 'one of its own'
        cores = 1
        ghz = {ghz:?}
        macs_per_cycle = [1e12, 1e12]
        memory_gb = [9e12, 9e12]
        l2_mib = 1e6
        l3_mib = [1e6, 1e6]
        l3_bytes_per_cycle = 1e9
        source = 'this test'"
    );
    let ceilings = Policy::read(policy.as_bytes()).unwrap().ceilings;
    let seconds = |receipt: &Value| {
        let receipt: Receipt = serde_json::from_value(receipt.clone()).unwrap();
        least_step_seconds(&receipt, &ceilings, 20).unwrap()
    };
    let adds = |cycles_more: f64| cycles_more * cycles / (ghz * 1e9) / 1.25;
    let [n_layers, n_embd, n_ff] = ["n_layers", "n_embd", "n_ff"].map(shape);
    let q = shape("n_heads") * shape("head_dim");

    // Of the projections that follow one another, two have n_embd columns.
    let in_groups = n_layers * (2 * n_embd + q + n_ff) / 64;
    let one_scale = forged(|entries| with_one_scale(entries));
    let difference = seconds(&GENUINE) - seconds(&one_scale);
    assert_near(difference, adds(in_groups as f64));

    let dense_output = forged(|entries| {
        rename_of(entries, "output", "grouped_gemv", "output_gemv_f16");
    });
    let difference = seconds(&GENUINE) - seconds(&dense_output);
    assert_near(difference, adds((n_embd / 64) as f64));

    let mut llama = GENUINE.clone();
    llama["model"]["architecture"] = json!("llama");
    let difference = seconds(&GENUINE) - seconds(&llama);
    let of_a_head = shape("head_dim") / 16 + 4;
    assert_near(difference, adds((n_layers * of_a_head) as f64));
}

/// A shape without products has no work that overflows, but its sums are as long as it says.
#[test]
fn the_columns_of_a_layer_may_be_too_many_to_add() {
    let ceilings = Policy::default().ceilings;
    let mut receipt: Receipt = serde_json::from_value(GENUINE.clone()).unwrap();
    let shape = &mut receipt.model.shape;
    (shape.n_heads, shape.n_kv_heads, shape.n_ff, shape.n_vocab) = (0, 0, 0, 0);
    shape.n_embd = 1 << 63;
    let least = least_step_seconds(&receipt, &ceilings, 20);
    assert_eq!(least, Err("the shape's work overflows".into()));
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!(
        (found / expected - 1.0).abs() < 1e-3,
        "found {found:e}, expected {expected:e}"
    );
}

/// The same claims about a model of the other kind are no receipt of this one.
#[test]
fn a_receipt_of_the_other_model_is_unverifiable() {
    let of_tiny = edited(|_| ());
    let open = rules(&replayed(&of_tiny), host::verify::Outcome::Unverifiable);
    assert_eq!(open, ["model_sha256", "parity_replay"]);
}
