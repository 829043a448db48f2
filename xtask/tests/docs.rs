//! The documents say what the code does.

#[path = "docs/commands.rs"]
mod commands;

use std::{collections::BTreeSet, fs, process::Command};

use engine_native::{Isa, KernelName, Op};
use xtask::guest::workspace_root;

fn document(name: &str) -> String {
    fs::read_to_string(workspace_root().join(name)).unwrap()
}

#[test]
fn every_kernel_and_operation_is_documented() {
    let text = document("ARCHITECTURE.md");
    for kernel in KernelName::ALL {
        let name = kernel.as_str();
        // Variants of one kernel stand behind its first: `a_f32`, `_f16`.
        let types = ["_f32", "_f16", "_bf16", "_q8_0", "_q6_k", "_q4_k"];
        let stem = types.iter().find_map(|suffix| name.strip_suffix(suffix));
        let stem = stem.unwrap_or(name);
        let suffix = &name[stem.len()..];
        let row = text
            .lines()
            .find(|line| line.contains(&format!("| `{stem}")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in ARCHITECTURE.md"));
        assert!(row.contains(&format!("{suffix}`")), "{name}: {row}");
    }
    for op in Op::ALL {
        assert!(
            text.contains(op.name()),
            "{} is not in ARCHITECTURE.md",
            op.name()
        );
    }
    for isa in Isa::ALL {
        assert!(
            text.contains(isa.as_str()),
            "{} is not in ARCHITECTURE.md",
            isa.as_str()
        );
    }
}

/// The crates of a verifier, each with a reason.
#[test]
fn every_crate_of_a_verifier_has_its_reason() {
    let text = document("ARCHITECTURE.md");
    let (_, section) = text
        .split_once("### What a verifier is built from")
        .unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<String> = rows
        .flat_map(|row| {
            let crates = row.split('|').nth(1).unwrap();
            crates
                .split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    let tree = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args("tree -p host --no-default-features -e normal --prefix none --locked".split(' '))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let built: BTreeSet<String> = names
        .filter(|name| *name != "host")
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, built);
}

#[test]
fn the_readme_has_every_exit_code() {
    let text = document("README.md");
    for code in [0, 1, 2, 3, 4, 5, 130] {
        assert!(text.contains(&format!("| {code} | ")), "exit code {code}");
    }
}

/// Whoever doubts a row of the table of faults can run its test.
#[test]
fn every_fault_has_a_test_that_exists() {
    let text = document("SECURITY.md");
    let (_, section) = text.split_once("\n## Limits and faults\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows: Vec<_> = section
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    assert!(rows.len() > 20);
    // The first row has the names of the columns.
    for row in &rows[1..] {
        let (_, tests) = row.trim_end_matches(" |").rsplit_once("| ").unwrap();
        for test in tests.split(", ") {
            let name = test.trim_matches('`').split_once("::");
            let (file, function) = name.unwrap_or_else(|| panic!("no test in: {row}"));
            let source = document(&format!("xtask/tests/cli/{file}.rs"));
            let is_there = source.contains(&format!("#[test]\nfn {function}() {{"));
            assert!(is_there, "{test} of: {row}");
        }
    }
}

/// What the README has people type is what the gates run.
#[test]
fn the_gates_run_the_readmes_commands() {
    let (readme, gates) = (document("README.md"), document("ci/local_gates.sh"));
    for command in [
        "cargo run -p xtask -- benchmark --tokens 128 --deterministic",
        "cargo run -p xtask -- verify-receipt --check-parity",
        "cargo test --workspace",
    ] {
        assert!(
            readme.lines().any(|line| line == command),
            "README: {command}"
        );
        assert!(gates.contains(command), "gates: {command}");
    }
}

/// Whatever a document has people type can be typed.
#[test]
fn the_commands_in_the_documents_parse() {
    let mut n_commands = 0;
    for name in [
        ".github/CONTRIBUTING.md",
        ".github/RELEASING.md",
        ".github/workflows/ci.yml",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "README.md",
        "SECURITY.md",
        "ci/LEADERBOARD.md",
        "ci/RECEIPT.md",
        "ci/TRANSCRIPT.md",
        "ci/local_gates.sh",
        "ci/conformance/README.md",
        "ci/conformance/RESULTS.md",
        "ci/fleet/README.md",
        "ci/vectors/README.md",
    ] {
        for command in commands::quoted(&document(name), !name.ends_with(".md")) {
            if let Err(error) = command.parse() {
                panic!("{name}: {command:?}: {error}");
            }
            n_commands += 1;
        }
    }
    assert!(n_commands >= 10, "only {n_commands} commands were found");
}
