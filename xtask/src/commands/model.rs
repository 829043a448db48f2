//! `model verify`: is a file the published one?

use std::fmt;

use engine_native::{ModelError, ModelFile};
use host::{cancel::Cancel, digest::Digest};
use serde::Serialize;

use crate::{
    args::{Format, ModelVerifyArgs},
    exit::{Exit, Failure},
    manifest::{KnownModel, Origin, known_models},
    output::{print, print_json},
};

#[derive(Debug, Serialize)]
struct Report {
    verdict: &'static str,
    sha256: Digest,
    bytes: u64,
    explanation: String,
}

/// Runs the command.
///
/// # Errors
/// The file cannot be read. A verdict is no failure.
pub fn run(args: &ModelVerifyArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let file =
        ModelFile::map(&args.path).map_err(|e| Failure::model(&args.path, &ModelError::Io(e)))?;
    let sha256 = Digest::of_unless(&file, || cancel.is_requested());
    let sha256 = sha256.ok_or_else(Failure::interrupted)?;
    let known = known_models().map_err(|e| Failure::new(Exit::BadInput, e))?;
    let (exit, verdict, explanation) = judge(&known, sha256, file.len() as u64);
    match args.format {
        Format::Human => print(&format!(
            "{verdict}: {}\nsha256   {sha256}\n{explanation}\n",
            args.path.display()
        ))?,
        Format::Json => print_json(&Report {
            verdict,
            sha256,
            bytes: file.len() as u64,
            explanation,
        })?,
    }
    Ok(exit)
}

fn judge(known: &[KnownModel], sha256: Digest, bytes: u64) -> (Exit, &'static str, String) {
    if let Some(model) = known.iter().find(|m| m.sha256 == sha256) {
        return (Exit::Done, "known", model.to_string());
    }
    match known.iter().find(|m| m.bytes == Some(bytes)) {
        Some(model) => (
            Exit::Rejected,
            "altered",
            format!(
                "has the size of this model, but not its digest {}:\n{model}",
                model.sha256
            ),
        ),
        None => (
            Exit::Unverifiable,
            "unknown",
            format!("none of the {} models of models/manifest.json", known.len()),
        ),
    }
}

impl fmt::Display for KnownModel {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.origin {
            Origin::Generated { preset, seed } => {
                writeln!(f, "origin   make-model --preset {preset} --seed {seed}")?;
            }
            Origin::Published { repository, source } => {
                writeln!(f, "origin   {repository}, {}", self.file)?;
                writeln!(f, "source   {source}")?;
            }
        }
        write!(f, "licence  {}", self.licence)
    }
}
