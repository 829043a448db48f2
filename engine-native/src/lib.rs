//! Native inference of models with ternary weights. Results are bit-exact on any ISA, with any number
//! of threads and any batch size.
//!
//! A [`Model`] is a file in memory, validated. An [`Engine`] runs it with the [`Kernels`] of one ISA.
//! A [`Session`] holds the KV cache and the buffers of one run at a time, and [`Session::generate`] is
//! an iterator of [`Step`]s: tokens, the values that the transcript commits to, and times. The
//! [`Ledger`] tells which kernels ran. `guest-reference/NUMERICS.md` specifies the arithmetic.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use engine_native::{Engine, KernelChoice, Model, SessionOptions};
//!
//! let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
//! let model = Arc::new(Model::open(Path::new(path))?);
//! let engine = Engine::new(model, KernelChoice::Auto.resolve()?, 1)?;
//! let mut session = engine.session(SessionOptions::new(7))?;
//! let mut tokens = Vec::new();
//! for step in session.generate(&[1, 2, 3], 5)? {
//!     tokens.push(step?.choice.token);
//! }
//! assert_eq!(tokens.len(), 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without the default feature `run` only the description of models and runs is left: headers, shapes,
//! operations, kernel names and ledgers. That part compiles to WebAssembly.

pub mod gguf;
mod ledger;
mod model;
mod observer;

#[cfg(feature = "run")]
mod all_cores;
#[cfg(feature = "run")]
mod choice;
#[cfg(feature = "run")]
mod decode_weights;
#[cfg(feature = "run")]
mod engine;
#[cfg(feature = "run")]
mod error;
#[cfg(feature = "run")]
mod generation;
#[cfg(feature = "run")]
mod huge_pages;
#[cfg(feature = "run")]
mod kernels;
#[cfg(feature = "run")]
mod operands;
#[cfg(feature = "run")]
mod panels;
#[cfg(feature = "run")]
mod roofline;
#[cfg(feature = "run")]
mod run;
#[cfg(feature = "run")]
mod screen;
#[cfg(feature = "run")]
mod workers;

/// The optimisation level that this crate was built with: "0" to "3", "s" or "z".
pub const OPT_LEVEL: &str = env!("ENGINE_OPT_LEVEL");

pub use ledger::{
    Choice, Entry, Isa, KernelChoice, KernelName, Ledger, Op, OpTotal, PositionTrace, Recorder,
    Tally, little_endian,
};
pub use model::{
    Activation, Architecture, DenseType, GroupedType, I2sLayout, KvType, MatrixType,
    ModelDescription, ModelError, ModelShape, RopePairs, RopeScaling, Yarn,
};
pub use observer::Observer;

#[cfg(all(feature = "run", target_arch = "x86_64"))]
pub use kernels::{Amx, Avx2, Avx512Vnni, AvxVnni};
#[cfg(feature = "run")]
pub use {
    decode_weights::Packing,
    engine::{Engine, EngineOptions},
    error::RunError,
    generation::{Generation, Step},
    kernels::{Kernels, NonFinite, Scalar, UnavailableKernels, available_kernels},
    model::{
        DenseMatrix, GroupedMatrix, Layer, Model, ModelFile, ModelSource, Projection,
        TernaryMatrix, VocabularyMatrix,
    },
    operands::{
        AttentionScratch, Bound, Bounded, DenseRows, GemmBatch, GemmScratch, GroupedRows,
        PANEL_ROWS, PanelBytes, QuantizedActivations, Queries, RefineRows, RopeAngles, RowLayout,
        ScreenActivations, ScreenRows, TernaryRows,
    },
    roofline::{ReadBuffer, Readers},
    run::{LogitsAt, OpOutput, Probe, ProbePoint, Session, SessionOptions},
    screen::Screening,
};
