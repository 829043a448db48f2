//! The file's type numbers, and which tensors may have each.

use alloc::format;

use super::storage::{MatrixType, ProjectionType};
use crate::error::{Error, Result};
use crate::rows::RowType;
use crate::ternary::{GroupedType, TernaryType};

/// Types that occur in files of these models.
const NAMES: [(u32, &str); 20] = [
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (6, "Q5_0"),
    (7, "Q5_1"),
    (8, "Q8_0"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (12, "Q4_K"),
    (13, "Q5_K"),
    (14, "Q6_K"),
    (30, "BF16"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (36, "I2_S"),
    (42, "Q2_0"),
    (135, "IQ2_BN"),
    (142, "PQ2_0"),
    (143, "PTQ1_0"),
];

/// The type of a projection.
pub fn projection(tensor: &str, type_id: u32) -> Result<ProjectionType> {
    if let Some(grouped_type) = grouped(type_id) {
        return Ok(ProjectionType::Grouped(grouped_type));
    }
    Ok(ProjectionType::OneScale(match type_id {
        0 => TernaryType::F32,
        1 => TernaryType::F16,
        30 => TernaryType::Bf16,
        34 => TernaryType::Tq1_0,
        35 => TernaryType::Tq2_0,
        36 => TernaryType::I2s,
        _ => {
            let supported = "I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0, F32, F16 and BF16";
            return Err(refused(tensor, type_id, supported));
        }
    }))
}

/// The type of a tensor with a scale for every group, if it is one.
fn grouped(type_id: u32) -> Option<GroupedType> {
    match type_id {
        42 => Some(GroupedType::Q2_0),
        142 => Some(GroupedType::Pq2_0),
        143 => Some(GroupedType::Ptq1_0),
        _ => None,
    }
}

/// The type of the embedding or the output matrix.
pub fn matrix(tensor: &str, type_id: u32) -> Result<MatrixType> {
    if let Some(grouped_type) = grouped(type_id) {
        return Ok(MatrixType::Grouped(grouped_type));
    }
    Ok(MatrixType::Numbers(match type_id {
        0 => RowType::F32,
        1 => RowType::F16,
        8 => RowType::Q8_0,
        12 => RowType::Q4K,
        14 => RowType::Q6K,
        30 => RowType::Bf16,
        _ => {
            let supported = "F32, F16, BF16, Q8_0, Q6_K, Q4_K, Q2_0, PQ2_0 and PTQ1_0";
            return Err(refused(tensor, type_id, supported));
        }
    }))
}

/// The type of a norm or of frequency factors.
pub fn vector(tensor: &str, type_id: u32) -> Result<RowType> {
    match type_id {
        0 => Ok(RowType::F32),
        1 => Ok(RowType::F16),
        _ => Err(refused(tensor, type_id, "F32 and F16")),
    }
}

fn refused(tensor: &str, type_id: u32, supported: &str) -> Error {
    let known = NAMES.iter().find(|(id, _)| *id == type_id);
    let found = known.map_or("unknown", |(_, name)| name);
    Error::Unsupported(format!(
        "tensor `{tensor}`: type {type_id} ({found}); {supported} are supported here"
    ))
}
