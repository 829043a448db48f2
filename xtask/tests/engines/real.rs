//! Engines as they are: run only where they are installed.
//!
//! `llama-server` is looked for in PATH, or as `BITRECEIPT_LLAMA_SERVER`. `BITRECEIPT_BITNET_SERVER` is the
//! server of bitnet.cpp, `BITRECEIPT_NODE_MODULES` a folder with node-llama-cpp in it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use host::watch::Watch;
use serde_json::json;
use xtask::engines::{Answer, Request, Settings, start};

use crate::{
    fake,
    support::{LONG, settings, spec, tag},
};

const N: usize = 32;

/// A model that llama.cpp reads.
fn model(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let made = Command::new(env!("CARGO_BIN_EXE_bitreceipt"))
        .args(["make-model", "qwen3-tiny", "--force", "--quiet", "--output"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    path
}

/// Runs the engine, and has its tokens judged: its answer, and the exit code of the replay.
fn judged(text: &str, model: &Path, tag: &str) -> (Answer, Option<i32>) {
    let watch = Watch::default();
    let settings = Settings {
        model: model.to_owned(),
        n_vocab: 1000,
        ..settings(LONG)
    };
    let prompt = [1, 2, 3, 4];
    let mut engine = start(&spec(text), &settings, &watch).unwrap();
    println!("{:?}", engine.facts());
    let answer = engine.run(&Request::tokens(&prompt, N), &watch).unwrap();
    let with_logits = Request {
        top_logits: 4,
        ..Request::tokens(&prompt, N)
    };
    let again = engine.run(&with_logits, &watch).unwrap();
    assert_eq!(again.tokens, answer.tokens);
    // Not shown by a server that keeps tokens back.
    let top_logits = again.top_logits.into_iter().flatten();
    assert!(top_logits.into_iter().all(|top| top.len() == 4));
    drop(engine);
    fake::assert_none_left(tag);
    let transcript = model.with_extension(format!("{tag}.json"));
    let text = json!({"version": 1, "prompt_ids": prompt, "tokens": answer.tokens});
    fs::write(&transcript, text.to_string()).unwrap();
    let replayed = Command::new(env!("CARGO_BIN_EXE_bitreceipt"))
        .arg("replay")
        .args([&transcript, &model.to_owned()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&replayed.stdout);
    println!("{said}");
    (answer, replayed.status.code())
}

fn installed(variable: &str, in_path: Option<&str>) -> Option<PathBuf> {
    let found = env::var_os(variable).map(PathBuf::from).or_else(|| {
        let folders = env::var_os("PATH")?;
        env::split_paths(&folders)
            .map(|f| f.join(in_path.unwrap_or("")))
            .find(|p| p.is_file())
    });
    if found.is_none() {
        println!("SKIPPED: {variable} is not set");
    }
    found
}

#[test]
fn llama_server_is_measured_and_judged() {
    let Some(server) = installed("BITRECEIPT_LLAMA_SERVER", Some("llama-server")) else {
        return;
    };
    let tag = tag();
    let model = model("llama-server.gguf");
    let tagged = format!(
        "llama-server=env {}={tag} {} -m {{model}} -t {{threads}} -c {{context}} -np 1 --host 127.0.0.1 \
         --port {{port}}",
        fake::TAG,
        server.display()
    );
    let (answer, code) = judged(&tagged, &model, &tag);
    assert!(answer.reported.is_some());
    // Not rejected: it chose no wrong token.
    assert!(matches!(code, Some(0 | 3)));
}

/// Its stream has no ids. Whether its tokens are right is not this test's question.
#[test]
fn ids_of_bitnet_cpp_are_found() {
    let Some(server) = installed("BITRECEIPT_BITNET_SERVER", None) else {
        return;
    };
    let tag = tag();
    let model = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bitnet-server.gguf");
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tiny-rust.gguf");
    fs::copy(tiny, &model).unwrap();
    let tagged = format!(
        "bitnet.cpp=env {}={tag} {} -m {{model}} -t {{threads}} -c {{context}} -np 1 --special \
         --host 127.0.0.1 --port {{port}}",
        fake::TAG,
        server.display()
    );
    let (answer, _) = judged(&tagged, &model, &tag);
    assert!(answer.reported.is_some());
}

#[test]
fn node_llama_cpp_is_measured_and_judged() {
    let Some(modules) = installed("BITRECEIPT_NODE_MODULES", None) else {
        return;
    };
    let tag = tag();
    let model = model("node-llama-cpp.gguf");
    let folder = modules.parent().unwrap();
    let script = folder.join(format!("bitreceipt-{tag}.mjs"));
    // Node looks for modules beside the script.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/engines/node-llama-cpp.mjs");
    fs::copy(source, &script).unwrap();
    let command = format!(
        "node-llama-cpp=env {}={tag} node {} {{model}} {{threads}} {{context}}",
        fake::TAG,
        script.display()
    );
    let (_, code) = judged(&command, &model, &tag);
    assert!(matches!(code, Some(0 | 3)));
    fs::remove_file(script).unwrap();
}
