//! Other engines: what a good one answers, and what becomes of bad ones. The engines are processes of this
//! test program that misbehave as they are told.
#![cfg(target_os = "linux")]

mod ends;
mod fake;
mod programs;
mod real;
mod servers;
mod support;
