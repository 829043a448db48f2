//! The judgement on an answer. `ci/conformance/judge.py` is the same in Python; a test compares them.

use super::{
    answers::{Answer, RunAnswer},
    case::{Bounds, Case, ChoiceFact, RowFact, RunFact},
    tier::{Finding, Outcome, Tier},
};
use crate::kv_name::KvName;

/// A message that refuses a model has one of these words in the line that names what is not supported.
const REFUSING: [&str; 10] = [
    "unknown",
    "unsupported",
    "not supported",
    "invalid",
    "refuse",
    "removed",
    "cannot",
    "expected",
    "allowed",
    "not found",
];

/// Findings for all tiers, in their order.
pub type Findings = [Finding; Tier::ALL.len()];

/// Judges the answer to a model.
pub fn judge_case(case: &Case, answer: &Answer, kv_type: KvName, bounds: Bounds) -> Findings {
    if let Some(message) = &answer.refused {
        let reads = match naming_line(message, &case.refusal_names) {
            Some(line) => Finding::of(Outcome::Refused, line),
            None => Finding::failed(format!(
                "refused without naming what is not supported: {}",
                last_line(message)
            )),
        };
        return reads_only(reads);
    }
    if let Some(message) = &answer.failed {
        let reads = Finding::failed(last_line(message));
        return reads_only(reads);
    }
    let facts = case.runs.kv(kv_type);
    let runs = answer.runs.as_deref().unwrap_or_default();
    let pairs = || runs.iter().zip(facts);
    let tokens = match runs.len() {
        0 => Finding::not_shown(),
        n if n != facts.len() => Finding::failed(format!("{n} runs, expected {}", facts.len())),
        _ => tokens(pairs(), bounds),
    };
    [
        reads(case, answer),
        sums(case, answer),
        logits(pairs(), bounds),
        tokens,
        bits(pairs()),
    ]
}

/// Judges the answer to a file that must be refused. Whoever does not read what it was made from shows nothing
/// by not reading it either.
pub fn judge_refused(answer: &Answer, reads_base: bool) -> Findings {
    let reads = match (&answer.refused, &answer.failed) {
        (Some(message), _) if reads_base => Finding::passed(last_line(message)),
        (None, Some(message)) if reads_base => Finding::failed(last_line(message)),
        (Some(_), _) | (_, Some(_)) => Finding::not_shown(),
        (None, None) if *answer == Answer::default() => Finding::not_shown(),
        (None, None) => Finding::failed("read, although it must be refused"),
    };
    reads_only(reads)
}

/// The findings on an engine that shows nothing beyond whether it reads the file.
fn reads_only(reads: Finding) -> Findings {
    let not_shown = Finding::not_shown;
    [reads, not_shown(), not_shown(), not_shown(), not_shown()]
}

fn last_line(message: &str) -> String {
    let last = message.trim_end().lines().next_back();
    last.unwrap_or_default().trim().to_owned()
}

/// The first line of a message that refuses something by one of these names.
fn naming_line(message: &str, names: &[String]) -> Option<String> {
    let mut lines = message.lines();
    let line = lines.find(|line| {
        let lower = line.to_lowercase();
        let has = |word: &str| lower.contains(word);
        names.iter().any(|name| has(&name.to_lowercase())) && REFUSING.iter().any(|word| has(word))
    });
    line.map(|line| line.trim().to_owned())
}

fn reads(case: &Case, answer: &Answer) -> Finding {
    for row in answer.rows.iter().flatten() {
        let (tensor, index) = (&row.tensor, row.row);
        let is_it = |fact: &&RowFact| fact.tensor == *tensor && fact.row == index;
        let Some(fact) = case.rows.iter().find(is_it) else {
            return Finding::failed(format!("{tensor}, row {index}: the case does not have it"));
        };
        if row.values.len() != fact.values.len() {
            let (found, expected) = (row.values.len(), fact.values.len());
            return Finding::failed(format!(
                "{tensor}, row {index}: {found} elements, expected {expected}"
            ));
        }
        let mut pairs = row.values.iter().zip(&fact.values);
        if let Some(i) = pairs.position(|(found, expected)| found != expected) {
            let (found, expected) = (row.values[i], fact.values[i]);
            return Finding::failed(format!(
                "{tensor}, row {index}, element {i}: {found:?}, expected {expected:?}"
            ));
        }
    }
    match (&answer.rows, &answer.runs, &answer.sums) {
        (None, None, None) => Finding::not_shown(),
        (None, ..) => Finding::passed("loaded"),
        (Some(rows), ..) => Finding::passed(format!("loaded; {} rows", rows.len())),
    }
}

fn sums(case: &Case, answer: &Answer) -> Finding {
    let shown = answer.sums.as_deref().unwrap_or_default();
    for answer in shown {
        let name = &answer.name;
        let Some(fact) = case.sums.iter().find(|fact| fact.name == *name) else {
            return Finding::failed(format!("{name}: the case does not have it"));
        };
        if answer.sums.len() != fact.sums.len() {
            let (found, expected) = (answer.sums.len(), fact.sums.len());
            return Finding::failed(format!("{name}: {found} sums, expected {expected}"));
        }
        let mut pairs = answer.sums.iter().zip(&fact.sums);
        if let Some(i) = pairs.position(|(&found, &expected)| found != i64::from(expected)) {
            let (found, expected) = (answer.sums[i], fact.sums[i]);
            return Finding::failed(format!("{name}, sum {i}: {found}, expected {expected}"));
        }
    }
    match shown.iter().map(|answer| answer.sums.len()).sum::<usize>() {
        0 => Finding::not_shown(),
        n => Finding::passed(format!("{n} sums of {} products", shown.len())),
    }
}

/// How many tokens of a run have the context of the reference: up to the first other token, which is judged.
fn n_comparable(run: &RunAnswer, fact: &RunFact) -> usize {
    let mut pairs = run.tokens.iter().zip(&fact.choices);
    match pairs.position(|(&token, choice)| token != choice.token) {
        Some(first_other) => first_other + 1,
        None => run.tokens.len().min(fact.choices.len()),
    }
}

fn tokens<'a>(runs: impl Iterator<Item = (&'a RunAnswer, &'a RunFact)>, bounds: Bounds) -> Finding {
    let (mut exact, mut tied, mut unjudged) = (0, 0, 0);
    for (i, (run, fact)) in runs.enumerate() {
        let (found, expected) = (run.tokens.len(), fact.choices.len());
        if found != expected {
            return Finding::failed(format!("run {i}: {found} tokens, expected {expected}"));
        }
        for (at, (&token, choice)) in run.tokens.iter().zip(&fact.choices).enumerate() {
            if token == choice.token {
                exact += 1;
                continue;
            }
            if !choice.is_tied(token, bounds) {
                return Finding::failed(format!(
                    "run {i}, token {at}: {token}, the reference chooses {}",
                    choice.token
                ));
            }
            tied += 1;
            unjudged += expected - at - 1;
            break;
        }
    }
    if tied > bounds.tied_runs {
        let allowed = bounds.tied_runs;
        return Finding::failed(format!("{tied} runs end in a tie, allowed {allowed}"));
    }
    Finding::passed(match tied {
        0 => format!("{exact} exact"),
        _ => format!("{exact} exact, {tied} tied, {unjudged} after a tie"),
    })
}

impl ChoiceFact {
    fn logit(&self, token: u32) -> Option<f64> {
        let found = self.top_logits.iter().find(|(id, _)| *id == token);
        found.map(|&(_, logit)| logit.into())
    }

    /// Whether a right engine may choose `token` instead.
    fn is_tied(&self, token: u32, bounds: Bounds) -> bool {
        let (largest, logit) = (self.logit(self.token), self.logit(token));
        largest
            .zip(logit)
            .is_some_and(|(largest, logit)| largest - logit <= bounds.tolerance * self.spread)
    }

    /// The deviations of an engine's logits, in spreads. They are compared with its largest, because it may
    /// add a constant to all. `None` if its largest is of a token that is far from the reference's best.
    fn deviations(&self, listed: &[(u32, f32)]) -> Option<Vec<f64>> {
        let &(id, own) = listed.iter().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
        let (own, of_own) = (f64::from(own), self.logit(id)?);
        let least = self
            .top_logits
            .last()
            .map_or(f64::NEG_INFINITY, |&(_, l)| l.into());
        let deviation = |&(token, logit): &(u32, f32)| {
            let below = f64::from(logit) - own;
            match self.logit(token) {
                Some(of_token) => Some((below - (of_token - of_own)).abs() / self.spread),
                // The reference's logit is not known, but it is at most its least one here.
                None => Some((below - (least - of_own)) / self.spread).filter(|x| *x > 0.0),
            }
        };
        let others = listed.iter().filter(|(token, _)| *token != id);
        Some(others.filter_map(deviation).collect())
    }
}

fn logits<'a>(runs: impl Iterator<Item = (&'a RunAnswer, &'a RunFact)>, bounds: Bounds) -> Finding {
    let mut found = Vec::new();
    for (i, (run, fact)) in runs.enumerate() {
        let mut of_run = Vec::new();
        let listed = run.top_logits.iter().flatten().zip(&fact.choices);
        for (at, (listed, choice)) in listed.take(n_comparable(run, fact)).enumerate() {
            let is_finite = listed.iter().all(|(_, logit)| logit.is_finite());
            let Some(deviations) = choice.deviations(listed).filter(|_| is_finite) else {
                let what = "its largest logit is of none of the reference's best tokens";
                return Finding::failed(format!("run {i}, token {at}: {what}"));
            };
            if let Some(deviation) = deviations.iter().find(|&&d| d > bounds.tolerance) {
                return Finding::failed(format!(
                    "run {i}, token {at}: a logit is off by {deviation:.4} spreads, allowed {}",
                    bounds.tolerance
                ));
            }
            of_run.extend(deviations);
        }
        found.push(of_run);
    }
    let n = found.iter().map(Vec::len).sum::<usize>();
    let Some(noise) = noise(found) else {
        return Finding::not_shown();
    };
    match noise <= bounds.noise {
        true => Finding::passed(format!("{n} logits, their noise is {noise:.4} spreads")),
        false => Finding::failed(format!(
            "{n} logits, their noise is {noise:.4} spreads, allowed {}",
            bounds.noise
        )),
    }
}

/// The root mean square of the deviations in all runs but the one where it is largest: in one run an activation may
/// be rounded the other way by chance, and all logits move. `None` if there are no deviations.
fn noise(mut runs: Vec<Vec<f64>>) -> Option<f64> {
    runs.retain(|run| !run.is_empty());
    runs.sort_by(|a, b| rms(a).total_cmp(&rms(b)));
    if runs.len() > 1 {
        runs.pop();
    }
    (!runs.is_empty()).then(|| rms(runs.iter().flatten()))
}

/// The root mean square of some values, of which there is one at least.
fn rms<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (n, squares) = values
        .into_iter()
        .fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value * value));
    (squares / n).sqrt()
}

fn bits<'a>(runs: impl Iterator<Item = (&'a RunAnswer, &'a RunFact)>) -> Finding {
    let mut n = 0;
    for (i, (run, fact)) in runs.enumerate() {
        if let Some(residuals) = &run.residuals {
            let mut pairs = residuals.iter().zip(&fact.residuals);
            if let Some(layer) = pairs.position(|(found, expected)| found != expected) {
                return Finding::failed(format!("run {i}: other bits leave layer {layer}"));
            }
            if residuals.len() != fact.residuals.len() {
                return Finding::failed(format!("run {i}: {} layers", residuals.len()));
            }
            n += 1;
        }
        if let Some(checksum) = &run.checksum {
            if *checksum != fact.checksum {
                return Finding::failed(format!("run {i}: another checksum"));
            }
            n += 1;
        }
    }
    match n {
        0 => Finding::not_shown(),
        n => Finding::passed(format!("{n} digests")),
    }
}
