//! Native inference with ternary weights, bit-exact on any ISA, for any thread count and batch size.
//!
//! A [`Model`] is mapped and validated, an [`Engine`] runs it with one set of [`Kernels`], and a
//! [`Session`] holds the KV cache and buffers of one run. [`Session::generate`] is an iterator of
//! [`Step`]s: tokens, the bits that the transcript commits to, and times. The arithmetic is
//! written down in `guest-reference/NUMERICS.md`; the [`Ledger`] says which kernels ran.

mod attention;
mod bandwidth;
mod choice;
mod choices;
mod decode_weights;
mod engine;
mod error;
mod float_environment;
mod forward;
mod generation;
pub mod gguf;
mod kernels;
mod kv_cache;
mod ledger;
mod linear;
mod model;
mod op;
mod position;
mod probe;
mod rope_table;
mod screen;
mod session;
mod traffic;
mod workers;

pub use bandwidth::{ReadBuffer, Readers};
pub use decode_weights::Packing;
pub use engine::{Engine, EngineOptions, KernelChoice, UnavailableKernels, available_kernels};
pub use error::RunError;
pub use generation::{Generation, Step};
#[cfg(target_arch = "x86_64")]
pub use kernels::{Amx, Avx2, Avx512Vnni, AvxVnni};
pub use kernels::{
    AttentionScratch, Bounded, DenseRows, GemmBatch, GemmScratch, Isa, KernelName, Kernels,
    NonFinite, QuantizedActivations, Queries, RefineRows, RopeAngles, RowLayout, Scalar,
    ScreenActivations, ScreenRows, TernaryRows,
};
pub use kv_cache::KvType;
pub use ledger::{Entry, Ledger, OpTotal, Recorder, Tally};
pub use model::{
    Activation, Architecture, DenseMatrix, DenseType, I2sLayout, Layer, Model, ModelError,
    ModelFile, ModelShape, RopePairs, TernaryMatrix,
};
pub use op::Op;
pub use position::{Choice, PositionTrace};
pub use probe::{OpOutput, Probe, ProbePoint};
pub use screen::Screening;
pub use session::{LogitsAt, Session, SessionOptions};
