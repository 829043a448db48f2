//! What is no verdict on a part of a run.

use serde_json::{Value, json};

use crate::{GENUINE, WORKERS, merge, process::Workspace, set_outcome, with_edit, worker};

/// An edit that contradicts the rest of the verdict. One that does not cannot be seen: the merged verdict
/// is as good as the workers.
#[test]
fn an_edited_verdict_that_contradicts_itself_is_refused() {
    type Edit<'e> = &'e dyn Fn(&mut Value);
    let edits: [(Edit, &str); 7] = [
        (
            &|v| v["conclusion"] = json!("rejected"),
            "conclusion rejected",
        ),
        (
            &|v| set_outcome(v, "audit_units", "fail"),
            "the conclusion accepted with layers replayed, which does not follow from the rules",
        ),
        (
            &|v| set_outcome(v, "audit_units", "note"),
            "without the rule audit_units",
        ),
        (
            &|v| v["rules"] = json!([]),
            "without the rule audit_transcript",
        ),
        (&|v| v["replayed"] = json!("nothing"), "does not follow"),
        (
            &|v| v["audit"]["covered"]["layers"] = json!([6]),
            "an audit of parts that the run does not have",
        ),
        (
            &|v| v["audit"]["covered"]["n_positions"] = json!(13),
            "an audit of parts that the run does not have",
        ),
    ];
    for (edit, what) in edits {
        merge(&with_edit(edit)).fails(4, &["w3.json: ", what]);
    }
}

#[test]
fn what_is_no_part_is_refused() {
    let whole = worker(&GENUINE, "");
    merge(&[whole]).fails(4, &["w1.json: ", "not on a part", "--layers or --heads"]);
    merge(&[GENUINE.receipt_json()]).fails(4, &["w1.json: this is no verdict"]);
    merge(&[json!([WORKERS[0]])]).fails(4, &["w1.json: this is no verdict"]);
    let workspace = Workspace::new();
    workspace.run("verdict merge").refuses_words(&["<VERDICT>"]);
    workspace.run("verdict").exits(2);
    workspace
        .run("verdict merge absent.json")
        .fails(5, &["absent.json"]);
    workspace.write("half.json", &WORKERS[0].to_string().as_bytes()[..99]);
    workspace
        .run("verdict merge half.json")
        .fails(4, &["half.json: this is no verdict"]);
    workspace.write("empty.json", "");
    workspace
        .run("verdict merge empty.json")
        .fails(4, &["empty.json: this is no verdict"]);
}

/// What a stranger wrote stays on its line.
#[test]
fn evidence_stays_on_its_line() {
    let verdicts = with_edit(|verdict| {
        set_outcome(verdict, "audit_units", "fail");
        verdict["conclusion"] = json!("rejected");
        let rules = verdict["rules"].as_array_mut().unwrap();
        let rule = rules
            .iter_mut()
            .find(|r| r["rule"] == "audit_units")
            .unwrap();
        rule["evidence"] = json!("x\naccepted: merged\u{202e}");
    });
    let ran = merge(&verdicts).exits(1);
    assert!(!ran.stdout.contains("\naccepted"), "{}", ran.stdout);
}
