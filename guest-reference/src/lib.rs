//! The executable specification: decoding with ternary weights in plain scalar Rust.
//!
//! `NUMERICS.md` beside this crate states the arithmetic; this crate is that text as a program.
//! It exists so that a native engine's result can be recomputed from the same model bytes by code
//! that shares nothing with the engine: its own GGUF reader, its own arithmetic, no platform math
//! library, no imports. Compiled to WebAssembly, it runs in a sandbox and is driven through the
//! calls in `abi`. As an ordinary library, each operation can be called and tested by itself.
//!
//! Reading order: [`float`] and [`half`] (building blocks), [`ops`], [`projection`], [`rope`],
//! [`attention`], [`layer`], [`head`], then [`runner`], which drives them. [`gguf`] and [`model`] say what a file
//! may contain, [`ternary`] and [`rows`] what its bytes mean. Only [`fast`] is written for speed.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod abi;
pub mod attention;
pub mod error;
pub mod fast;
pub mod float;
pub mod gguf;
pub mod half;
pub mod head;
pub mod layer;
pub mod loading;
pub mod memory;
pub mod model;
pub mod op;
pub mod ops;
pub mod projection;
pub mod rope;
pub mod rows;
pub mod runner;
pub mod session;
pub mod ternary;

/// Version of the calls that the WebAssembly module exports.
pub const ABI_VERSION: i32 = 4;
