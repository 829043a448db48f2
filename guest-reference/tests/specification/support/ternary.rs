//! Ternary matrices from bytes, and their weights as text.

use guest_reference::ternary::{
    I2sLayout, PackedMatrix, Scales, TernaryType, packed_row_bytes, weight,
};

/// Loads a matrix of `n_cols` columns from its rows.
pub fn load(
    ternary_type: TernaryType,
    layout: I2sLayout,
    n_cols: usize,
    bytes: &[u8],
) -> Result<PackedMatrix, String> {
    let n_rows = bytes.len() / ternary_type.row_bytes(n_cols as u64) as usize;
    let mut matrix = PackedMatrix::new(n_rows, n_cols).expect("small");
    matrix.load_rows(ternary_type, layout, 0, bytes)?;
    Ok(matrix)
}

/// The scale of a matrix that has one.
pub fn one_scale(matrix: &PackedMatrix) -> f32 {
    match matrix.matrix().scales {
        Scales::One(scale) => scale,
        Scales::OfGroups(_) => panic!("a matrix with a scale for every group"),
    }
}

/// All weights of the matrix as `-`, `0` and `+`. Asserts that every row is padded with 0.
pub fn signs(matrix: &PackedMatrix, n_cols: usize) -> String {
    let mut signs = String::new();
    for row in matrix.matrix().codes.chunks(packed_row_bytes(n_cols)) {
        signs.extend((0..n_cols).map(|c| ['-', '0', '+'][(weight(row, c) + 1) as usize]));
        assert!((n_cols..4 * row.len()).all(|c| weight(row, c) == 0));
    }
    signs
}

pub fn decoded(
    ternary_type: TernaryType,
    layout: I2sLayout,
    n_cols: usize,
    bytes: &[u8],
) -> String {
    signs(
        &load(ternary_type, layout, n_cols, bytes).expect("valid"),
        n_cols,
    )
}
