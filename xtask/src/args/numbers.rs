//! Numbers that arguments take, and other values that a person types digit by digit.

use std::{
    num::NonZeroUsize,
    ops::{Range, RangeInclusive},
    str::FromStr,
    time::Duration,
};

use host::{challenge::MAX_ROUNDS, digest::Digest};

/// A count from 1 on, small enough for any transcript.
pub(super) fn count(text: &str) -> Result<usize, String> {
    within(text, 1..=1 << 24)
}

/// A count from 0 on.
pub(super) fn count_or_none(text: &str) -> Result<usize, String> {
    within(text, 0..=1 << 24)
}

/// A number of bytes whose reading can be timed.
pub(super) fn read_bytes(text: &str) -> Result<usize, String> {
    within(text, 1 << 20..=1 << 40)
}

/// A pause, of at most an hour.
pub(super) fn milliseconds(text: &str) -> Result<u64, String> {
    within(text, 0..=3_600_000).map(|n| n as u64)
}

/// Rounds of a challenge.
pub(super) fn rounds(text: &str) -> Result<usize, String> {
    within(text, 1..=MAX_ROUNDS)
}

/// How many guests replay at once.
pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.trim().parse();
    number.map_err(|_| format!("found {}, allowed 1 or more", shown(text)))
}

fn within(text: &str, allowed: RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.trim().parse().ok();
    let number = number.filter(|number| allowed.contains(number));
    number.ok_or_else(|| {
        let (first, last) = allowed.into_inner();
        let found = shown(text);
        format!("found {found}, allowed whole numbers from {first} to {last}")
    })
}

/// What was found: a number as it is, and anything else in quotes.
fn shown(text: &str) -> String {
    match text.bytes().all(|c| c.is_ascii_digit()) && !text.is_empty() {
        true => text.to_owned(),
        false => format!("{text:?}"),
    }
}

/// A whole number, with spaces around it.
pub(super) fn whole<N: FromStr>(text: &str) -> Result<N, String> {
    let number = text.trim().parse();
    number.map_err(|_| format!("found {text:?}, allowed whole numbers such as 3"))
}

/// A percentage, with one decimal at most, in thousandths.
pub(super) fn per_mille(text: &str) -> Result<u32, String> {
    let wanted = || format!("found {text:?}, allowed 0.1% to 100%, with one decimal at most");
    let number = text.strip_suffix('%').unwrap_or(text);
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if tenth.len() != 1 || whole.len() > 3 || !digits(whole) || !digits(tenth) {
        return Err(wanted());
    }
    let per_mille = format!("{whole}{tenth}").parse().map_err(|_| wanted())?;
    match per_mille {
        1..=1000 => Ok(per_mille),
        _ => Err(wanted()),
    }
}

/// A percentage from 0 % up, as a share.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    let share = number.map(|percent: f64| percent / 100.0);
    share
        .filter(|share| (0.0..=10.0).contains(share))
        .ok_or_else(|| format!("found {text:?}, allowed percentages such as 5% or 2.5%"))
}

/// A time, such as `90s`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).ok();
    time.filter(|time| *time <= Duration::from_secs(7 * 24 * 3600))
        .ok_or_else(|| format!("found {text:?}, allowed times up to a week, such as 90s or 5m"))
}

/// A tolerance, in spreads of the logits.
pub(super) fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|x: &f64| x.is_finite() && *x >= 0.0)
        .ok_or_else(|| format!("found {text:?}, allowed numbers from 0 up"))
}

/// A range of layers.
pub(super) fn layers(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let ends = ends.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    ends.filter(|layers| !layers.is_empty()).ok_or_else(|| {
        format!("found {text:?}, allowed FIRST..END, such as 3..4 for layer 3 alone")
    })
}

/// A nonce.
pub(super) fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| format!("found {text:?}, allowed 64 lower-case hex digits"))
}
