//! Tokens, logits and checksums.

use std::{path::Path, process::Command};

use engine_native::{I2sLayout, KvType, Model, ModelSource};
use host::{
    digest::Digest,
    replay::replay,
    task::{Challenge, Task, seeded_prompt},
};

use crate::{
    python::{self, Answer, folder},
    support::{SANDBOX, TINY, data, guest_logits, has_numpy, task},
};

/// The layout that the name of a fixture says.
pub fn layout(file: &str) -> I2sLayout {
    let named = |layout: &I2sLayout| file.contains(&format!("-i2s_{}-", layout.as_str()));
    I2sLayout::ALL.into_iter().find(named).unwrap_or_default()
}

/// What the guest computes, in the words of the second reading.
pub fn of_guest(path: &Path, layout: I2sLayout, task: &Task) -> Answer {
    let source = ModelSource::open(path).unwrap().read(&()).unwrap();
    let model = Model::load(source, layout, &()).unwrap();
    let logits = guest_logits(&model, task);
    let replay = replay(&SANDBOX, (&model).into(), task, &logits.tokens, None).unwrap();
    let bits = |row: &Vec<f32>| row.iter().map(|x| x.to_bits()).collect();
    let sha256 = Digest::of(model.file_bytes());
    Answer {
        prompt: task.prompt.clone(),
        tokens: logits.tokens,
        logit_bits: logits.rows[task.prompt.len() - 1..]
            .iter()
            .map(bits)
            .collect(),
        checksum: replay.checksum(task, sha256).to_string(),
    }
}

fn assert_equal(path: &Path, layout: I2sLayout, task: &Task) {
    let found = python::run(&folder(), path, layout.as_str(), task);
    let name = path.file_name().unwrap().display();
    let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
    let expected = of_guest(path, layout, task);
    assert_eq!(found.tokens, expected.tokens, "{name}");
    assert!(found.logit_bits == expected.logit_bits, "{name}: logits");
    assert_eq!(found.checksum, expected.checksum, "{name}");
}

/// Every architecture, type and layout; a cache of each type in turn.
#[test]
fn both_readings_of_every_fixture_are_equal_in_every_bit() {
    if !has_numpy() {
        return;
    }
    let files = std::fs::read_dir(data("oracle", "")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".gguf")).collect();
    names.sort();
    assert!(names.len() >= 29, "{names:?}");
    for (seed, name) in (1..).zip(&names) {
        let kv_type = [KvType::F16, KvType::F32][seed as usize % 2];
        let task = task(&seeded_prompt(seed, None, 5, 320), 3, kv_type);
        assert_equal(&data("oracle", name), layout(name), &task);
    }
}

/// The transcript that `parity.rs` freezes, with the prompt from the seed.
#[test]
fn the_second_reading_finds_the_frozen_checksum() {
    if !has_numpy() {
        return;
    }
    let output = Command::new("python3")
        .arg("-B")
        .arg(folder().join("spec.py"))
        .args([TINY, "--logits", "--seed", "42", "--prompt-length", "16"])
        .args(["--tokens", "128"])
        .output()
        .unwrap();
    let answer = python::answer(&output).unwrap();
    assert_eq!(
        answer.checksum,
        "7611730fe7cf55cc3683e7d061cc12de0bb852372fd3be744ad58dff26d38351"
    );
}

#[test]
fn a_challenge_gives_the_same_prompt() {
    if !has_numpy() {
        return;
    }
    let output = Command::new("python3")
        .arg("-B")
        .arg(folder().join("spec.py"))
        .args([TINY, "--logits", "--seed", "7", "--prompt-length", "3"])
        .args(["--challenge", "c0ffee", "--tokens", "1"])
        .output()
        .unwrap();
    let found = python::answer(&output).unwrap();
    let challenge: Challenge = "c0ffee".parse().unwrap();
    let prompt = seeded_prompt(7, Some(&challenge), 3, 512);
    let task = Task {
        challenge: Some(challenge),
        ..task(&prompt, 1, KvType::F16)
    };
    assert_eq!(found, of_guest(TINY.as_ref(), I2sLayout::default(), &task));
}
