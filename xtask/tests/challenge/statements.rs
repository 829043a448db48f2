//! Statements that were edited, that somebody else signed, or that are about something else.

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use host::{
    attest::{Envelope, SigningKey},
    digest::Digest,
};
use serde_json::{Value, json};
use xtask::selftest::forge::as_external;

use crate::{
    process::{Ran, Workspace},
    server::{Challenger, workspace},
};

const STATEMENT: &str = "ci/inference.json.challenged.dsse.json";

/// The files of a challenged run, made once.
static GENUINE: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--sessions 1 --no-replay");
    let words = format!("benchmark -n 4 --challenge-from {}", challenger.url);
    workspace.run(&words).exits(0);
    challenger.ends().exits(0);
    let names = [
        "challenger.key",
        "challenger.key.pub",
        "ci/inference.json",
        STATEMENT,
    ];
    names.map(|name| (name, workspace.read(name))).to_vec()
});

fn genuine() -> Workspace {
    let workspace = Workspace::new();
    for (name, content) in &*GENUINE {
        workspace.write(name, content);
    }
    workspace
}

fn verify(workspace: &Workspace) -> Ran {
    workspace.run(&format!(
        "verify-receipt --challenged {STATEMENT} --challenger-key challenger.key.pub"
    ))
}

#[track_caller]
fn breaks(ran: Ran, rule: &str, part: &str) {
    let ran = ran.exits(1);
    let broken: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|l| l.starts_with("  FAIL "))
        .collect();
    assert_eq!(broken.len(), 1, "{}", ran.stdout);
    assert!(
        broken[0].starts_with(&format!("  FAIL {rule}: ")),
        "{broken:?}"
    );
    assert!(broken[0].contains(part), "{broken:?}");
    assert!(!ran.stdout.contains("\nchallenged: "), "{}", ran.stdout);
}

/// The statement with an edit, signed again by the challenger.
fn signed_again(edit: impl FnOnce(&mut Value)) -> String {
    let content = |name| &GENUINE.iter().find(|(n, _)| *n == name).unwrap().1;
    let envelope: Value = serde_json::from_slice(content(STATEMENT)).unwrap();
    let payload = Base64::decode_vec(envelope["payload"].as_str().unwrap()).unwrap();
    let mut statement: Value = serde_json::from_slice(&payload).unwrap();
    edit(&mut statement);
    let pem = std::str::from_utf8(content("challenger.key")).unwrap();
    let key = SigningKey::parse(pem).unwrap();
    Envelope::sign(statement.to_string().into_bytes(), &key).to_json()
}

#[test]
fn a_genuine_one_holds() {
    let workspace = genuine();
    verify(&workspace).exits(0);
    workspace.write(STATEMENT, signed_again(|_| {}));
    verify(&workspace).exits(0);
}

#[test]
fn an_edited_statement_is_not_the_challengers() {
    let workspace = genuine();
    let mut envelope: Value = serde_json::from_slice(&workspace.read(STATEMENT)).unwrap();
    let payload = Base64::decode_vec(envelope["payload"].as_str().unwrap()).unwrap();
    let mut statement: Value = serde_json::from_slice(&payload).unwrap();
    statement["predicate"]["rounds"][0]["answered_after_ns"] = json!(1000);
    let payload = Base64::encode_string(statement.to_string().as_bytes());
    envelope["payload"] = json!(payload);
    workspace.write(STATEMENT, envelope.to_string());
    breaks(
        verify(&workspace),
        "challenged_signature",
        "is not a signature of this payload",
    );
}

#[test]
fn a_statement_of_somebody_else_is_not_the_challengers() {
    let workspace = genuine();
    workspace.run("keygen --output other.key").exits(0);
    let words = format!("verify-receipt --challenged {STATEMENT} --challenger-key other.key.pub");
    breaks(
        workspace.run(&words),
        "challenged_signature",
        "by the public key",
    );
}

#[test]
fn half_a_statement_is_none() {
    let workspace = genuine();
    let bytes = workspace.read(STATEMENT);
    workspace.write(STATEMENT, &bytes[..bytes.len() / 2]);
    breaks(
        verify(&workspace),
        "challenged_envelope",
        "not a DSSE envelope",
    );
}

/// What a challenger may get wrong, or lie about, contradicts the receipt.
#[test]
fn a_statement_about_something_else_is_caught() {
    let workspace = genuine();
    type Edit = (fn(&mut Value), &'static str, &'static str);
    let edits: [Edit; 6] = [
        (
            |s| s["predicateType"] = json!("https://bitreceipt.dev/receipt/v1"),
            "challenged_statement",
            "predicateType: found",
        ),
        (
            |s| {
                for subject in s["subject"].as_array_mut().unwrap() {
                    subject["digest"]["sha256"] = json!("ab".repeat(32));
                }
            },
            "challenged_receipt",
            "no round with this receipt",
        ),
        (
            |s| s["predicate"]["terms"]["tokens"] = json!(400),
            "challenged_terms",
            "run.tokens: found 4, the session is about 400",
        ),
        (
            |s| {
                for round in s["predicate"]["rounds"].as_array_mut().unwrap() {
                    round["commitment"]["tokens_sha256"] = json!("ab".repeat(32));
                }
            },
            "challenged_round",
            "digest of the tokens: found",
        ),
        (
            |s| {
                s["predicate"]["rounds"][0]["nonce"] = json!("01".repeat(32));
                s["predicate"]["rounds"][1]["nonce"] = json!("02".repeat(32));
            },
            "challenged_round",
            "run.challenge: found",
        ),
        (
            |s| {
                for round in s["predicate"]["rounds"].as_array_mut().unwrap() {
                    round["answered_after_ns"] = json!(1000);
                }
            },
            "challenged_times",
            "the writer's clock is wrong",
        ),
    ];
    for (edit, rule, part) in edits {
        workspace.write(STATEMENT, signed_again(edit));
        breaks(verify(&workspace), rule, part);
    }
}

/// A rejected receipt of another engine has no speed, and a statement gives it none.
#[test]
fn no_rule_about_a_statement_quotes_the_speed_of_a_rejected_engine() {
    let workspace = genuine();
    let ours = workspace.read("ci/inference.json");
    let mut receipt = serde_json::from_slice(&ours).unwrap();
    as_external(&mut receipt);
    let receipt = receipt.to_string();
    let [of_ours, of_other] =
        [&ours[..], receipt.as_bytes()].map(|bytes| json!(Digest::of(bytes).to_string()));
    workspace.write("ci/inference.json", receipt);
    let about_it = |edit: fn(&mut Value)| {
        signed_again(|s| {
            for subject in s["subject"].as_array_mut().unwrap() {
                if subject["digest"]["sha256"] == of_ours {
                    subject["digest"]["sha256"] = of_other.clone();
                }
            }
            edit(s);
        })
    };
    const HIDDEN: &str = "found a time or a rate that is not shown: the receipt is rejected";

    let too_short = about_it(|s| {
        for round in s["predicate"]["rounds"].as_array_mut().unwrap() {
            round["answered_after_ns"] = json!(1000);
        }
    });
    workspace.write(STATEMENT, too_short);
    breaks(verify(&workspace), "challenged_times", HIDDEN);

    workspace.write(STATEMENT, about_it(|_| {}));
    verify(&workspace).exits(0);
    let policy = "accept.engines = ['*']\nrequire.min_challenged_tokens_per_sec = 1e9";
    workspace.write("policy.toml", policy);
    let words = format!(
        "verify-receipt --challenged {STATEMENT} --challenger-key challenger.key.pub --policy policy.toml"
    );
    breaks(workspace.run(&words), "policy_challenged", HIDDEN);
}

/// A newer run under an old statement: the names fit, the bytes do not.
#[test]
fn another_receipt_is_of_no_round() {
    let workspace = genuine();
    workspace
        .run("benchmark -n 4 -r 1 --parity off --output other.json --quiet")
        .exits(0);
    let words = format!(
        "verify-receipt other.json --challenged {STATEMENT} --challenger-key challenger.key.pub"
    );
    breaks(
        workspace.run(&words),
        "challenged_receipt",
        "whose file has sha256 ",
    );
}

/// A new run leaves no statement about an old one beside it.
#[test]
fn an_old_statement_goes_stale() {
    let workspace = genuine();
    let ran = workspace.run("benchmark -n 4 -r 1 --parity off").exits(0);
    let said = format!("statement: the old one is now {STATEMENT}.stale\n");
    assert!(ran.stdout.contains(&said), "{}", ran.stdout);
    let names = [
        "inference.json",
        "inference.json.challenged.dsse.json.stale",
    ];
    assert_eq!(workspace.names("ci"), names);
    workspace.write(STATEMENT, "mine");
    workspace.run("benchmark -n 4 -r 1 --parity off").exits(0);
    assert_eq!(workspace.read(STATEMENT), b"mine");
}

#[test]
fn files_that_stand_for_others_are_named() {
    let workspace = genuine();
    for (words, parts) in [
        (
            "--challenged ci/inference.json --challenger-key challenger.key.pub",
            &["this is a receipt", "challenged.dsse.json"][..],
        ),
        (
            "--challenged challenger.key.pub --challenger-key challenger.key",
            &["challenger.key", "a private key"],
        ),
    ] {
        workspace
            .run(&format!("verify-receipt {words}"))
            .fails(4, parts);
    }
    let words = "verify-receipt --challenged nowhere --challenger-key challenger.key.pub";
    workspace.run(words).fails(5, &["nowhere"]);
    workspace
        .run("verify-receipt --challenged x")
        .refuses_words(&["--challenger-key"]);
}

/// The limit is one on a run that was calculated again here, and else a claim.
#[test]
fn the_explanation_has_the_limit_of_a_confirmed_run() {
    let workspace = genuine();
    let explained = |more: &str, code: i32| {
        let words = format!(
            "verify-receipt --challenged {STATEMENT} --challenger-key challenger.key.pub --explain \
             --format json {more}"
        );
        workspace.run(&words).exits(code).json()["explanation"].take()
    };
    let texts = |list: &Value| -> Vec<String> { serde_json::from_value(list.clone()).unwrap() };
    let confirmed = explained("", 0);
    let limit = &texts(&confirmed["bounded"])[0];
    for part in [
        "needed at most",
        "clock of the challenger",
        "at least",
        " of 2, of a session",
    ] {
        assert!(limit.contains(part), "{part:?}: {limit}");
    }
    assert!(confirmed["paragraph"].as_str().unwrap().contains(&**limit));
    let claimed = texts(&confirmed["claimed"]).join(" ");
    assert!(!claimed.contains("challenge"), "{claimed}");

    let unconfirmed = explained("--no-replay", 3);
    let bounded = texts(&unconfirmed["bounded"]).join(" ");
    assert!(!bounded.contains("clock of the challenger"), "{bounded}");
    let claimed = texts(&unconfirmed["claimed"]).join(" ");
    assert!(
        claimed.contains("nothing before the run is calculated"),
        "{claimed}"
    );
}
