//! Asserts that a file is refused with a given class of error and that the message names the
//! culprit.

use guest_reference::error::Error;
use guest_reference::gguf::Stop;
use guest_reference::model::{self, Model};

use super::gguf::Gguf;

/// Parses the whole file.
pub fn parse(file: &Gguf) -> Result<Model, Error> {
    let bytes = file.bytes();
    parse_as(&bytes, bytes.len() as u64)
}

/// Parses `bytes`, said to begin a file of `file_len` bytes.
pub fn parse_as(bytes: &[u8], file_len: u64) -> Result<Model, Error> {
    model::parse(bytes, file_len).map_err(|stop| match stop {
        Stop::Failed(error) => error,
        Stop::NeedMore(n) => panic!("asked for {n} bytes of {}", bytes.len()),
    })
}

#[track_caller]
pub fn assert_malformed<T>(found: Result<T, Error>, needles: &[&str]) {
    assert_message(found, needles, |error| matches!(error, Error::Malformed(_)));
}

#[track_caller]
pub fn assert_unsupported<T>(found: Result<T, Error>, needles: &[&str]) {
    assert_message(found, needles, |error| {
        matches!(error, Error::Unsupported(_))
    });
}

#[track_caller]
pub fn assert_too_large<T>(found: Result<T, Error>, needles: &[&str]) {
    assert_message(found, needles, |error| matches!(error, Error::TooLarge(_)));
}

#[track_caller]
pub fn assert_misuse<T>(found: Result<T, Error>, needles: &[&str]) {
    assert_message(found, needles, |error| matches!(error, Error::Misuse(_)));
}

#[track_caller]
pub fn assert_non_finite<T>(found: Result<T, Error>, needles: &[&str]) {
    assert_message(found, needles, |error| matches!(error, Error::NonFinite(_)));
}

#[track_caller]
fn assert_message<T>(found: Result<T, Error>, needles: &[&str], class: fn(&Error) -> bool) {
    let error = found.err().expect("accepted, but has to be refused");
    let message = error.message();
    assert!(class(&error), "{error:?}");
    for needle in needles {
        assert!(message.contains(needle), "`{needle}` is not in: {message}");
    }
    assert!(!message.contains('\n'), "{message}");
    assert!(message.starts_with(|c: char| c.is_lowercase()), "{message}");
}
