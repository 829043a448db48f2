//! Which tensors may have which type.

use alloc::format;

use super::storage::{MatrixType, ProjectionType};
use crate::error::{Error, Result};
use crate::gguf::TensorType;
use crate::rows::RowType;
use crate::ternary::{GroupedType, TernaryType};

/// The type of a projection.
pub fn projection(tensor: &str, found: TensorType) -> Result<ProjectionType> {
    if let Some(grouped_type) = grouped(found) {
        return Ok(ProjectionType::Grouped(grouped_type));
    }
    Ok(ProjectionType::OneScale(match found {
        TensorType::F32 => TernaryType::F32,
        TensorType::F16 => TernaryType::F16,
        TensorType::Bf16 => TernaryType::Bf16,
        TensorType::Tq1_0 => TernaryType::Tq1_0,
        TensorType::Tq2_0 => TernaryType::Tq2_0,
        TensorType::I2s => TernaryType::I2s,
        _ => {
            let supported = "I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0, F32, F16 and BF16";
            return Err(refused(tensor, found, supported));
        }
    }))
}

/// The type of the embedding or the output matrix.
pub fn matrix(tensor: &str, found: TensorType) -> Result<MatrixType> {
    if let Some(grouped_type) = grouped(found) {
        return Ok(MatrixType::Grouped(grouped_type));
    }
    Ok(MatrixType::Numbers(match found {
        TensorType::F32 => RowType::F32,
        TensorType::F16 => RowType::F16,
        TensorType::Q8_0 => RowType::Q8_0,
        TensorType::Q4K => RowType::Q4K,
        TensorType::Q6K => RowType::Q6K,
        TensorType::Bf16 => RowType::Bf16,
        _ => {
            let supported = "F32, F16, BF16, Q8_0, Q6_K, Q4_K, Q2_0, PQ2_0 and PTQ1_0";
            return Err(refused(tensor, found, supported));
        }
    }))
}

/// The type, if every group of its weights has a scale. Both forms with blocks of 128 are the same.
fn grouped(found: TensorType) -> Option<GroupedType> {
    match found {
        TensorType::Q2_0 => Some(GroupedType::Q2_0),
        TensorType::Q2_0Of128 | TensorType::Pq2_0 => Some(GroupedType::Pq2_0),
        TensorType::Ptq1_0 => Some(GroupedType::Ptq1_0),
        _ => None,
    }
}

/// The type of a norm or of frequency factors.
pub fn vector(tensor: &str, found: TensorType) -> Result<RowType> {
    match found {
        TensorType::F32 => Ok(RowType::F32),
        TensorType::F16 => Ok(RowType::F16),
        _ => Err(refused(tensor, found, "F32 and F16")),
    }
}

fn refused(tensor: &str, found: TensorType, supported: &str) -> Error {
    Error::Unsupported(format!(
        "tensor `{tensor}`: {found}; {supported} are supported here"
    ))
}
