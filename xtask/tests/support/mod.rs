//! What several tests share.
#![allow(dead_code, reason = "each test uses a part")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, LazyLock},
};

use engine_native::{Engine, KvType, LogitsAt, Model, Scalar, SessionOptions};
use host::{replay::decode, sandbox::Sandbox, task::Task, watch::Watch};

/// The committed model.
pub const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");

/// One compiled guest for all tests of a process.
pub static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::new(&Watch::default()).expect("the embedded guest compiles"));

/// A file of a test's data folder.
pub fn data(folder: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder)
        .join(name)
}

/// Whether `python3` has numpy here; says so if not.
pub fn has_numpy() -> bool {
    let found = Command::new("python3")
        .args(["-c", "import numpy"])
        .output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: there is no python3 with numpy");
    }
    found
}

/// Logits at every position, and the tokens.
pub struct Logits {
    pub rows: Vec<Vec<f32>>,
    pub tokens: Vec<u32>,
}

/// The native engine's logits, with the fastest kernels of this CPU.
pub fn native_logits(model: &Arc<Model>, task: &Task) -> Logits {
    let kernels = engine_native::KernelChoice::Auto.resolve().unwrap();
    let engine = Engine::new(model.clone(), kernels, 1).unwrap();
    engine_logits(&engine, task)
}

/// The scalar kernels' logits.
pub fn scalar_logits(model: &Arc<Model>, task: &Task) -> Logits {
    engine_logits(
        &Engine::new(model.clone(), Arc::new(Scalar), 1).unwrap(),
        task,
    )
}

fn engine_logits(engine: &Engine, task: &Task) -> Logits {
    let options = SessionOptions {
        kv_type: task.kv_type,
        logits: LogitsAt::EveryPosition,
        ..SessionOptions::new(task.n_positions())
    };
    let mut session = engine.session(options).unwrap();
    let steps = session.generate(&task.prompt, task.n_generate).unwrap();
    let steps: Vec<_> = steps.map(Result::unwrap).collect();
    Logits {
        tokens: steps.iter().map(|s| s.choice.token).collect(),
        rows: steps.into_iter().flat_map(|s| s.logits).collect(),
    }
}

/// The guest's logits.
pub fn guest_logits(model: &Model, task: &Task) -> Logits {
    let mut rows = Vec::new();
    let tokens = decode(&SANDBOX, model.into(), task, |row| {
        rows.push(row.logits);
        Ok::<_, host::sandbox::SandboxError>(())
    });
    Logits {
        tokens: tokens.unwrap(),
        rows,
    }
}

/// A task.
pub fn task(prompt: &[u32], n_generate: usize, kv_type: KvType) -> Task {
    Task {
        prompt: prompt.to_vec(),
        depth: 0,
        n_generate,
        kv_type,
        challenge: None,
    }
}
