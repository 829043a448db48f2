//! Receipts and folders of receipts.

use host::receipt::{Figures, Receipt, seal};
use serde_json::Value;

use crate::process::{BITRECEIPT, Workspace};

/// A workspace with the receipt `old.json` of one measured run; it has `n` repetitions of 33 tokens.
pub fn with_receipt(n: usize) -> Workspace {
    let workspace = Workspace::empty(BITRECEIPT);
    let words = format!("--tokens 33 --repetitions {n} --threads 1 --output old.json");
    workspace.benchmark(&words).exits(0);
    workspace
}

/// Writes `name`, which is `old.json` after `edit`, sealed again.
pub fn edited(workspace: &Workspace, name: &str, edit: impl FnOnce(&mut Receipt)) {
    let mut receipt: Receipt = serde_json::from_slice(&workspace.read("old.json")).unwrap();
    edit(&mut receipt);
    figures_from_samples(&mut receipt);
    let mut value = serde_json::to_value(receipt).unwrap();
    seal(&mut value);
    workspace.write(name, value.to_string());
}

/// What a writer derives from the samples.
fn figures_from_samples(r: &mut Receipt) {
    let sums = r
        .samples
        .decode_ns
        .iter()
        .map(|steps| steps.iter().sum::<u64>());
    let pairs = r.samples.prefill_ns.iter().copied().zip(sums);
    let mut times: Vec<(u64, u64)> = pairs.collect();
    times.sort_by_key(|(prefill, decode)| prefill + decode);
    let (prefill, decode) = times[(times.len() - 1) / 2];
    let rate = |n: u64, ns: u64| host::receipt::per_second(n, ns);
    r.timing_ms = host::receipt::milliseconds(prefill + decode);
    r.tokens_per_sec = rate(r.tokens_generated, prefill + decode).unwrap();
    r.prefill_tokens_per_sec = rate(r.run.prompt_ids.len() as u64, prefill).unwrap();
    r.decode_tokens_per_sec = rate(r.run.tokens - 1, decode);
    r.figures = Figures::of(&r.samples);
    // The witness allows for any time that is shorter than the one it saw.
    for witness in r.samples.witness.iter_mut().flatten() {
        witness.wall_ns = witness.wall_ns.max(u64::MAX >> 12);
    }
}

/// Each step takes so many percent of what it took.
pub fn scale(r: &mut Receipt, percent: u64) {
    let decode = r.samples.decode_ns.iter_mut().flatten();
    for ns in decode.chain(&mut r.samples.prefill_ns) {
        *ns = *ns * percent / 100;
    }
}

fn verdict(report: &Value) -> &str {
    report["comparisons"][0]["verdict"].as_str().unwrap()
}

#[test]
fn a_receipt_beside_itself_is_equal() {
    let workspace = with_receipt(9);
    let ran = workspace.run("compare old.json old.json").exits(0);
    for part in [
        "tokens   equal in every bit of the transcript; neither side was replayed\n",
        "equal: multiply-accumulates, ledger; kernel calls, ledger",
        "| decode, tokens/s  |",
        "| 1.000 |",
        "verdict  Tokens equal, no difference that these samples can show\n",
    ] {
        let shown = ran.stdout.replace("            1.000 |", "| 1.000 |");
        assert!(shown.contains(part), "{part:?}: {}", ran.stdout);
    }
    let md = workspace.run("compare old.json old.json -o md").exits(0);
    let first = "### Tokens equal, no difference that these samples can show";
    assert_eq!(md.stdout.lines().next(), Some(first));
    assert_eq!(
        workspace
            .run("compare old.json old.json -q")
            .exits(0)
            .stdout,
        ""
    );
}

/// Half as much again is more than a machine's own drift; a tenth is not.
#[test]
fn what_is_beyond_the_drift_is_a_verdict() {
    let workspace = with_receipt(9);
    for (percent, expected, code) in [
        (400, "slower", 1),
        (25, "faster", 0),
        (105, "no_difference", 0),
    ] {
        edited(&workspace, "new.json", |r| scale(r, percent));
        let words = "compare old.json new.json --max-slowdown 5% --format json";
        let report = workspace.run(words).exits(code).json();
        assert_eq!(verdict(&report), expected, "{percent}: {report}");
        let is_too_slow = &report["comparisons"][0]["is_too_slow"];
        assert_eq!(*is_too_slow, code == 1);
    }
    edited(&workspace, "new.json", |r| scale(r, 400));
    workspace.run("compare old.json new.json").exits(0);
}

#[test]
fn other_tokens_fail_whatever_the_speed_is() {
    let workspace = with_receipt(9);
    edited(&workspace, "new.json", |r| {
        scale(r, 25);
        r.tokens[5] ^= 1;
    });
    let ran = workspace.run("compare old.json new.json").exits(1);
    assert!(
        ran.stdout.contains("tokens   DIFFERENT; "),
        "{}",
        ran.stdout
    );
    let md = workspace.run("compare old.json new.json -o md").exits(1);
    assert!(
        md.stdout.starts_with("### Tokens differ\n"),
        "{}",
        md.stdout
    );
    // The transcript covers more than the tokens.
    edited(&workspace, "new.json", |r| {
        r.parity.checksum = host::digest::Digest::of(b"other values");
    });
    workspace.run("compare old.json new.json").exits(1);
}

#[test]
fn other_models_tasks_settings_and_machines_are_refused_unless_told() {
    let workspace = with_receipt(9);
    type Edit = fn(&mut Receipt);
    let edits: [(&str, &str, Edit); 4] = [
        ("model", "models", |r| {
            r.model.sha256 = host::digest::Digest::of(b"another")
        }),
        ("task", "tasks", |r| r.run.kv_type = "f32".into()),
        ("settings", "settings", |r| r.run.kernel = "scalar".into()),
        ("machine", "machines", |r| {
            r.host.cpu_model = "another\u{1b}[31m".into()
        }),
    ];
    for (aspect, plural, edit) in edits {
        edited(&workspace, "new.json", edit);
        // Not every edit keeps all rules; those that break one are refused before.
        let ran = workspace.run("compare old.json new.json");
        if ran.code == Some(1) {
            ran.fails(
                1,
                &["new.json: this receipt breaks a rule; verify-receipt says which"],
            );
            continue;
        }
        let hint = format!("--across {aspect} compares them all the same");
        ran.fails(2, &[&format!("new.json: other {plural}: found "), &hint]);
        let words = format!("compare old.json new.json --across {aspect} -o json");
        let report = workspace.run(&words).exits(0).json();
        let tokens = match aspect {
            "model" | "task" => "not_compared",
            _ => "equal",
        };
        assert_eq!(report["comparisons"][0]["tokens"], tokens, "{report}");
    }
}

#[test]
fn folders_are_matched_by_what_was_run() {
    let workspace = with_receipt(9);
    for folder in ["a", "b"] {
        std::fs::create_dir(workspace.path(folder)).unwrap();
        edited(&workspace, &format!("{folder}/2.json"), |r| {
            r.run.warmup += 1
        });
        edited(&workspace, &format!("{folder}/other-machine.json"), |r| {
            r.host.cpu_model = "other".into();
        });
        // The same twice, what is no receipt, and what is no JSON file.
        workspace.write(format!("{folder}/1.json"), workspace.read("old.json"));
        workspace.write(format!("{folder}/3.json"), workspace.read("old.json"));
        workspace.write(format!("{folder}/bundle.dsse.json"), "{\"payload\": 1}");
        workspace.write(format!("{folder}/notes.txt"), "text");
    }
    edited(&workspace, "a/alone.json", |r| {
        r.host.cpu_model = "alone".into()
    });
    let ran = workspace.run("compare a b --format json").exits(0);
    let report = ran.json();
    let compared = report["comparisons"].as_array().unwrap();
    assert_eq!(compared.len(), 2, "{report}");
    let counts = compared
        .iter()
        .map(|one| one["sides"][0]["receipts"].as_u64());
    let mut counts: Vec<_> = counts.flatten().collect();
    counts.sort();
    assert_eq!(counts, [1, 2]);
    for part in [
        "note: a/3.json is the same receipt as another one; it counts once\n",
        "note: b/bundle.dsse.json is no receipt, and left out\n",
        "note: only in a, and not compared: ",
    ] {
        assert!(ran.stderr.contains(part), "{part:?}: {}", ran.stderr);
    }
}
