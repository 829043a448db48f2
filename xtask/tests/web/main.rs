//! The page of `xtask web` in a real browser, opened from a disk. Where there is no Chromium, these tests
//! say so and check nothing.

mod access;
mod devtools;
mod failures;
mod flow;
mod layout;
mod page;
mod pictures;
mod privacy;
#[path = "../cli/process.rs"]
mod process;
mod sizes;
mod vectors;
