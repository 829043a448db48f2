//! The operations of a forward pass, in the order in which they run, and the work of each.

use crate::model::ModelShape;

macro_rules! ops {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// An operation of the forward pass: what is computed, not by which kernel.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Op {
            $($(#[$doc])* $variant,)*
        }

        impl Op {
            /// Every operation, in the order of the forward pass.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in ledgers, receipts and messages.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

ops! {
    /// Row of the embedding, converted to f32. Work: n_embd.
    Embed "embed",
    /// RMSNorm before attention. Work: n_embd.
    AttnNorm "attn_norm",
    /// Activation quantization before q, k and v. Work: n_embd.
    AttnQkvQuantize "attn_qkv_quantize",
    /// Query projection. Work: n_embd × n_heads × head_dim.
    AttnQ "attn_q",
    /// Key projection. Work: n_embd × n_kv_heads × head_dim.
    AttnK "attn_k",
    /// Value projection. Work: n_embd × n_kv_heads × head_dim.
    AttnV "attn_v",
    /// RMSNorm of each query head, where there is one. Work: n_heads × head_dim.
    AttnQNorm "attn_q_norm",
    /// RMSNorm of each key head, where there is one. Work: n_kv_heads × head_dim.
    AttnKNorm "attn_k_norm",
    /// RoPE on the queries. Work: 2 × n_heads × rope_dim.
    RopeQ "rope_q",
    /// RoPE on the keys. Work: 2 × n_kv_heads × rope_dim.
    RopeK "rope_k",
    /// Keys and values converted to the KV cache type. Work: 2 × n_kv_heads × head_dim.
    KvStore "kv_store",
    /// q·k scores. Work: n_heads × head_dim × (position + 1).
    AttentionScores "attention_scores",
    /// Softmax over the scores. Work: n_heads × (position + 1).
    AttentionSoftmax "attention_softmax",
    /// Weighted sum of the values. Work: n_heads × head_dim × (position + 1).
    AttentionValues "attention_values",
    /// Sub-norm after attention, where there is one. Work: n_heads × head_dim.
    AttnSubNorm "attn_sub_norm",
    /// Activation quantization before the attention output. Work: n_heads × head_dim.
    AttnOutputQuantize "attn_output_quantize",
    /// Attention output projection. Work: n_heads × head_dim × n_embd.
    AttnOutput "attn_output",
    /// Residual addition after attention. Work: n_embd.
    AttnResidual "attn_residual",
    /// RMSNorm before the FFN. Work: n_embd.
    FfnNorm "ffn_norm",
    /// Activation quantization before gate and up. Work: n_embd.
    FfnGateUpQuantize "ffn_gate_up_quantize",
    /// Gate projection. Work: n_embd × n_ff.
    FfnGate "ffn_gate",
    /// Up projection. Work: n_embd × n_ff.
    FfnUp "ffn_up",
    /// Activation of the gate, times up. Work: n_ff.
    FfnActivation "ffn_activation",
    /// Sub-norm inside the FFN, where there is one. Work: n_ff.
    FfnSubNorm "ffn_sub_norm",
    /// Activation quantization before down. Work: n_ff.
    FfnDownQuantize "ffn_down_quantize",
    /// Down projection. Work: n_ff × n_embd.
    FfnDown "ffn_down",
    /// Residual addition after the FFN. Work: n_embd.
    FfnResidual "ffn_residual",
    /// Final RMSNorm. Work: n_embd.
    OutputNorm "output_norm",
    /// Quantization of the hidden state before a product with a grouped ternary output matrix. Work:
    /// n_embd, at positions that choose a token.
    OutputQuantize "output_quantize",
    /// Product with a low-bit copy of the output matrix, to find the rows that can have the largest
    /// logit. Work: n_embd × n_vocab, at every position whose choice is screened.
    OutputScreen "output_screen",
    /// Product with more bits of the rows that the screen did not rule out. Work: n_embd × rows.
    OutputRefine "output_refine",
    /// Product with the output matrix, at positions that choose a token. Work: n_embd × n_vocab;
    /// with a screen, n_embd × (1 + rows that are left).
    Output "output",
    /// Greedy choice among the logits, at positions that choose a token. Work: n_vocab; with a
    /// screen, rows that are left.
    GreedyChoice "greedy_choice",
}

impl Op {
    /// Whether it is a product with a ternary matrix.
    pub fn is_projection(self) -> bool {
        use Op::{AttnK, AttnOutput, AttnQ, AttnV, FfnDown, FfnGate, FfnUp};
        matches!(
            self,
            AttnQ | AttnK | AttnV | AttnOutput | FfnGate | FfnUp | FfnDown
        )
    }

    /// Projections of a layer.
    #[cfg(feature = "run")]
    const N_PROJECTIONS: usize = 7;

    /// The place of a projection of `layer` among those of all layers, in the order in which they run.
    ///
    /// # Panics
    /// It is no projection.
    #[cfg(feature = "run")]
    pub(crate) fn projection_place(self, layer: usize) -> usize {
        layer * Self::N_PROJECTIONS + self.projection_index()
    }

    /// The place of a projection among those of a layer, in the order in which they run.
    ///
    /// # Panics
    /// It is no projection.
    #[cfg(feature = "run")]
    pub(crate) fn projection_index(self) -> usize {
        match self {
            Self::AttnQ => 0,
            Self::AttnK => 1,
            Self::AttnV => 2,
            Self::AttnOutput => 3,
            Self::FfnGate => 4,
            Self::FfnUp => 5,
            Self::FfnDown => 6,
            other => panic!("{} is no projection", other.name()),
        }
    }

    /// Whether it runs in every layer, not before or after them.
    pub fn is_in_layers(self) -> bool {
        Self::Embed < self && self < Self::OutputNorm
    }

    /// The operation called `name`, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// Multiply-accumulates of the operation in a run over `n_positions` positions, of which
    /// `n_choices` choose a token, without screening. Element-wise operations count one per
    /// element. `None` on overflow. [`Op::OutputScreen`] and the operations after it tell what
    /// screening changes. A shape does not say whether the output matrix is grouped ternary:
    /// [`Op::OutputQuantize`] counts as 0.
    pub fn work(self, shape: &ModelShape, n_positions: u64, n_choices: u64) -> Option<u64> {
        let times = match self {
            Self::Embed | Self::OutputNorm => n_positions,
            Self::OutputQuantize
            | Self::OutputScreen
            | Self::OutputRefine
            | Self::Output
            | Self::GreedyChoice => n_choices,
            Self::AttentionScores | Self::AttentionSoftmax | Self::AttentionValues => {
                // Position p attends to p + 1 positions.
                let attended = n_positions.checked_mul(n_positions.checked_add(1)?)? / 2;
                attended.checked_mul(shape.n_layers)?
            }
            _ => n_positions.checked_mul(shape.n_layers)?,
        };
        self.work_once(shape)?.checked_mul(times)
    }

    /// Work of all operations in a run over `n_positions` positions, of which `n_choices` choose a
    /// token, without screening. `None` on overflow.
    pub fn run_work(shape: &ModelShape, n_positions: u64, n_choices: u64) -> Option<u64> {
        let each = Self::ALL.iter();
        each.map(|op| op.work(shape, n_positions, n_choices))
            .try_fold(0u64, |sum, work| sum.checked_add(work?))
    }

    /// Work at one position; for attention, per position that is attended to. 0 for operations that
    /// the architecture does not have.
    fn work_once(self, shape: &ModelShape) -> Option<u64> {
        let architecture = shape.architecture;
        let is_there = match self {
            Self::AttnSubNorm | Self::FfnSubNorm => architecture.has_sub_norms(),
            Self::AttnQNorm | Self::AttnKNorm => architecture.has_head_norms(),
            _ => true,
        };
        if !is_there {
            return Some(0);
        }
        let (embd, ff) = (shape.n_embd, shape.n_ff);
        let q = shape.q_dim()?;
        let kv = shape.kv_dim()?;
        match self {
            Self::Embed
            | Self::AttnNorm
            | Self::AttnQkvQuantize
            | Self::AttnResidual
            | Self::FfnNorm
            | Self::FfnGateUpQuantize
            | Self::FfnResidual
            | Self::OutputNorm => Some(embd),
            Self::AttnQ | Self::AttnOutput => embd.checked_mul(q),
            Self::AttnK | Self::AttnV => embd.checked_mul(kv),
            Self::RopeQ => shape.n_heads.checked_mul(shape.rope_dim)?.checked_mul(2),
            Self::RopeK => shape.n_kv_heads.checked_mul(shape.rope_dim)?.checked_mul(2),
            Self::KvStore => kv.checked_mul(2),
            Self::AttentionSoftmax => Some(shape.n_heads),
            Self::AttnKNorm => Some(kv),
            Self::AttnQNorm
            | Self::AttentionScores
            | Self::AttentionValues
            | Self::AttnSubNorm
            | Self::AttnOutputQuantize => Some(q),
            Self::FfnGate | Self::FfnUp | Self::FfnDown => embd.checked_mul(ff),
            Self::FfnActivation | Self::FfnSubNorm | Self::FfnDownQuantize => Some(ff),
            Self::OutputQuantize | Self::OutputScreen | Self::OutputRefine => Some(0),
            Self::Output => embd.checked_mul(shape.n_vocab),
            Self::GreedyChoice => Some(shape.n_vocab),
        }
    }
}
