//! Every layer and every choice, or the merged verdict says what is missing.

use serde_json::{Value, json};

use crate::{GENUINE, WORKERS, merge, merge_with, process::Workspace, worker};

#[test]
fn all_parts_together_are_accepted_as_merged() {
    let ran = merge(&*WORKERS).exits(0);
    let first = "accepted: merged from the verdicts of 3 workers, and as good as they are";
    assert_eq!(ran.stdout.lines().next(), Some(first));
    for part in [
        "  part      w1.json: layers 0 to 2\n",
        "  part      w2.json: layers 2 to 5\n",
        "  part      w3.json: output at positions 0 to 13\n",
    ] {
        assert!(ran.stdout.contains(part), "{part:?}: {}", ran.stdout);
    }
    // In any order, and what was found twice is found once.
    let mut turned = WORKERS.to_vec();
    turned.reverse();
    turned.push(WORKERS[0].clone());
    merge(&turned).exits(0);
}

#[test]
fn a_merged_verdict_says_that_it_is_one() {
    let merged = merge_with(&*WORKERS, "--format json").exits(0).json();
    let receipt = GENUINE.receipt_json();
    for (field, expected) in [
        ("conclusion", json!("accepted")),
        ("replayed", json!("merged")),
        ("merged_from", json!(3)),
        ("guest_sha256", receipt["parity"]["guest_sha256"].clone()),
    ] {
        assert_eq!(merged[field], expected, "{field}");
    }
    assert_eq!(
        merged["receipt"],
        without_details(&WORKERS[0]["receipt"], &merged["receipt"])
    );
    assert_eq!(
        merged["receipt"]["receipt_sha256"],
        receipt["receipt_sha256"]
    );
    assert_eq!(
        merged["audit"]["covered"]["layers"],
        json!([0, 1, 2, 3, 4, 5])
    );
    // It is no attestation that this program has verified anything.
    for of_a_verifier in ["verifier", "properties", "timeCreated"] {
        assert_eq!(merged.get(of_a_verifier), None);
    }
}

/// What was merged may be merged again.
#[test]
fn merged_verdicts_are_parts_as_well() {
    let [a, b, heads] = WORKERS.clone();
    let whole = merge_with(&*WORKERS, "--format json").exits(0).json();
    let again = merge_with(&[whole, a.clone()], "--format json")
        .exits(0)
        .json();
    assert_eq!(again["merged_from"], 4);
    let rules = again["rules"].as_array().unwrap().iter();
    let of_merge = rules.filter(|rule| rule["rule"].as_str().unwrap().starts_with("merge_"));
    assert_eq!(of_merge.count(), 2);
    // A merge that misses something is none.
    let half = merge_with(&[a, b], "--format json").exits(3).json();
    merge(&[half, heads]).exits(3);
}

/// The fields of `all` that `some` has.
fn without_details(all: &Value, some: &Value) -> Value {
    match (all, some) {
        (Value::Object(all), Value::Object(some)) => {
            let kept = some
                .iter()
                .map(|(key, s)| (key.clone(), without_details(&all[key], s)));
            Value::Object(kept.collect())
        }
        _ => all.clone(),
    }
}

/// One worker may have done everything, a unit at a time or all at once.
#[test]
fn parts_are_those_of_a_full_replay() {
    let both = worker(&GENUINE, "--layers 0..6 --heads");
    let everything = worker(&GENUINE, "--sample 100%");
    assert_eq!(both["audit"]["covered"], everything["audit"]["covered"]);
    assert_eq!(both["audit"]["units"].as_array().unwrap().len(), 8);
    let ran = merge(&[both]).exits(0);
    assert!(ran.stdout.contains("of 1 worker, "), "{}", ran.stdout);
    let one_by_one: Vec<Value> = (0..3)
        .map(|pair| {
            worker(
                &GENUINE,
                &format!("--layers {}..{}", 2 * pair, 2 * pair + 2),
            )
        })
        .chain([worker(&GENUINE, "--heads")])
        .collect();
    merge(&one_by_one).exits(0);
    for left_out in 0..4 {
        let mut others = one_by_one.clone();
        others.remove(left_out);
        let missing = match left_out {
            3 => "the output at positions 0 to 13 (--heads)".to_owned(),
            pair => format!("layers {} to {} of 6 (--layers)", 2 * pair, 2 * pair + 1),
        };
        let ran = merge(&others).exits(3);
        let line = format!("  open merge_complete: missing: {missing}\n");
        assert!(ran.stdout.contains(&line), "{line}: {}", ran.stdout);
        assert!(ran.stdout.starts_with("unverifiable: "), "{}", ran.stdout);
    }
}

/// A layer or a position less in what a worker covered, and the run is not proved.
#[test]
fn nothing_may_be_missing() {
    let [a, b, heads] = WORKERS.clone();
    let positions = heads["audit"]["covered"]["positions"].as_array().unwrap();
    assert!(positions.len() > 1, "{positions:?}");
    for i in 0..positions.len() {
        for (edge, by) in [("start", 1), ("end", -1)] {
            let mut less = heads.clone();
            let bound = &mut less["audit"]["covered"]["positions"][i][edge];
            *bound = json!(bound.as_i64().unwrap() + by);
            let ran = merge(&[a.clone(), b.clone(), less]).exits(3);
            assert!(
                ran.stdout.contains("missing: the output at positions "),
                "{}",
                ran.stdout
            );
        }
    }
    let ran = merge(&[a, heads]).exits(3);
    assert!(
        ran.stdout.contains("missing: layers 3 to 5 of 6"),
        "{}",
        ran.stdout
    );
    let ran = merge(&[b]).exits(3);
    let both = "missing: layers 0 to 1 of 6 (--layers); the output at positions 0 to 13 (--heads)";
    assert!(ran.stdout.contains(both), "{}", ran.stdout);
}

/// A worker without the model has found nothing, and that is no part.
#[test]
fn a_worker_without_the_model_covers_nothing() {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", GENUINE.read("ci/inference.json"));
    workspace.write("other.gguf", "GGUF");
    let ran = workspace
        .run("verify-receipt --format json --heads --max-positions 3")
        .exits(3);
    let [a, b, heads] = WORKERS.clone();
    let ran = merge(&[a.clone(), b.clone(), ran.json()]).exits(3);
    assert!(
        ran.stdout.contains("missing: the output "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("w3.json: nothing (unverifiable)"),
        "{}",
        ran.stdout
    );
    merge(&[a, b, heads]).exits(0);
}
