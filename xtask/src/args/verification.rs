//! Arguments of the commands that check what somebody else claims, and of the keys for it.

use std::{
    num::NonZeroUsize,
    ops::Range,
    path::{Path, PathBuf},
};

use clap::Args as ClapArgs;
use host::{digest::Digest, task::Challenge};

use super::values::{Format, I2s, digest, layers, per_mille, tolerance};

/// Arguments of `verify-receipt`.
#[derive(Debug, ClapArgs)]
pub struct VerifyReceiptArgs {
    /// The receipt [default: ci/inference.json]
    #[arg(value_name = "RECEIPT")]
    pub receipt: Option<PathBuf>,
    /// The receipt, as a flag
    #[arg(long, hide = true, conflicts_with = "receipt")]
    pub path: Option<PathBuf>,
    /// Replay the whole run in the sandbox, which is the default
    #[arg(long)]
    pub check_parity: bool,
    /// Replay nothing: the receipt is then unverifiable at best
    #[arg(long, conflicts_with_all = ["check_parity", "sample", "layers"])]
    pub no_replay: bool,
    /// Replay only this share of the run, drawn at random, such as 5%
    #[arg(long, value_name = "PERCENT", value_parser = per_mille)]
    pub sample: Option<u32>,
    /// Replay only these layers, such as 0..6 for the first six
    #[arg(long, value_name = "A..B", conflicts_with = "sample", value_parser = layers)]
    pub layers: Option<Range<usize>>,
    /// Repeat an earlier audit, by the nonce that it printed; adds no evidence
    #[arg(long, value_name = "HEX", requires = "sample", value_parser = digest)]
    pub nonce: Option<Digest>,
    /// Guests that replay at once; changes only the time [default: the physical cores]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// A TOML file that says what else is demanded, such as ci/policy.toml
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Time the run on this machine, too, and show both speeds
    #[arg(long)]
    pub retime: bool,
    /// The receipt's bundle: check who signed it, with --public-key
    #[arg(long, value_name = "FILE", requires = "public_key")]
    pub bundle: Option<PathBuf>,
    /// The signer's ed25519 public key, as PEM or a line `ssh-ed25519 …`. Get it from the signer, not
    /// from whoever sent the bundle
    #[arg(long, value_name = "FILE", requires = "bundle")]
    pub public_key: Option<PathBuf>,
    /// The nonce that you gave the writer: rejects a run that does not answer it
    #[arg(long, value_name = "HEX")]
    pub challenge: Option<Challenge>,
    /// The model file [default: found by its digest in models/, beside the receipt or in the cache]
    #[arg(short, long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Text for people, or the verdict for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
    /// Print nothing but what is wrong
    #[arg(short, long)]
    pub quiet: bool,
}

impl VerifyReceiptArgs {
    /// Where the receipt is.
    pub fn receipt_path(&self) -> &Path {
        let named = self.receipt.as_deref().or(self.path.as_deref());
        named.unwrap_or(Path::new("ci/inference.json"))
    }
}

/// Arguments of `show`.
#[derive(Debug, ClapArgs)]
pub struct ShowArgs {
    /// The receipts
    #[arg(value_name = "RECEIPT", required = true)]
    pub receipts: Vec<PathBuf>,
    /// Text for people, or a list for programs
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
