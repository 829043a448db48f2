//! Sizes of a generated model: those at which loops end, blocks are cut and vectors do not fill.

use super::{
    Kind,
    tensors::{
        BF16, F16, F32, GROUPED, I2_S, ONE_SCALE, PQ2_0, PTQ1_0, Q2_0, Q2_0_OF_128, TQ1_0, TQ2_0,
        block_of,
    },
};
use crate::choices::Choices;

/// Sizes, in elements.
pub struct Sizes {
    pub architecture: &'static str,
    /// Type of all projections; `None`: each has its own.
    pub projections: Option<u32>,
    /// What those are chosen from.
    pub mixed_types: Vec<u32>,
    /// Which form of type 42 the file has.
    pub q2_0: u32,
    pub n_embd: usize,
    pub n_ff: usize,
    pub n_heads: usize,
    pub n_kv_heads: usize,
    pub head_dim: usize,
    pub n_layers: usize,
    pub n_vocab: usize,
    pub context_length: usize,
    /// Where the file says it.
    pub rope_dim: Option<usize>,
}

/// Widest attention and longest row of projections without blocks.
const MAX_QUERY: usize = 600;

impl Sizes {
    /// Sizes that `choices` make. Files whose keys are damaged stay small: they are many.
    pub fn choose(choices: &mut Choices, kind: Kind) -> Self {
        let architecture = choices.of(&["bitnet-b1.58", "bitnet-25", "bitnet", "llama", "qwen3"]);
        let q2_0 = choices.of(&[Q2_0, Q2_0_OF_128]);
        let types = [
            I2_S, I2_S, q2_0, TQ1_0, TQ2_0, F32, F16, BF16, q2_0, PQ2_0, PTQ1_0,
        ]
        .map(Some);
        // Both kinds in one file are refused.
        let mixed_types = choices.of(&[
            ONE_SCALE.to_vec(),
            [q2_0, PQ2_0, PTQ1_0].to_vec(),
            [&ONE_SCALE[..], &GROUPED].concat(),
        ]);
        let projections = match kind {
            Kind::Keys => Some(F32),
            _ if choices.chance(10) => None,
            _ => choices.of(&types),
        };
        let block = match projections {
            // Some layouts have smaller blocks.
            Some(I2_S) => choices.of(&[128, 128, 64, 4]),
            Some(type_id) => block_of(type_id),
            None => 256,
        };
        let mut sizes = match block {
            1 => Self::without_blocks(choices),
            block => Self::in_blocks(choices, block),
        };
        sizes.architecture = architecture;
        sizes.projections = projections;
        sizes.mixed_types = mixed_types;
        sizes.q2_0 = q2_0;
        sizes.n_vocab = choices.of(&[
            1, 2, 3, 5, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129, 257, 1000,
        ]);
        if kind == Kind::Keys {
            sizes.n_vocab = sizes.n_vocab.min(17);
            sizes.n_layers = 1;
        }
        let all = sizes.head_dim;
        sizes.rope_dim = choices.of(&[None, None, Some(2), Some(all), Some((all / 4 * 2).max(2))]);
        sizes
    }

    fn without_blocks(choices: &mut Choices) -> Self {
        let n_kv_heads = choices.of(&[1, 1, 1, 2, 3, 4, 5]);
        let mut n_heads = n_kv_heads * choices.of(&[1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17]);
        let mut head_dim = choices.of(&[
            2, 4, 6, 8, 10, 16, 18, 30, 32, 34, 62, 64, 66, 126, 128, 130, 200, 256, 258,
        ]);
        while n_heads * head_dim > MAX_QUERY {
            n_heads = (n_heads / n_kv_heads / 2).max(1) * n_kv_heads;
            if n_heads * head_dim > MAX_QUERY {
                head_dim = (head_dim / 4 * 2).max(2);
            }
        }
        Self {
            n_embd: choices.of(&[
                2, 3, 5, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129, 192, 200, 255, 256,
                257, 320,
            ]),
            n_ff: choices.of(&[
                1, 2, 3, 5, 16, 17, 31, 33, 64, 65, 96, 127, 129, 160, 255, 256, 257, 333,
            ]),
            ..Self::of_heads(choices, n_heads, n_kv_heads, head_dim)
        }
    }

    fn in_blocks(choices: &mut Choices, block: usize) -> Self {
        let query = block * choices.of(&[1, 1, 1, 1, 2, 3]);
        let may_have = |n: &usize| query.is_multiple_of(*n) && (query / n).is_multiple_of(2);
        let n_heads: Vec<usize> = (1..=query / 2).filter(may_have).collect();
        let n_heads = choices.of(&n_heads);
        let n_kv_heads: Vec<usize> = (1..=n_heads)
            .filter(|n| n_heads.is_multiple_of(*n))
            .collect();
        let n_kv_heads = choices.of(&n_kv_heads);
        Self {
            n_embd: block * choices.of(&[1, 1, 1, 1, 2, 3]),
            n_ff: block * choices.of(&[1, 1, 1, 2, 3, 5]),
            ..Self::of_heads(choices, n_heads, n_kv_heads, query / n_heads)
        }
    }

    fn of_heads(choices: &mut Choices, n_heads: usize, n_kv_heads: usize, head_dim: usize) -> Self {
        Self {
            architecture: "",
            projections: None,
            mixed_types: Vec::new(),
            q2_0: Q2_0,
            n_embd: 0,
            n_ff: 0,
            n_heads,
            n_kv_heads,
            head_dim,
            n_layers: choices.of(&[1, 1, 1, 2, 3]),
            n_vocab: 1,
            context_length: choices.of(&[64, 64, 64, 64, 64, 100, 1, 2, 8, 1 << 20, 1 << 24]),
            rope_dim: None,
        }
    }

    /// Elements of all query heads.
    pub fn n_query(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Elements of all key heads.
    pub fn n_key(&self) -> usize {
        self.n_kv_heads * self.head_dim
    }
}
