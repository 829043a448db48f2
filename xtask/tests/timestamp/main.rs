//! A time stamp bounds a run from above, and a public random value as its challenge from below: the
//! commands of `ci/RECEIPT.md`, with an authority made for the test.

#[path = "../cli/process.rs"]
mod process;

mod authority;

use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use authority::Authority;
use host::verify::Explanation;
use process::Workspace;

const BUNDLE: &str = "inference.json.dsse.json";
const RUN: &str = "benchmark --deterministic --tokens 3 --repetitions 2 --quiet";

/// The commands of the document, with its names of files.
fn documented(start: &str) -> String {
    let text = include_str!("../../../ci/RECEIPT.md").replace("\\\n", " ");
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(start));
    let line = lines.next().unwrap_or_else(|| panic!("no command {start}"));
    assert_eq!(lines.next(), None, "two commands {start}");
    line.trim_start_matches("openssl ").to_owned()
}

/// A folder with a signed run that answers `challenge`.
fn signed_run(challenge: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.run("keygen --output my.key").exits(0);
    let words = format!("{RUN} --sign my.key --challenge {challenge} --output inference.json");
    workspace.run(&words).exits(0);
    workspace
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The time in a token that was verified.
fn time_of(authority: &Authority) -> u64 {
    let text = authority.succeeds(&documented("openssl ts -reply "));
    let time = text
        .lines()
        .find_map(|line| line.strip_prefix("Time stamp: "))
        .unwrap();
    let ran = Command::new("date")
        .args(["-u", "+%s", "-d", time])
        .output()
        .unwrap();
    String::from_utf8(ran.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[test]
fn a_run_took_place_between_a_public_value_and_a_time_stamp() {
    let before = seconds(SystemTime::now());
    // What a beacon publishes: 32 bytes that nobody knew before.
    let mut value = [0; 32];
    getrandom::fill(&mut value).unwrap();
    let value = host::digest::Digest(value).to_string();
    let workspace = signed_run(&value);
    let Some(authority) = Authority::new(&workspace) else {
        return;
    };
    authority.succeeds(&documented("openssl ts -query "));
    authority.stamp(&format!("{BUNDLE}.tsq"), &format!("{BUNDLE}.tsr"));
    let verify = documented("openssl ts -verify ");
    authority.succeeds(&verify);
    let (stamped, after) = (time_of(&authority), seconds(SystemTime::now()));
    assert!(
        (before..=after).contains(&stamped),
        "{before} {stamped} {after}"
    );

    // The bundle that was stamped is of this receipt, and the receipt of this value.
    let check = format!(
        "verify-receipt inference.json --bundle {BUNDLE} --public-key my.key.pub --challenge {value}"
    );
    let verdict = workspace
        .run(&format!("{check} --explain --format json"))
        .exits(0)
        .json();
    let explanation: Explanation = serde_json::from_value(verdict["explanation"].clone()).unwrap();
    let after = "The run took place after the number was chosen";
    assert!(
        explanation.paragraph.contains(after),
        "{}",
        explanation.paragraph
    );

    // Another bundle of the same receipt, by the same key.
    let genuine = workspace.read(BUNDLE);
    let text = String::from_utf8(genuine.clone()).unwrap();
    workspace.write(BUNDLE, text.replacen('{', "{ ", 1));
    workspace.run(&check).exits(0);
    let refused = authority.openssl(&verify);
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("message imprint mismatch"), "{why}");
    workspace.write(BUNDLE, &genuine);
    authority.succeeds(&verify);

    // Another receipt beside the bundle that was stamped.
    let other = format!("{RUN} --challenge {value} --output other.json");
    workspace.run(&other).exits(0);
    workspace.write("inference.json", workspace.read("other.json"));
    authority.succeeds(&verify);
    let ran = workspace.run(&check).exits(1);
    assert!(
        ran.stdout.contains("  FAIL bundle_receipt: "),
        "{}",
        ran.stdout
    );
}

/// A token is worth what its authority is: one that nobody named is none.
#[test]
fn a_token_of_another_authority_is_refused() {
    let (ours, theirs) = (signed_run("00ff"), signed_run("00ff"));
    let (Some(here), Some(there)) = (Authority::new(&ours), Authority::new(&theirs)) else {
        return;
    };
    let verify = documented("openssl ts -verify ");
    for name in [BUNDLE, "inference.json"] {
        theirs.write(name, ours.read(name));
    }
    for authority in [&here, &there] {
        authority.succeeds(&documented("openssl ts -query "));
        authority.stamp(&format!("{BUNDLE}.tsq"), &format!("{BUNDLE}.tsr"));
        authority.succeeds(&verify);
    }
    ours.write(
        format!("{BUNDLE}.tsr"),
        theirs.read(format!("{BUNDLE}.tsr")),
    );
    assert!(!here.openssl(&verify).status.success());
}

/// A run from before the value was known does not answer it.
#[test]
fn an_old_run_does_not_fit_a_later_value() {
    let workspace = signed_run("00ff");
    let ran = workspace
        .run("verify-receipt inference.json --challenge 00fe")
        .exits(1);
    assert!(ran.stdout.contains("  FAIL challenge: "), "{}", ran.stdout);
}
