//! Limits on the values in a receipt, and an upper bound on its size that is known before the run.

/// The largest integer in a receipt. Larger ones are not exact in every JSON reader, nor in the
/// canonical form.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The largest seed of a prompt.
pub const MAX_SEED: u64 = MAX_INTEGER;

/// The largest number of threads of a run.
pub const MAX_THREADS: usize = 1024;

/// The largest receipt that a verifier reads: enough for 3 repetitions of 80,000 tokens, measured
/// twice.
pub const MAX_RECEIPT_BYTES: u64 = 16 << 20;

/// Bytes of everything but ids and what there is for each repetition: a few hundred lines, and at most 1024
/// numbers of CPUs.
const REST: u64 = 64 << 10;

/// The most bytes of the keys of a witness, on the lines of its values.
const WITNESS_KEYS: u64 = 72;

/// As [`WITNESS_KEYS`], for what else the system counted in a repetition.
const EVIDENCE_KEYS: u64 = 70;

/// The most bytes that a receipt's file can have, whatever the ids and times are.
///
/// A measurement that was disturbed is made again, so there can be twice the times, and a control run.
/// Each id or time is on a line of its own: an indent, the digits of an integer below 2³² or 2⁵³, a
/// comma and a line break. Every line counts at least 16 bytes here, so the result also bounds the
/// number of values.
pub fn largest_receipt_bytes(n_prompt: usize, n_tokens: usize, repetitions: usize) -> u64 {
    let line = |indent: u64, digits: u64| indent + digits + 2;
    let [n_prompt, n_tokens, repetitions] = [n_prompt, n_tokens, repetitions].map(|n| n as u64);
    let brackets = |indent| 2 * line(indent, 1);
    let steps = |indent: u64| n_tokens.saturating_sub(1).saturating_mul(line(indent, 16));
    // The prefill and the steps of a repetition.
    let times = |indent| line(indent, 16) + brackets(indent) + steps(indent + 2);
    let witness = 5 * line(8, 16) + WITNESS_KEYS + brackets(6);
    let evidence = 4 * line(8, 16) + EVIDENCE_KEYS + brackets(6);
    let depth = line(6, 16);
    let repetition = times(6)
        .saturating_add(times(10))
        .saturating_add(depth + witness + evidence);
    (n_prompt.saturating_mul(line(6, 10)))
        .saturating_add(n_tokens.saturating_mul(line(4, 10)))
        .saturating_add(repetitions.saturating_mul(repetition))
        // The control run.
        .saturating_add(times(8))
        .saturating_add(REST)
}
