//! `guest-reference/spec.py`, which was written from the text of NUMERICS.md alone, against the guest: what
//! one author may have misread, another reads otherwise.

mod python;
mod refused;
mod runs;
mod sabotage;
#[path = "../support/mod.rs"]
mod support;
