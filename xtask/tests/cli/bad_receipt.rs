//! Receipts that are hostile or broken: one line or a rule's id, the right exit code, bounded memory.

use std::sync::LazyLock;

use host::receipt::{MAX_RECEIPT_BYTES, receipt_sha256};
use serde_json::{Value, json};

use crate::process::{Ran, Workspace};

/// A genuine receipt as it was written.
static GENUINE: LazyLock<String> = LazyLock::new(|| {
    let workspace = Workspace::new();
    workspace.benchmark("--parity full --quiet").exits(0);
    String::from_utf8(workspace.read("ci/inference.json")).unwrap()
});

/// `verify-receipt` on these bytes.
fn verify(content: impl AsRef<[u8]>) -> Ran {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", content);
    workspace.run("verify-receipt")
}

/// The genuine text with `from` replaced, which must be there once.
fn replaced(from: &str, to: &str) -> String {
    assert_eq!(GENUINE.matches(from).count(), 1, "{from}");
    GENUINE.replace(from, to)
}

/// The ids of the rules that the verdict names as broken.
#[track_caller]
fn broken(ran: Ran) -> Vec<String> {
    let ran = ran.exits(1);
    assert_eq!(ran.stderr, "");
    let lines = ran.stdout.lines();
    let failed = lines.filter_map(|line| line.strip_prefix("  FAIL "));
    let ids = failed.map(|rest| rest.split(':').next().unwrap().to_owned());
    ids.collect()
}

#[test]
fn the_genuine_receipt_is_accepted() {
    verify(&*GENUINE).exits(0);
}

#[test]
fn bytes_that_are_not_json() {
    let genuine = GENUINE.as_bytes();
    let timing = |value: &str| {
        replaced(
            "\"timing_ms\": ",
            &format!("\"timing_ms\": {value}, \"x\": "),
        )
    };
    let utf16: Vec<u8> = GENUINE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (before, after) = GENUINE.split_once("\"real\"").unwrap();
    let latin_1 = [before.as_bytes(), b"\"r\xe9el\"", after.as_bytes()].concat();
    let cases: [(&str, Vec<u8>); 10] = [
        ("white space", b" \n\t ".to_vec()),
        ("Latin-1 in a string", latin_1),
        (
            "a byte that no UTF-8 has",
            [b"{\"a\": \"\xff\"}", genuine].concat(),
        ),
        ("NaN", timing("NaN").into()),
        ("Infinity", timing("Infinity").into()),
        ("-Infinity", timing("-Infinity").into()),
        ("a float beyond all doubles", timing("1e999").into()),
        ("something after the end", [genuine, b"x"].concat()),
        ("a second receipt", [genuine, genuine].concat()),
        ("half a receipt", genuine[..genuine.len() / 2].to_vec()),
    ];
    for (what, content) in cases {
        let ran = verify(content);
        println!("{what}: {}", ran.stderr);
        ran.fails(4, &["ci/inference.json", "not JSON: "]);
    }
    verify(b"").fails(4, &["ci/inference.json", "the file is empty"]);
    verify(utf16).fails(4, &["ci/inference.json", "this is UTF-16"]);
}

#[test]
fn nesting_of_ten_thousand_levels() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = open.repeat(10_000) + "0" + &close.repeat(10_000);
        verify(&nested).fails(4, &["not JSON: recursion limit exceeded"]);
        let inside = format!("\"first_divergence\": {nested}");
        verify(replaced("\"first_divergence\": null", &inside))
            .fails(4, &["not JSON: recursion limit exceeded"]);
    }
}

#[test]
fn one_byte_too_many() {
    let mut content = GENUINE.clone().into_bytes();
    content.resize(MAX_RECEIPT_BYTES as usize, b' ');
    verify(&content).exits(0);
    content.push(b' ');
    verify(&content).fails(4, &["ci/inference.json", "allowed at most 16777216"]);
}

/// The last of two equal keys is what many readers take; the first is what others do.
#[test]
fn keys_that_appear_twice_at_any_depth() {
    for key in [
        "\"compute_path\": \"real\"",
        "\"BITNET_DETERMINISTIC\": \"0\"",
        "\"head_dim\": 64",
        "\"kind\": \"seeded\"",
        "\"seed\": 42",
        "\"op\": \"embed\"",
        "\"type\": \"I2_S\"",
        "\"status\": \"passed\"",
        "\"governor\": ",
    ] {
        let twice = match key.strip_suffix(' ') {
            Some(name) => replaced(key, &format!("{name} null, {key}")),
            None => replaced(key, &format!("{key}, {key}")),
        };
        assert_eq!(broken(verify(twice)), ["schema"], "{key}");
    }
}

#[test]
fn numbers_that_no_field_can_have() {
    for n in [
        "18446744073709551616",
        "9007199254740992",
        "-1",
        "-0",
        "1.0",
        "1e3",
    ] {
        let edited = replaced("\"warmup\": 1", &format!("\"warmup\": {n}"));
        let broken = broken(verify(edited));
        assert!(broken.contains(&"schema".to_owned()), "{n}: {broken:?}");
    }
    let negative_zero = broken(verify(replaced(
        "\"timing_ms\": ",
        "\"timing_ms\": -0.0, \"x\": ",
    )));
    assert!(
        negative_zero.contains(&"schema".to_owned()),
        "{negative_zero:?}"
    );
}

/// What it quotes stays short, however long the receipt made it.
#[test]
fn a_verdict_does_not_repeat_megabytes() {
    let long = "x".repeat(4 << 20);
    for pointer in [
        "/schema_version",
        "/backend",
        "/host/cpu_model",
        "/model/sha256",
    ] {
        let mut receipt: Value = serde_json::from_str(&GENUINE).unwrap();
        *receipt.pointer_mut(pointer).unwrap() = json!(long);
        receipt["receipt_sha256"] = json!(receipt_sha256(&receipt).unwrap().to_string());
        let ran = verify(receipt.to_string());
        assert!(ran.stdout.len() < 8192, "{pointer}: {}", ran.stdout.len());
        let expected = match pointer {
            "/schema_version" => 3,
            _ => 1,
        };
        ran.exits(expected);
    }
}

/// Sixteen megabytes of text, which would take gigabytes if they were built.
#[cfg(target_os = "linux")]
#[test]
fn small_memory_is_enough_for_any_receipt() {
    let head = r#"{"schema_version":"1.0.0","receipt_schema":"1.1.0","x":["#;
    let filled = |unit: &str, n: usize| format!("{head}{}0]}}", unit.repeat(n));
    let all_of_it = |unit: &str| filled(unit, (16_000_000 - head.len()) / unit.len());
    let too_much = [
        all_of_it(r#"{"":0},"#),
        all_of_it("{},"),
        all_of_it("[0],"),
        all_of_it("0,"),
        all_of_it(&format!("{}0{},", r#"{"":"#.repeat(100), "}".repeat(100))),
    ];
    for content in too_much {
        let ran = verify_in_400_mb(&content);
        ran.fails(4, &["values with ", "allowed at most 1048576 with 65536"]);
    }
    let within_the_limits = [
        filled("[0],", 500_000),
        filled("0,", 1_000_000),
        filled(r#"{"":0},"#, 65_000),
        filled(&format!("\"{}\",", "x".repeat(1000)), 15_000),
    ];
    for content in within_the_limits {
        let broken = broken(verify_in_400_mb(&content));
        assert_eq!(broken, ["schema", "receipt_sha256"]);
    }
}

/// Memory of the whole process: its code and its libraries as well.
#[cfg(target_os = "linux")]
fn verify_in_400_mb(content: &str) -> Ran {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", content);
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "ulimit -v 400000 && exec \"$0\" verify-receipt"])
        .arg(env!("CARGO_BIN_EXE_xtask"))
        .current_dir(workspace.path("."));
    Ran::of(command.output().unwrap(), "verify-receipt in 400 MB")
}

/// A run whose receipt nobody could read is not begun.
#[test]
fn a_receipt_that_would_be_too_large_is_refused_before_the_run() {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", "an old receipt");
    for words in [
        "--tokens 3 --repetitions 1000000",
        "--tokens 1500 --repetitions 500",
        "--tokens 1 --repetitions 16777216",
    ] {
        let ran = workspace.benchmark(words);
        ran.fails(
            2,
            &["receipt: ", "allowed at most 16777216", "ask for fewer"],
        );
    }
    assert_eq!(workspace.read("ci/inference.json"), b"an old receipt");
}
