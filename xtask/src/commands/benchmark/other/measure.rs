//! Another engine runs a task, timed by our clock.

use host::{
    machine::{MemoryNeed, Observation},
    receipt::{EngineModel, EngineRecord},
    run::{
        RunSettings, TimedModel,
        external::{ExternalMeasurement, ExternalRepetition},
    },
    task::Task,
    watch::{Phase, Watch},
};

use super::choice::Other;
use crate::{
    commands::benchmark::settings::Planned,
    engines::{Answer, Engine, Facts, Reported, Request, Settings, start},
    exit::Failure,
};

/// What was measured of another engine, and what it says itself.
#[derive(Debug, Clone)]
pub struct OtherRun {
    /// The measurement, by our clock.
    pub measurement: ExternalMeasurement,
    /// Its settings, with the type of the engine's own KV cache.
    pub settings: RunSettings,
    /// The task that it ran.
    pub task: Task,
    /// The engine's own times of each repetition, if it says any.
    pub reported: Vec<Reported>,
    /// What has to be known about its times.
    pub notes: Vec<String>,
}

/// Starts the engine, lets it run the task as often as ours would, and ends it. `file` is the one that it
/// reads, if that is not the model.
///
/// # Errors
/// The task does not fit the model, or the engine gave no answer.
pub fn measure(
    planned: &Planned,
    other: &Other,
    file: Option<EngineModel>,
    model: &TimedModel,
    watch: &Watch,
) -> Result<OtherRun, Failure> {
    let settings = &planned.settings;
    let reference = &model.file().model;
    let task = settings.task(reference)?;
    MemoryNeed::to_replay(reference, task.n_positions()).check()?;
    watch.begin(Phase::Other("start the engine"), 0);
    let started = Settings {
        model: other.model.as_ref().unwrap_or(&settings.model).clone(),
        threads: settings.environment.threads,
        context: task.prompt.len() + task.n_generate,
        n_vocab: u32::try_from(reference.shape().n_vocab).unwrap_or(u32::MAX),
        start: other.patience,
        silence: other.patience,
    };
    let mut engine = start(&other.spec, &started, watch)?;
    let warm_up = task.warm_up(reference.shape().n_vocab);
    for run in 1..=settings.warmup {
        watch.begin(
            Phase::WarmUp {
                run,
                of: settings.warmup,
            },
            0,
        );
        ask(&mut *engine, &warm_up, watch)?;
    }
    let of = settings.repetitions_of(&task, reference.shape());
    let mut answers = Vec::with_capacity(of);
    let observation = Observation::begin();
    for run in 1..=of {
        watch.begin(Phase::Measure { run, of }, 0);
        answers.push(ask(&mut *engine, &task, watch)?);
    }
    let system = observation.end();
    let facts = engine.facts();
    let settings = RunSettings {
        kv_type: facts.kv_type,
        ..settings.clone()
    };
    Ok(OtherRun {
        measurement: ExternalMeasurement {
            engine: record(facts, file),
            load_ns: facts.load_ns.unwrap_or(1),
            threads: settings.environment.threads,
            warmup: settings.warmup,
            repetitions: answers.iter().map(repetition).collect(),
            system,
        },
        task: Task {
            kv_type: facts.kv_type,
            ..task
        },
        settings,
        reported: answers
            .iter()
            .filter_map(|answer| answer.reported)
            .collect(),
        notes: notes(facts, &answers),
    })
}

/// What makes times of an engine less exact than ours.
fn notes(facts: &Facts, answers: &[Answer]) -> Vec<String> {
    let mut notes = Vec::new();
    let joined: usize = answers.iter().map(|answer| answer.joined).sum();
    if joined > 0 {
        notes.push(format!(
            "{joined} steps of {} have the mean time of several, whose tokens arrived together",
            facts.name
        ));
    }
    if facts.is_remote {
        notes.push(format!("the times of {} contain a network", facts.name));
    }
    notes
}

fn ask(engine: &mut dyn Engine, task: &Task, watch: &Watch) -> Result<Answer, Failure> {
    let request = Request::tokens(&task.prompt, task.n_generate);
    Ok(engine.run(&request, watch)?)
}

fn repetition(answer: &Answer) -> ExternalRepetition {
    ExternalRepetition {
        tokens: answer.tokens.clone(),
        prefill_ns: answer.first_ns,
        decode_ns: answer.step_ns.clone(),
        top_logits: answer.top_logits.clone(),
    }
}

fn record(facts: &Facts, model: Option<EngineModel>) -> EngineRecord {
    EngineRecord {
        name: facts.name.clone(),
        version: facts.version.clone(),
        sha256: facts.sha256,
        command: facts.command.clone(),
        model,
    }
}
