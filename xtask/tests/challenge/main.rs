//! A challenger and provers as processes that talk over the loopback interface: honest ones, and those that
//! cheat.

mod cheats;
mod honest;
#[path = "../cli/process.rs"]
mod process;
mod server;
mod statements;
mod talk;
mod wire;
