//! `model`: the known models, and whether a file is one of them.

use std::{fmt::Write, path::PathBuf};

use host::{digest::Digest, watch::Watch};
use serde::Serialize;

use crate::{
    args::{ModelListArgs, ModelVerifyArgs},
    commands::model_file::{Hashed, hash},
    exit::{Exit, Failure},
    models::{KnownModel, Origin, known_models},
    output::show,
    program,
    progress::RunProgress,
};

#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    model: KnownModel,
    /// A file here that has its name and its size.
    file_here: Option<PathBuf>,
    how_to_get: String,
}

/// Shows the known models, how to get each, and which seem to be here.
///
/// # Errors
/// Standard output cannot be written to.
pub fn list(args: &ModelListArgs) -> Result<Exit, Failure> {
    let listed = |model: KnownModel| Listed {
        file_here: model.likely_file(),
        how_to_get: model.how_to_get(),
        model,
    };
    let models: Vec<_> = known()?.into_iter().map(listed).collect();
    show(args.output, &models, || text(&models))?;
    Ok(Exit::Done)
}

fn text(models: &[Listed]) -> String {
    let mut text = String::new();
    for listed in models {
        let model = &listed.model;
        let _ = writeln!(text, "{} ({}, {})", model.file, model.size(), model.licence);
        let unconfirmed = match model.is_unconfirmed() {
            true => " (unconfirmed)",
            false => "",
        };
        let _ = writeln!(text, "  sha256  {}{unconfirmed}", model.sha256);
        let _ = match &listed.file_here {
            Some(path) => writeln!(text, "  here    {}", path.display()),
            None => writeln!(text, "  get it  {}", listed.how_to_get),
        };
    }
    let call = program::current().call();
    text + &format!(
        "\n\"here\" means: same name and size. \"{call} model verify FILE\" compares the digest.\n\
         \"unconfirmed\": the digest is quoted from somebody, and was not compared with the \
         publisher's.\n\
         Receipts find a model under any name.\n"
    )
}

fn known() -> Result<Vec<KnownModel>, Failure> {
    known_models().map_err(|e| Failure::new(Exit::BadInput, e))
}

#[derive(Debug, Serialize)]
struct Report {
    verdict: &'static str,
    sha256: Digest,
    bytes: u64,
    explanation: String,
}

/// Compares a file with the digests of the known models.
///
/// # Errors
/// The file cannot be read. A verdict is no failure.
pub fn verify(args: &ModelVerifyArgs, watch: &Watch) -> Result<Exit, Failure> {
    let path = args.model.path();
    let display = RunProgress::of(args.print, watch);
    let Hashed { sha256, bytes } = hash(path, watch)?;
    drop(display);
    let (exit, verdict, explanation) = judge(&known()?, sha256, bytes);
    let report = Report {
        verdict,
        sha256,
        bytes,
        explanation,
    };
    show(args.print.output, &report, || {
        let explanation = &report.explanation;
        format!(
            "{verdict}: {}\nsha256   {sha256}\n{explanation}\n",
            path.display()
        )
    })?;
    Ok(exit)
}

fn judge(known: &[KnownModel], sha256: Digest, bytes: u64) -> (Exit, &'static str, String) {
    if let Some(model) = known.iter().find(|m| m.sha256 == sha256) {
        return (Exit::Done, "known", describe(model));
    }
    match known.iter().find(|m| m.bytes == Some(bytes)) {
        Some(model) if model.is_unconfirmed() => (
            Exit::Unverifiable,
            "unknown",
            format!(
                "has this model's size, but not the digest {} that is listed for it. The listed \
                 digest is unconfirmed, so either may be wrong:\n{}",
                model.sha256,
                describe(model)
            ),
        ),
        Some(model) => (
            Exit::Rejected,
            "altered",
            format!(
                "has the size of this model, but not its digest {}; download it again:\n{}",
                model.sha256,
                describe(model)
            ),
        ),
        None => (
            Exit::Unverifiable,
            "unknown",
            format!(
                "none of the {} known models; `model list` shows them",
                known.len()
            ),
        ),
    }
}

fn describe(model: &KnownModel) -> String {
    let origin = match &model.origin {
        Origin::Generated { preset, seed } => {
            format!("make-model --preset {preset} --seed {seed}")
        }
        Origin::Trained { recipe } => format!("trained as {recipe} says"),
        Origin::Published {
            repository,
            source,
            unconfirmed,
        } => {
            let note = match unconfirmed {
                true => " (unconfirmed: compare the digest with the publisher's)",
                false => "",
            };
            format!("{repository}, {}\nsource   {source}{note}", model.file)
        }
    };
    format!("origin   {origin}\nlicence  {}", model.licence)
}

#[cfg(test)]
mod tests {
    use host::digest::Digest;

    use super::{judge, known};
    use crate::exit::Exit;

    /// Another digest at the size of a model proves nothing where the known one is only quoted.
    #[test]
    fn a_quoted_digest_rejects_nothing() {
        let known = known().unwrap();
        let judged = |file: &str| {
            let model = known.iter().find(|m| m.file == file).unwrap();
            let other = judge(&known, Digest([0; 32]), model.bytes.unwrap());
            let (exit, verdict, text) = judge(&known, model.sha256, 0);
            assert_eq!((exit, verdict), (Exit::Done, "known"));
            (other.0, text.contains("compare the digest"))
        };
        assert_eq!(judged("tiny.gguf"), (Exit::Rejected, false));
        let quoted = judged("Ternary-Bonsai-4B-Q2_0.gguf");
        assert_eq!(quoted, (Exit::Unverifiable, true));
    }
}
