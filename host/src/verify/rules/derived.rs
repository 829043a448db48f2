//! Rules on the figures: each must follow exactly from the samples.

use super::found::{equal, in_vocabulary};
use crate::{
    receipt::{Figures, Receipt, milliseconds, per_second},
    statistics::Sorted,
    verify::outcome::Rule,
};

pub(super) const RULES: &[Rule] = &[
    ("token_count", token_count),
    ("samples", samples),
    ("timing_ms", |r| {
        derived(r, r.timing_ms, |m| Some(milliseconds(m.total_ns)))
    }),
    ("tokens_per_sec", |r| {
        derived(r, r.tokens_per_sec, |m| {
            per_second(r.tokens_generated, m.total_ns)
        })
    }),
    ("prefill_tokens_per_sec", |r| {
        derived(r, r.prefill_tokens_per_sec, |m| {
            per_second(r.n_prefilled(), m.prefill_ns)
        })
    }),
    ("decode_tokens_per_sec", decode_rate),
    ("figures", figures),
];

fn token_count(r: &Receipt) -> Result<(), String> {
    let named = |what, found, allowed| equal(&found, &allowed).map_err(|e| format!("{what}: {e}"));
    named("tokens_generated", r.tokens_generated, r.run.tokens)?;
    named("ids in tokens", r.tokens.len() as u64, r.run.tokens)?;
    in_vocabulary(&r.tokens, r.model.shape.n_vocab)
}

fn samples(r: &Receipt) -> Result<(), String> {
    let s = &r.samples;
    let counted = |what: &str, found: usize, allowed: u64| {
        equal(&(found as u64), &allowed).map_err(|e| format!("{what}: {e}"))
    };
    counted("prefill_ns", s.prefill_ns.len(), r.run.repetitions)?;
    counted("decode_ns", s.decode_ns.len(), r.run.repetitions)?;
    if let Some(depth_ns) = &s.depth_ns {
        let allowed = if r.depth() > 0 { r.run.repetitions } else { 0 };
        counted("depth_ns", depth_ns.len(), allowed)?;
    }
    for steps in &s.decode_ns {
        let allowed = r.run.tokens.saturating_sub(1);
        counted("steps in a repetition of decode_ns", steps.len(), allowed)?;
    }
    let depth_ns = s.depth_ns.iter().flatten();
    let mut times = depth_ns
        .chain(&s.prefill_ns)
        .chain(s.decode_ns.iter().flatten());
    if times.any(|&ns| ns == 0) || s.load_ns == 0 {
        return Err("found a time of 0 ns".into());
    }
    Ok(())
}

/// The times of a repetition.
pub(in crate::verify) struct Times {
    /// Index of the repetition.
    pub(in crate::verify) repetition: usize,
    pub(in crate::verify) prefill_ns: u64,
    pub(in crate::verify) decode_ns: u64,
    pub(in crate::verify) total_ns: u64,
}

/// The times of all repetitions, sorted by total time. `None` if there are none, or on overflow.
pub(in crate::verify) fn repetitions(r: &Receipt) -> Option<Sorted<Times>> {
    Sorted::by(times(r)?, |one, other| one.total_ns.cmp(&other.total_ns))
}

/// The times of all repetitions, in their order. `None` on overflow.
pub(super) fn times(r: &Receipt) -> Option<Vec<Times>> {
    let repetitions = r.samples.prefill_ns.iter().zip(&r.samples.decode_ns);
    let times = repetitions
        .enumerate()
        .map(|(repetition, (&prefill_ns, steps))| {
            let mut steps = steps.iter();
            let decode_ns = steps.try_fold(0u64, |sum, &ns| sum.checked_add(ns))?;
            Some(Times {
                repetition,
                prefill_ns,
                decode_ns,
                total_ns: prefill_ns.checked_add(decode_ns)?,
            })
        });
    times.collect()
}

fn derived(r: &Receipt, found: f64, figure: impl Fn(&Times) -> Option<f64>) -> Result<(), String> {
    match repetitions(r).and_then(|sorted| figure(sorted.median())) {
        Some(derived) if derived.to_bits() == found.to_bits() => Ok(()),
        Some(derived) => Err(format!("found {found}, the samples have {derived}")),
        None => Err(format!("found {found}, the samples have no such figure")),
    }
}

fn figures(r: &Receipt) -> Result<(), String> {
    let Some(found) = &r.figures else {
        // Of an older schema.
        return Ok(());
    };
    let derived = Figures::of(&r.samples).ok_or("the samples have no such figures")?;
    match *found == derived {
        true => Ok(()),
        false => Err(format!("found {found:?}, the samples have {derived:?}")),
    }
}

fn decode_rate(r: &Receipt) -> Result<(), String> {
    match (r.decode_tokens_per_sec, r.run.tokens) {
        (None, 1) => Ok(()),
        (Some(found), 2..) => derived(r, found, |m| per_second(r.run.tokens - 1, m.decode_ns)),
        (found, tokens) => Err(format!("found {found:?} for {tokens} tokens")),
    }
}
