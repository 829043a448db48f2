//! The phases of a sandboxed run: header bytes, validated model, configured run.

use alloc::format;
use alloc::vec::Vec;

use crate::attention::KvType;
use crate::error::{Error, Result};
use crate::gguf::{MAX_HEADER_BYTES, Stop};
use crate::head::HeadChunks;
use crate::memory::{address, zeroed};
use crate::model::{self, Model};
use crate::runner::Runner;
use crate::ternary::I2sLayout;

/// Everything a module instance holds.
#[derive(Default)]
pub struct Session {
    header: Vec<u8>,
    model: Option<Model>,
    runner: Option<Runner>,
}

impl Session {
    /// A session without a file.
    pub const fn new() -> Self {
        Self {
            header: Vec::new(),
            model: None,
            runner: None,
        }
    }

    /// Room for the first `len` bytes of the file; forgets any earlier file.
    pub fn header_buffer(&mut self, len: u64) -> Result<&mut [u8]> {
        if len > MAX_HEADER_BYTES {
            return Err(Error::TooLarge(format!(
                "header_buffer: {len} bytes; at most {MAX_HEADER_BYTES} are allowed"
            )));
        }
        // The old buffer goes first: a growing header must not take twice its size.
        *self = Self::new();
        self.header = zeroed("header", address("header", len)?)?;
        Ok(&mut self.header)
    }

    /// Parses the first `len` bytes of a file of `file_len`; `Some(n)` asks for the first n bytes.
    pub fn header_parse(&mut self, len: u64, file_len: u64) -> Result<Option<u64>> {
        let bytes = usize::try_from(len)
            .ok()
            .and_then(|len| self.header.get(..len));
        let Some(bytes) = bytes.filter(|_| len <= file_len) else {
            return Err(Error::Misuse(format!(
                "header_parse: {len} bytes of a file of {file_len}; the header buffer holds {}",
                self.header.len()
            )));
        };
        match model::parse(bytes, file_len) {
            Ok(model) => {
                (self.header, self.model) = (Vec::new(), Some(model));
                Ok(None)
            }
            // Doubling limits the number of calls, and how often the same bytes are parsed.
            Err(Stop::NeedMore(n)) => {
                let grown = n.max(len.saturating_mul(2));
                Ok(Some(grown.min(file_len).min(MAX_HEADER_BYTES)))
            }
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// The parsed model.
    pub fn model(&self) -> Result<&Model> {
        let missing = || Error::Misuse("no model: header_parse has not succeeded".into());
        self.model.as_ref().ok_or_else(missing)
    }

    /// Chunks of the model's output matrix.
    pub fn n_chunks(&self) -> Result<usize> {
        let model = self.model()?;
        let n_vocab = model.hyperparameters.n_vocab;
        Ok(HeadChunks::new(*model.tensors.head(), n_vocab).count())
    }

    /// Allocates a run, replacing any earlier one.
    pub fn configure(
        &mut self,
        kv_type: KvType,
        i2s_layout: I2sLayout,
        n_positions: usize,
    ) -> Result<()> {
        // The old run goes first: two runs must never be in memory together.
        self.runner = None;
        let model = self.model()?;
        self.runner = Some(Runner::new(model, kv_type, i2s_layout, n_positions)?);
        Ok(())
    }

    /// The configured run.
    pub fn runner(&mut self) -> Result<&mut Runner> {
        let missing = || Error::Misuse("no run: configure has not succeeded".into());
        self.runner.as_mut().ok_or_else(missing)
    }
}
