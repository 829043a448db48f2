//! What is wrong, and what to do about it: for people, and as an object for programs.

use serde_json::{Value, json};

use crate::{
    process::{BITRECEIPT, Workspace},
    signing::{BUNDLE, VERIFY, with_bundle},
};

#[test]
fn an_error_is_an_object_where_json_was_asked_for() {
    let workspace = Workspace::empty(BITRECEIPT);
    for words in [
        "inspect absent/m.gguf --format json",
        "inspect absent/m.gguf --format=json",
    ] {
        let ran = workspace
            .run(words)
            .ends(5, &["absent/m.gguf", "there is no folder absent"]);
        let error = &ran.json()["error"];
        assert_eq!(error["code"], 5);
        assert_eq!(error["where"], "absent/m.gguf");
        assert!(error["what"].as_str().unwrap().starts_with("No such file"));
        assert!(error["hint"].as_str().unwrap().contains("absent"));
        assert_eq!(ran.json().as_object().unwrap().len(), 1);
    }
}

#[test]
fn refused_words_are_an_object_too() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run("inspect --format json").exits(2);
    let error = &ran.json()["error"];
    assert_eq!((&error["code"], &error["where"]), (&json!(2), &Value::Null));
    assert!(
        error["what"].as_str().unwrap().contains("required"),
        "{error}"
    );
    let ran = workspace.run("inspct --format json").exits(2);
    let error = &ran.json()["error"];
    assert!(
        error["hint"].as_str().unwrap().contains("inspect"),
        "{error}"
    );
    // Help is no error.
    let help = workspace.run("inspect --format json --help").exits(0);
    assert!(help.stdout.contains("Usage: bitreceipt inspect"));
}

#[test]
fn files_of_the_same_kind_are_named_where_one_is_missing() {
    let workspace = Workspace::new();
    let ran = workspace.run("inspect models/tinny.gguf");
    ran.fails(5, &["models/tinny.gguf", "did you mean models/tiny.gguf?"]);
    let ran = workspace.run("inspect tiny.gguf");
    ran.fails(5, &["did you mean models/tiny.gguf?"]);
}

#[test]
fn a_file_of_another_kind_is_named() {
    let workspace = Workspace::new();
    let safetensors = b"\x40\x00\x00\x00\x00\x00\x00\x00{\"__metadata__\":{}}";
    workspace.write("model.safetensors", safetensors);
    for command in ["inspect", "benchmark", "run --prompt on"] {
        let ran = workspace.run(&format!("{command} model.safetensors"));
        ran.fails(4, &["this is a safetensors file", "GGUF"]);
    }
}

#[test]
fn a_receipt_is_not_replayed() {
    let workspace = Workspace::new();
    workspace.benchmark("--quiet").exits(0);
    let ran = workspace.run("replay ci/inference.json models/tiny.gguf");
    ran.fails(4, &["this is a receipt; use verify-receipt"]);
}

#[test]
fn unknown_presets_are_answered_with_those_that_are() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run("make-model tini --cache");
    ran.refuses_words(&["'tini'", "tiny, 2b4t", "similar"]);
}

#[test]
fn a_missing_file_is_answered_with_the_command_that_makes_it() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run("inspect m.gguf");
    ran.fails(5, &["m.gguf", "`bitreceipt model list`"]);
    let ran = workspace.run("verify-receipt");
    ran.fails(
        5,
        &["inference.json", "`bitreceipt benchmark` writes a receipt"],
    );
    let ran = workspace.run("benchmark --sign my.key");
    ran.fails(5, &["my.key", "`bitreceipt keygen my.key` makes it"]);
    let xtask = Workspace::new();
    let ran = xtask.run("benchmark --sign my.key");
    ran.fails(5, &["`cargo run -p xtask -- keygen my.key` makes it"]);
}

/// What to do depends on what the file is for, not on its name.
#[test]
fn a_missing_file_is_answered_by_what_it_was_named_for() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run("inspect model");
    ran.fails(5, &["`bitreceipt model list` says how to get models"]);
    let ran = workspace.run("verify-receipt receipt");
    ran.fails(5, &["`bitreceipt benchmark` writes a receipt"]);
    let ran = workspace.run("verify-receipt --policy policy");
    ran.fails(5, &["name a TOML file, or leave --policy out"]);
    let ran = workspace.run("replay t.json m.gguf");
    let ran = ran.fails(5, &["t.json"]);
    assert!(!ran.stderr.contains("receipt`"), "{}", ran.stderr);
}

#[test]
fn a_receipt_in_the_place_of_another_file_is_named() {
    let workspace = Workspace::empty(BITRECEIPT);
    workspace.run("benchmark -n 2 -p 2 -r 1 -q").exits(0);
    workspace.run("keygen my.key").exits(0);
    let receipt = workspace.read("inference.json");
    for command in ["benchmark", "inspect", "benchmark --output other.json"] {
        let ran = workspace.run(&format!("{command} inference.json"));
        ran.fails(4, &["this is a receipt, not a model; name a .gguf file"]);
    }
    for (flags, hint) in [
        (
            "--policy inference.json",
            "this is JSON, and a policy is TOML; name the policy",
        ),
        (
            "--bundle inference.json --public-key my.key.pub",
            "this is a receipt; name the bundle, inference.json.dsse.json",
        ),
        (
            "--bundle my.key --public-key inference.json",
            "this is a receipt; name the signer's public key, such as my.key.pub",
        ),
    ] {
        let ran = workspace.run(&format!("verify-receipt {flags}"));
        ran.fails(4, &["inference.json: ", hint]);
    }
    // Another folder has receipts to offer, and files that are none.
    workspace.write("policy.json", "{}");
    let ran = workspace.run("verify-receipt infrence.json");
    let ran = ran.fails(5, &["did you mean inference.json?"]);
    assert!(!ran.stderr.contains("policy"), "{}", ran.stderr);
    assert_eq!(workspace.read("inference.json"), receipt);
}

#[test]
fn counts_that_cannot_be_are_shown_with_those_that_can() {
    let workspace = Workspace::empty(BITRECEIPT);
    for (words, message) in [
        (
            "benchmark --tokens 0",
            "found 0, allowed whole numbers from 1 to 16777216",
        ),
        (
            "benchmark -r 0",
            "found 0, allowed whole numbers from 1 to 16777216",
        ),
        (
            "benchmark --warmup x",
            "found \"x\", allowed whole numbers from 0 to 16777216",
        ),
        (
            "bandwidth --bytes 5",
            "found 5, allowed whole numbers from 1048576 to 1099511627776",
        ),
        ("verify-receipt --jobs 0", "found 0, allowed 1 or more"),
        ("replay t m --jobs -1", "found \"-1\", allowed 1 or more"),
        (
            "verify-receipt --layers 3",
            "found \"3\", allowed FIRST..END, such as 3..4 for layer 3 alone",
        ),
    ] {
        let words = words.replace("--jobs -1", "--jobs=-1");
        workspace.run(&words).refuses_words(&[message]);
    }
}

#[test]
fn folders_and_public_keys_are_not_what_they_are_named_for() {
    let workspace = Workspace::new();
    let ran = workspace.run("inspect models");
    ran.fails(5, &["models: ", "did you mean models/tiny.gguf?"]);
    let ran = workspace.run("benchmark ci --output r.json");
    ran.fails(5, &["ci: it is a folder; name a model file"]);
    workspace.run("keygen my.key").exits(0);
    let ran = workspace.run("benchmark --sign my.key.pub");
    ran.fails(4, &["my.key.pub: is a public key", "my.key"]);
}

#[test]
fn numbers_that_are_none_are_shown() {
    let workspace = Workspace::empty(BITRECEIPT);
    for flag in ["--seed", "--threads", "--prompt-ids"] {
        let ran = workspace.run(&format!("benchmark {flag} x"));
        ran.refuses_words(&[flag, "found \"x\", allowed whole numbers"]);
    }
}

/// What Notepad and PowerShell write.
#[test]
fn text_in_another_encoding_is_named() {
    let workspace = with_bundle();
    let policy = "[require]\nmin_tokens = 1\n";
    let transcript = r#"{"version": 1, "prompt_ids": [1], "tokens": [2]}"#;
    workspace.write("policy.toml", policy);
    workspace.write("t.json", transcript);
    workspace
        .run("verify-receipt --policy policy.toml")
        .exits(0);
    for (file, words) in [
        ("ci/inference.json", "verify-receipt ci/inference.json"),
        ("ci/inference.json", "show ci/inference.json"),
        ("policy.toml", "verify-receipt --policy policy.toml"),
        ("t.json", "replay t.json models/tiny.gguf"),
        (BUNDLE, VERIFY),
    ] {
        let plain = workspace.read(file);
        let marked = format!("\u{feff}{}", String::from_utf8(plain.clone()).unwrap());
        let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, name) in [(marked.into_bytes(), "UTF-8"), (wide, "UTF-16")] {
            let name = format!("this is {name} with a byte order mark");
            workspace.write(file, bytes);
            let ran = workspace.run(words);
            match file {
                // A bundle is judged: the receipt is rejected by a rule.
                BUNDLE => {
                    let rule = format!("FAIL bundle_envelope: not a DSSE envelope: {name}");
                    assert!(ran.exits(1).stdout.contains(&rule));
                }
                file => drop(ran.fails(4, &[file, &name])),
            }
        }
        workspace.write(file, plain);
    }
}
