//! Files that commands read: a word of their own, or behind a flag.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

/// Model files, none of which need be named.
#[derive(Debug, Clone, ClapArgs)]
#[group(id = "model_file", multiple = false)]
pub struct SweptModels {
    /// Model file, or several [default: models/tiny.gguf, or the copy of it inside this program]
    #[arg(value_name = "MODEL")]
    files: Vec<PathBuf>,
    /// The same, as a flag, which can be repeated
    #[arg(short, long, value_name = "MODEL")]
    model: Vec<PathBuf>,
}

impl SweptModels {
    /// The files that were named.
    pub fn named(&self) -> &[PathBuf] {
        match self.files.is_empty() {
            true => &self.model,
            false => &self.files,
        }
    }
}

/// A model file for text, which need not be named.
#[derive(Debug, Clone, ClapArgs)]
#[group(id = "model_file", multiple = false)]
pub struct OptionalModel {
    /// Model file [default: models/tiny-rust.gguf, or the copy of it inside this program]
    #[arg(value_name = "MODEL")]
    file: Option<PathBuf>,
    /// The same, as a flag
    #[arg(short, long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

impl OptionalModel {
    /// The file that was named.
    pub fn named(&self) -> Option<&Path> {
        self.file.as_deref().or(self.model.as_deref())
    }
}

/// A model file that has to be named.
#[derive(Debug, Clone, ClapArgs)]
#[group(id = "model_file", required = true, multiple = false)]
pub struct RequiredModel {
    /// Model file
    #[arg(value_name = "MODEL")]
    file: Option<PathBuf>,
    /// The same, as a flag
    #[arg(short, long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

impl RequiredModel {
    /// The file.
    pub fn path(&self) -> &Path {
        either(&self.file, &self.model)
    }
}

/// What a transcript is: an installed program has no document that says it.
const TRANSCRIPT: &str =
    r#"The tokens as JSON: {"version": 1, "prompt_ids": […], "tokens": […]}; - is standard input"#;

/// A transcript and a model, both of which have to be named.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct TranscriptAndModel {
    /// The tokens
    #[arg(
        value_name = "TRANSCRIPT",
        required_unless_present = "transcript_flag",
        help = TRANSCRIPT
    )]
    transcript: Option<PathBuf>,
    /// Model file
    #[arg(value_name = "MODEL", required_unless_present = "model")]
    file: Option<PathBuf>,
    /// The same as TRANSCRIPT, as a flag
    #[arg(
        long = "transcript",
        id = "transcript_flag",
        value_name = "TRANSCRIPT",
        hide = true,
        conflicts_with = "transcript"
    )]
    transcript_flag: Option<PathBuf>,
    /// The same as MODEL, as a flag
    #[arg(short, long, value_name = "MODEL", conflicts_with = "file")]
    model: Option<PathBuf>,
}

impl TranscriptAndModel {
    /// The transcript.
    pub fn transcript(&self) -> &Path {
        either(&self.transcript, &self.transcript_flag)
    }

    /// The model file.
    pub fn model(&self) -> &Path {
        either(&self.file, &self.model)
    }
}

/// Where a new key goes.
#[derive(Debug, Clone, ClapArgs)]
#[group(id = "key_file", required = true, multiple = false)]
pub struct KeyFile {
    /// Where the private key goes; the public key is FILE.pub. Neither replaces a file
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same, as a flag
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl KeyFile {
    /// The file.
    pub fn path(&self) -> &Path {
        either(&self.file, &self.output)
    }
}

/// The one that was given; the argument parser demands one.
fn either<'a>(word: &'a Option<PathBuf>, flag: &'a Option<PathBuf>) -> &'a Path {
    let given = word.as_deref().or(flag.as_deref());
    given.unwrap_or(Path::new(""))
}
