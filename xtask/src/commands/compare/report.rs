//! A comparison as text, as Markdown, and as JSON.

use std::fmt::Write;

use host::comparison::{Difference, Figure, Verdict, Work};
use serde_json::{Value, json};

use super::comparison::{Comparison, Side, Tokens};
use crate::{
    args::OURS,
    markdown::{self, Align},
};

/// The object that programs read.
pub(super) fn json(found: &[Comparison]) -> Value {
    json!({ "comparisons": found, "markdown": markdown(found) })
}

/// For people.
pub(super) fn text(found: &[Comparison]) -> String {
    let texts: Vec<String> = found.iter().map(|one| body(one, "")).collect();
    texts.join("\n")
}

/// For the summary of a CI job.
pub(super) fn markdown(found: &[Comparison]) -> String {
    let mut text = String::new();
    for one in found {
        let _ = write!(text, "### {}\n\n{}\n", headline(one), body(one, "- "));
    }
    text
}

fn headline(found: &Comparison) -> String {
    match found.tokens {
        Tokens::Different => "Tokens differ".into(),
        Tokens::Judged if found.is_too_slow => {
            "Tokens right on both sides, slower than allowed".into()
        }
        _ if found.is_too_slow => "Tokens equal, slower than allowed".into(),
        Tokens::Equal => format!("Tokens equal, {}", verdict(found.verdict)),
        Tokens::Judged => format!("Tokens right on both sides, {}", verdict(found.verdict)),
        Tokens::NotCompared => format!("Tokens not compared, {}", verdict(found.verdict)),
    }
}

/// The lines, each after `bullet`, around the table.
fn body(found: &Comparison, bullet: &str) -> String {
    let mut text = String::new();
    let mut line = |what: &str, said: String| {
        let _ = writeln!(text, "{bullet}{what:<8} {said}");
    };
    let [old, new] = &found.sides;
    line("old", side(old));
    line("new", side(new));
    line("what", found.what.clone());
    line("tokens", tokens(found));
    line("work", work(&found.work));
    let mut text = text + "\n" + &table(found) + "\n";
    let mut line = |what: &str, said: String| {
        let _ = writeln!(text, "{bullet}{what:<8} {said}");
    };
    line("verdict", headline(found));
    if let Some(turns) = &found.turns {
        let end = match turns.is_narrow {
            true => format!("until the interval was {:.1} % wide", 100.0 * turns.width),
            false => "until the time was over".into(),
        };
        let (pairs, seconds, seed) = (turns.pairs, turns.seconds, turns.order_seed);
        line(
            "turns",
            format!("{pairs} pairs in {seconds:.1} s, {end}; order seed {seed}"),
        );
    }
    for note in &found.notes {
        line("note", note.clone());
    }
    text
}

fn side(side: &Side) -> String {
    let receipts = side.receipts;
    let plural = if receipts == 1 { "" } else { "s" };
    let (builds, engines) = (side.builds.join(", "), side.engines.join(", "));
    match engines == OURS {
        true => format!(
            "{}: {receipts} receipt{plural} of build {builds}",
            side.name
        ),
        false => format!(
            "{}: {receipts} receipt{plural} of {engines}, by build {builds}",
            side.name
        ),
    }
}

fn tokens(found: &Comparison) -> String {
    let [old, new] = &found.sides;
    let replayed = match (old.replayed, new.replayed) {
        (true, true) => "both sides say that they were replayed",
        (true, false) => "only the old side says that it was replayed",
        (false, true) => "only the new side says that it was replayed",
        (false, false) => "neither side was replayed",
    };
    match found.tokens {
        Tokens::Equal => format!("equal in every bit of the transcript; {replayed}"),
        Tokens::Judged => {
            let [old, new] = [old, new].map(|side| side.tokens_are.join("; "));
            let same = match found.sides[0].checksums == found.sides[1].checksums {
                true => "the same tokens",
                false => "not the same tokens, each side judged by a replay of its own",
            };
            format!("old: {old}; new: {new}; {same}")
        }
        Tokens::Different => format!("DIFFERENT; {replayed}"),
        Tokens::NotCompared => format!("not compared, since models or tasks differ; {replayed}"),
    }
}

/// What differs, with its numbers, and else that nothing does.
fn work(found: &[Work]) -> String {
    let differing = found.iter().filter(|work| work.is_equal == Some(false));
    let number = |count: Option<u64>| count.map_or("?".into(), |count| count.to_string());
    let mut parts: Vec<String> = differing
        .map(|work| {
            let [old, new] = work.counts.map(number);
            format!("{}: {old}, now {new}", work.what)
        })
        .collect();
    let names = |is_equal| {
        let of = found.iter().filter(|work| work.is_equal == is_equal);
        of.map(|work| work.what).collect::<Vec<_>>().join("; ")
    };
    let (equal, unknown) = (names(Some(true)), names(None));
    if !equal.is_empty() {
        parts.push(format!("equal: {equal}"));
    }
    if !unknown.is_empty() {
        parts.push(format!("not counted: {unknown}"));
    }
    parts.join(". ")
}

fn table(found: &Comparison) -> String {
    let interval = format!("{} % interval", 100.0 * found.confidence);
    let columns = [
        ("figure", Align::Left),
        ("old", Align::Right),
        ("new", Align::Right),
        ("speed, new ÷ old", Align::Right),
        (&interval[..], Align::Right),
        ("noise", Align::Right),
        ("samples", Align::Right),
        ("verdict", Align::Left),
    ];
    let rows: Vec<_> = found.differences.iter().map(row).collect();
    markdown::table(columns, &rows)
}

fn row(found: &Difference) -> [String; 8] {
    let figure = match found.figure {
        Figure::Decode => "decode, tokens/s",
        Figure::Prefill => "prefill, tokens/s",
        Figure::FirstToken => "first token, ms",
    };
    let interval = found.interval.map_or("none".into(), |interval| {
        format!("{:.3}–{:.3}", interval.low, interval.high)
    });
    let [old, new] = found.values.map(value);
    let [noise_old, noise_new] = found.noise.map(|noise| format!("{:.1}", 100.0 * noise));
    [
        figure.into(),
        old,
        new,
        format!("{:.3}", found.ratio),
        interval,
        format!("±{noise_old} / ±{noise_new} %"),
        format!("{} / {}", found.samples[0], found.samples[1]),
        verdict(found.verdict).into(),
    ]
}

fn value(value: f64) -> String {
    match value {
        1000.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Faster => "faster",
        Verdict::Slower => "slower",
        Verdict::NoDifference => "no difference that these samples can show",
    }
}
