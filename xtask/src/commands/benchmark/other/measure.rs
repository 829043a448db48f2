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
    exit::{Exit, Failure},
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
    let alone = match task.n_generate {
        1 => None,
        _ => {
            let one = engine.run(&Request::tokens(&task.prompt, 1), watch)?;
            Some(one.first_ns)
        }
    };
    let of = settings.repetitions_of(&task, reference.shape());
    let mut answers = Vec::with_capacity(of);
    let observation = Observation::begin();
    for run in 1..=of {
        watch.begin(Phase::Measure { run, of }, 0);
        answers.push(ask(&mut *engine, &task, watch)?);
    }
    let system = observation.end();
    let facts = engine.facts();
    if let Some(alone) = alone {
        check_flushed(facts, alone, &answers)?;
    }
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

/// Refuses tokens that were computed before the first of them was sent: nobody knows the times of their steps
/// then. `alone` is the time of the first token when it is the only one, in nanoseconds. That a repetition
/// begins late by chance is no reason, so most of them have to.
fn check_flushed(facts: &Facts, alone: u64, answers: &[Answer]) -> Result<(), Failure> {
    let mut late: Vec<u64> = answers
        .iter()
        .filter_map(|answer| held_back(alone, answer))
        .collect();
    if 2 * late.len() <= answers.len() {
        return Ok(());
    }
    late.sort_unstable();
    let ms = late[late.len() / 2] as f64 / 1e6;
    let what = format!(
        "{}: its first token came {ms:.0} ms later than when it was asked for one alone: its output is held \
         back; flush after each token",
        facts.name
    );
    Err(Failure::new(Exit::BadInput, what))
}

/// For how many nanoseconds an answer was held back: more than half of its first token's time, and more than
/// all its steps took.
fn held_back(alone: u64, answer: &Answer) -> Option<u64> {
    let held = answer.first_ns.saturating_sub(alone);
    let is_late = held > alone && held > answer.step_ns.iter().sum();
    is_late.then_some(held)
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
