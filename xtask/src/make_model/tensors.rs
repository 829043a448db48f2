//! The tensors of a model and the bytes in them.
//!
//! All tensor data is made 64 random bits at a time, by bit operations where there are many
//! weights, so that 1.2 GB take seconds. The module above explains the magnitudes.

use std::io::{self, Write};

use super::gguf_writer::{F16, F32, I2_S};
use super::shape::Shape;
use super::splitmix64::SplitMix64;

/// Weights in one I2_S block; the columns of a ternary matrix are a multiple of it.
pub const I2S_BLOCK: u32 = 128;

/// Bytes after the packed weights of an I2_S tensor: an f32 scale and 28 zeros.
const I2S_TRAILER_BYTES: usize = 32;

/// Gain of `attn_q` and `attn_k` each.
const QUERY_KEY_GAIN: f32 = 2.0;

/// Gain of `output_norm`.
const OUTPUT_NORM_GAIN: f32 = 8.0;

/// Words generated between two writes.
const WORDS_PER_WRITE: u64 = 8192;

/// What the elements of a tensor are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fill {
    /// F16 of either sign, magnitude in [2⁻⁷, 2⁻⁵).
    Embedding,
    /// F32 in [0.75, 1.25) times the gain.
    Norm { gain: f32 },
    /// I2_S: −1, 0, 0, +1 with equal chance, and the scale.
    Ternary { scale: f32 },
}

/// One tensor to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name in the file.
    pub name: String,
    /// Dimensions, fastest first: a matrix is `[n_cols, n_rows]`.
    pub dims: Vec<u64>,
    fill: Fill,
}

/// All tensors of a model, in file order.
pub fn of_model(shape: &Shape) -> Vec<Tensor> {
    let n_embd = u64::from(shape.n_embd);
    let mut tensors = vec![Tensor {
        name: "token_embd.weight".to_owned(),
        dims: vec![n_embd, u64::from(shape.n_vocab)],
        fill: Fill::Embedding,
    }];
    for layer in 0..shape.n_layers {
        tensors.extend(of_block(shape, layer));
    }
    tensors.push(norm("output_norm", shape.n_embd, OUTPUT_NORM_GAIN));
    tensors
}

fn of_block(shape: &Shape, layer: u32) -> Vec<Tensor> {
    let (n_embd, n_query, n_kv, n_ff) = (shape.n_embd, shape.n_query(), shape.n_kv(), shape.n_ff);
    let norm = |name: &str, n| norm(&format!("blk.{layer}.{name}"), n, 1.0);
    let ternary =
        |name: &str, cols, rows, gain| ternary(&format!("blk.{layer}.{name}"), cols, rows, gain);
    vec![
        norm("attn_norm", n_embd),
        ternary("attn_q", n_embd, n_query, QUERY_KEY_GAIN),
        ternary("attn_k", n_embd, n_kv, QUERY_KEY_GAIN),
        ternary("attn_v", n_embd, n_kv, 1.0),
        norm("attn_sub_norm", n_query),
        ternary("attn_output", n_query, n_embd, 1.0),
        norm("ffn_norm", n_embd),
        ternary("ffn_gate", n_embd, n_ff, 1.0),
        ternary("ffn_up", n_embd, n_ff, 1.0),
        norm("ffn_sub_norm", n_ff),
        ternary("ffn_down", n_ff, n_embd, 1.0),
    ]
}

fn norm(name: &str, n: u32, gain: f32) -> Tensor {
    Tensor {
        name: format!("{name}.weight"),
        dims: vec![u64::from(n)],
        fill: Fill::Norm { gain },
    }
}

/// A projection whose outputs have `gain` times the standard deviation of its inputs.
fn ternary(name: &str, n_cols: u32, n_rows: u32, gain: f32) -> Tensor {
    Tensor {
        name: format!("{name}.weight"),
        dims: vec![u64::from(n_cols), u64::from(n_rows)],
        fill: Fill::Ternary {
            scale: gain * (2.0 / n_cols as f32).sqrt(),
        },
    }
}

impl Tensor {
    /// GGUF's number for the element type.
    pub fn type_id(&self) -> u32 {
        match self.fill {
            Fill::Embedding => F16,
            Fill::Norm { .. } => F32,
            Fill::Ternary { .. } => I2_S,
        }
    }

    /// Length in the file. Every shape that passes validation gives a multiple of the alignment,
    /// so tensors follow each other without padding.
    pub fn n_bytes(&self) -> u64 {
        8 * self.n_words() + self.trailer().len() as u64
    }

    /// Writes the tensor's bytes, made from the words of `stream`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, stream: SplitMix64, out: &mut impl Write) -> io::Result<()> {
        let n_words = self.n_words();
        match self.fill {
            Fill::Embedding => write_words(n_words, stream, embedding_word, out)?,
            Fill::Norm { gain } => write_words(n_words, stream, |z| norm_word(z, gain), out)?,
            Fill::Ternary { .. } => write_words(n_words, stream, ternary_word, out)?,
        }
        out.write_all(&self.trailer())
    }

    /// Random 64-bit words in the tensor: 4, 2 or 32 elements each.
    fn n_words(&self) -> u64 {
        let elements_per_word = match self.fill {
            Fill::Embedding => 4,
            Fill::Norm { .. } => 2,
            Fill::Ternary { .. } => 32,
        };
        self.dims.iter().product::<u64>() / elements_per_word
    }

    fn trailer(&self) -> Vec<u8> {
        let mut trailer = Vec::new();
        if let Fill::Ternary { scale } = self.fill {
            trailer.extend(scale.to_le_bytes());
            trailer.resize(I2S_TRAILER_BYTES, 0);
        }
        trailer
    }
}

fn write_words(
    n_words: u64,
    mut stream: SplitMix64,
    word: impl Fn(u64) -> u64,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(8 * WORDS_PER_WRITE as usize);
    let mut n_left = n_words;
    while n_left > 0 {
        let n = n_left.min(WORDS_PER_WRITE);
        buffer.clear();
        for _ in 0..n {
            buffer.extend_from_slice(&word(stream.next()).to_le_bytes());
        }
        out.write_all(&buffer)?;
        n_left -= n;
    }
    Ok(())
}

/// Four F16: sign, lowest exponent bit and mantissa stay random, the other exponent bits are those
/// of 2⁻⁷.
fn embedding_word(z: u64) -> u64 {
    (z & 0x87FF_87FF_87FF_87FF) | 0x2000_2000_2000_2000
}

/// Two F32, each `gain` times one of 2¹⁶ equal steps from 0.75 up to 1.25, which are exact.
fn norm_word(z: u64, gain: f32) -> u64 {
    let element = |bits: u32| {
        let fraction = (bits >> 16) as f32 / 65_536.0;
        gain * (0.75 + 0.5 * fraction)
    };
    let (low, high) = (z as u32, (z >> 32) as u32);
    u64::from(element(low).to_bits()) | u64::from(element(high).to_bits()) << 32
}

/// Thirty-two 2-bit codes, weight plus 1: the invalid code 3 becomes 1, which stands for weight 0.
fn ternary_word(z: u64) -> u64 {
    let is_three = z & (z << 1) & 0xAAAA_AAAA_AAAA_AAAA;
    z & !is_three
}

#[cfg(test)]
mod tests {
    use super::{embedding_word, norm_word, ternary_word};

    #[test]
    fn only_code_three_changes() {
        let two_bit_codes = (0..4u64).map(|code| ternary_word(code << 62) >> 62);
        assert_eq!(two_bit_codes.collect::<Vec<_>>(), [0, 1, 2, 1]);
        assert_eq!(ternary_word(u64::MAX), 0x5555_5555_5555_5555);
        assert_eq!(ternary_word(0b01_10), 0b01_10);
    }

    #[test]
    fn embeddings_stay_in_their_range() {
        let magnitudes = [(0, 0x2000), (u64::MAX, 0x27FF)];
        for (z, expected) in magnitudes {
            assert_eq!(embedding_word(z) & 0x7FFF, expected);
        }
        let smallest = half::f16::from_bits(0x2000).to_f32();
        assert_eq!(smallest, 1.0 / 128.0);
        assert!(half::f16::from_bits(0x27FF).to_f32() < 1.0 / 32.0);
    }

    #[test]
    fn norms_stay_in_their_range() {
        let low = |z, gain| f32::from_bits(norm_word(z, gain) as u32);
        let high = |z, gain| f32::from_bits((norm_word(z, gain) >> 32) as u32);
        assert_eq!((low(0, 1.0), high(0, 8.0)), (0.75, 6.0));
        assert!(low(u64::MAX, 1.0) < 1.25 && high(u64::MAX, 1.0) > 1.249);
    }
}
