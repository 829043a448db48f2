//! `judge.py` and this program judge alike, right answers and wrong ones.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::{
    conformance::{Answer, Answers, Report, SumsAnswer, Tier, Which},
    guest::workspace_root,
    kv_name::KvName,
};

use crate::{CORPUS, RIGHT, answer, answers, folder, made, noisy, second_best, support::has_numpy};

/// Runs a script of `ci/conformance`, unless there is no Python.
fn script(name: &str, words: &[&Path]) -> Option<Output> {
    let script = workspace_root().join("ci/conformance").join(name);
    let run = Command::new("python3")
        .arg("-B")
        .arg(script)
        .args(words)
        .output();
    match run {
        Ok(output) => Some(output),
        Err(e) => {
            println!("SKIPPED: python3: {e}");
            None
        }
    }
}

fn judge_py(words: &[&Path]) -> Option<Output> {
    script("judge.py", words)
}

/// A folder with what is committed.
fn committed() -> TempDir {
    folder(Which::Committed, |_| true)
}

/// Answers that go wrong in every way that the rules tell apart.
fn wrong_answers() -> Vec<Answers> {
    let right = answer(&made("b158-i2_s").file, Some(&made("b158-i2_s").case));
    let edited = |edit: fn(&mut Answer)| {
        let mut answer = right.clone();
        edit(&mut answer);
        answers([("b158-i2_s", answer)])
    };
    fn runs(answer: &mut Answer) -> &mut Vec<xtask::conformance::RunAnswer> {
        answer.runs.as_mut().unwrap()
    }
    fn top(answer: &mut Answer) -> &mut Vec<(u32, f32)> {
        &mut runs(answer)[1].top_logits.as_mut().unwrap()[2]
    }
    let mut all = vec![
        edited(|a| runs(a)[0].tokens[3] = 5),
        edited(|a| runs(a)[2].tokens.truncate(4)),
        edited(|a| runs(a).truncate(3)),
        edited(|a| top(a)[1].1 += 1.0),
        edited(|a| top(a)[0].0 = 270),
        edited(|a| top(a)[7].0 = 280),
        edited(|a| top(a).iter_mut().for_each(|(_, logit)| *logit -= 100.0)),
        edited(|a| top(a).clear()),
        edited(|a| *a = noisy(a, 1)),
        edited(|a| *a = noisy(a, 2)),
        edited(|a| *a = noisy(a, 4)),
        edited(|a| runs(a)[3].checksum = Some("00".into())),
        edited(|a| runs(a)[3].residuals = Some(Vec::new())),
        edited(|a| a.sums.as_mut().unwrap()[0].sums[9] += 1),
        edited(|a| a.sums.as_mut().unwrap()[0].sums.truncate(7)),
        edited(|a| {
            let (name, sums) = ("none".into(), vec![1]);
            a.sums = Some(vec![SumsAnswer { name, sums }]);
        }),
        edited(|a| a.rows = Some(made("b158-i2_s").case.rows.clone())),
        edited(|a| {
            a.rows = Some(made("b158-i2_s").case.rows.clone());
            a.rows.as_mut().unwrap()[1].values[5] += 0.5;
        }),
        edited(|a| {
            a.rows = Some(made("b158-i2_s").case.rows.clone());
            a.rows.as_mut().unwrap()[2].row = 7;
        }),
        // Nothing, of what the case does not have.
        edited(|a| {
            a.rows = Some(made("b158-i2_s").case.rows.clone());
            let row = &mut a.rows.as_mut().unwrap()[2];
            (row.row, row.values) = (7, Vec::new());
        }),
        edited(|a| {
            let (name, sums) = ("none".into(), Vec::new());
            a.sums = Some(vec![SumsAnswer { name, sums }]);
        }),
        second_best(KvName::F16, 1),
        second_best(KvName::F16, usize::MAX),
        second_best(KvName::F32, 1),
        second_best(KvName::F32, usize::MAX),
        edited(|a| (a.runs, a.sums) = (None, None)),
    ];
    for message in [
        "no",
        "unknown type 36\\nbye",
        "I2_S, of course",
        "not supported: i2_s",
    ] {
        all.push(answers([("b158-i2_s", Answer::refusal(message))]));
    }
    all.push(answers([("b158-i2_s", Answer::failure("signal 11"))]));
    let cut = |base: Answer, answer| answers([("b158-i2_s", base), ("i2_s-cut-half", answer)]);
    all.push(cut(right.clone(), Answer::refusal("it ends")));
    all.push(cut(
        Answer::refusal("type 36 is unknown"),
        Answer::refusal("it ends"),
    ));
    all.push(cut(right.clone(), right.clone()));
    all.push(cut(right, Answer::failure("signal 6")));
    all.push(cut(
        Answer::refusal("type 36 is unknown"),
        Answer::failure("signal 6"),
    ));
    all
}

/// The same answers, but of every broken file nothing, and of each model nothing but its runs.
fn with_nulls(answers: &Answers) -> String {
    let mut value = serde_json::to_value(answers).unwrap();
    for made in &CORPUS.refused {
        let nothing = json!({"refused": null, "failed": null, "runs": null});
        value["answers"][&made.refused.name] = nothing;
    }
    for made in &CORPUS.cases {
        let answer = &mut value["answers"][&made.case.name];
        (answer["rows"], answer["sums"]) = (Value::Null, Value::Null);
    }
    value.to_string()
}

#[test]
fn both_judge_alike() {
    let folder = committed();
    let mut all = vec![RIGHT.clone(), Answers::of("silent", None, KvName::F16)];
    all.extend(wrong_answers());
    let path = folder.path().join("answers.json");
    let mut codes = Vec::new();
    let mut texts: Vec<String> = all
        .iter()
        .map(|answers| serde_json::to_string(answers).unwrap())
        .collect();
    // `null` is nothing, wherever it is allowed.
    texts.push(with_nulls(&all[0]));
    for text in &texts {
        let answers: &Answers = &serde_json::from_str(text).unwrap();
        fs::write(&path, text).unwrap();
        let Some(output) = judge_py(&[folder.path(), &path, Path::new("--json")]) else {
            return;
        };
        let found: BTreeMap<String, BTreeMap<String, Value>> =
            serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
        let report = Report::of(&CORPUS, answers);
        for row in &report.rows {
            for tier in Tier::ALL {
                let ours = serde_json::to_value(row.finding(tier).outcome).unwrap();
                let theirs = &found[&row.case][tier.as_str()];
                let detail = &row.finding(tier).detail;
                assert_eq!(*theirs, ours, "{}, {}: {detail}", row.case, tier.as_str());
            }
        }
        assert_eq!(found.len(), report.rows.len());
        let code = match (report.passed, report.judged_anything()) {
            (false, _) => 1,
            (true, true) => 0,
            (true, false) => 3,
        };
        assert_eq!(output.status.code(), Some(code));
        codes.push(code);
    }
    let count = |code| codes.iter().filter(|c| **c == code).count();
    assert!(
        count(0) >= 5 && count(1) >= 15 && count(3) >= 2,
        "{codes:?}"
    );
}

#[test]
fn python_makes_the_files_to_be_refused() {
    let folder = committed();
    let out = folder.path().join("refused");
    let Some(output) = judge_py(&[folder.path(), Path::new("--refused"), &out]) else {
        return;
    };
    assert!(output.status.success());
    for made in &CORPUS.refused {
        let name = &made.refused.name;
        let file = fs::read(out.join(format!("{name}.gguf"))).unwrap();
        assert!(file == made.file, "{name}");
    }
    assert_eq!(fs::read_dir(out).unwrap().count(), CORPUS.refused.len());
}

/// The second reading of the specification passes every tier, as README.md and RESULTS.md say.
#[test]
fn the_second_reading_passes_every_tier() {
    if !has_numpy() {
        return;
    }
    let folder = committed();
    let (refused, path) = (folder.path().join("refused"), folder.path().join("answers"));
    judge_py(&[folder.path(), Path::new("--refused"), &refused]).unwrap();
    for kv_type in ["f32", "f16"] {
        let written = script("spec_answers.py", &[folder.path(), Path::new(kv_type)]).unwrap();
        let stderr = String::from_utf8_lossy(&written.stderr);
        assert!(written.status.success(), "{stderr}");
        fs::write(&path, written.stdout).unwrap();
        let judged = judge_py(&[folder.path(), &path, Path::new("--json")]).unwrap();
        assert_eq!(judged.status.code(), Some(0));
        let found: BTreeMap<String, BTreeMap<String, Value>> =
            serde_json::from_slice(&judged.stdout).unwrap();
        for made in CORPUS.cases.iter().filter(|made| made.is_committed) {
            let tiers = &found[&made.case.name];
            let name = &made.case.name;
            assert!(tiers.values().all(|of| of == "passed"), "{name}: {tiers:?}");
        }
        for made in &CORPUS.refused {
            assert_eq!(found[&made.refused.name]["reads"], "passed");
        }
    }
}
