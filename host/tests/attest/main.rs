//! Signed statements: known answers, keys of every kind, and everything that must be refused.

mod envelopes;
mod keys;
mod samples;
mod statements;
