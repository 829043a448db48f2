//! Arguments of the commands that check what somebody else claims, and of the keys for it.

use std::{num::NonZeroUsize, ops::Range, path::PathBuf};

use clap::Args as ClapArgs;
use host::{challenge::Challenge, digest::Digest};

use super::values::{Format, I2s, digest, layers, per_mille, tolerance};

/// Arguments of `verify-receipt`.
#[derive(Debug, ClapArgs)]
pub struct VerifyReceiptArgs {
    /// The receipt
    #[arg(long, default_value = "ci/inference.json")]
    pub path: PathBuf,
    /// Replay the run in the sandbox
    #[arg(long)]
    pub check_parity: bool,
    /// Replay some units alone, drawn by fresh randomness: so many of a hundred, such as 5%
    #[arg(long, value_name = "PERCENT", requires = "check_parity", value_parser = per_mille)]
    pub sample: Option<u32>,
    /// Replay these layers alone, such as 0..6; the end is not among them
    #[arg(long, value_name = "A..B", requires = "check_parity", conflicts_with = "sample", value_parser = layers)]
    pub layers: Option<Range<usize>>,
    /// Repeat the audit that was drawn by this; says nothing new
    #[arg(long, value_name = "HEX", requires = "sample", value_parser = digest)]
    pub nonce: Option<Digest>,
    /// Guests that replay at once; the verdict is the same for any number [default: the physical
    /// cores]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// What else is demanded: a TOML file such as ci/policy.toml [default: no more than the ceilings
    /// and the bound on caching of that file]
    #[arg(long)]
    pub policy: Option<PathBuf>,
    /// Run the native engine here too, and show both speeds
    #[arg(long)]
    pub retime: bool,
    /// The receipt's bundle: who signed it, by --public-key
    #[arg(long, requires = "public_key")]
    pub bundle: Option<PathBuf>,
    /// The signer's ed25519 public key, as PEM or a line `ssh-ed25519 …`; from the signer, not from
    /// whoever brought the bundle
    #[arg(long, requires = "bundle")]
    pub public_key: Option<PathBuf>,
    /// The nonce that you chose: a receipt without it may have been made before
    #[arg(long, value_name = "HEX")]
    pub challenge: Option<Challenge>,
    /// Model file [default: models/<file name>, or beside the receipt]
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// A list for people, or the verdict for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
}

/// Arguments of `replay`.
#[derive(Debug, ClapArgs)]
pub struct ReplayArgs {
    /// The tokens, as ci/TRANSCRIPT.md describes the file
    #[arg(long)]
    pub transcript: PathBuf,
    /// Model file
    #[arg(long)]
    pub model: PathBuf,
    /// How the program that packed the file's I2_S tensors arranged them; no file says it
    #[arg(long, value_enum, default_value = "block128")]
    pub i2s_layout: I2s,
    /// Logits that differ by no more are a tie, which proves nothing [default: the transcript's, or 0]
    #[arg(long, value_parser = tolerance)]
    pub logit_tolerance: Option<f64>,
    /// Guests that replay at once; the answer is the same for any number [default: the physical cores]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Lines for people, or every token's margin for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
    /// No progress
    #[arg(long)]
    pub quiet: bool,
}

/// Arguments of `selftest`.
#[derive(Debug, ClapArgs)]
pub struct SelftestArgs {
    /// The folder with the vectors
    #[arg(long, default_value = "ci/vectors")]
    pub vectors: PathBuf,
    /// The model whose receipt is forged: the vectors are made for this one
    #[arg(long, default_value = "models/tiny.gguf")]
    pub model: PathBuf,
}

/// Arguments of `keygen`.
#[derive(Debug, ClapArgs)]
pub struct KeygenArgs {
    /// Where the private key goes; the public key is <output>.pub. Neither replaces a file
    #[arg(long)]
    pub output: PathBuf,
}
