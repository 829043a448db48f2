//! `guest`: builds the reference guest, or checks the committed one.

use host::watch::{Phase, Watch};
use serde_json::json;

use crate::{
    args::GuestArgs,
    exit::{Exit, Failure},
    guest::{Differs, build},
    output::show,
    progress::RunProgress,
};

/// Runs the command.
///
/// # Errors
/// The guest cannot be built, or is not the committed one.
pub fn run(args: &GuestArgs) -> Result<Exit, Failure> {
    let watch = Watch::default();
    let display = RunProgress::of(args.print, &watch);
    watch.begin(Phase::Other("build the guest"), 0);
    let report = build(args.check).map_err(|error| {
        let exit = match error.is::<Differs>() {
            true => Exit::Rejected,
            false => Exit::Io,
        };
        Failure::new(exit, format_args!("{error:#}"))
    })?;
    drop(display);
    let json = json!({ "artifact": report.artifact, "checked": report.checked });
    show(args.print.output, &json, || format!("{report}\n"))?;
    Ok(Exit::Done)
}
