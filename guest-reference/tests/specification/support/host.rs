//! A host in miniature: copies the planned ranges from the file's bytes and loads them.

use guest_reference::attention::KvType;
use guest_reference::error::Result;
use guest_reference::runner::Runner;

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
        let model = parse_as(&file, file.len() as u64).expect("valid model");
        let runner = Runner::new(&model, kv_type, n_positions).expect("fits");
        Self { file, runner }
    }

    /// Copies what was planned into the run's memory.
    pub fn copy(&mut self) {
        let staging = self.runner.staging().expect("planned");
        for i in 0..staging.n_ranges() {
            let range = staging.file_range(i);
            let start = range.offset as usize;
            let bytes = &self.file[start..start + range.len as usize];
            staging.bytes_mut(i).copy_from_slice(bytes);
        }
    }

    pub fn load_embedding(&mut self, token: usize) -> Result<()> {
        self.runner.plan_embed(token)?;
        self.copy();
        self.runner.load()
    }

    pub fn load_layer(&mut self, layer: usize) -> Result<()> {
        self.runner.plan_layer(layer)?;
        self.copy();
        self.runner.load()
    }

    pub fn load_head(&mut self, chunk: usize) -> Result<()> {
        self.runner.plan_head(chunk)?;
        self.copy();
        self.runner.load()
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
