//! Arguments of the commands that read receipts.

use std::{num::NonZeroUsize, ops::Range, path::PathBuf};

use clap::Args as ClapArgs;
use host::{digest::Digest, task::Challenge};

use super::{
    examples::examples,
    numbers::{digest, jobs, layers, per_mille, tolerance, whole},
    output::{LongOutputArgs, RowOutputArgs},
};
use crate::program;

/// Arguments of `verify-receipt`.
#[derive(Debug, Default, ClapArgs)]
#[command(after_help = examples(&[
    "verify-receipt inference.json",
    "verify-receipt inference.json --sample 5%",
    "verify-receipt inference.json --policy policy.toml --format json",
]))]
pub struct VerifyReceiptArgs {
    /// The receipt
    #[arg(value_name = "RECEIPT", help = about_receipt())]
    pub receipt: Option<PathBuf>,
    /// The receipt, as a flag
    #[arg(long, hide = true, conflicts_with = "receipt")]
    pub path: Option<PathBuf>,
    /// Replay the whole run in the sandbox, which is the default
    #[arg(long, help_heading = "Replay")]
    pub check_parity: bool,
    /// Replay nothing: the receipt is then unverifiable at best
    #[arg(long, help_heading = "Replay", conflicts_with_all = ["check_parity", "sample", "layers", "heads"])]
    pub no_replay: bool,
    /// Replay only this share of the run, drawn at random, such as 5%
    #[arg(long, help_heading = "Replay", value_name = "PERCENT", value_parser = per_mille)]
    pub sample: Option<u32>,
    /// Replay only these layers, such as 0..6 for the first six
    #[arg(long, help_heading = "Replay", value_name = "FIRST..END", conflicts_with = "sample", value_parser = layers)]
    pub layers: Option<Range<usize>>,
    /// Replay only the choices, from the output of the last layer; with --layers, both parts
    #[arg(long, help_heading = "Replay", conflicts_with = "sample")]
    pub heads: bool,
    /// Repeat an earlier audit, by the nonce that it printed; adds no evidence
    #[arg(long, help_heading = "Replay", value_name = "HEX", requires = "sample", value_parser = digest)]
    pub nonce: Option<Digest>,
    /// Guests that replay at once; changes only the time [default: the physical cores]
    #[arg(long, help_heading = "Replay", value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// A TOML file with further demands on models, kernels, speed or the signer; the project's
    /// ci/policy.toml is an example
    #[arg(long, help_heading = "Demands", value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How far below the largest logit that of another engine's token may be, in standard deviations of the
    /// logits [default: the policy's, or one that was measured]
    #[arg(long, help_heading = "Demands", value_name = "X", value_parser = tolerance)]
    pub tolerance: Option<f64>,
    /// Time the run on this machine, too, and show both speeds
    #[arg(long, help_heading = "Replay")]
    pub retime: bool,
    /// The receipt's bundle: check who signed it, with --public-key
    #[arg(
        long,
        help_heading = "Demands",
        value_name = "FILE",
        requires = "public_key"
    )]
    pub bundle: Option<PathBuf>,
    /// The signer's ed25519 public key, as PEM or a line `ssh-ed25519 …`. Get it from the signer, not
    /// from whoever sent the bundle
    #[arg(
        long,
        help_heading = "Demands",
        value_name = "FILE",
        requires = "bundle"
    )]
    pub public_key: Option<PathBuf>,
    /// A challenger's statement: check how long the run took by the challenger's clock, with
    /// --challenger-key
    #[arg(
        long,
        help_heading = "Demands",
        value_name = "FILE",
        requires = "challenger_key"
    )]
    pub challenged: Option<PathBuf>,
    /// The challenger's ed25519 public key, from the challenger
    #[arg(
        long,
        help_heading = "Demands",
        value_name = "FILE",
        requires = "challenged"
    )]
    pub challenger_key: Option<PathBuf>,
    /// The nonce that you gave the writer: rejects a run that does not answer it
    #[arg(long, help_heading = "Demands", value_name = "HEX")]
    pub challenge: Option<Challenge>,
    /// The model file [default: found by its digest in models/, beside the receipt or in the cache]
    #[arg(short, long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// What it may cost
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    /// Say in plain words what is now certain, what is bounded and what is only claimed
    #[arg(long, help_heading = "Output")]
    pub explain: bool,
    /// Write a badge to this file: JSON that shields.io reads
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    pub export_badge: Option<PathBuf>,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// What a verification may cost. What goes beyond is not begun, or stopped, and the receipt is
/// unverifiable.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Cost")]
pub struct AllowanceArgs {
    /// Stop after so many seconds; do not begin what certainly takes longer
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub max_seconds: Option<u64>,
    /// Do not begin with a receipt of more positions
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub max_positions: Option<u64>,
    /// Do not begin with a receipt of more repetitions
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub max_repetitions: Option<u64>,
    /// Do not begin with a larger model file
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub max_bytes: Option<u64>,
}

/// What the argument is, and where the receipt is if it is left out.
fn about_receipt() -> String {
    let default = program::current().receipt();
    format!(
        "The receipt; - is standard input [default: {}]",
        default.display()
    )
}

impl VerifyReceiptArgs {
    /// Whether only named parts are replayed.
    pub fn names_parts(&self) -> bool {
        self.layers.is_some() || self.heads
    }

    /// Where the receipt is.
    pub fn receipt_path(&self) -> PathBuf {
        let named = self.receipt.as_ref().or(self.path.as_ref());
        named
            .cloned()
            .unwrap_or_else(|| program::current().receipt())
    }
}

/// Arguments of `show`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["show inference.json", "show receipts/*.json -o md"]))]
pub struct ShowArgs {
    /// The receipts
    #[arg(value_name = "RECEIPT", required = true)]
    pub receipts: Vec<PathBuf>,
    /// What it prints
    #[command(flatten)]
    pub print: RowOutputArgs,
}
