//! The tensors of a model, and their bytes.
//!
//! Tensor data is made from 64 random bits at a time. Large tensors use only bit operations, so
//! that 1.2 GB take seconds. The parent module explains the magnitudes.

use std::io::{self, Write};

use host::task::SplitMix64;

use super::gguf_writer::F32;
use super::recipe::Recipe;
use super::types::{DenseType, OutputMatrix, WeightType};
use super::{dense, ternary};

/// Gain of `attn_q` and `attn_k` each.
const QUERY_KEY_GAIN: f32 = 2.0;

/// Both gains of queries and keys in a comparable model.
const COMPARABLE_GAIN: f32 = 1.0;

/// Gain of `attn_q_norm` and `attn_k_norm` each, where the norms leave nothing of other gains.
const HEAD_NORM_GAIN: f32 = 2.0;

/// Gain of `output_norm`.
const OUTPUT_NORM_GAIN: f32 = 8.0;

/// Bytes generated between two writes.
const BYTES_PER_WRITE: u64 = 65_536;

/// How the elements of a tensor are generated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fill {
    /// Rows of an embedding or an output matrix.
    Dense(DenseType),
    /// F32 in [0.75, 1.25) times the gain.
    Norm { gain: f32 },
    /// −1, 0, 0 or +1 with equal probability, times the scale.
    Ternary { weights: WeightType, scale: f32 },
}

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name in the file.
    pub name: String,
    /// Dimensions, fastest first: a matrix is `[n_cols, n_rows]`.
    pub dims: Vec<u64>,
    fill: Fill,
}

/// All tensors of a model, in file order.
pub fn of_model(recipe: &Recipe) -> Vec<Tensor> {
    let mut tensors = vec![rows("token_embd", recipe, recipe.embedding)];
    for layer in 0..recipe.shape.n_layers {
        tensors.extend(of_block(recipe, layer));
    }
    tensors.push(norm("output_norm", recipe.shape.n_embd, OUTPUT_NORM_GAIN));
    // Last, so that it does not change the streams of the other tensors.
    if let OutputMatrix::Own(dense_type) = recipe.output {
        tensors.push(rows("output", recipe, dense_type));
    }
    tensors
}

fn of_block(recipe: &Recipe, layer: u32) -> Vec<Tensor> {
    let shape = &recipe.shape;
    let (n_embd, n_query, n_kv, n_ff) = (shape.n_embd, shape.n_query(), shape.n_kv(), shape.n_ff);
    let full_name = |name: &str| format!("blk.{layer}.{name}");
    let unless_comparable = |gain| match recipe.comparable {
        true => COMPARABLE_GAIN,
        false => gain,
    };
    let query_key_gain = unless_comparable(QUERY_KEY_GAIN);
    let head_norm_gain = unless_comparable(HEAD_NORM_GAIN);
    let norm = |name: &str, n| Some(norm(&full_name(name), n, 1.0));
    let sub_norm = |name: &str, n| match recipe.architecture.has_sub_norms() {
        true => norm(name, n),
        false => None,
    };
    let head_norm = |name: &str| match recipe.architecture.has_head_norms() {
        true => Some(self::norm(&full_name(name), shape.head_dim, head_norm_gain)),
        false => None,
    };
    let ternary =
        |name: &str, cols, rows, gain| Some(ternary(&full_name(name), cols, rows, gain, recipe));
    let tensors = [
        norm("attn_norm", n_embd),
        ternary("attn_q", n_embd, n_query, query_key_gain),
        ternary("attn_k", n_embd, n_kv, query_key_gain),
        head_norm("attn_q_norm"),
        head_norm("attn_k_norm"),
        ternary("attn_v", n_embd, n_kv, 1.0),
        sub_norm("attn_sub_norm", n_query),
        ternary("attn_output", n_query, n_embd, 1.0),
        norm("ffn_norm", n_embd),
        ternary("ffn_gate", n_embd, n_ff, 1.0),
        ternary("ffn_up", n_embd, n_ff, 1.0),
        sub_norm("ffn_sub_norm", n_ff),
        ternary("ffn_down", n_ff, n_embd, 1.0),
    ];
    tensors.into_iter().flatten().collect()
}

/// A matrix with a row for each token of the vocabulary.
fn rows(name: &str, recipe: &Recipe, dense_type: DenseType) -> Tensor {
    Tensor {
        name: format!("{name}.weight"),
        dims: vec![recipe.shape.n_embd.into(), recipe.shape.n_vocab.into()],
        fill: Fill::Dense(dense_type),
    }
}

fn norm(name: &str, n: u32, gain: f32) -> Tensor {
    Tensor {
        name: format!("{name}.weight"),
        dims: vec![u64::from(n)],
        fill: Fill::Norm { gain },
    }
}

/// A projection whose outputs have `gain` times the standard deviation of its inputs.
fn ternary(name: &str, n_cols: u32, n_rows: u32, gain: f32, recipe: &Recipe) -> Tensor {
    let scale = gain * (2.0 / n_cols as f32).sqrt();
    let weights = recipe.weights;
    let scale = match recipe.comparable {
        true => ternary::narrow_scale(scale),
        false => ternary::stored_scale(weights, scale),
    };
    Tensor {
        name: format!("{name}.weight"),
        dims: vec![u64::from(n_cols), u64::from(n_rows)],
        fill: Fill::Ternary { weights, scale },
    }
}

impl Tensor {
    /// GGUF's number for the element type.
    pub fn type_id(&self) -> u32 {
        match self.fill {
            Fill::Dense(dense_type) => dense_type.layout().type_id,
            Fill::Norm { .. } => F32,
            Fill::Ternary { weights, .. } => weights.layout().type_id,
        }
    }

    /// Length in the file, in bytes, without padding.
    pub fn n_bytes(&self) -> u64 {
        let n_elements = self.dims.iter().product();
        match self.fill {
            Fill::Dense(dense_type) => dense_type.layout().n_bytes(n_elements),
            Fill::Norm { .. } => 4 * n_elements,
            Fill::Ternary { weights, .. } => weights.layout().n_bytes(n_elements),
        }
    }

    /// Writes the tensor's bytes, generated from the words of `stream`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, mut stream: SplitMix64, out: &mut impl Write) -> io::Result<()> {
        let trailer = self.trailer();
        let n_bytes = self.n_bytes() - trailer.len() as u64;
        let stream = &mut stream;
        match self.fill {
            Fill::Dense(dense_type) => write_pieces(n_bytes, out, |buffer| {
                dense::put_piece(dense_type, stream, buffer);
            })?,
            Fill::Norm { gain } => write_pieces(n_bytes, out, |buffer| {
                buffer.extend_from_slice(&norm_word(stream.next(), gain).to_le_bytes());
            })?,
            Fill::Ternary { weights, scale } => write_pieces(n_bytes, out, |buffer| {
                ternary::put_piece(weights, scale, stream, buffer);
            })?,
        }
        out.write_all(&trailer)
    }

    /// The bytes after the weights of I2_S; empty for other types.
    fn trailer(&self) -> Vec<u8> {
        let mut trailer = Vec::new();
        if let Fill::Ternary { weights, scale } = self.fill {
            trailer.extend(scale.to_le_bytes());
            trailer.resize(weights.layout().trailer_bytes as usize, 0);
        }
        trailer
    }
}

/// Writes `n_bytes` bytes, one buffer at a time. Bytes that `put` appends beyond them are dropped.
fn write_pieces(
    n_bytes: u64,
    out: &mut impl Write,
    mut put: impl FnMut(&mut Vec<u8>),
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(2 * BYTES_PER_WRITE as usize);
    let mut n_left = n_bytes;
    while n_left > 0 {
        buffer.clear();
        let n_wanted = n_left.min(BYTES_PER_WRITE) as usize;
        while buffer.len() < n_wanted {
            put(&mut buffer);
        }
        buffer.truncate(n_left.min(buffer.len() as u64) as usize);
        out.write_all(&buffer)?;
        n_left -= buffer.len() as u64;
    }
    Ok(())
}

/// Two F32, each of them `gain` times one of 2¹⁶ exact steps from 0.75 up to 1.25.
fn norm_word(z: u64, gain: f32) -> u64 {
    let element = |bits: u32| {
        let fraction = (bits >> 16) as f32 / 65_536.0;
        gain * (0.75 + 0.5 * fraction)
    };
    let (low, high) = (z as u32, (z >> 32) as u32);
    u64::from(element(low).to_bits()) | u64::from(element(high).to_bits()) << 32
}

#[cfg(test)]
mod tests {
    use super::{norm_word, write_pieces};

    #[test]
    fn norms_stay_in_their_range() {
        let low = |z, gain| f32::from_bits(norm_word(z, gain) as u32);
        let high = |z, gain| f32::from_bits((norm_word(z, gain) >> 32) as u32);
        assert_eq!((low(0, 1.0), high(0, 8.0)), (0.75, 6.0));
        assert!(low(u64::MAX, 1.0) < 1.25 && high(u64::MAX, 1.0) > 1.249);
    }

    #[test]
    fn pieces_of_any_length_join_without_a_gap() {
        for n_bytes in [0, 1, 209, 210, 65_536, 65_537, 200_000] {
            let (mut written, mut next) = (Vec::new(), 0u32);
            write_pieces(n_bytes, &mut written, |buffer| {
                (0..70).for_each(|_| {
                    buffer.extend([next as u8, (next >> 8) as u8, (next >> 16) as u8]);
                    next += 1;
                });
            })
            .unwrap();
            let expected = (0u32..).flat_map(|n| [n as u8, (n >> 8) as u8, (n >> 16) as u8]);
            assert!(expected.take(n_bytes as usize).eq(written), "{n_bytes}");
        }
    }
}
