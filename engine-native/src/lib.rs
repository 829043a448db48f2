//! Native inference with ternary weights, bit-exact on any ISA, for any thread count and batch size.
//!
//! A [`Model`] is mapped and validated, an [`Engine`] runs it with one set of [`Kernels`], and a
//! [`Session`] holds the KV cache and buffers of one run. [`Session::generate`] is an iterator of
//! [`Step`]s: tokens, the bits that the transcript commits to, and times. The arithmetic is
//! written down in `guest-reference/NUMERICS.md`; the [`Ledger`] says which kernels ran.

mod choice;
mod decode_weights;
mod engine;
mod error;
mod generation;
pub mod gguf;
mod huge_pages;
mod kernels;
mod ledger;
mod model;
mod operands;
mod roofline;
mod run;
mod screen;
mod workers;

pub use decode_weights::Packing;
pub use engine::{Engine, EngineOptions};
pub use error::RunError;
pub use generation::{Generation, Step};
#[cfg(target_arch = "x86_64")]
pub use kernels::{Amx, Avx2, Avx512Vnni, AvxVnni};
pub use kernels::{Kernels, NonFinite, Scalar, UnavailableKernels, available_kernels};
pub use ledger::{
    Choice, Entry, Isa, KernelChoice, KernelName, Ledger, Op, OpTotal, PositionTrace, Recorder,
    Tally,
};
pub use model::{
    Activation, Architecture, DenseMatrix, DenseType, I2sLayout, KvType, Layer, Model, ModelError,
    ModelFile, ModelShape, RopePairs, TernaryMatrix,
};
pub use operands::{
    AttentionScratch, Bound, Bounded, DenseRows, GemmBatch, GemmScratch, QuantizedActivations,
    Queries, RefineRows, RopeAngles, RowLayout, ScreenActivations, ScreenRows, TernaryRows,
};
pub use roofline::{ReadBuffer, Readers};
pub use run::{LogitsAt, OpOutput, Probe, ProbePoint, Session, SessionOptions};
pub use screen::Screening;
