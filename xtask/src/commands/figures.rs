//! Figures that a benchmark shows beside its receipt.

use engine_native::Engine;
use host::{failure::RunFailure, run::Profile, task::Task, watch::Watch};

use crate::{
    args::{BenchmarkArgs, RowFormat},
    output::is_stdout,
};

/// What is printed beside the receipt and stands in none: nobody could check it.
#[derive(Debug, Default)]
pub struct Figures {
    /// Mean bytes that a decoded token reads.
    pub bytes_per_token: Option<f64>,
    /// Bytes of weights that were arranged for decoding, beside the file's own.
    pub arranged_bytes: u64,
    /// What has to be known about the times of another engine.
    pub notes: Vec<String>,
    /// `--profile`
    pub profile: Option<Profile>,
}

impl Figures {
    /// What `args` ask for, right after the timed runs.
    ///
    /// # Errors
    /// The engine failed, or the command was interrupted.
    pub fn measure(
        args: &BenchmarkArgs,
        engine: &Engine,
        task: &Task,
        watch: &Watch,
    ) -> Result<Self, RunFailure> {
        let output = &args.print.output;
        let is_shown = output.is_text() && !is_stdout(&args.output());
        let mut figures = Self {
            arranged_bytes: engine.packed_bytes(),
            ..Self::default()
        };
        if args.measurement.profile && (is_shown || output.format == RowFormat::Json) {
            figures.profile = Some(Profile::measure(engine, task, watch)?);
        }
        Ok(figures)
    }
}
