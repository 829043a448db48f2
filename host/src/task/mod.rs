//! The task of a run, its prompt, and the hash chain over everything that the run computes.

mod challenge;
mod seeded_prompt;
mod spec;
mod splitmix64;
mod transcript;

pub use challenge::{Challenge, MAX_CHALLENGE_BYTES, NotAChallenge};
pub use seeded_prompt::{seeded_prompt, warm_up_prompt};
pub use spec::Task;
pub use splitmix64::SplitMix64;
pub use transcript::{PositionRecord, Transcript, TranscriptStart, boundary_digest};
