//! Errors as the page gets them: a name that says what to do about it, and a line for people.

use std::fmt::Display;

use host::{sandbox::SandboxError, verify::ReplayFailure};
use js_sys::Error;
use wasm_bindgen::{JsCast, JsValue};

/// The reference rejects the model or a value.
pub const REFUTED: &str = "Refuted";
/// The replay failed for another reason.
pub const UNANSWERED: &str = "Unanswered";

/// An error with this name.
pub fn named(name: &str, line: impl Display) -> JsValue {
    let error = Error::new(&line.to_string());
    error.set_name(name);
    error.into()
}

/// Something that somebody chose is not what it has to be.
pub fn bad_input(place: &str, error: impl Display) -> JsValue {
    named("BadInput", format_args!("{place}: {error}"))
}

/// The error of a replay.
pub fn of_replay(error: SandboxError) -> JsValue {
    match error.into_replay_failure() {
        Ok(ReplayFailure::Refuted(why)) => named(REFUTED, why),
        Ok(ReplayFailure::Unanswered(why)) => named(UNANSWERED, why),
        Err(SandboxError::Memory(why)) => named(
            "Memory",
            format_args!(
                "the browser gives no memory for the replay: {why}; close other pages, or check the \
                 receipt with the command verify-receipt"
            ),
        ),
        Err(error) => named("BadInput", error),
    }
}

/// What the browser says of an error.
pub fn message(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{thrown:?}"),
    }
}
