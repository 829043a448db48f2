//! `model same`: whether two files hold the same network with the same weights.

use host::{
    watch::Watch,
    weights::{SameWeights, same_weights},
};
use serde::Serialize;

use crate::{
    args::ModelSameArgs,
    exit::{Exit, Failure},
    output::show,
    progress::RunProgress,
};

#[derive(Serialize)]
struct Report {
    verdict: &'static str,
    #[serde(flatten)]
    found: SameWeights,
}

/// Compares the files.
///
/// # Errors
/// A file cannot be read, is no model, or has weights of a type that is not known. A difference is no failure.
pub fn run(args: &ModelSameArgs, watch: &Watch) -> Result<Exit, Failure> {
    let display = RunProgress::of(args.print, watch);
    let other_layout = args.other_i2s_layout.unwrap_or(args.i2s_layout);
    let layouts = [args.i2s_layout, other_layout].map(Into::into);
    let found = same_weights(&args.model, &args.other, layouts, watch)?;
    drop(display);
    let (exit, verdict) = match found.difference {
        None => (Exit::Done, "same"),
        Some(_) => (Exit::Rejected, "different"),
    };
    let report = Report { verdict, found };
    show(args.print.output, &report, || {
        let (model, other, found) = (args.model.display(), args.other.display(), &report.found);
        let details = match &found.difference {
            None => format!("{} weights in {} tensors", found.weights, found.tensors),
            Some(difference) => difference.to_string(),
        };
        format!("{verdict}: {model} and {other}\n{details}\n")
    })?;
    Ok(exit)
}
