//! `inspect`: what is in a model file, and what a run of it takes.

mod facts;
mod json;
mod text;

use host::watch::{Phase, Watch};

use crate::{
    args::{Format, InspectArgs},
    exit::{Exit, Failure},
    output::show,
    progress::RunProgress,
};
use facts::Inspected;

/// Runs the command. What can be read of a file that cannot be run is printed all the same.
///
/// # Errors
/// The file cannot be read, is no GGUF file, or no model that can be run.
pub fn run(args: &InspectArgs, watch: &Watch) -> Result<Exit, Failure> {
    let path = args.model.path();
    let display = RunProgress::of(args.print, watch);
    watch.begin(Phase::Other("read and hash the model"), 0);
    let inspected = Inspected::open(path, args, watch)?;
    drop(display);
    show(args.print.output, &json::json(&inspected), || {
        text::text(&inspected)
    })?;
    match (inspected.content.error(), args.print.output.format) {
        (None, _) => Ok(Exit::Done),
        // The one object has been printed, and says why.
        (Some(_), Format::Json) => Ok(Exit::BadInput),
        (Some(error), Format::Human) => Err(Failure::model(path, error)),
    }
}
