//! `guest`: builds the reference guest, or checks the committed one.

use crate::{
    args::GuestArgs,
    exit::{Exit, Failure},
    guest::build,
    output::print,
};

/// Runs the command.
///
/// # Errors
/// The guest cannot be built, or is not the committed one.
pub fn run(args: &GuestArgs) -> Result<Exit, Failure> {
    let report = build(args.check).map_err(|error| Failure {
        exit: Exit::Rejected,
        error,
    })?;
    print(&format!("{report}\n"))?;
    Ok(Exit::Done)
}
