//! Which of the two programs was called: what it calls itself, and where its files go.

use std::{path::PathBuf, sync::OnceLock};

/// The two programs of this package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Program {
    /// The commands of users, and those of the developers of a checkout.
    #[default]
    Xtask,
    /// The commands of users. It needs no checkout.
    Bitreceipt,
}

static CURRENT: OnceLock<Program> = OnceLock::new();

/// Says which program this process is. Only the first call counts.
pub fn set(program: Program) {
    let _ = CURRENT.set(program);
}

/// Whether this process is one of the two.
pub fn is_set() -> bool {
    CURRENT.get().is_some()
}

/// The program that this process is.
pub fn current() -> Program {
    CURRENT.get().copied().unwrap_or_default()
}

impl Program {
    /// Its name, as usage lines have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xtask => "xtask",
            Self::Bitreceipt => "bitreceipt",
        }
    }

    /// What to type before the name of a command.
    pub fn call(self) -> &'static str {
        match self {
            Self::Xtask => "cargo run -p xtask --",
            Self::Bitreceipt => "bitreceipt",
        }
    }

    /// Where a receipt is written to and read from unless another place is named.
    pub fn receipt(self) -> PathBuf {
        match self {
            Self::Xtask => "ci/inference.json".into(),
            Self::Bitreceipt => "inference.json".into(),
        }
    }
}
