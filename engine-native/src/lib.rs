//! Native inference with ternary weights, bit-exact on any ISA, for any thread count and batch size.
//!
//! A [`Model`] is mapped and validated, an [`Engine`] runs it with one set of [`Kernels`], and a
//! [`Session`] holds the KV cache and buffers of one run. [`Session::generate`] is an iterator of
//! [`Step`]s: tokens, the bits that the transcript commits to, and times. The arithmetic is
//! written down in `guest-reference/NUMERICS.md`; the [`Ledger`] says which kernels ran.

pub mod gguf;
mod ledger;
mod model;

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
mod roofline;
#[cfg(feature = "run")]
mod run;
#[cfg(feature = "run")]
mod screen;
#[cfg(feature = "run")]
mod workers;

pub use ledger::{
    Choice, Entry, Isa, KernelChoice, KernelName, Ledger, Op, OpTotal, PositionTrace, Recorder,
    Tally,
};
pub use model::{
    Activation, Architecture, DenseType, I2sLayout, KvType, ModelError, ModelShape, RopePairs,
};

#[cfg(all(feature = "run", target_arch = "x86_64"))]
pub use kernels::{Amx, Avx2, Avx512Vnni, AvxVnni};
#[cfg(feature = "run")]
pub use {
    decode_weights::Packing,
    engine::{Engine, EngineOptions},
    error::RunError,
    generation::{Generation, Step},
    kernels::{Kernels, NonFinite, Scalar, UnavailableKernels, available_kernels},
    model::{DenseMatrix, Layer, Model, ModelFile, TernaryMatrix},
    operands::{
        AttentionScratch, Bound, Bounded, DenseRows, GemmBatch, GemmScratch, QuantizedActivations,
        Queries, RefineRows, RopeAngles, RowLayout, ScreenActivations, ScreenRows, TernaryRows,
    },
    roofline::{ReadBuffer, Readers},
    run::{LogitsAt, OpOutput, Probe, ProbePoint, Session, SessionOptions},
    screen::Screening,
};
