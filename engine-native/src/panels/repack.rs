//! Repacks rows of the file's types into panels. A user waits while eight billion weights are
//! repacked, so the work on 16 weights is a few operations on one word.

use crate::{
    model::GroupedType,
    operands::{GROUP_COLS, PANEL_GROUP_BYTES, PANEL_ROWS, PANEL_SCALES_BYTES, four_of_field},
};

/// Codes of 16 weights of a row, as a line of a panel has them: byte c has weight c of four fours,
/// from the lowest bits up.
type Word = [u8; 4];
/// The words of the same columns of all rows of a panel.
type Line = [Word; PANEL_ROWS];
/// The F16 scales of all rows of a panel in a group of columns.
type Scales = [[u8; 2]; PANEL_ROWS];

/// How a matrix lies in the file, and where panels need scales.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub grouped_type: GroupedType,
    pub n_cols: usize,
    /// Columns with the same scale in the panels: a block of the file, or two.
    pub group_len: usize,
}

/// Some panels of a matrix: rows of the file, and where they go.
pub(super) struct Piece<'a> {
    pub format: Format,
    /// Rows of the file; the last panel may lack some.
    pub rows: &'a [u8],
    pub codes: &'a mut [u8],
    pub scales: &'a mut [u8],
}

impl Piece<'_> {
    /// Repacks the rows. What is missing of the last panel stays as it is: any weights are allowed.
    pub(super) fn repack(self) {
        match self.format.grouped_type {
            GroupedType::Q2_0 => self.repack_blocks::<18, 4>(q2_0),
            GroupedType::Q2_0G128 | GroupedType::Pq2_0 => self.repack_blocks::<34, 8>(q2_0),
            GroupedType::Ptq1_0 => self.repack_blocks::<28, 8>(ptq1_0),
        }
    }

    /// Repacks blocks of `N` bytes into `WORDS` words and a scale each.
    fn repack_blocks<const N: usize, const WORDS: usize>(
        self,
        unpack: impl Fn(&[u8; N]) -> ([u8; 2], [Word; WORDS]),
    ) {
        let Format {
            n_cols, group_len, ..
        } = self.format;
        let (blocks_of_row, n_groups) = (n_cols / (16 * WORDS), n_cols / group_len);
        // Blocks with one scale: two where groups are longer than blocks.
        let blocks_of_group = blocks_of_row / n_groups;
        let (blocks, _) = self.rows.as_chunks::<N>();
        let panels = blocks.chunks(PANEL_ROWS * blocks_of_row);
        let codes = self
            .codes
            .chunks_exact_mut(n_cols / GROUP_COLS * PANEL_GROUP_BYTES);
        let scales = self.scales.chunks_exact_mut(n_groups * PANEL_SCALES_BYTES);
        for ((blocks, codes), scales) in panels.zip(codes).zip(scales) {
            let lines: &mut [Line] = codes.as_chunks_mut::<4>().0.as_chunks_mut().0;
            let scales: &mut [Scales] = scales.as_chunks_mut::<2>().0.as_chunks_mut().0;
            for (r, row) in blocks.chunks_exact(blocks_of_row).enumerate() {
                let lines = lines.as_chunks_mut::<WORDS>().0;
                for (b, (block, lines)) in row.iter().zip(lines).enumerate() {
                    let (scale, words) = unpack(block);
                    for (line, word) in lines.iter_mut().zip(words) {
                        line[r] = word;
                    }
                    scales[b / blocks_of_group][r] = scale;
                }
            }
        }
    }
}

/// The scale, then codes: byte k has the weights 4k to 4k + 3, from the lowest bits up.
#[inline]
fn q2_0<const N: usize, const WORDS: usize>(block: &[u8; N]) -> ([u8; 2], [Word; WORDS]) {
    let (groups, _) = block[2..].as_chunks::<16>();
    let word = |i: usize| {
        let (group, line) = (&groups[i / 4], i % 4);
        let fours = std::array::from_fn(|field| group[four_of_field(line, field)]);
        transposed(u32::from_le_bytes(fours)).to_le_bytes()
    };
    ([block[0], block[1]], std::array::from_fn(word))
}

/// The 2-bit fields of four bytes, transposed: field j of byte k becomes field k of byte j.
#[inline]
fn transposed(mut word: u32) -> u32 {
    let odd = (word >> 6 ^ word) & 0x00cc_00cc;
    word ^= odd ^ odd << 6;
    let high = (word >> 12 ^ word) & 0x0000_f0f0;
    word ^ high ^ high << 12
}

/// Trits as in TQ1_0, then the scale.
#[inline]
fn ptq1_0(block: &[u8; 28]) -> ([u8; 2], [Word; 8]) {
    let mut codes = [0; 128];
    let (of_16, rest) = block.split_at(16);
    let (of_8, rest) = rest.split_at(8);
    for n in 0..5 {
        trits(of_16, n, &mut codes[16 * n..]);
    }
    for n in 0..5 {
        trits(of_8, n, &mut codes[80 + 8 * n..]);
    }
    for n in 0..4 {
        trits(&rest[..2], n, &mut codes[120 + 2 * n..]);
    }
    let (groups, _) = codes.as_chunks::<GROUP_COLS>();
    let word = |i: usize| {
        let (fours, _) = groups[i / 4].as_chunks::<4>();
        let field = |f: usize| u32::from_le_bytes(fours[four_of_field(i % 4, f)]) << (2 * f);
        (field(0) | field(1) | field(2) | field(3)).to_le_bytes()
    };
    ([rest[2], rest[3]], std::array::from_fn(word))
}

/// Extracts trit `n` of each byte; trit 0 is the most significant.
#[inline]
fn trits(bytes: &[u8], n: usize, out: &mut [u8]) {
    const POWERS: [u8; 5] = [1, 3, 9, 27, 81];
    for (out, byte) in out.iter_mut().zip(bytes) {
        let below = byte.wrapping_mul(POWERS[n]);
        *out = ((u16::from(below) * 3) >> 8) as u8;
    }
}
