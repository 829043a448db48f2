//! The guest's exports with their types. `guest-reference/NUMERICS.md` documents the calls.

use engine_native::Op;
use wasmtime::{Instance, Memory, Store, TypedFunc};

use super::{bounds::Bounds, error::SandboxError};

/// The version of the interface that this host calls.
pub(super) const ABI_VERSION: i32 = 3;

/// Operations in the order in which the guest's `op_ptr` numbers them.
pub(super) const GUEST_OPS: [Op; 21] = [
    Op::AttnNorm,
    Op::AttnQkvQuantize,
    Op::AttnQ,
    Op::AttnK,
    Op::AttnV,
    Op::RopeQ,
    Op::RopeK,
    Op::AttentionValues,
    Op::AttnSubNorm,
    Op::AttnOutputQuantize,
    Op::AttnOutput,
    Op::AttnResidual,
    Op::FfnNorm,
    Op::FfnGateUpQuantize,
    Op::FfnGate,
    Op::FfnUp,
    Op::FfnActivation,
    Op::FfnSubNorm,
    Op::FfnDownQuantize,
    Op::FfnDown,
    Op::FfnResidual,
];

pub(super) type GuestStore = Store<Bounds>;

macro_rules! exports {
    ($($name:ident: fn($($arg:ty),*) -> $result:ty,)*) => {
        /// Every export that the host calls.
        pub(super) struct Exports {
            pub(super) memory: Memory,
            $(pub(super) $name: TypedFunc<($($arg,)*), $result>,)*
        }

        impl Exports {
            /// Looks up all exports.
            pub(super) fn of(
                instance: &Instance,
                store: &mut GuestStore,
            ) -> Result<Self, SandboxError> {
                let missing = |name: &str| SandboxError::Protocol(format!("no export {name}"));
                Ok(Self {
                    memory: instance
                        .get_memory(&mut *store, "memory")
                        .ok_or_else(|| missing("memory"))?,
                    $($name: instance
                        .get_typed_func(&mut *store, stringify!($name))
                        .map_err(|_| missing(stringify!($name)))?,)*
                })
            }
        }
    };
}

exports! {
    abi_version: fn() -> i32,
    header_buffer: fn(i64) -> i64,
    header_parse: fn(i64, i64) -> i64,
    shape: fn(i32) -> i64,
    configure: fn(i32, i32, i64) -> i32,
    plan_embed: fn(i64) -> i64,
    plan_layer: fn(i64) -> i64,
    plan_head: fn(i64) -> i64,
    range_offset: fn(i64) -> i64,
    range_len: fn(i64) -> i64,
    range_dest: fn(i64) -> i64,
    load_range: fn(i64) -> i32,
    embed: fn(i64) -> i32,
    layer: fn(i64) -> i32,
    release_layer: fn(i64) -> i32,
    head_norm: fn(i64) -> i32,
    head_rows: fn(i64) -> i32,
    head_first_row: fn() -> i64,
    head_n_rows: fn() -> i64,
    choice_token: fn(i64) -> i64,
    choice_logit_bits: fn(i64) -> i64,
    residual_ptr: fn(i64) -> i64,
    hidden_ptr: fn(i64) -> i64,
    logits_ptr: fn() -> i64,
    op_count: fn() -> i32,
    op_ptr: fn(i32) -> i64,
    op_len: fn(i32) -> i64,
    op_width: fn(i32) -> i32,
    error_ptr: fn() -> i64,
    error_len: fn() -> i64,
}
