//! The answers of our own engine, in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use engine_native::{
    Engine, I2sLayout, KernelChoice, LogitsAt, Model, Op, OpOutput, Projection, RunError, Session,
    SessionOptions,
};
use host::{
    digest::Digest,
    failure::RunFailure,
    task::{PositionRecord, Transcript, TranscriptStart},
    watch::Watch,
};

use super::{
    answers::{Answer, RunAnswer, SumsAnswer},
    case::{Case, ChoiceFact, SumsFact},
};
use crate::kv_name::KvName;

/// Logits that are shown of a position.
const N_TOP: usize = 8;

/// How our engine is asked.
#[derive(Debug, Clone, Copy)]
pub struct OurEngine {
    /// The kernels that it computes with.
    pub kernels: KernelChoice,
    /// Threads.
    pub threads: usize,
    /// Element type of its KV cache.
    pub kv_type: KvName,
}

/// Outputs of operations at the last position of the first prompt, by layer.
type Seen = Arc<Mutex<HashMap<(usize, Op), Vec<f32>>>>;

impl OurEngine {
    /// What it answers to a file; without a case, only whether it reads it.
    ///
    /// # Errors
    /// It is interrupted, or the machine has no room for it.
    pub fn answer(
        self,
        file: &[u8],
        case: Option<&Case>,
        watch: &Watch,
    ) -> Result<Answer, RunFailure> {
        let layout = case.and_then(|case| case.model.i2s_layout.as_deref());
        let layout = layout.and_then(I2sLayout::from_name).unwrap_or_default();
        let model = match Model::load(file.to_vec().into(), layout, watch) {
            Ok(model) => Arc::new(model),
            Err(_) if watch.is_stopped() => return Err(RunError::Cancelled.into()),
            Err(e) => return Ok(Answer::refusal(e.to_string())),
        };
        match case {
            Some(case) => self.runs(&model, case, watch),
            None => Ok(Answer {
                runs: Some(Vec::new()),
                ..Answer::default()
            }),
        }
    }

    fn runs(self, model: &Arc<Model>, case: &Case, watch: &Watch) -> Result<Answer, RunFailure> {
        let engine = Engine::new(model.clone(), self.kernels.resolve()?, self.threads)?;
        let longest = case.prompts.iter().map(Vec::len).max().unwrap_or(0);
        let options = SessionOptions {
            kv_type: self.kv_type.into(),
            logits: LogitsAt::EveryPosition,
            ..SessionOptions::new(longest + case.n_tokens)
        };
        let mut session = engine.session(options)?;
        session.set_observer(Arc::new(watch.clone()));
        let digest = Digest::of(model.file_bytes());
        let seen = Seen::default();
        let mut runs = Vec::new();
        for (i, prompt) in case.prompts.iter().enumerate() {
            session.clear_probe();
            if i == 0 {
                watch_operations(&mut session, &seen, prompt.len() - 1);
            }
            runs.push(self.run(&mut session, prompt, case.n_tokens, digest)?);
        }
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = case.sums.iter();
        let sums = wanted.filter_map(|fact| sums(model, fact, &seen));
        Ok(Answer {
            runs: Some(runs),
            sums: Some(sums.collect()),
            ..Answer::default()
        })
    }

    fn run(
        self,
        session: &mut Session,
        prompt: &[u32],
        n_tokens: usize,
        model: Digest,
    ) -> Result<RunAnswer, RunError> {
        let mut transcript = Transcript::new(&TranscriptStart {
            model,
            kv_type: self.kv_type.into(),
            challenge: &[],
            prompt,
            n_generate: n_tokens,
        });
        let mut run = RunAnswer::default();
        let mut top_logits = Vec::new();
        for step in session.generate(prompt, n_tokens)? {
            let step = step?;
            for trace in &step.positions {
                let record = PositionRecord::from_trace(trace);
                transcript.append(&record);
                if trace.position + 1 == prompt.len() {
                    let digests = record.boundaries.iter().map(ToString::to_string);
                    run.residuals = Some(digests.collect());
                }
            }
            run.tokens.push(step.choice.token);
            let row = step.logits.last().map_or(&[][..], Vec::as_slice);
            top_logits.push(ChoiceFact::top(row, N_TOP));
        }
        run.top_logits = Some(top_logits);
        run.checksum = Some(transcript.checksum().to_string());
        Ok(run)
    }
}

fn watch_operations(session: &mut Session, seen: &Seen, position: usize) {
    let seen = seen.clone();
    session.set_probe(Box::new(move |point, output| {
        if let (true, OpOutput::F32(values)) = (point.position == position, output) {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert((point.layer, point.op), values.to_vec());
        }
    }));
}

/// The integer sums of a projection: its outputs, divided by both scales. None if the run had another input
/// than the case, or if the type is grouped: its outputs add several sums up and do not show them.
fn sums(
    model: &Model,
    fact: &SumsFact,
    seen: &HashMap<(usize, Op), Vec<f32>>,
) -> Option<SumsAnswer> {
    let layer: usize = fact.tensor.split('.').nth(1)?.parse().ok()?;
    // Other names are of inputs that no run has.
    let op = Op::from_name(&fact.name)?;
    let of_layer = model.layers().get(layer)?;
    let (projection, input): (&Projection, _) = match op {
        Op::AttnQ => (&of_layer.attn_q, seen.get(&(layer, Op::AttnNorm))),
        Op::FfnDown => {
            let normed = seen.get(&(layer, Op::FfnSubNorm));
            (
                &of_layer.ffn_down,
                normed.or_else(|| seen.get(&(layer, Op::FfnActivation))),
            )
        }
        _ => return None,
    };
    // Of another input they would be other sums.
    let input = input.filter(|input| **input == fact.input)?;
    let largest = input.iter().fold(1e-5f32, |m, x| x.abs().max(m));
    let scale = projection.one_scale()?.scale * (largest / 127.0);
    let outputs = seen.get(&(layer, op))?.iter();
    Some(SumsAnswer {
        name: fact.name.clone(),
        sums: outputs
            .map(|y| (f64::from(*y) / f64::from(scale)).round() as i64)
            .collect(),
    })
}
