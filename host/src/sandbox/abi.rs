//! The guest's exports with their types. `guest-reference/NUMERICS.md` documents the calls.

use engine_native::Op;

/// The version of the interface that this host calls.
pub(super) const ABI_VERSION: i64 = 4;

/// Operations in the order in which the guest's `op_ptr` numbers them.
pub(super) const GUEST_OPS: [Op; 23] = [
    Op::AttnNorm,
    Op::AttnQkvQuantize,
    Op::AttnQ,
    Op::AttnK,
    Op::AttnV,
    Op::AttnQNorm,
    Op::AttnKNorm,
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

/// The type of an argument or a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Int {
    I32,
    I64,
}

macro_rules! exports {
    ($($export:ident = $name:literal: ($($param:ident),*) -> $result:ident,)*) => {
        /// A function of the guest that the host calls.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Export {
            $($export,)*
        }

        impl Export {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$export,)*];

            /// Its name in the module.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$export => $name,)*
                }
            }

            /// The types of its arguments.
            pub fn params(self) -> &'static [Int] {
                match self {
                    $(Self::$export => &[$(Int::$param),*],)*
                }
            }

            /// The type of its result.
            pub fn result(self) -> Int {
                match self {
                    $(Self::$export => Int::$result,)*
                }
            }
        }
    };
}

exports! {
    AbiVersion = "abi_version": () -> I32,
    HeaderBuffer = "header_buffer": (I64) -> I64,
    HeaderParse = "header_parse": (I64, I64) -> I64,
    Shape = "shape": (I32) -> I64,
    Configure = "configure": (I32, I32, I64) -> I32,
    PlanEmbed = "plan_embed": (I64) -> I64,
    PlanLayer = "plan_layer": (I64) -> I64,
    PlanHead = "plan_head": (I64) -> I64,
    RangeOffset = "range_offset": (I64) -> I64,
    RangeLen = "range_len": (I64) -> I64,
    RangeDest = "range_dest": (I64) -> I64,
    LoadRange = "load_range": (I64) -> I32,
    Embed = "embed": (I64) -> I32,
    Layer = "layer": (I64) -> I32,
    ReleaseLayer = "release_layer": (I64) -> I32,
    HeadNorm = "head_norm": (I64) -> I32,
    HeadRows = "head_rows": (I64) -> I32,
    HeadFirstRow = "head_first_row": () -> I64,
    HeadNRows = "head_n_rows": () -> I64,
    ChoiceToken = "choice_token": (I64) -> I64,
    ChoiceLogitBits = "choice_logit_bits": (I64) -> I64,
    ResidualPtr = "residual_ptr": (I64) -> I64,
    HiddenPtr = "hidden_ptr": (I64) -> I64,
    LogitsPtr = "logits_ptr": () -> I64,
    OpCount = "op_count": () -> I32,
    OpPtr = "op_ptr": (I32) -> I64,
    OpLen = "op_len": (I32) -> I64,
    OpWidth = "op_width": (I32) -> I32,
    ErrorPtr = "error_ptr": () -> I64,
    ErrorLen = "error_len": () -> I64,
}
