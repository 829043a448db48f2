//! Arguments of `web`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{examples::examples, output::LongOutputArgs};

/// Arguments of `web`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["web", "web --output site"]))]
pub struct WebArgs {
    /// The folder that the page is written to, which is made where it is missing
    #[arg(long, value_name = "DIR", default_value = "target/web")]
    pub output: PathBuf,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}
