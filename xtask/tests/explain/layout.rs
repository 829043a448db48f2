//! How the command shows an explanation.

use crate::{PROVED, workspace};

#[test]
fn the_explanation_follows_the_verdict() {
    let workspace = workspace();
    let verdict = workspace.run("verify-receipt").exits(0).stdout;
    let ran = workspace.run("verify-receipt --explain").exits(0);
    let explanation = ran
        .stdout
        .strip_prefix(&*verdict)
        .expect("the verdict comes first");
    assert!(
        explanation.starts_with("\ncertain:\n- The whole run "),
        "{explanation}"
    );
    for heading in [
        "\nbounded:\n- ",
        "\nclaimed:\n- ",
        "\nin words:\n  This receipt for",
    ] {
        assert!(explanation.contains(heading), "{explanation}");
    }
    let longest = explanation.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{explanation}");
    let joined = explanation.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(joined.matches(PROVED).count(), 2, "{joined}");
    let quiet = workspace.run("verify-receipt --explain --quiet").exits(0);
    assert_eq!(quiet.stdout, "");
}

/// Nothing else in the JSON changes, and readers of verdicts read it.
#[test]
fn json_has_the_explanation_beside_the_verdict() {
    let workspace = workspace();
    let of = |words: &str| {
        workspace
            .run(&format!("verify-receipt {words}"))
            .exits(0)
            .json()
    };
    let mut with = of("--explain --format json");
    let mut without = of("--format json");
    let explanation = with.as_object_mut().unwrap().remove("explanation").unwrap();
    let keys: Vec<&String> = explanation.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["bounded", "certain", "claimed", "paragraph"]);
    assert_eq!(without.get("explanation"), None);
    for verdict in [&mut with, &mut without] {
        verdict["timeCreated"] = "now".into();
    }
    assert_eq!(with, without);
    for (name, words) in [("a", "--layers 0..6"), ("b", "--heads")] {
        let part = of(&format!("{words} --explain --format json"));
        workspace.write(name, part.to_string());
    }
    let merged = workspace.run("verdict merge a b").exits(0);
    assert!(merged.stdout.starts_with("accepted: "), "{}", merged.stdout);
}
