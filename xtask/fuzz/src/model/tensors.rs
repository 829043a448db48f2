//! The tensors of a generated model.

use super::{
    container::Tensor,
    contents::{Magnitude, dense, ternary},
    sizes::Sizes,
};
use crate::choices::Choices;

pub const F32: u32 = 0;
pub const F16: u32 = 1;
pub const Q8_0: u32 = 8;
pub const Q4_K: u32 = 12;
pub const Q6_K: u32 = 14;
pub const BF16: u32 = 30;
pub const TQ1_0: u32 = 34;
pub const TQ2_0: u32 = 35;
pub const I2_S: u32 = 36;
pub const Q2_0: u32 = 42;
pub const PQ2_0: u32 = 142;
pub const PTQ1_0: u32 = 143;

/// Stands for 42 in its older form, of blocks of 128. The header says 42.
pub const Q2_0_OF_128: u32 = 1 << 16 | 42;

/// Types with one scale for a projection, and types with one for each group.
pub const ONE_SCALE: [u32; 6] = [I2_S, TQ1_0, TQ2_0, F32, F16, BF16];
pub const GROUPED: [u32; 4] = [Q2_0, Q2_0_OF_128, PQ2_0, PTQ1_0];

/// What rows of this type are a multiple of.
pub fn block_of(type_id: u32) -> usize {
    match type_id {
        F32 | F16 | BF16 => 1,
        Q8_0 => 32,
        Q2_0 => 64,
        I2_S | Q2_0_OF_128 | PQ2_0 | PTQ1_0 => 128,
        _ => 256,
    }
}

/// All tensors that a model of `sizes` needs, and some that it may have.
pub fn tensors(choices: &mut Choices, sizes: &Sizes, wildness: u32) -> Vec<Tensor> {
    let mut maker = Maker {
        choices,
        wildness,
        q2_0: sizes.q2_0,
        tensors: Vec::new(),
    };
    let (embd, ff, vocab) = (sizes.n_embd, sizes.n_ff, sizes.n_vocab);
    maker.rows("token_embd.weight", embd, vocab);
    if maker.choices.chance(50) {
        maker.rows("output.weight", embd, vocab);
    }
    maker.norm("output_norm.weight", embd);
    if sizes.architecture == "llama" && maker.choices.chance(40) {
        maker.frequency_factors(sizes.rope_dim.unwrap_or(sizes.head_dim) / 2);
    }
    for layer in 0..sizes.n_layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        maker.norm(&name("attn_norm"), embd);
        maker.norm(&name("ffn_norm"), embd);
        if sizes.architecture.starts_with("bitnet") {
            maker.norm(&name("attn_sub_norm"), sizes.n_query());
            maker.norm(&name("ffn_sub_norm"), ff);
        }
        if sizes.architecture == "qwen3" {
            maker.norm(&name("attn_q_norm"), sizes.head_dim);
            maker.norm(&name("attn_k_norm"), sizes.head_dim);
        }
        let (query, key) = (sizes.n_query(), sizes.n_key());
        for (part, n_cols, n_rows) in [
            ("attn_q", embd, query),
            ("attn_k", embd, key),
            ("attn_v", embd, key),
            ("attn_output", query, embd),
            ("ffn_gate", embd, ff),
            ("ffn_up", embd, ff),
            ("ffn_down", ff, embd),
        ] {
            let any = || maker.choices.of(&sizes.mixed_types);
            let type_id = sizes.projections.unwrap_or_else(any);
            maker.projection(&name(part), type_id, n_cols, n_rows);
        }
    }
    maker.tensors
}

struct Maker<'c, 'b> {
    choices: &'c mut Choices<'b>,
    /// In percent.
    wildness: u32,
    /// Which form of type 42 the file has.
    q2_0: u32,
    tensors: Vec<Tensor>,
}

impl Maker<'_, '_> {
    fn push(&mut self, name: &str, dims: &[usize], type_id: u32, data: Vec<u8>) {
        self.tensors.push(Tensor {
            name: name.to_owned(),
            dims: dims.iter().map(|&dim| dim as u64).collect(),
            type_id,
            data,
        });
    }

    fn magnitude(&mut self) -> Magnitude {
        match self.choices.chance(self.wildness) {
            true => Magnitude::wild(self.choices),
            false => Magnitude::About(self.choices.of(&[1.0, 0.02])),
        }
    }

    fn rows(&mut self, name: &str, n_cols: usize, n_rows: usize) {
        let all = [F32, F16, BF16, Q8_0, Q6_K, Q4_K, PQ2_0, PTQ1_0, self.q2_0];
        let fits = |type_id: &u32| n_cols.is_multiple_of(block_of(*type_id));
        let types: Vec<u32> = all.into_iter().filter(fits).collect();
        let type_id = self.choices.of(&types);
        if GROUPED.contains(&type_id) {
            return self.projection(name, type_id, n_cols, n_rows);
        }
        let magnitude = self.magnitude();
        let data = dense(
            &mut self.choices.noise(),
            type_id,
            n_cols * n_rows,
            magnitude,
        );
        self.push(name, &[n_cols, n_rows], type_id, data);
    }

    fn norm(&mut self, name: &str, len: usize) {
        let type_id = self.choices.of(&[F32, F32, F16]);
        let magnitude = match self.choices.chance(self.wildness) {
            true => self.magnitude(),
            false if self.choices.chance(10) => Magnitude::Integers,
            false => Magnitude::About(1.0),
        };
        let data = dense(&mut self.choices.noise(), type_id, len, magnitude);
        self.push(name, &[len], type_id, data);
    }

    fn frequency_factors(&mut self, len: usize) {
        let type_id = self.choices.of(&[F32, F16]);
        let extremes = match type_id {
            F32 => [1e-45, 3e38],
            _ => [1e-7, 6e4],
        };
        let values = [1.0, 2.0, 8.0, extremes[0], extremes[1]];
        let mut noise = self.choices.noise();
        let data = (0..len).flat_map(|_| {
            let x: f32 = values[noise.below(values.len())];
            match type_id {
                F32 => x.to_le_bytes().to_vec(),
                _ => half::f16::from_f32(x).to_le_bytes().to_vec(),
            }
        });
        let data = data.collect();
        self.push("rope_freqs.weight", &[len], type_id, data);
    }

    fn projection(&mut self, name: &str, type_id: u32, n_cols: usize, n_rows: usize) {
        let is_narrow = matches!(type_id, F16 | TQ1_0 | TQ2_0) || GROUPED.contains(&type_id);
        let scale = match self.choices.chance(self.wildness) {
            true if is_narrow => self.choices.of(&[6e-8, 6e-5, 65504.0, 1.0, 0.0]),
            true if type_id == I2_S => {
                let scales = [1e-45, 1e-38, 1e-20, 1e20, 3e38, 1e5, 1.0];
                self.choices.of(&scales)
            }
            true => {
                let scales = [1e-45, 1e-38, 1e-20, 1e20, 3e38, 1e5, 1.0, 0.0];
                self.choices.of(&scales)
            }
            false => self.choices.of(&[1.0, 0.5, 0.03, 2.0]),
        };
        // How often -1, 0 and +1 occur.
        let odds = match self.choices.chance(self.wildness) {
            true => {
                let odds = [[1, 0, 1], [0, 1, 0], [0, 0, 1], [1, 8, 1]];
                self.choices.of(&odds)
            }
            false => [1, 1, 1],
        };
        let data = ternary(
            &mut self.choices.noise(),
            type_id,
            n_cols * n_rows,
            scale,
            odds,
        );
        self.push(name, &[n_cols, n_rows], type_id, data);
    }
}
