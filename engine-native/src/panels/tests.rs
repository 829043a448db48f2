//! Repacked rows have the codes and scales of the file, in every type.

use super::repack::{Format, Piece};
use crate::{
    model::GroupedType,
    operands::{GroupedRows, PANEL_ROWS, PanelBytes},
};
use proptest::prelude::*;

/// Rows of weights with a scale for each block.
#[derive(Debug)]
struct Rows {
    n_cols: usize,
    block_len: usize,
    /// `[n_rows][n_cols]`, each a weight plus one.
    codes: Vec<u8>,
    /// `[n_rows][n_cols / block_len]`
    scales: Vec<u16>,
}

impl Rows {
    fn in_file(&self, grouped_type: GroupedType) -> Vec<u8> {
        let blocks = self.codes.chunks_exact(self.block_len).zip(&self.scales);
        let bytes = blocks.flat_map(|(codes, scale)| {
            let scale = scale.to_le_bytes();
            match grouped_type {
                GroupedType::Ptq1_0 => [trits(codes), scale.to_vec()].concat(),
                _ => [scale.to_vec(), fields(codes)].concat(),
            }
        });
        bytes.collect()
    }
}

fn fields(codes: &[u8]) -> Vec<u8> {
    let byte = |c: &[u8]| c[0] | c[1] << 2 | c[2] << 4 | c[3] << 6;
    codes.chunks_exact(4).map(byte).collect()
}

/// The byte whose trits, the most significant first, are `digits`.
fn trit_byte(digits: impl Iterator<Item = u8>) -> u8 {
    let n = digits
        .chain(std::iter::repeat(0))
        .take(5)
        .fold(0u16, |n, digit| 3 * n + u16::from(digit));
    // The least b with n / 243 <= b / 256.
    ((n * 256).div_ceil(243)) as u8
}

fn trits(codes: &[u8]) -> Vec<u8> {
    let (sixteens, rest) = codes.split_at(80);
    let (eights, twos) = rest.split_at(40);
    let carriers = |codes: &[u8], n: usize| -> Vec<u8> {
        let byte = |m: usize| trit_byte(codes[m..].iter().step_by(n).copied());
        (0..n).map(byte).collect()
    };
    [
        carriers(sixteens, 16),
        carriers(eights, 8),
        carriers(twos, 2),
    ]
    .concat()
}

/// Rows of `grouped_type`, where `is_paired` with the same scales in each pair of blocks.
fn rows(grouped_type: GroupedType, is_paired: bool) -> impl Strategy<Value = Rows> {
    let block_len = grouped_type.block_len();
    (1usize..40, 1usize..5).prop_flat_map(move |(n_rows, n)| {
        let n_cols = if is_paired { 2 * n } else { n } * block_len;
        let n_scales = n_rows * n_cols / block_len;
        let codes = prop::collection::vec(0u8..3, n_rows * n_cols);
        let scales = prop::collection::vec(0u16..0x7c00, n_scales);
        (codes, scales).prop_map(move |(codes, mut scales)| {
            if is_paired {
                for pair in scales.as_chunks_mut::<2>().0 {
                    pair[1] = pair[0];
                }
            }
            Rows {
                n_cols,
                block_len,
                codes,
                scales,
            }
        })
    })
}

fn assert_repacked(rows: &Rows, grouped_type: GroupedType, group_len: usize) {
    let (n_cols, n_rows) = (rows.n_cols, rows.codes.len() / rows.n_cols);
    let bytes = PanelBytes::of(n_rows, n_cols, group_len);
    let (mut codes, mut scales) = (vec![0; bytes.codes], vec![0; bytes.scales]);
    let format = Format {
        grouped_type,
        n_cols,
        group_len,
    };
    let piece = Piece {
        format,
        rows: &rows.in_file(grouped_type),
        codes: &mut codes,
        scales: &mut scales,
    };
    piece.repack();
    let found = GroupedRows {
        codes: &codes,
        scales: &scales,
        n_rows,
        n_cols,
        group_len,
    };
    for row in 0..n_rows {
        for column in 0..n_cols {
            let at = row * n_cols + column;
            assert_eq!(found.code(row, column), rows.codes[at], "{row}, {column}");
            let scale = rows.scales[at / rows.block_len];
            assert_eq!(found.scale_bits(row, column), scale, "{row}, {column}");
        }
    }
    // A part that begins at a panel is the same rows.
    if n_rows > PANEL_ROWS {
        let part = found.rows(PANEL_ROWS, n_rows - PANEL_ROWS);
        assert_eq!(part.code(0, 1), rows.codes[PANEL_ROWS * n_cols + 1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn panels_have_the_codes_and_scales_of_the_file(
        of_types in GroupedType::ALL.map(|grouped_type| rows(grouped_type, false)),
        pairs in rows(GroupedType::Q2_0, true),
    ) {
        for (grouped_type, rows) in GroupedType::ALL.into_iter().zip(&of_types) {
            assert_repacked(rows, grouped_type, grouped_type.block_len());
        }
        assert_repacked(&pairs, GroupedType::Q2_0, 128);
    }
}
