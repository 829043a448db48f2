//! The reference's run: layer by layer over all positions, as a replay does it.

use engine_native::{I2sLayout, KvType, LogitsAt};
use guest_reference::{attention, error::Error, ternary};

use super::{
    Position, bits,
    settings::{Run, Settings},
};
use crate::guest::Guest;

/// A file that the reference takes.
pub struct Reference<'f> {
    file: &'f [u8],
    settings: &'f Settings,
}

impl<'f> Reference<'f> {
    /// Takes in the header, then every weight of `file`.
    pub fn load(file: &'f [u8], settings: &'f Settings) -> Result<Self, Error> {
        let reference = Self { file, settings };
        reference.open(1)?.load_all()?;
        Ok(reference)
    }

    fn open(&self, n_positions: usize) -> Result<Guest<'f>, Error> {
        let kv_type = match self.settings.kv_type {
            KvType::F16 => attention::KvType::F16,
            KvType::F32 => attention::KvType::F32,
        };
        let layout = match self.settings.layout {
            I2sLayout::Block128 => ternary::I2sLayout::Block128,
            I2sLayout::Row4 => ternary::I2sLayout::Row4,
            I2sLayout::Block64 => ternary::I2sLayout::Block64,
        };
        Guest::open(self.file, kv_type, layout, n_positions)
    }

    /// The positions of `run`, fed the inputs that the other side claims.
    pub fn run(&mut self, run: &Run, claimed: &[Position]) -> Result<Vec<Position>, Error> {
        let inputs: Vec<u32> = claimed.iter().map(|position| position.input).collect();
        self.feed(run, &inputs)
    }

    /// Decodes by itself, to the value that is not finite: the steps before it, and the message.
    pub fn decode(&mut self, run: &Run) -> Result<(Vec<Position>, String), String> {
        let mut inputs = run.prompt.clone();
        let mut before = Vec::new();
        loop {
            match self.feed(run, &inputs) {
                Err(Error::NonFinite(message)) => return Ok((before, message)),
                Err(error) => return Err(format!("the reference fails otherwise: {error:?}")),
                Ok(_) if inputs.len() == run.n_positions() => {
                    return Err("all is finite on the reference's side".to_owned());
                }
                Ok(positions) => before = positions,
            }
            inputs.extend(
                before
                    .last()
                    .and_then(|last| last.choice)
                    .map(|(token, _)| token),
            );
        }
    }

    fn feed(&mut self, run: &Run, inputs: &[u32]) -> Result<Vec<Position>, Error> {
        let mut guest = self.open(inputs.len())?;
        for (position, &token) in inputs.iter().enumerate() {
            guest.load_embedding(token as usize)?;
            guest.runner()?.embed(position)?;
        }
        let mut boundaries = vec![Vec::new(); inputs.len()];
        for layer in 0..guest.n_layers()? {
            guest.load_layer(layer)?;
            for (position, boundaries) in boundaries.iter_mut().enumerate() {
                let runner = guest.runner()?;
                runner.layer(position)?;
                boundaries.extend(bits(runner.residual(position)?));
            }
        }
        let logits = self.heads(&mut guest, run, inputs.len())?;
        let runner = guest.runner()?;
        let all = inputs.iter().zip(boundaries).zip(logits).enumerate();
        all.map(|(position, ((&input, boundaries), logits))| {
            let chooses = position + 1 >= run.prompt.len();
            let choice = chooses.then(|| runner.choice(position)).transpose()?;
            Ok(Position {
                input,
                boundaries,
                hidden: bits(runner.hidden(position)?),
                choice: choice.map(|(token, logit)| (token as u32, logit.to_bits())),
                logits,
            })
        })
        .collect()
    }

    /// Hidden states, choices and logits; those of every position, if they were asked for.
    fn heads(
        &self,
        guest: &mut Guest,
        run: &Run,
        n_positions: usize,
    ) -> Result<Vec<Vec<u32>>, Error> {
        let keeps_logits = self.settings.logits == LogitsAt::EveryPosition;
        let mut logits = vec![Vec::new(); n_positions];
        for chunk in 0..guest.runner()?.n_chunks() {
            guest.load_head(chunk)?;
            let runner = guest.runner()?;
            for (position, logits) in logits.iter_mut().enumerate() {
                if chunk == 0 {
                    runner.head_norm(position)?;
                }
                if self.settings.has_logits(run, position) {
                    runner.head_rows(position)?;
                }
                if keeps_logits {
                    logits.extend(bits(&runner.logits()[runner.loaded_rows()?]));
                }
            }
        }
        Ok(logits)
    }
}
