//! Hostile files: both readers refuse each, in one line that names what is wrong.

#[path = "support/hostile/mod.rs"]
mod hostile;
mod support;

use std::panic::catch_unwind;

use engine_native::{KvType, Model};
use host::sandbox::SandboxError;
use support::SANDBOX;

/// What the guest says of a file when it is made to load all of it.
fn guest_error(file: &[u8]) -> Option<SandboxError> {
    let load_all = || -> Result<(), SandboxError> {
        let mut guest = SANDBOX.open(file)?;
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
fn the_base_of_the_corpus_is_valid() {
    let valid = hostile::valid();
    Model::from_bytes(valid.clone()).unwrap();
    assert!(guest_error(&valid).is_none());
}

#[test]
fn the_native_reader_refuses_every_hostile_file() {
    for file in hostile::corpus() {
        let name = file.name;
        let result = catch_unwind(|| Model::from_bytes(file.bytes).err());
        let error = result.unwrap_or_else(|_| panic!("{name}: the reader panicked"));
        let error = error.unwrap_or_else(|| panic!("{name}: accepted"));
        assert_names(name, "native", &error.to_string(), file.must_mention);
    }
}

#[test]
fn the_guest_refuses_every_hostile_file() {
    for file in hostile::corpus() {
        let name = file.name;
        match guest_error(&file.bytes) {
            None => panic!("{name}: accepted"),
            Some(SandboxError::Refused(message) | SandboxError::TooLarge(message)) => {
                assert_names(name, "guest", &message, file.must_mention);
            }
            Some(other) => panic!("{name}: not refused, but {other:?}"),
        }
    }
}
