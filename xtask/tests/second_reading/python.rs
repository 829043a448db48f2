//! Runs of the second reading.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use engine_native::KvType;
use host::task::Task;
use serde::Deserialize;

/// Where `spec.py` and `msun.py` are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-reference")
}

/// What it prints with `--logits`.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Answer {
    pub prompt: Vec<u32>,
    pub tokens: Vec<u32>,
    pub logit_bits: Vec<Vec<u32>>,
    pub checksum: String,
}

/// Runs the `spec.py` of a folder.
pub fn run(folder: &Path, model: &Path, layout: &str, task: &Task) -> Result<Answer, String> {
    let kv = match task.kv_type {
        KvType::F16 => "f16",
        KvType::F32 => "f32",
    };
    let ids: Vec<String> = task.prompt.iter().map(u32::to_string).collect();
    let output = Command::new("python3")
        .arg("-B")
        .arg(folder.join("spec.py"))
        .arg(model)
        .args(["--prompt", &ids.join(",")])
        .args(["--tokens", &task.n_generate.to_string()])
        .args(["--kv", kv])
        .args(["--i2s-layout", layout, "--logits"])
        .output()
        .unwrap();
    answer(&output)
}

/// What a run printed, or said.
pub fn answer(output: &Output) -> Result<Answer, String> {
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
