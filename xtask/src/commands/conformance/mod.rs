//! `conformance`: an engine's answers to the corpus, judged.

mod folder;
mod others;

use std::path::Path;

use host::{
    sandbox::Sandbox,
    watch::{Phase, Watch},
};
use serde_json::json;

use crate::{
    args::{ConformanceArgs, CorpusArgs, LongOutputArgs, OURS},
    conformance::{Answers, CORPUS_VERSION, Corpus, OurEngine, Report, Which},
    exit::{Exit, Failure},
    guest::workspace_root,
    hints::Kind,
    input::read_text,
    output::{Destination, show},
    progress::RunProgress,
};

use super::threads;

/// The largest file of answers that is read.
const MAX_ANSWERS_BYTES: u64 = 64 << 20;

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. A judgement is no failure.
pub fn run(args: &ConformanceArgs, watch: &Watch) -> Result<Exit, Failure> {
    threads::check(args.threads, "--threads")?;
    if let Some(folder) = &args.subject.export {
        return export(folder, args.print, watch);
    }
    let display = RunProgress::of(args.print, watch);
    let saved = args
        .save_answers
        .as_deref()
        .map(Destination::prepare)
        .transpose()?;
    let (corpus, answers) = match &args.subject.answers {
        Some(path) => given(path, watch)?,
        None => asked(args, watch)?,
    };
    drop(display);
    if let Some(saved) = saved {
        saved
            .fill(|file| serde_json::to_writer(file, &answers).map_err(std::io::Error::from))
            .map_err(|e| Failure::of_io(&e).about("--save-answers"))?;
    }
    let report = Report::of(&corpus, &answers);
    show(args.print.output, &report, || report.markdown())?;
    Ok(match (report.passed, report.judged_anything()) {
        (false, _) => Exit::Rejected,
        (true, true) => Exit::Done,
        (true, false) => Exit::Unverifiable,
    })
}

fn export(folder: &Path, print: LongOutputArgs, watch: &Watch) -> Result<Exit, Failure> {
    let display = RunProgress::of(print, watch);
    let files = make(watch)?.files(Which::All);
    drop(display);
    folder::write(folder, &files)?;
    let n = files.len();
    let json = json!({ "path": folder.display().to_string(), "files": n });
    show(print.output, &json, || {
        format!("{}: {n} files\n", folder.display())
    })?;
    Ok(Exit::Done)
}

/// Runs `corpus`.
///
/// # Errors
/// The failure, with its exit code.
pub fn regenerate(args: &CorpusArgs, watch: &Watch) -> Result<Exit, Failure> {
    let folder = workspace_root().join("ci/conformance");
    let display = RunProgress::of(args.print, watch);
    let files = make(watch)?.files(Which::Committed);
    drop(display);
    folder::write(&folder, &files)?;
    let json = json!({ "files": files.len() });
    show(args.print.output, &json, || {
        "ci/conformance written\n".to_owned()
    })?;
    Ok(Exit::Done)
}

fn make(watch: &Watch) -> Result<Corpus, Failure> {
    watch.begin(Phase::Other("compile the reference"), 0);
    let sandbox = Sandbox::new(watch)?;
    Corpus::make(&sandbox, watch).map_err(|e| match watch.is_stopped() {
        true => Failure::interrupted(),
        false => Failure::new(Exit::Rejected, e),
    })
}

fn read(path: &Path) -> Result<Answers, Failure> {
    let bytes = read_text(path, Kind::Other, MAX_ANSWERS_BYTES)?;
    let bad_input = |what: String| {
        let hint = "ci/conformance/README.md describes the file";
        Failure::new(Exit::BadInput, what).at(path).with_hint(hint)
    };
    if bytes.len() as u64 > MAX_ANSWERS_BYTES {
        let what = format!("found too many bytes, allowed at most {MAX_ANSWERS_BYTES}");
        return Err(bad_input(what));
    }
    let answers: Answers = serde_json::from_slice(&bytes).map_err(|e| bad_input(e.to_string()))?;
    match answers.version {
        CORPUS_VERSION => Ok(answers),
        found => Err(bad_input(format!(
            "version: found {found}, allowed {CORPUS_VERSION}"
        ))),
    }
}

fn check_names(answers: &Answers, corpus: &Corpus, path: &Path) -> Result<(), Failure> {
    let is_known = |name: &&String| {
        corpus.cases.iter().any(|made| made.case.name == **name)
            || corpus
                .refused
                .iter()
                .any(|made| made.refused.name == **name)
    };
    match answers.answers.keys().find(|name| !is_known(name)) {
        Some(name) => {
            let what = format!("answers: the corpus has no case {name:?}");
            Err(Failure::new(Exit::BadInput, what).at(path))
        }
        None => Ok(()),
    }
}

/// The corpus, and the answers in a file.
fn given(path: &Path, watch: &Watch) -> Result<(Corpus, Answers), Failure> {
    let answers = read(path)?;
    let corpus = make(watch)?;
    check_names(&answers, &corpus, path)?;
    Ok((corpus, answers))
}

/// The corpus, and what an engine answers.
fn asked(args: &ConformanceArgs, watch: &Watch) -> Result<(Corpus, Answers), Failure> {
    // A wrong name is refused before the work that makes the corpus.
    let other = match args.subject.engine.as_deref() {
        None | Some(OURS) => None,
        Some(name) => Some(others::engine(name, args.engine_adapters.as_deref())?),
    };
    let corpus = make(watch)?;
    let answers = match other {
        Some(spec) => others::ask(&spec, args.threads, args.kv_type, &corpus, watch)?,
        None => ask_ours(args, &corpus, watch)?,
    };
    Ok((corpus, answers))
}

fn ask_ours(args: &ConformanceArgs, corpus: &Corpus, watch: &Watch) -> Result<Answers, Failure> {
    let kv_type = args.kv_type.unwrap_or_default();
    let engine = OurEngine {
        kernels: args.kernel.into(),
        threads: args.threads,
        kv_type,
    };
    let mut answers = Answers::of(OURS, Some(env!("CARGO_PKG_VERSION").to_owned()), kv_type);
    let models = corpus
        .cases
        .iter()
        .map(|made| (&made.file, Some(&made.case), &made.case.name));
    let refused = corpus
        .refused
        .iter()
        .map(|made| (&made.file, None, &made.refused.name));
    let n = (corpus.cases.len() + corpus.refused.len()) as u64;
    watch.begin(Phase::Other("ask the engine"), n);
    for (i, (file, case, name)) in models.chain(refused).enumerate() {
        let answer = engine.answer(file, case, watch)?;
        answers.answers.insert(name.clone(), answer);
        watch.set_progress(i as u64 + 1, n);
    }
    Ok(answers)
}
