//! The page: one file, without scripts, that fetches nothing.

use std::path::Path;

use host::{plain::plain, receipt::Figures, verify::Conclusion};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    chart::{self, Drawn},
    machine, many, proof,
    subject::Subject,
    text::{number, time},
};
use crate::{models::how_to_get, program::Program};

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded and nothing runs, whatever a receipt says.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page of these receipts, of which there is at least one. It links to `check_at`, a page that checks
/// receipts in a browser.
///
/// # Errors
/// A chart cannot be drawn.
pub fn page(subjects: &[Subject], check_at: Option<&str>) -> Drawn<String> {
    let title = match subjects {
        [one] => format!("{}: {}", one.summary.model.file_name, one.test()),
        many => format!("{} benchmark receipts", many.len()),
    };
    let overview = match subjects.len() {
        0 | 1 => html! {},
        _ => many::overview(subjects)?,
    };
    let receipts = subjects.iter().zip(1..);
    let receipts: Vec<Markup> = receipts
        .map(|(subject, n)| section(subject, n, subjects.len(), check_at))
        .collect::<Drawn<_>>()?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_SECURITY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kicker { "Bitreceipt · report" }
                    h1 { (title) }
                }
                main { (overview) @for receipt in &receipts { (receipt) } }
                footer {
                    p {
                        "Made by bitreceipt " (env!("CARGO_PKG_VERSION"))
                        ". A page is as good as whoever made it: check the receipt yourself."
                    }
                }
            }
        }
    };
    Ok(page.into_string())
}

/// Everything about one receipt, the `n`th of `of`.
fn section(subject: &Subject, n: usize, of: usize, check_at: Option<&str>) -> Drawn<Markup> {
    let id = |name: &str| format!("r{n}-{name}");
    let measured = measured(subject, &id)?;
    Ok(html! {
        section id=(format!("r{n}")) {
            @if of > 1 {
                h2 { (n) ". " (subject.summary.model.file_name) ": " (subject.test()) }
            }
            (lead(subject))
            h2 { "What is proved" }
            (proof::table(subject))
            (proof::rules(&subject.verdict))
            h2 { "In plain words" }
            blockquote { p { (subject.explanation.paragraph) } }
            (measured)
            div.columns {
                div { h2 { "Chain of evidence" } (proof::chain(subject)) }
                div {
                    h2 { "Machine, by its own word" } (machine::machine(subject))
                    h2 { "Check it yourself" } (how_to_check(subject, check_at))
                }
            }
        }
    })
}

/// The times, in numbers and charts. Nothing where the verdict leaves no speed.
fn measured(subject: &Subject, id: &dyn Fn(&str) -> String) -> Drawn<Markup> {
    if subject.summary.claimed.speed.is_none() {
        return Ok(html! {});
    }
    let charts = charts(subject, id)?;
    Ok(html! {
        h2 { "What was measured" }
        (figures(subject))
        (warnings(subject))
        div.charts { @for chart in &charts { (chart) } }
    })
}

fn charts(subject: &Subject, id: &dyn Fn(&str) -> String) -> Drawn<Vec<Markup>> {
    let mut charts = vec![
        chart::steps(subject, &id("steps"))?,
        chart::distribution(subject, &id("distribution"))?,
        chart::phases(subject, &id("phases"))?,
        chart::roofline(subject, &id("roofline"))?,
    ];
    if let Some(profile) = &subject.profile {
        if let Some(decode) = &profile.decode {
            charts.push(Some(chart::operations(decode, "decode", &id("decode"))?));
        }
        let prefill = &profile.prefill;
        charts.push(Some(chart::operations(prefill, "prefill", &id("prefill"))?));
    }
    Ok(charts.into_iter().flatten().collect())
}

/// The claim and the verdict.
fn lead(subject: &Subject) -> Markup {
    html! {
        div.lead {
            p.claim { (speed(subject)) }
            p {
                (proof::badge(subject.verdict.conclusion)) " "
                (plain(&proof::sentence(subject), 1000))
            }
            p.muted {
                (subject.place) ", verified " (subject.verified_at) ". " (subject.setting()) " on "
                (subject.summary.claimed.cpu) ", made " (subject.summary.claimed.created) "."
            }
        }
    }
}

/// The claimed rate: that of decoding, or of the prompt where nothing was decoded.
fn speed(subject: &Subject) -> Markup {
    let Some(speed) = subject.summary.claimed.speed else {
        return html! { "no speed: the receipt is rejected" };
    };
    let (rate, what) = match speed.decode_tokens_per_sec {
        Some(rate) => (rate, "tokens/s decoded"),
        None => (speed.prefill_tokens_per_sec, "prompt tokens/s"),
    };
    html! {
        @if subject.verdict.conclusion == Conclusion::Rejected { s { (number(rate)) } }
        @else { strong { (number(rate)) } }
        " " (what) " " span.muted { "claimed" }
    }
}

/// The figures of decode steps; none without any.
fn decode_figures(subject: &Subject, figures: &Figures) -> Vec<(&'static str, String, String)> {
    let rate = |rate: Option<f64>| Some(format!("{} tokens/s", number(rate?)));
    let (Some(mean), Some(at_p50), Some(at_p5), Some(step)) = (
        rate(subject.receipt.decode_tokens_per_sec),
        rate(figures.decode_tokens_per_sec_p50),
        rate(figures.decode_tokens_per_sec_p5),
        figures.decode_step_ns,
    ) else {
        return Vec::new();
    };
    let rates: Vec<f64> = subject.rates().iter().filter_map(|r| r.decode).collect();
    let [p5, p50, p95, p99] = [step.p5, step.p50, step.p95, step.p99].map(|ns| time(ns as f64));
    vec![
        ("Decode", mean, many::spread(&rates)),
        ("Decode at the median step", at_p50, p50.clone()),
        ("Decode at the p5 step", at_p5, p5.clone()),
        ("Step", p50, format!("p5 {p5}, p95 {p95}, p99 {p99}")),
    ]
}

/// Signs of noise, and what to do about them.
fn warnings(subject: &Subject) -> Markup {
    let warnings = &subject.summary.claimed.warnings;
    html! {
        @if !warnings.is_empty() {
            ul.rules {
                @for warning in warnings {
                    li.open {
                        strong { "! warning: " } (plain(&warning.found, 400)) ": " span.muted {
                            (warning.advice)
                        }
                    }
                }
            }
        }
    }
}

/// The figures, with their spread.
fn figures(subject: &Subject) -> Markup {
    let claim = &subject.receipt;
    let mut rows = Vec::new();
    let prefill = subject
        .rates()
        .iter()
        .map(|r| r.prefill)
        .collect::<Vec<_>>();
    rows.push((
        "Prefill",
        format!("{} tokens/s", number(claim.prefill_tokens_per_sec)),
        many::spread(&prefill),
    ));
    // Of receipts of older schemas, too.
    if let Some(figures) = Figures::of(&claim.samples) {
        let text = time(figures.time_to_first_token_ns as f64);
        rows.push((
            "Time to first token",
            text,
            "median of the repetitions".into(),
        ));
        rows.extend(decode_figures(subject, &figures));
    }
    html! {
        table.figures {
            thead {
                tr { th scope="col" { "Figure" } th scope="col" { "Claimed" } th scope="col" { "Spread" } }
            }
            tbody {
                @for (name, value, spread) in &rows {
                    tr { th scope="row" { (name) } td { (value) } td { (spread) } }
                }
            }
        }
    }
}

/// Commands to paste, and the page that needs none.
fn how_to_check(subject: &Subject, check_at: Option<&str>) -> Markup {
    let call = Program::Bitreceipt.call();
    // A file with a profile has the receipt inside.
    let path = match subject.place.as_str() {
        place if place != "standard input" && subject.profile.is_none() => file_name(place),
        _ => Program::Bitreceipt.receipt().display().to_string(),
    };
    let mut lines = vec![format!("{call} verify-receipt {}", quoted(&path))];
    if subject.verdict.signed_by.is_some() || subject.has_bundle {
        let bundle = quoted(&format!("{path}{}", host::attest::BUNDLE_SUFFIX));
        lines.push(format!(
            "{} --bundle {bundle} --public-key KEY.pub",
            lines[0]
        ));
    }
    let model = how_to_get(subject.receipt.model.sha256);
    html! {
        pre tabindex="0" { code { @for line in &lines { (line) "\n" } } }
        p {
            "It finds the model by its digest, in " code { "models/" } ", beside the receipt or in the cache"
            @if let Some(model) = model { "; to get it: " code { (model) } }
            ". It replays the run in a sandbox and takes nothing from this page."
        }
        p {
            "Without installing anything: drop the receipt on "
            @match check_at {
                Some(address) => a href=(address) rel="noreferrer" { "the page that checks receipts in a browser" },
                None => { "the page that " code { "xtask web" } " makes" },
            }
            ". It does the same there, on your machine."
        }
    }
}

fn file_name(place: &str) -> String {
    let name = Path::new(place).file_name();
    name.map_or_else(
        || place.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// A word of a shell that stays one word, whatever is in it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match word.chars().all(is_plain) && !word.starts_with('-') {
        true => word.to_owned(),
        false => format!("'./{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_of_a_shell_stays_one_word() {
        for (word, expected) in [
            ("r.json", "r.json"),
            ("a b", "'./a b'"),
            ("-x", "'./-x'"),
            ("a'; rm b", "'./a'\\''; rm b'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
