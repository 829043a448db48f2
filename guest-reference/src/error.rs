//! The one error type: a class that crosses the sandbox boundary as a number, and a message.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The file breaks a rule of its own format.
    Malformed(String),
    /// The file is well formed but needs something that this crate does not compute.
    Unsupported(String),
    /// A call came out of order or with an argument out of range.
    Misuse(String),
    /// A value is not finite where the specification requires it.
    NonFinite(String),
    /// A size exceeds a cap or the available memory.
    TooLarge(String),
}

impl Error {
    /// Status that an exported call returns, 1 to 5; 0 is success.
    pub fn status(&self) -> i32 {
        match self {
            Error::Malformed(_) => 1,
            Error::Unsupported(_) => 2,
            Error::Misuse(_) => 3,
            Error::NonFinite(_) => 4,
            Error::TooLarge(_) => 5,
        }
    }

    /// One line, lower case: what is wrong, where, what was found and what is allowed.
    pub fn message(&self) -> &str {
        match self {
            Error::Malformed(text)
            | Error::Unsupported(text)
            | Error::Misuse(text)
            | Error::NonFinite(text)
            | Error::TooLarge(text) => text,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for Error {}

/// Result of this crate's fallible functions.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// A value that should be finite and is not. The caller adds position and operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What the value is, for example "sum of squares".
    pub quantity: &'static str,
    /// Its index within the operation, 0 for a single value.
    pub index: usize,
    /// The value itself.
    pub value: f32,
}

impl Fault {
    /// The error, with the place: position, layer and operation.
    pub fn at(self, place: impl fmt::Display) -> Error {
        Error::NonFinite(format!(
            "{place}: {} [{}] is {} (0x{:08x}); a finite value is required",
            self.quantity,
            self.index,
            self.value,
            self.value.to_bits()
        ))
    }
}
