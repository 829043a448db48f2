//! Grouped ternary matrices, as byte ranges of the file: blocks of 64 or 128 weights with an F16 scale
//! each.
//!
//! Types and rules: `guest-reference/NUMERICS.md`, section 4.

use std::ops::Range;

use super::{
    dense::check_cancelled,
    ternary::{Source, has_code_3},
};
use crate::{
    gguf::{GgufError, TensorInfo},
    model::{GroupedType, ModelError},
    observer::Observer,
};

/// Blocks that are checked before the observer is asked again; even, so that no pair is torn.
const PIECE_BLOCKS: usize = 1 << 14;
/// Blocks that are checked together; even as well.
const CHUNK_BLOCKS: usize = 64;

/// A grouped ternary matrix, `[n_rows, n_cols]` row-major.
#[derive(Debug, Clone)]
pub struct GroupedMatrix {
    /// Rows, the outputs of a product.
    pub n_rows: usize,
    /// Columns, its inputs.
    pub n_cols: usize,
    /// How the file packs it.
    pub grouped_type: GroupedType,
    /// Columns that share a scale, 64 or 128: twice the length of the file's blocks where both blocks
    /// of every pair have the same scale.
    pub group_len: usize,
    bytes: Range<usize>,
}

impl GroupedMatrix {
    /// All rows, of [`GroupedType::row_bytes`] bytes each. `file` is the file that the matrix was
    /// bound from.
    pub fn rows<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.bytes.clone()]
    }

    /// Bytes of a row with two bits for each weight and an F16 scale for each group, as kernels read
    /// it.
    pub fn kernel_row_bytes(&self) -> usize {
        self.n_cols / 4 + self.n_cols / self.group_len * 2
    }

    /// Bytes of all rows, as kernels read them.
    pub fn kernel_bytes(&self) -> usize {
        self.n_rows * self.kernel_row_bytes()
    }

    /// Binds `info`, and checks every weight and scale.
    pub(super) fn bind(
        info: &TensorInfo,
        grouped_type: GroupedType,
        file: &[u8],
        observer: &dyn Observer,
    ) -> Result<Self, ModelError> {
        let source = Source {
            name: &info.name,
            n_rows: info.n_rows() as usize,
            n_cols: info.n_cols() as usize,
            bytes: &file[info.in_memory()],
        };
        let block_len = grouped_type.block_len();
        let mut are_paired = block_len == 64 && source.n_cols.is_multiple_of(2 * block_len);
        let piece_len = PIECE_BLOCKS * grouped_type.block_bytes();
        for (i, piece) in source.bytes.chunks(piece_len).enumerate() {
            check_cancelled(observer)?;
            let first_block = i * PIECE_BLOCKS;
            are_paired &= match grouped_type {
                GroupedType::Q2_0 => check::<Codes, 18>(&source, piece, first_block)?,
                GroupedType::Q2_0G128 | GroupedType::Pq2_0 => {
                    check::<Codes, 34>(&source, piece, first_block)?
                }
                GroupedType::Ptq1_0 => check::<Trits, 28>(&source, piece, first_block)?,
            };
            observer.advance(piece.len() as u64);
        }
        Ok(Self {
            n_rows: source.n_rows,
            n_cols: source.n_cols,
            grouped_type,
            group_len: if are_paired { 2 * block_len } else { block_len },
            bytes: info.in_memory(),
        })
    }
}

/// What is in a block of `N` bytes.
trait Block<const N: usize> {
    /// Bits of the F16 scale.
    fn scale(block: &[u8; N]) -> u16;
    /// Index of the first byte with an invalid code.
    fn first_invalid(block: &[u8; N]) -> Option<usize>;
    /// Whether there is one.
    fn is_invalid(block: &[u8; N]) -> bool;
}

/// The scale, then 2-bit codes.
struct Codes;
/// Trits, all of which are valid, then the scale.
struct Trits;

impl<const N: usize> Block<N> for Codes {
    fn scale(block: &[u8; N]) -> u16 {
        u16::from_le_bytes([block[0], block[1]])
    }

    fn first_invalid(block: &[u8; N]) -> Option<usize> {
        let codes = block[2..].iter();
        codes.copied().position(has_code_3).map(|at| 2 + at)
    }

    #[inline]
    fn is_invalid(block: &[u8; N]) -> bool {
        let (words, _) = block[2..].as_chunks::<8>();
        let any = words.iter().fold(0, |any, &word| {
            let word = u64::from_le_bytes(word);
            any | word & (word >> 1)
        });
        any & 0x5555_5555_5555_5555 != 0
    }
}

impl<const N: usize> Block<N> for Trits {
    fn scale(block: &[u8; N]) -> u16 {
        u16::from_le_bytes([block[N - 2], block[N - 1]])
    }

    fn first_invalid(_: &[u8; N]) -> Option<usize> {
        None
    }

    fn is_invalid(_: &[u8; N]) -> bool {
        false
    }
}

/// Whether the F16 `bits` are a valid scale: finite and not below 0. Negative zero counts as 0.
fn is_scale(bits: u16) -> bool {
    bits < 0x7c00 || bits == 0x8000
}

/// Checks the blocks of `piece`, the first of which is block `first` of the tensor. Returns whether
/// both blocks of every pair have the same scale.
fn check<B: Block<N>, const N: usize>(
    source: &Source,
    piece: &[u8],
    first: usize,
) -> Result<bool, GgufError> {
    let mut are_paired = true;
    let (blocks, _) = piece.as_chunks::<N>();
    let is_wrong = |block: &[u8; N]| B::is_invalid(block) | !is_scale(B::scale(block));
    for (i, chunk) in blocks.chunks(CHUNK_BLOCKS).enumerate() {
        // No early exit within a chunk, so that the loop has no branches.
        if chunk.iter().fold(false, |any, block| any | is_wrong(block)) {
            let at = chunk.iter().position(is_wrong).unwrap_or(0);
            return Err(wrong_block::<B, N>(
                source,
                first + i * CHUNK_BLOCKS + at,
                &chunk[at],
            ));
        }
        let (pairs, _) = chunk.as_chunks::<2>();
        let is_torn = |[a, b]: &[_; 2]| B::scale(a) != B::scale(b);
        are_paired &= !pairs.iter().fold(false, |any, pair| any | is_torn(pair));
    }
    Ok(are_paired)
}

/// The error for block `index` of the tensor.
fn wrong_block<B: Block<N>, const N: usize>(
    source: &Source,
    index: usize,
    block: &[u8; N],
) -> GgufError {
    match B::first_invalid(block) {
        Some(at) => source.invalid_code(index * N + at),
        None => source.invalid(
            format_args!("scale of block {index}"),
            half::f16::from_bits(B::scale(block)),
            "a finite number, not below 0",
        ),
    }
}
