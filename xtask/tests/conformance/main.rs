//! The conformance corpus: what it finds, what it is made of, and that everybody judges alike.

#[cfg(unix)]
mod command;
mod committed;
mod integers;
mod python;
mod sabotage;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/walk.rs"]
#[allow(dead_code, reason = "other tests read the keys")]
mod walk;

use std::{fs, path::Path, sync::LazyLock};

use engine_native::KernelChoice;
use host::watch::Watch;
use tempfile::TempDir;
use xtask::{
    conformance::{
        Answer, Answers, Case, ChoiceFact, Corpus, MadeCase, MadeRefused, OurEngine, Outcome,
        Report, Row, RunAnswer, RunFact, Tier, Which,
    },
    kv_name::KvName,
};

/// One corpus for all tests of a process.
static CORPUS: LazyLock<Corpus> =
    LazyLock::new(|| Corpus::make(&support::SANDBOX, &Watch::default()).unwrap());

const OURS: OurEngine = OurEngine {
    kernels: KernelChoice::Auto,
    threads: 1,
    kv_type: KvName::F32,
};

fn made(name: &str) -> &'static MadeCase {
    let found = CORPUS.cases.iter().find(|made| made.case.name == name);
    found.unwrap_or_else(|| panic!("no case {name}"))
}

/// A folder with those files of the corpus whose names `is_wanted` wants.
fn folder(which: Which, is_wanted: impl Fn(&Path) -> bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in CORPUS.files(which) {
        if is_wanted(&name) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    folder
}

fn refused(name: &str) -> &'static MadeRefused {
    let found = CORPUS.refused.iter().find(|made| made.refused.name == name);
    found.unwrap_or_else(|| panic!("no file {name}"))
}

/// What our engine answers to a case whose file was changed on its way.
fn answer(file: &[u8], case: Option<&Case>) -> Answer {
    OURS.answer(file, case, &Watch::default()).unwrap()
}

/// What our engine answers to every file of the corpus.
static RIGHT: LazyLock<Answers> = LazyLock::new(|| {
    let cases = CORPUS.cases.iter().map(|made| {
        let answer = answer(&made.file, Some(&made.case));
        (&made.case.name[..], answer)
    });
    let refused = CORPUS.refused.iter();
    let refused = refused.map(|made| (&made.refused.name[..], answer(&made.file, None)));
    answers(cases.chain(refused))
});

/// These answers alone.
fn answers(answers: impl IntoIterator<Item = (&'static str, Answer)>) -> Answers {
    let mut all = Answers::of("tested", None, KvName::F32);
    let answers = answers.into_iter();
    all.answers = answers
        .map(|(name, answer)| (name.to_owned(), answer))
        .collect();
    all
}

/// What our engine answers with a KV cache of this type.
fn answer_with(kv_type: KvName, file: &[u8], case: &Case) -> Answer {
    let ours = OurEngine { kv_type, ..OURS };
    ours.answer(file, Some(case), &Watch::default()).unwrap()
}

/// An answer whose logits are off in the first `n_runs` runs: each by little, but everywhere.
fn noisy(answer: &Answer, n_runs: usize) -> Answer {
    let mut answer = answer.clone();
    for run in answer.runs.iter_mut().flatten().take(n_runs) {
        let lists = run.top_logits.iter_mut().flatten();
        lists.for_each(|list| list.iter_mut().skip(1).for_each(|(_, l)| *l -= 0.09));
    }
    answer
}

/// The choice of a run with the smallest lead, and which one it is.
fn closest(run: &RunFact) -> (usize, &ChoiceFact) {
    let leads = run.choices.iter().enumerate();
    leads
        .min_by(|(_, a), (_, b)| (a.lead / a.spread).total_cmp(&(b.lead / b.spread)))
        .unwrap()
}

/// The answers of an engine that takes the second best token at the closest choice of each of the first `n_runs`
/// runs of a case, and token 0 from there on.
fn second_best(kv_type: KvName, n_runs: usize) -> Answers {
    let mut all = Answers::of("second best", None, kv_type);
    for made in &CORPUS.cases {
        let runs = made.case.runs.kv(kv_type).iter().enumerate();
        let runs = runs.map(|(i, run)| {
            let mut tokens: Vec<u32> = run.choices.iter().map(|choice| choice.token).collect();
            if i < n_runs {
                let (at, choice) = closest(run);
                tokens[at..].fill(0);
                tokens[at] = choice.top_logits[1].0;
            }
            RunAnswer {
                tokens,
                ..RunAnswer::default()
            }
        });
        let answer = Answer {
            runs: Some(runs.collect()),
            ..Answer::default()
        };
        all.answers.insert(made.case.name.clone(), answer);
    }
    all
}

fn row<'r>(report: &'r Report, name: &str) -> &'r Row {
    report.rows.iter().find(|row| row.case == name).unwrap()
}

/// What came of the tiers of a case, in order.
fn outcomes(row: &Row) -> [Outcome; 5] {
    Tier::ALL.map(|tier| row.finding(tier).outcome)
}
