//! What a sign of noise is.

use crate::receipt::Receipt;

/// A sign of noise: its id, what to do about it, and a check that says what it found.
pub(super) type Sign = (&'static str, &'static str, fn(&Receipt) -> Option<String>);
