//! The measured times of a receipt, and what the system counted meanwhile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::version::not_null;

/// Measured times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// Time to map, validate and hash the model, to pack weights, and to start threads.
    pub load_ns: u64,
    /// Time of feeding the prompt up to the depth, `[repetitions]`, since schema 1.4.0; empty without a
    /// depth.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Vec<u64>")]
    pub depth_ns: Option<Vec<u64>>,
    /// Time of the prefill, `[repetitions]`; it ends when the first token is chosen.
    pub prefill_ns: Vec<u64>,
    /// Time of each decode step, `[repetitions][tokens − 1]`.
    pub decode_ns: Vec<Vec<u64>>,
    /// What the system says of each repetition, `[repetitions]`, since schema 1.3.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Vec<Witness>")]
    pub witness: Option<Vec<Witness>>,
    /// The measurement that was not used, if there was one, since schema 1.3.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Vec<Discarded>")]
    pub discarded: Option<Vec<Discarded>>,
}

impl Samples {
    /// Time to load in nanoseconds, if it is known. It never is of an engine that was running already, which has
    /// 1 there: a receipt has no time of 0.
    pub fn load(&self) -> Option<u64> {
        (self.load_ns > 1).then_some(self.load_ns)
    }
}

/// A second witness of a repetition beside the clock of its steps: what the system counted for the
/// threads that compute, from the repetition's start to its end. Null stands for what it does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Time of the whole repetition in nanoseconds: its steps, and what lies between them.
    pub wall_ns: u64,
    /// CPU time of all threads in nanoseconds.
    pub cpu_ns: Option<u64>,
    /// How often the system took a core away from a thread.
    pub involuntary_switches: Option<u64>,
    /// Instructions in user mode, by the CPU's counter.
    pub instructions: Option<u64>,
    /// Cycles in user mode, by the CPU's counter.
    pub cycles: Option<u64>,
}

/// A measurement that was not used, because the verifier's rules would have rejected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discarded {
    /// The rule, and what it found.
    pub because: String,
    /// Its times, as in `samples`.
    pub prefill_ns: Vec<u64>,
    /// Its times, as in `samples`.
    pub decode_ns: Vec<Vec<u64>>,
    /// The prefill of a prompt that was new, timed before the measurement was made again: the prompt
    /// of the run itself was not new any more.
    pub control_prefill_ns: u64,
    /// The decode steps after that prompt.
    pub control_decode_ns: Vec<u64>,
}
