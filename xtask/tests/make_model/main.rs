//! Generated models: the committed file is what the generator writes, the command writes what was
//! asked for, and recipes of all kinds come out as files that an independent walk can read.

mod comparable;
mod read_back;
#[path = "../support/walk.rs"]
mod walk;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use xtask::make_model::{
    DenseType, GroupedType, OutputMatrix, Preset, Recipe, WeightType, Yarn, preset, to_vec,
    write_model,
};

/// An entry of `models/manifest.json` for a generated model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    file: String,
    preset: String,
    seed: u64,
    bytes: u64,
    sha256: String,
    licence: String,
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

fn published(preset: &Preset) -> Published {
    let manifest = fs::read(models().join("manifest.json")).unwrap();
    let entries: Vec<Value> = serde_json::from_slice(&manifest).unwrap();
    let entry = entries.into_iter().find(|e| e["preset"] == preset.name);
    serde_json::from_value(entry.unwrap()).unwrap()
}

/// Counts and digests what is written to it.
#[derive(Default)]
struct Digester {
    sha256: Sha256,
    n_bytes: u64,
}

impl Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sha256.update(bytes);
        self.n_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Generates the preset and compares it with its entry in the manifest.
fn check_published(name: &str) {
    let preset = preset(name).unwrap();
    let expected = published(&preset);
    let mut written = Digester::default();
    let mut last_report = (0, 0);
    let mut progress = |done, total| last_report = (done, total);
    write_model(
        &preset.usual(),
        preset.model_name,
        expected.seed,
        &mut written,
        &mut progress,
    )
    .unwrap();

    let sha256: String = written
        .sha256
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!((written.n_bytes, sha256), (expected.bytes, expected.sha256));
    assert_eq!(last_report, (expected.bytes, expected.bytes));
    assert_eq!(
        (expected.preset.as_str(), expected.seed),
        (name, preset.default_seed)
    );
    assert_eq!(expected.file, format!("{name}.gguf"));
    assert_eq!(expected.licence, env!("CARGO_PKG_LICENSE"));
}

#[test]
fn tiny_has_its_published_digest() {
    check_published("tiny");
}

#[test]
#[ignore = "generates 1.2 GB, about 6 s"]
fn model_2b4t_has_its_published_digest() {
    check_published("2b4t");
}

#[test]
#[ignore = "generates 0.5 GB, about 10 s"]
fn bonsai_has_its_published_digest() {
    check_published("bonsai-1.7b");
}

#[test]
fn committed_tiny_is_what_the_generator_writes() {
    let tiny = preset("tiny").unwrap();
    let generated = to_vec(tiny.usual(), tiny.model_name, tiny.default_seed).unwrap();
    // No assert_eq: its message would be megabytes.
    assert!(fs::read(models().join("tiny.gguf")).unwrap() == generated);
}

#[test]
fn the_command_takes_types_and_refuses_those_that_do_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("m.gguf");
    let run = |args: &str| {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["make-model", "--output"])
            .arg(&output)
            .args(args.split(' '))
            .output()
            .unwrap()
    };
    let refused = run("--preset bitnet-3b --weights tq2_0");
    assert_eq!(refused.status.code(), Some(2));
    let line = "error: preset bitnet-3b: n_embd is 3200, must be a multiple of 256 for TQ2_0 \
                weights; ";
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.starts_with(line), "{stderr}");
    assert!(!output.exists());

    let made = run("--preset tiny --weights tq1_0 --embedding q4_k --output-matrix q6_k");
    assert_eq!(made.status.code(), Some(0));
    let tiny = preset("tiny").unwrap();
    let expected = Recipe {
        output: OutputMatrix::Own(DenseType::Q6K),
        ..tiny.recipe(WeightType::Tq1_0, DenseType::Q4K)
    };
    let expected = to_vec(expected, tiny.model_name, tiny.default_seed).unwrap();
    assert!(fs::read(&output).unwrap() == expected);

    for yarn in [
        "4",
        "0:8192",
        "-4:8192",
        "inf:8192",
        "4:0",
        "4:16777217",
        "4:",
    ] {
        let refused = run(&format!("qwen3-tiny --force --yarn={yarn}"));
        assert_eq!(refused.status.code(), Some(2), "{yarn}");
        let stderr = String::from_utf8_lossy(&refused.stderr);
        let allowed = "a factor above 0, a colon and a context length from 1 to 16777216, such as \
                       4:16384";
        assert!(stderr.contains(allowed), "{stderr}");
        assert!(!stderr.contains("--weights"), "{stderr}");
    }

    let made = run("qwen3-tiny --force --weights ptq1_0 --output-matrix q2_0 --yarn 4:16384");
    assert_eq!(made.status.code(), Some(0));
    let qwen3 = preset("qwen3-tiny").unwrap();
    let expected = Recipe {
        output: OutputMatrix::Own(DenseType::Grouped(GroupedType::Q2_0)),
        yarn: Some(Yarn {
            factor: 4.0,
            original_context_length: 16_384,
        }),
        ..qwen3.with_weights(WeightType::Grouped(GroupedType::Ptq1_0))
    };
    let expected = to_vec(expected, qwen3.model_name, qwen3.default_seed).unwrap();
    assert!(fs::read(&output).unwrap() == expected);
}
