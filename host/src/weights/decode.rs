//! Stored rows as numbers.

use engine_native::{DenseRows, DenseType, GroupedType, Kernels, Recorder, Scalar};

use super::{stored::Stored, ternary};

/// Writes the weights in whole `rows` of `n_cols` weights to `out`, `[n_rows][n_cols]`, as f32. `scale` multiplies
/// the weights of types with one scale for a tensor ([`Stored::has_trailing_scale`]); others ignore it.
///
/// ```
/// use engine_native::{DenseType, I2sLayout};
/// use host::weights::{Stored, decode_rows};
///
/// let mut row = Vec::new();
/// let stored = Stored::Dense(DenseType::F16);
/// decode_rows(stored, 2, &[0x00, 0x3c, 0x00, 0xc0], 1.0, &mut row);
/// assert_eq!(row, [1.0, -2.0]);
/// // The codes 0, 1, 2, 1 of four weights are those of bits 7:6, 5:4, 3:2 and 1:0.
/// row.clear();
/// let stored = Stored::I2S(I2sLayout::Row4);
/// decode_rows(stored, 4, &[0b00_01_10_01; 4], 0.5, &mut row);
/// assert_eq!(row[..4], [-0.5; 4]);
/// assert_eq!(row[8..12], [0.5; 4]);
/// ```
///
/// # Panics
/// `rows` are not whole rows, as many as the type needs together.
pub fn decode_rows(stored: Stored, n_cols: usize, rows: &[u8], scale: f32, out: &mut Vec<f32>) {
    let row_bytes = stored.row_bytes(n_cols as u64);
    let together = stored.rows_together() * row_bytes.expect("whole blocks");
    let groups = rows.chunks_exact(together as usize);
    assert!(groups.remainder().is_empty(), "whole rows");
    for group in groups {
        match stored {
            Stored::Dense(dense) => self::dense(dense, n_cols, group, out),
            Stored::Grouped(GroupedType::Ptq1_0) => ternary::ptq1_0(group, out),
            Stored::Grouped(grouped) => ternary::q2_0(group, grouped.block_bytes(), out),
            Stored::I2S(layout) => ternary::i2_s(layout, n_cols, group, scale, out),
            Stored::Tq1_0 => ternary::tq1_0(group, out),
            Stored::Tq2_0 => ternary::tq2_0(group, out),
            Stored::Iq1Bn => ternary::iq1_bn(group, out),
            Stored::Iq2Bn => ternary::iq2_bn(group, out),
        }
    }
}

/// A row of numbers, as the engine reads one of an embedding.
fn dense(dense_type: DenseType, n_cols: usize, bytes: &[u8], out: &mut Vec<f32>) {
    let row = DenseRows {
        dense_type,
        n_cols,
        bytes,
    };
    let start = out.len();
    out.resize(start + n_cols, 0.0);
    Scalar.embedding_row(row, &mut out[start..], &mut Recorder::default());
}
