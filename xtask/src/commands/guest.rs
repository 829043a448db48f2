//! `guest`: builds the reference guest, or checks the committed one.

use crate::{
    args::GuestArgs,
    exit::{Exit, Failure},
    guest::{Differs, build},
    output::print,
};

/// Runs the command.
///
/// # Errors
/// The guest cannot be built, or is not the committed one.
pub fn run(args: &GuestArgs) -> Result<Exit, Failure> {
    let report = build(args.check).map_err(|error| {
        let exit = match error.is::<Differs>() {
            true => Exit::Rejected,
            false => Exit::Io,
        };
        Failure { exit, error }
    })?;
    print(&format!("{report}\n"))?;
    Ok(Exit::Done)
}
