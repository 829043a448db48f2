//! Hostile files: both readers refuse each, in one line that names what is wrong.

#[path = "support/hostile/mod.rs"]
mod hostile;
mod support;

use std::{collections::HashSet, panic::catch_unwind};

use engine_native::{I2sLayout, KvType, Model};
use host::sandbox::{ModelInput, SandboxError};
use support::SANDBOX;

/// What the guest says of a file when it is made to load all of it.
fn guest_error(file: &[u8], i2s_layout: I2sLayout) -> Option<SandboxError> {
    let load_all = || -> Result<(), SandboxError> {
        let mut guest = SANDBOX.open(ModelInput { file, i2s_layout })?;
        guest.configure(KvType::F16, 1)?;
        let shape = guest.shape().clone();
        (0..shape.n_vocab).try_for_each(|token| guest.embed(token as u32, 0))?;
        (0..shape.n_layers).try_for_each(|layer| guest.load_layer(layer as usize))?;
        (0..shape.n_head_chunks).try_for_each(|chunk| guest.load_head(chunk))
    };
    load_all().err()
}

fn assert_names(name: &str, side: &str, message: &str, parts: &[&str]) {
    assert!(
        !message.contains('\n'),
        "{name}: {side} needs one line: {message}"
    );
    for part in parts {
        assert!(
            message.contains(part),
            "{name}: {side} does not name {part:?}: {message}"
        );
    }
}

#[test]
fn the_bases_of_the_corpus_are_valid() {
    for (name, valid) in hostile::valid() {
        if let Err(error) = Model::from_bytes(valid) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn the_guest_accepts_the_bases_of_the_corpus() {
    for (name, valid) in hostile::valid() {
        if let Some(error) = guest_error(&valid, I2sLayout::Block128) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn hostile_files_have_names_of_their_own_and_differ() {
    let corpus = hostile::corpus();
    let names: HashSet<&str> = corpus.iter().map(|file| file.name).collect();
    let contents: HashSet<&[u8]> = corpus.iter().map(|file| file.bytes.as_slice()).collect();
    assert!(corpus.len() >= 200, "{}", corpus.len());
    assert_eq!((names.len(), contents.len()), (corpus.len(), corpus.len()));
    let is_hostile = |(_, valid): &(_, Vec<u8>)| contents.contains(valid.as_slice());
    assert!(!hostile::valid().iter().any(is_hostile));
    let mentions = |file: &hostile::Hostile| file.must_mention.iter().all(|text| !text.is_empty());
    assert!(corpus.iter().all(mentions));
}

fn assert_native_refuses(file: hostile::Hostile, layout: I2sLayout) {
    let name = file.name;
    let result = catch_unwind(|| Model::load(file.bytes.into(), layout, &()).err());
    let error = result.unwrap_or_else(|_| panic!("{name}: the reader panicked"));
    let error = error.unwrap_or_else(|| panic!("{name}: accepted"));
    assert_names(name, "native", &error.to_string(), file.must_mention);
}

#[test]
fn the_native_reader_refuses_every_hostile_file() {
    for file in hostile::corpus() {
        assert_native_refuses(file, I2sLayout::Block128);
    }
}

#[test]
fn the_native_reader_refuses_hostile_files_in_every_layout() {
    for (layout, file) in hostile::in_layouts() {
        assert_native_refuses(file, layout);
    }
}

fn assert_guest_refuses(file: &hostile::Hostile, layout: I2sLayout) {
    let name = file.name;
    match guest_error(&file.bytes, layout) {
        None => panic!("{name}: accepted"),
        Some(SandboxError::Refused(message) | SandboxError::TooLarge(message)) => {
            assert_names(name, "guest", &message, file.must_mention);
        }
        Some(other) => panic!("{name}: not refused, but {other:?}"),
    }
}

#[test]
fn the_guest_refuses_every_hostile_file() {
    for file in hostile::corpus() {
        assert_guest_refuses(&file, I2sLayout::Block128);
    }
}

#[test]
fn the_guest_refuses_hostile_files_in_every_layout() {
    for (layout, file) in hostile::in_layouts() {
        assert_guest_refuses(&file, layout);
    }
}
