//! Receipts of screened choices: how many logits were left is the engine's to say, within limits.

use serde_json::{Value, json};

use crate::genuine::{assert_accepted, assert_rejected_by, benchmarked, replayed, seal};

/// The shape of `models/tiny.gguf`, and the tokens of the run.
const N_VOCAB: u64 = 512;
const N_EMBD: u64 = 256;
const N_CHOICES: u64 = 3;

fn genuine() -> Value {
    serde_json::from_slice(&benchmarked(&["--screen", "always"])).unwrap()
}

/// The multiply-accumulates that the ledger has for `op`.
fn macs<'r>(receipt: &'r mut Value, op: &str) -> &'r mut Value {
    let entries = receipt["kernel_ledger"].as_array_mut().unwrap();
    let entry = entries.iter_mut().find(|entry| entry["op"] == op);
    &mut entry.unwrap()["multiply_accumulates"]
}

/// The genuine receipt with other work of choices.
fn forged(screen: u64, output: u64, left: u64) -> Value {
    let mut receipt = genuine();
    *macs(&mut receipt, "output_screen") = json!(screen);
    *macs(&mut receipt, "output") = json!(output);
    *macs(&mut receipt, "greedy_choice") = json!(left);
    seal(&mut receipt);
    receipt
}

#[test]
fn a_screened_run_is_accepted() {
    let mut receipt = genuine();
    let all = N_CHOICES * N_VOCAB * N_EMBD;
    assert_eq!(*macs(&mut receipt, "output_screen"), all);
    let output = macs(&mut receipt, "output").as_u64().unwrap();
    assert!(output < all / 4, "{output}");
    assert_accepted(&replayed(&receipt));
}

#[test]
fn each_figure_alone_is_bound_by_the_others() {
    for op in ["output_screen", "output", "greedy_choice"] {
        for change in [-1, 1, N_EMBD as i64] {
            let mut receipt = genuine();
            let figure = macs(&mut receipt, op);
            *figure = json!(figure.as_i64().unwrap() + change);
            seal(&mut receipt);
            assert_rejected_by(&replayed(&receipt), &["ledger_work"]);
        }
    }
}

/// No more rows are refined than were screened, and whole ones.
#[test]
fn refined_rows_were_screened() {
    let all = N_CHOICES * N_VOCAB * N_EMBD;
    for (refined, is_accepted) in [
        (N_EMBD, true),
        (all, true),
        (all + N_EMBD, false),
        (N_EMBD - 1, false),
        (all - 1, false),
    ] {
        let mut receipt = genuine();
        let entries = receipt["kernel_ledger"].as_array_mut().unwrap();
        let at = entries
            .iter()
            .position(|e| e["op"] == "output_screen")
            .unwrap();
        let kernel = entries[at]["kernel"].as_str().unwrap();
        let kernel = kernel.replace("output_screen", "output_refine");
        let entry = json!({
            "kernel": kernel, "op": "output_refine", "calls": 1, "multiply_accumulates": refined
        });
        entries.insert(at + 1, entry);
        let kernels = receipt["kernels"].as_array_mut().unwrap();
        kernels.push(json!(kernel));
        kernels.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        seal(&mut receipt);
        match is_accepted {
            true => assert_accepted(&replayed(&receipt)),
            false => assert_rejected_by(&replayed(&receipt), &["ledger_work"]),
        }
    }
}

#[test]
fn the_limits_are_one_logit_and_all_of_them() {
    let screens = |n: u64| n * N_VOCAB * N_EMBD;
    let accounted =
        |n_screened, left| forged(screens(n_screened), N_EMBD * (left + n_screened), left);
    // Every choice among one; every screening in vain; two choices not screened.
    for (n_screened, left) in [(3, 3), (3, 3 * N_VOCAB), (1, 2 * N_VOCAB + 1)] {
        assert_accepted(&replayed(&accounted(n_screened, left)));
    }
    for (n_screened, left) in [
        (2, N_VOCAB + 1),
        (3, 3 * N_VOCAB + 1),
        (1, 2 * N_VOCAB),
        (4, 4),
        (4, 3 * N_VOCAB),
    ] {
        let verdict = replayed(&accounted(n_screened, left));
        assert_rejected_by(&verdict, &["ledger_work"]);
    }
}
