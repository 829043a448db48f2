//! Several receipts: side by side, and over what they differ in.

use std::collections::BTreeMap;

use host::{
    digest::Digest,
    receipt::Receipt,
    statistics::Mean,
    verify::{Conclusion, Speed},
};
use maud::{Markup, html};

use super::{
    chart::{self, Drawn, Series},
    proof,
    subject::Subject,
    text::number,
};

/// Receipts with their numbers on the page.
type Numbered<'s> = Vec<(usize, &'s Subject)>;

/// The mean of repetitions with its spread.
pub fn spread(rates: &[f64]) -> String {
    match Mean::of(rates) {
        Some(Mean {
            mean,
            deviation: Some(deviation),
        }) => format!(
            "mean of {} repetitions {} ± {}",
            rates.len(),
            number(mean),
            number(deviation)
        ),
        Some(_) => "one repetition: no spread".into(),
        None => "–".into(),
    }
}

/// All receipts in a table, and charts of those that can be compared: no unlike tasks in one, and
/// nothing that is rejected.
pub fn overview(subjects: &[Subject]) -> Drawn<Markup> {
    let numbered: Numbered = (1..).zip(subjects).collect();
    let (rejected, valid): (Numbered, Numbered) = numbered
        .iter()
        .partition(|(_, s)| s.verdict.conclusion == Conclusion::Rejected);
    let tasks = grouped(&valid, task);
    let mut charts = Vec::new();
    for (i, group) in tasks.iter().enumerate() {
        charts.extend(chart::intervals(group, &format!("rates{i}"))?);
    }
    let settings = grouped(&valid, |s| (task(s), s.setting(), cpu(s)));
    charts.extend(chart::trend(&series(settings, true), "trend")?);
    let depths = grouped(&valid, |s| {
        let key = (s.receipt.model.sha256, s.receipt.run.tokens);
        (key, s.setting(), cpu(s))
    });
    charts.extend(chart::depth(&series(depths, false), "depth")?);
    Ok(html! {
        section {
            h2 { "Overview" }
            (table(&grouped(&numbered, task)))
            @for task in tasks.iter().filter(|task| task.len() > 1) { (agreement(task)) }
            @if !rejected.is_empty() {
                p { "✗ Rejected, and in no chart: " (numbers(&rejected)) "." }
            }
            div.charts { @for chart in &charts { (chart) } }
        }
    })
}

/// What was run: model, prompt, tokens.
fn task(subject: &Subject) -> (Digest, Vec<u32>, u64) {
    let run = &subject.receipt.run;
    (
        subject.receipt.model.sha256,
        run.prompt_ids.clone(),
        run.tokens,
    )
}

fn numbers(numbered: &Numbered) -> String {
    let numbers: Vec<String> = numbered.iter().map(|(n, _)| n.to_string()).collect();
    numbers.join(", ")
}

fn cpu(subject: &Subject) -> String {
    subject.receipt.host.cpu_model.clone()
}

/// Receipts with equal keys, in the order of their first ones.
fn grouped<'s, K: Ord>(numbered: &Numbered<'s>, key: impl Fn(&Subject) -> K) -> Vec<Numbered<'s>> {
    let mut groups: BTreeMap<K, Numbered> = BTreeMap::new();
    for &(number, subject) in numbered {
        groups
            .entry(key(subject))
            .or_default()
            .push((number, subject));
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| group[0].0);
    groups
}

fn series(groups: Vec<Numbered>, with_test: bool) -> Vec<Series> {
    let series = groups.into_iter().map(|subjects| {
        let (_, first) = subjects[0];
        let name = &first.summary.model.file_name;
        let name = match with_test {
            true => format!("{name}, {}, {}", first.test(), first.setting()),
            false => format!(
                "{name}, tg{}, {}",
                first.receipt.run.tokens,
                first.setting()
            ),
        };
        Series { name, subjects }
    });
    series.collect()
}

/// All receipts, those of a task together.
fn table(tasks: &[Numbered]) -> Markup {
    let rate = |s: &Subject, of: fn(Speed) -> Option<f64>| {
        let rate = s.summary.claimed.speed.and_then(of);
        rate.map_or_else(|| "–".into(), number)
    };
    let titles = [
        "receipt",
        "verdict",
        "model",
        "test",
        "decode, tokens/s",
        "prefill, tokens/s",
        "run",
        "CPU",
        "made",
    ];
    html! {
        div.scroll tabindex="0" {
            table.numbers {
                thead { tr { @for title in titles { th scope="col" { (title) } } } }
                tbody {
                    @for (n, s) in tasks.iter().flatten() {
                        tr {
                            th scope="row" { a href=(format!("#r{n}")) { (n) ". " (s.place) } }
                            td { (proof::badge(s.verdict.conclusion)) }
                            td { (s.summary.model.file_name) }
                            td { (s.test()) }
                            td { (rate(s, |speed| speed.decode_tokens_per_sec)) }
                            td { (rate(s, |speed| Some(speed.prefill_tokens_per_sec))) }
                            td { (s.setting()) }
                            td { (s.summary.claimed.cpu) }
                            td { (s.summary.claimed.created) }
                        }
                    }
                }
            }
        }
    }
}

/// Whether the receipts of one task have one result. Numbers of other results are no comparison. Only another
/// engine may choose another token and be right all the same: where two of them are tied.
fn agreement(task: &Numbered) -> Markup {
    let (_, first) = task[0];
    let (others, ours): (Numbered, Numbered) =
        task.iter().partition(|(_, s)| s.receipt.is_external());
    html! {
        p {
            "Receipts " (numbers(task)) " are of one task (" (first.test()) "). "
            @if !is_one(&ours, |receipt| receipt.parity.checksum) {
                strong.bad { "✗ Their transcripts differ: " }
                "not all of them can be right, and their speeds are no comparison."
            }
            @else if others.is_empty() {
                "✓ Their transcripts are equal: the same tokens, logits and hidden states."
            }
            @else if is_one(task, |receipt| &receipt.tokens) { "✓ They have the same tokens." }
            @else {
                "Their tokens differ. An engine that is not this project's may choose otherwise where two "
                "tokens are tied; the verdict of each receipt says whether its tokens are right."
            }
        }
    }
}

/// Whether `of` is the same of all receipts.
fn is_one<'s, V: PartialEq>(receipts: &Numbered<'s>, of: impl Fn(&'s Receipt) -> V) -> bool {
    let mut values = receipts.iter().map(|(_, subject)| of(&subject.receipt));
    let first = values.next();
    values.all(|value| Some(value) == first)
}
