//! Each cell has a receipt, and each receipt has the proof that it says it has.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::process::{BITRECEIPT, Ran, TINY, Workspace};

/// A sweep of small cells of the tiny model, proved.
pub fn sweep(workspace: &Workspace, words: &str) -> Ran {
    let small = "-n 3 -r 1 --output-dir out";
    workspace.run(&format!("benchmark {small} {words}"))
}

pub fn receipt(workspace: &Workspace, name: &str) -> Value {
    serde_json::from_slice(&workspace.read(format!("out/{name}"))).unwrap()
}

#[test]
fn every_cell_has_a_receipt_that_a_stranger_accepts() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = sweep(&workspace, "-p 4,6 --kernel scalar,auto --packing auto,off").exits(0);
    let names = workspace.names("out");
    assert_eq!(names.len(), 8, "{names:?}");
    let mut proofs = BTreeSet::new();
    for name in &names {
        let verified = workspace.run(&format!("verify-receipt out/{name} --check-parity"));
        verified.exits(0);
        let receipt = receipt(&workspace, name);
        let (p, parity) = (
            receipt["run"]["prompt_ids"].as_array().unwrap().len(),
            &receipt["parity"],
        );
        assert!(name.contains(&format!("-p{p}-n3-t")), "{name}");
        let is_scalar = receipt["run"]["kernel"] == "scalar";
        assert_eq!(name.contains("-scalar"), is_scalar, "{name}");
        assert_eq!(parity["status"], "passed");
        proofs.insert(format!(
            "{p} {} {} {}",
            parity["fuel"], parity["wall_ns"], parity["checksum"]
        ));
    }
    // Eight cells, but two tasks: the cells of one have one replay and one transcript.
    assert_eq!(proofs.len(), 2, "{proofs:?}");
    assert!(
        ran.stderr.contains("8 cells in random order"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("2 replays of "), "{}", ran.stderr);
    assert_eq!(
        ran.stdout.matches("| tiny.gguf |").count(),
        16,
        "{}",
        ran.stdout
    );
    for label in ["pp4", "pp6", "tg3 @ d4", "tg3 @ d6"] {
        assert_eq!(
            ran.stdout.matches(&format!("| {label} ")).count(),
            4,
            "{}",
            ran.stdout
        );
    }
    assert!(ran.stdout.contains("proved by a replay"), "{}", ran.stdout);
}

#[test]
fn the_order_is_that_of_the_seed_and_progress_counts_cells() {
    let workspace = Workspace::empty(BITRECEIPT);
    let order = |words: &str| {
        let words = format!("-p 1-5 --progress plain --parity off {words}");
        let ran = sweep(&workspace, &words).exits(0);
        let lines = ran
            .stderr
            .lines()
            .filter(|line| line.contains("measure 1/1"));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        assert_eq!(lines.len(), 5, "{}", ran.stderr);
        for (i, line) in lines.iter().enumerate() {
            let part = format!("cell {} of 5, tiny-p", i + 1);
            assert!(line.starts_with(&part), "{line}");
            assert_eq!(line.contains(" left: "), i > 0, "{line}");
        }
        let name = |line: &String| {
            line.split(['-', ' '])
                .find(|w| w.starts_with('p'))
                .unwrap()
                .to_owned()
        };
        lines.iter().map(name).collect::<Vec<_>>()
    };
    let first = order("--order-seed 3");
    assert_eq!(first, order("--order-seed 3"));
    let mut others = (4..9).map(|seed| order(&format!("--order-seed {seed}")));
    assert!(others.any(|other| other != first));
}

#[test]
fn several_models_of_one_name_and_several_kv_types() {
    let workspace = Workspace::empty(BITRECEIPT);
    for folder in ["a", "b"] {
        std::fs::create_dir(workspace.path(folder)).unwrap();
        std::fs::copy(TINY, workspace.path(folder).join("m.gguf")).unwrap();
    }
    let words = "-m a/m.gguf -m b/m.gguf -p 4 --kv-type f16,f32 -t 1";
    sweep(&workspace, words).exits(0);
    let expected = [
        "m-1-p4-n3-t1-kv-f32.json",
        "m-1-p4-n3-t1.json",
        "m-2-p4-n3-t1-kv-f32.json",
        "m-2-p4-n3-t1.json",
    ];
    assert_eq!(workspace.names("out"), expected);
    let checksum = |name| receipt(&workspace, name)["parity"]["checksum"].clone();
    // Of two KV types are two tasks; of two copies of a model there is one transcript.
    assert_eq!(checksum(expected[1]), checksum(expected[3]));
    assert_ne!(checksum(expected[0]), checksum(expected[1]));
}

#[test]
fn a_sweep_is_signed_and_without_a_replay_says_so() {
    let workspace = Workspace::empty(BITRECEIPT);
    workspace.run("keygen my.key").exits(0);
    sweep(&workspace, "-p 4,5 -t 1 --sign my.key").exits(0);
    let expected = [
        "tiny-p4-n3-t1.json",
        "tiny-p4-n3-t1.json.dsse.json",
        "tiny-p5-n3-t1.json",
        "tiny-p5-n3-t1.json.dsse.json",
    ];
    assert_eq!(workspace.names("out"), expected);
    let words = format!(
        "verify-receipt out/{0} --bundle out/{0}.dsse.json --public-key my.key.pub",
        expected[2]
    );
    workspace.run(&words).exits(0);
    let ran = sweep(&workspace, "-p 4,5 -t 1 --parity off").exits(0);
    assert!(
        ran.stdout.contains("not replayed (--parity off)"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        receipt(&workspace, expected[0])["parity"]["status"],
        "not_checked"
    );
    let stale = workspace
        .names("out")
        .iter()
        .filter(|n| n.ends_with(".stale"))
        .count();
    assert_eq!(stale, 2, "bundles of other receipts");
}

/// One cell is what it always was, but for its place.
#[test]
fn one_cell_goes_to_a_folder_if_that_is_named() {
    let workspace = Workspace::empty(BITRECEIPT);
    sweep(&workspace, "-p 4 -t 1").exits(0);
    assert_eq!(workspace.names("out"), ["tiny-p4-n3-t1.json"]);
    workspace
        .run("benchmark -n 3 -p 4,5 -r 1 --parity off -q")
        .exits(0);
    assert_eq!(workspace.names("receipts").len(), 2);
}

/// Where the clock starts makes no other task: one replay for all.
#[test]
fn a_depth_is_swept_and_named() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = sweep(&workspace, "-p 3 -d 0,5 -t 1").exits(0);
    let names = ["tiny-p3-d5-n3-t1.json", "tiny-p3-n3-t1.json"];
    assert_eq!(workspace.names("out"), names);
    for label in ["pp3 ", "pp3 @ d5 ", "tg3 @ d3 ", "tg3 @ d8 "] {
        assert!(ran.stdout.contains(&format!("| {label}")), "{}", ran.stdout);
    }
    let ran = sweep(&workspace, "-p 3,8 -d 5,0 -t 1").exits(0);
    // A depth of 5 before 3 tokens is the prompt of 8.
    assert!(
        ran.stderr.contains("4 cells") && ran.stderr.contains("3 replays"),
        "{}",
        ran.stderr
    );
    workspace
        .run(&format!("verify-receipt out/{}", names[0]))
        .exits(0);
}
