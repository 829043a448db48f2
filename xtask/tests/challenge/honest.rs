//! Provers that do what they say.

use serde_json::Value;

use crate::server::{Challenger, workspace};

const STATEMENT: &str = "ci/inference.json.challenged.dsse.json";
const VERIFY: &str = "verify-receipt --challenged ci/inference.json.challenged.dsse.json \
                      --challenger-key challenger.key.pub";

#[test]
fn a_prover_gets_a_bound_that_a_stranger_can_check() {
    let workspace = workspace();
    let mut challenger = Challenger::start(&workspace, "--sessions 1");
    let words = format!("benchmark -n 20 --challenge-from {}", challenger.url);
    let ran = workspace.run(&words).exits(0);
    let line = ran.stdout.lines().find(|l| l.starts_with("challenged: "));
    assert!(
        line.unwrap().contains("; the tightest of 2 rounds"),
        "{}",
        ran.stdout
    );
    let bundle = format!("statement: {STATEMENT}\n");
    assert!(ran.stdout.contains(&bundle), "{}", ran.stdout);

    assert!(
        challenger
            .line()
            .contains("session 1: begun, 20 tokens after a prompt of 16, model ")
    );
    for round in 1..=2 {
        let line = challenger.line();
        assert!(
            line.starts_with(&format!("session 1: round {round} answered after ")),
            "{line}"
        );
    }
    let line = challenger.line();
    assert!(
        line.starts_with("session 1: signed, replayed: at least "),
        "{line}"
    );
    assert!(
        line.contains("the tightest of 2 rounds (round trip "),
        "{line}"
    );
    challenger.ends().exits(0);

    let ran = workspace.run(VERIFY).exits(0);
    let line = ran
        .stdout
        .lines()
        .find(|l| l.starts_with("challenged: at least "));
    assert!(
        line.unwrap().ends_with("; the tightest of 2 rounds"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("whoever answered, on whatever machines\n"),
        "{}",
        ran.stdout
    );
    let verdict = workspace
        .run(&format!("{VERIFY} --format json"))
        .exits(0)
        .json();
    let bound = &verdict["challenged"];
    assert_eq!(
        (&bound["rounds"], &bound["tokens"]),
        (&2.into(), &20.into())
    );
    assert_eq!(bound["within_ns"], bound["tightest_ns"]);
    assert_eq!(bound["replayed_by_challenger"], true);
    // The bound holds the run's own times, and the run holds them in less.
    let own = workspace.receipt_json()["timing_ms"].as_f64().unwrap();
    assert!(bound["within_ns"].as_f64().unwrap() / 1e6 >= own);
    let rules = verdict["rules"].as_array().unwrap().iter();
    let names: Vec<&str> = rules.map(|r| r["rule"].as_str().unwrap()).collect();
    for rule in [
        "challenged_envelope",
        "challenged_signature",
        "challenged_statement",
        "challenged_receipt",
        "challenged_terms",
        "challenged_round",
        "challenged_times",
        "policy_challenged",
    ] {
        assert!(names.contains(&rule), "no {rule} in {names:?}");
    }
}

#[test]
fn every_round_has_a_receipt_of_its_own() {
    let workspace = workspace();
    workspace.run("keygen --output my.key").exits(0);
    let challenger = Challenger::start(&workspace, "--rounds 3 --sessions 1");
    let words = format!(
        "benchmark -n 4 --sign my.key --output-dir rounds --challenge-from {}",
        challenger.url
    );
    workspace.run(&words).exits(0);
    challenger.ends().exits(0);
    let names = workspace.names("rounds");
    let expected = [
        "challenged.dsse.json",
        "round-1.json",
        "round-1.json.dsse.json",
        "round-2.json",
        "round-2.json.dsse.json",
        "round-3.json",
        "round-3.json.dsse.json",
    ];
    assert_eq!(names, expected);
    let mut nonces = Vec::new();
    for round in 1..=3 {
        let receipt = format!("rounds/round-{round}.json");
        let words = format!(
            "verify-receipt {receipt} --bundle {receipt}.dsse.json --public-key my.key.pub --challenged \
             rounds/challenged.dsse.json --challenger-key challenger.key.pub --format json"
        );
        let verdict = workspace.run(&words).exits(0).json();
        assert_eq!(verdict["challenged"]["round"], round);
        let json: Value = serde_json::from_slice(&workspace.read(&receipt)).unwrap();
        assert_eq!(json["run"]["repetitions"], 1);
        nonces.push(json["run"]["challenge"].to_string());
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
}

/// Rounds count as repetitions, and a policy can demand a bound.
#[test]
fn a_policy_judges_the_bound() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--sessions 1 --no-replay");
    let words = format!(
        "benchmark -n 4 --parity off --challenge-from {}",
        challenger.url
    );
    workspace.run(&words).exits(0);
    challenger.ends().exits(0);
    let under = |policy: &str, words: &str| {
        workspace.write("p.toml", policy);
        workspace.run(&format!("{words} --policy p.toml"))
    };
    under("require.min_repetitions = 2", VERIFY).exits(0);
    under("require.min_repetitions = 2", "verify-receipt").exits(1);
    under("require.min_repetitions = 3", VERIFY).exits(1);
    under("require.min_challenged_tokens_per_sec = 0.001", VERIFY).exits(0);
    let ran = under("require.min_challenged_tokens_per_sec = 1e9", VERIFY).exits(1);
    assert!(
        ran.stdout.contains("  FAIL policy_challenged: found "),
        "{}",
        ran.stdout
    );
    let ran = under(
        "require.min_challenged_tokens_per_sec = 0.001",
        "verify-receipt",
    )
    .exits(3);
    assert!(
        ran.stdout.contains("  open policy_challenged: "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("add --challenged and --challenger-key"),
        "{}",
        ran.stdout
    );
    let verdict = workspace
        .run(&format!("{VERIFY} --format json"))
        .exits(0)
        .json();
    assert_eq!(verdict["challenged"]["replayed_by_challenger"], false);
}

/// A depth is not timed by the writer. The challenger's clock times everything.
#[test]
fn a_depth_is_inside_of_the_bound() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--sessions 1 --no-replay");
    let words = format!(
        "benchmark -n 4 -d 64 --parity off --challenge-from {}",
        challenger.url
    );
    workspace.run(&words).exits(0);
    let verdict = workspace
        .run(&format!("{VERIFY} --format json"))
        .exits(0)
        .json();
    assert_eq!(verdict["challenged"]["prompt_tokens"], 80);
    let samples = &workspace.receipt_json()["samples"];
    let depth_ns = samples["depth_ns"][0].as_u64().unwrap();
    let own = depth_ns + samples["prefill_ns"][0].as_u64().unwrap();
    assert!(verdict["challenged"]["within_ns"].as_u64().unwrap() > own);
}

#[test]
fn events_are_objects_for_programs() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--rounds 1 --sessions 1 --format json");
    let words = format!(
        "benchmark -n 4 --parity off --challenge-from {}",
        challenger.url
    );
    workspace.run(&words).exits(0);
    let output = challenger.ends().exits(0).stdout;
    let events: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&Value> = events.iter().map(|e| &e["event"]).collect();
    assert_eq!(names, ["begun", "answered", "signed"]);
    assert_eq!(events[2]["rounds"].as_array().unwrap().len(), 1);
}

#[test]
fn an_interrupted_challenger_says_so() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "");
    challenger.interrupt();
    challenger.ends().exits(130);
}
