//! Arguments that name other engines than ours.

use std::{path::PathBuf, str::FromStr};

use clap::Args as ClapArgs;

use super::numbers::tolerance;

/// How our engine is called among others.
pub const OURS: &str = "ours";

/// Which engines are measured.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Other engines")]
pub struct OtherEnginesArgs {
    /// Measure this engine: ours, an adapter such as llama-server, a command such as './engine {model}', or
    /// the URL of a server. Can be repeated [default: ours]
    #[arg(long = "engine", value_name = "NAME|COMMAND|URL")]
    pub engines: Vec<String>,
    /// Start this command, and no other, for the adapter NAME, or for llama-server:
    /// 'llama-server -m {model} -t {threads} --port {port}'. Can be repeated
    #[arg(long, value_name = "[NAME=]COMMAND")]
    pub engine_command: Vec<Named>,
    /// Give the engine NAME, or the only one, this file instead of the model. It is judged only if its weights
    /// are those of the model
    #[arg(long, value_name = "[NAME=]FILE")]
    pub engine_model: Vec<Named>,
    /// How far below the largest logit the token of another engine may be, in standard deviations of all
    /// logits of its position [default: a measured one]
    #[arg(long, value_name = "X", value_parser = tolerance)]
    pub tolerance: Option<f64>,
}

/// A value, and the engine that it is for, if one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The engine.
    pub name: Option<String>,
    /// The value.
    pub value: String,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| {
            let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_word)
        };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) if is_name(name) => (Some(name.to_owned()), value),
            _ => (None, text),
        };
        match value.is_empty() {
            true => Err(format!("found {text:?}, allowed [NAME=]VALUE")),
            false => Ok(Self {
                name,
                value: value.to_owned(),
            }),
        }
    }
}

impl Named {
    /// The value as a path.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::Named;

    #[test]
    fn a_name_stands_before_the_first_sign() {
        let parse = |text: &str| text.parse::<Named>().map(|n| (n.name, n.value));
        let of = |name: Option<&str>, value: &str| Ok((name.map(str::to_owned), value.to_owned()));
        assert_eq!(parse("ik=a.gguf"), of(Some("ik"), "a.gguf"));
        assert_eq!(parse("a.gguf"), of(None, "a.gguf"));
        assert_eq!(parse("./a=b.gguf"), of(None, "./a=b.gguf"));
        assert_eq!(parse("s -m {model} --x=1"), of(None, "s -m {model} --x=1"));
        assert_eq!(parse("s=./s --x=1"), of(Some("s"), "./s --x=1"));
        for wrong in ["", "ik="] {
            assert!(parse(wrong).unwrap_err().contains("[NAME=]VALUE"), "{wrong}");
        }
    }
}
