//! How matrices are stored: as numbers, as ternary weights with one scale, or as grouped ones.

use crate::rows::RowType;
use crate::ternary::{GroupedType, I2sLayout, PackedMatrix, TernaryType};

/// How the embedding or the output matrix is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixType {
    /// As numbers.
    Numbers(RowType),
    /// As ternary weights with a scale for every group.
    Grouped(GroupedType),
}

impl MatrixType {
    /// What the number of columns must be a multiple of.
    pub fn column_multiple(self) -> usize {
        match self {
            MatrixType::Numbers(row_type) => row_type.column_multiple(),
            MatrixType::Grouped(grouped_type) => grouped_type.column_multiple(),
        }
    }

    /// Bytes of a row of n elements, whole blocks.
    pub fn row_bytes(self, n: u64) -> u64 {
        match self {
            MatrixType::Numbers(row_type) => row_type.row_bytes(n),
            MatrixType::Grouped(grouped_type) => grouped_type.row_bytes(n),
        }
    }

    /// Bytes that a row of n elements takes in memory: as f32, or packed.
    pub fn loaded_row_bytes(self, n: usize) -> usize {
        match self {
            MatrixType::Numbers(_) => n * size_of::<f32>(),
            MatrixType::Grouped(_) => PackedMatrix::grouped_row_bytes(n),
        }
    }
}

/// How a projection is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectionType {
    /// As ternary weights with one scale.
    OneScale(TernaryType),
    /// As ternary weights with a scale for every group.
    Grouped(GroupedType),
}

impl ProjectionType {
    /// Whether every group has a scale.
    pub fn is_grouped(self) -> bool {
        matches!(self, ProjectionType::Grouped(_))
    }

    /// What the number of columns must be a multiple of.
    pub fn column_multiple(self) -> usize {
        match self {
            ProjectionType::OneScale(ternary_type) => ternary_type.column_multiple(),
            ProjectionType::Grouped(grouped_type) => grouped_type.column_multiple(),
        }
    }

    /// Bytes of a row of `n_cols` weights.
    pub fn row_bytes(self, n_cols: u64) -> u64 {
        match self {
            ProjectionType::OneScale(ternary_type) => ternary_type.row_bytes(n_cols),
            ProjectionType::Grouped(grouped_type) => grouped_type.row_bytes(n_cols),
        }
    }

    /// Bytes after the last row.
    pub fn trailer_bytes(self) -> u64 {
        match self {
            ProjectionType::OneScale(ternary_type) => ternary_type.trailer_bytes(),
            ProjectionType::Grouped(_) => 0,
        }
    }

    /// What the number of columns must be a multiple of in a layout of I2_S.
    pub fn column_multiple_in(self, layout: I2sLayout) -> usize {
        match self {
            ProjectionType::OneScale(ternary_type) => ternary_type.column_multiple_in(layout),
            ProjectionType::Grouped(grouped_type) => grouped_type.column_multiple(),
        }
    }

    /// Rows that share their bytes.
    pub fn rows_per_group(self, layout: I2sLayout) -> usize {
        match self {
            ProjectionType::OneScale(ternary_type) => ternary_type.rows_per_group(layout),
            ProjectionType::Grouped(_) => 1,
        }
    }
}
