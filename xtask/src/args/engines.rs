//! Arguments that name other engines than ours.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Args as ClapArgs;

use super::numbers::{time, tolerance};
use crate::engines::is_name;

/// How our engine is called among others.
pub const OURS: &str = "ours";

/// Which engines are measured.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Other engines")]
pub struct OtherEnginesArgs {
    /// Measure this engine: ours, an adapter such as llama-server, a command such as './engine {model}', or
    /// the URL of a server. Can be repeated [default: ours]
    #[arg(long = "engine", value_name = "NAME|COMMAND|URL")]
    pub engines: Vec<String>,
    /// The same, always a command, which is started and ended:
    /// 'llama-server -m {model} -t {threads} --port {port}'. Can be repeated
    #[arg(long, value_name = "[NAME=]COMMAND")]
    pub engine_command: Vec<String>,
    /// Engines of your own: a file as ci/engines/README.md describes
    #[arg(long, value_name = "FILE")]
    pub engine_adapters: Option<PathBuf>,
    /// Give the engine NAME, or the only one, this file instead of the model. It is judged only if its weights
    /// are those of the model
    #[arg(long, value_name = "[NAME=]FILE")]
    pub engine_model: Vec<EngineFile>,
    /// How long another engine may take to be ready, and be silent before a token
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub engine_timeout: Duration,
    /// How far below the largest logit the token of another engine may be, in standard deviations of all
    /// logits of its position [default: a measured one]
    #[arg(long, value_name = "X", value_parser = tolerance)]
    pub tolerance: Option<f64>,
}

/// A model file, and the engine that it is for, if one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFile {
    /// The engine.
    pub name: Option<String>,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for EngineFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) if is_name(name) => (Some(name.to_owned()), path),
            _ => (None, text),
        };
        match path.is_empty() {
            true => Err(format!("found {text:?}, allowed FILE or NAME=FILE")),
            false => Ok(Self {
                name,
                path: path.into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EngineFile;

    #[test]
    fn a_name_stands_before_the_first_sign() {
        let of = |name: Option<&str>, path: &str| EngineFile {
            name: name.map(str::to_owned),
            path: path.into(),
        };
        for (text, expected) in [
            ("ik_llama=a.gguf", of(Some("ik_llama"), "a.gguf")),
            ("a.gguf", of(None, "a.gguf")),
            ("./a=b.gguf", of(None, "./a=b.gguf")),
            ("a=b=c", of(Some("a"), "b=c")),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for wrong in ["", "ik_llama="] {
            let error = wrong.parse::<EngineFile>().unwrap_err();
            assert!(error.contains("NAME=FILE"), "{error}");
        }
    }
}
