//! The page of `xtask web` in real browsers, opened from a disk. Where a browser is missing, its tests say so
//! and check nothing.

mod access;
mod devtools;
mod external;
mod failures;
mod firefox;
mod flow;
mod layout;
mod page;
mod pictures;
mod privacy;
#[path = "../cli/process.rs"]
mod process;
mod sizes;
mod vectors;
