//! `web`: builds the page that verifies receipts in a browser.

use std::fs;

use host::watch::{Phase, Watch};
use serde_json::json;

use crate::{
    args::WebArgs,
    exit::{Exit, Failure},
    guest::workspace_root,
    output::{file, show},
    progress::RunProgress,
    web::build,
};

/// Runs the command.
///
/// # Errors
/// This program was built without the feature `web`, or the page cannot be built or written.
pub fn run(args: &WebArgs) -> Result<Exit, Failure> {
    let watch = Watch::default();
    let display = RunProgress::of(args.print, &watch);
    watch.begin(Phase::Other("build the page"), 0);
    let page = build(&workspace_root())?;
    drop(display);
    let folder = &args.output;
    fs::create_dir_all(folder).map_err(|e| Failure::io(folder, &e))?;
    let file = file(&folder.join("index.html"))?;
    file.replace(|out| out.write_all(page.html.as_bytes()))
        .map_err(|e| Failure::io(file.path(), &e))?;
    let path = file.path().display().to_string();
    let (bytes, model) = (page.html.len(), page.model_bytes);
    let json = json!({ "page": path, "bytes": bytes, "model_bytes": model });
    show(args.print.output, &json, || {
        format!("page written: {path}, {bytes} bytes, of which the example model is {model}\n")
    })?;
    Ok(Exit::Done)
}
