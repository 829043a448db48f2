//! A host in miniature: copies the planned ranges from the file's bytes and loads them.

use guest_reference::attention::KvType;
use guest_reference::error::Result;
use guest_reference::runner::Runner;
use guest_reference::ternary::I2sLayout;

use super::rejection::parse_as;

/// A file and a run over it.
pub struct Host {
    pub file: Vec<u8>,
    pub runner: Runner,
}

/// What a run leaves at each position, as bits.
#[derive(Debug, Default, PartialEq)]
pub struct Trace {
    pub residual: Vec<Vec<u32>>,
    pub hidden: Vec<Vec<u32>>,
    pub logits: Vec<Vec<u32>>,
    pub choices: Vec<(usize, u32)>,
}

impl Host {
    pub fn new(file: Vec<u8>, kv_type: KvType, n_positions: usize) -> Self {
        Self::with_layout(file, kv_type, I2sLayout::Block128, n_positions).expect("fits")
    }

    pub fn with_layout(
        file: Vec<u8>,
        kv_type: KvType,
        layout: I2sLayout,
        n_positions: usize,
    ) -> Result<Self> {
        let model = parse_as(&file, file.len() as u64).expect("valid model");
        let runner = Runner::new(&model, kv_type, layout, n_positions)?;
        Ok(Self { file, runner })
    }

    /// Copies range `i` of the plan to its place.
    pub fn copy(&mut self, i: usize) -> Result<()> {
        let staging = self.runner.staging()?;
        let range = staging.file_range(i)?;
        let start = range.offset as usize;
        let bytes = &self.file[start..start + range.len as usize];
        staging.destination(i)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Copies and loads every planned range.
    pub fn load(&mut self, n_ranges: usize) -> Result<()> {
        for i in 0..n_ranges {
            self.copy(i)?;
            self.runner.load_range(i)?;
        }
        Ok(())
    }

    pub fn load_embedding(&mut self, token: usize) -> Result<()> {
        let n_ranges = self.runner.plan_embed(token)?;
        self.load(n_ranges)
    }

    pub fn load_layer(&mut self, layer: usize) -> Result<()> {
        let n_ranges = self.runner.plan_layer(layer)?;
        self.load(n_ranges)
    }

    pub fn load_head(&mut self, chunk: usize) -> Result<()> {
        let n_ranges = self.runner.plan_head(chunk)?;
        self.load(n_ranges)
    }

    pub fn embed(&mut self, position: usize, token: usize) -> Result<()> {
        self.load_embedding(token)?;
        self.runner.embed(position)
    }

    /// Final norm, logits of every chunk and choice of `position`, added to `trace`.
    pub fn head(&mut self, position: usize, trace: &mut Trace) -> Result<()> {
        for chunk in 0..self.runner.n_chunks() {
            self.load_head(chunk)?;
            if chunk == 0 {
                self.runner.head_norm(position)?;
            }
            self.runner.head_rows(position)?;
        }
        self.record(position, trace)
    }

    fn record(&self, position: usize, trace: &mut Trace) -> Result<()> {
        use super::bits::bits;
        trace.residual.push(bits(self.runner.residual(position)?));
        trace.hidden.push(bits(self.runner.hidden(position)?));
        trace.logits.push(bits(self.runner.logits()));
        let (token, logit) = self.runner.choice(position)?;
        trace.choices.push((token, logit.to_bits()));
        Ok(())
    }
}
