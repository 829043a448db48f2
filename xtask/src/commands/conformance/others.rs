//! Another engine, started with each file of the corpus.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use engine_native::I2sLayout;
use host::watch::{Phase, Watch};

use crate::{
    commands::adapters,
    conformance::{Answer, Answers, Case, Corpus, RunAnswer, SumsAnswer},
    engines::{
        Cause, Engine, EngineFailure, EngineSpec, Place, Request, Settings, SumsRequest,
        end_of_log, start,
    },
    exit::{Exit, Failure},
    kv_name::KvName,
};

/// Logits that are asked for at each token.
const N_TOP: usize = 8;

/// How long an engine may take to load a model of less than 400 kB.
const START: Duration = Duration::from_secs(60);

/// How long it may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// So much of the end of a log is looked at, to find out why an engine refuses a file.
const MOST_LOG_BYTES: u64 = 1 << 20;

/// Positions that an engine has room for.
const CONTEXT: usize = 128;

/// The engine that `text` means, of those that are known and those in a file of adapters.
///
/// # Errors
/// There is no such engine, it cannot be started with one model after another, or the file is none of
/// adapters.
pub fn engine(text: &str, file: Option<&Path>) -> Result<EngineSpec, Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what).about("--engine");
    let known = adapters::known(file)?;
    let spec = EngineSpec::parse(text, &known).map_err(|e| usage(e.to_string()))?;
    match spec.place {
        Place::Command(_) => Ok(spec),
        Place::Url(_) => Err(usage(
            "a server that is running has one model; give the command that starts it".to_owned(),
        )),
    }
}

/// What the engine answers to every file.
///
/// # Errors
/// It cannot be started at all, or the command is interrupted.
pub fn ask(
    spec: &EngineSpec,
    threads: usize,
    kv_type: Option<KvName>,
    corpus: &Corpus,
    watch: &Watch,
) -> Result<Answers, Failure> {
    let folder = tempfile::tempdir().map_err(|e| Failure::of_io(&e))?;
    let mut asked = Asked {
        spec,
        threads,
        kv_type,
        path: folder.path().join("model.gguf"),
        answers: Answers::of(&spec.name, None, kv_type.unwrap_or_default()),
        has_started: false,
        watch,
    };
    let n = (corpus.cases.len() + corpus.refused.len()) as u64;
    watch.begin(Phase::Other("ask the engine"), n);
    for (i, made) in corpus.cases.iter().enumerate() {
        asked.model(&made.file, &made.case)?;
        watch.set_progress(i as u64 + 1, n);
    }
    for (i, made) in corpus.refused.iter().enumerate() {
        asked.broken(&made.file, &made.refused.name)?;
        watch.set_progress((corpus.cases.len() + i) as u64 + 1, n);
    }
    Ok(asked.answers)
}

struct Asked<'a> {
    spec: &'a EngineSpec,
    threads: usize,
    /// Element type of its KV cache, if the user says it.
    kv_type: Option<KvName>,
    /// Where the engine finds the file that it is asked about.
    path: PathBuf,
    answers: Answers,
    /// Whether it could be started with any file.
    has_started: bool,
    watch: &'a Watch,
}

impl Asked<'_> {
    fn model(&mut self, file: &[u8], case: &Case) -> Result<(), Failure> {
        // No file names its layout, and no engine is told.
        let layout = case.model.i2s_layout.as_deref();
        if layout.is_some_and(|layout| layout != I2sLayout::default().as_str()) {
            return Ok(());
        }
        let answer = match self.start(file)? {
            Ok(mut engine) => self.runs(&mut *engine, case)?,
            Err(e) => answer_of(e)?,
        };
        self.answers.answers.insert(case.name.clone(), answer);
        Ok(())
    }

    fn broken(&mut self, file: &[u8], name: &str) -> Result<(), Failure> {
        let has_started = self.has_started;
        let answer = match self.start(file)? {
            // Some engines read weights only when they need them.
            Ok(mut engine) => match engine.run(&Request::tokens(&[1, 2, 3], 1), self.watch) {
                Ok(answer) => read(answer.tokens),
                Err(e) => answer_of(e)?,
            },
            // It is ready, but we cannot read the vocabulary that it should be asked with.
            Err(e) if has_started && matches!(e.cause, Cause::Usage(_)) => {
                e.log.as_deref().map(take_log);
                read(Vec::new())
            }
            Err(e) => answer_of(e)?,
        };
        self.answers.answers.insert(name.to_owned(), answer);
        Ok(())
    }

    /// The engine with this file.
    fn start(&mut self, file: &[u8]) -> Result<Result<Box<dyn Engine>, EngineFailure>, Failure> {
        fs::write(&self.path, file).map_err(|e| Failure::io(&self.path, &e))?;
        let settings = Settings {
            model: self.path.clone(),
            threads: self.threads,
            context: CONTEXT,
            n_vocab: Corpus::N_VOCAB,
            start: START,
            silence: SILENCE,
        };
        let engine = match start(self.spec, &settings, self.watch) {
            Ok(engine) => engine,
            Err(e) => return Ok(Err(e)),
        };
        self.has_started = true;
        let facts = engine.facts();
        let named = &mut self.answers.engine;
        named.version.clone_from(&facts.version);
        named.kv_type = self.kv_type.unwrap_or_else(|| facts.kv_type.into());
        Ok(Ok(engine))
    }

    fn runs(&self, engine: &mut dyn Engine, case: &Case) -> Result<Answer, Failure> {
        let asked = case.sums.iter().map(|fact| SumsRequest {
            tensor: fact.tensor.clone(),
            input: fact.input.clone(),
        });
        let asked: Vec<SumsRequest> = asked.collect();
        let (mut runs, mut shown) = (Vec::new(), Vec::new());
        for (i, prompt) in case.prompts.iter().enumerate() {
            let request = Request {
                prompt,
                n: case.n_tokens,
                top_logits: N_TOP,
                sums: if i == 0 { &asked } else { &[] },
            };
            let answer = match engine.run(&request, self.watch) {
                Ok(answer) => answer,
                Err(e) => return answer_of(e),
            };
            shown.extend(answer.sums);
            runs.push(RunAnswer {
                tokens: answer.tokens,
                top_logits: answer.top_logits,
                ..RunAnswer::default()
            });
        }
        // In the order in which they were asked for: a tensor may be asked for twice.
        let mut sums = Vec::new();
        for fact in &case.sums {
            if let Some(at) = shown.iter().position(|s| s.tensor == fact.tensor) {
                sums.push(SumsAnswer {
                    name: fact.name.clone(),
                    sums: shown.remove(at).sums,
                });
            }
        }
        Ok(Answer {
            runs: Some(runs),
            sums: Some(sums),
            ..Answer::default()
        })
    }
}

/// The file was read, and these tokens were chosen.
fn read(tokens: Vec<u32>) -> Answer {
    Answer {
        runs: Some(vec![RunAnswer {
            tokens,
            ..RunAnswer::default()
        }]),
        ..Answer::default()
    }
}

/// What a failure says of the file: that it was refused, or that the engine did something else.
fn answer_of(failure: EngineFailure) -> Result<Answer, Failure> {
    let log = failure.log.as_deref().map(take_log).unwrap_or_default();
    let text = format!("{log}\n{}", failure.cause);
    match &failure.cause {
        Cause::Usage(_) | Cause::Io(_) | Cause::Interrupted => Err(failure.into()),
        Cause::Ended { .. } if failure.cause.is_crash() => Ok(Answer::failure(text)),
        Cause::Ended { .. } | Cause::Refused(_) => Ok(Answer::refusal(text)),
        Cause::Silent { .. } | Cause::BadAnswer(_) => Ok(Answer::failure(text)),
    }
}

/// The end of a log, whose file is not needed any more.
fn take_log(path: &Path) -> String {
    let text = end_of_log(path, MOST_LOG_BYTES).unwrap_or_default();
    // That it stays behind harms nobody.
    let _ = fs::remove_file(path);
    text
}
