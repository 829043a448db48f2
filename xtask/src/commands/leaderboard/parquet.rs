//! A board as Parquet: a row for each receipt.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use parquet::{arrow::ArrowWriter, errors::ParquetError};

use super::{
    board::Board,
    columns::{COLUMNS, Cell},
};

/// The whole file. Columns may hold nulls.
///
/// # Errors
/// It cannot be encoded.
pub fn file(board: &Board) -> Result<Vec<u8>, ParquetError> {
    let columns = COLUMNS.map(|(name, cell)| {
        let cells = board.rows().map(cell).collect();
        (name, array(cells), true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None)?;
    writer.write(&batch)?;
    writer.into_inner()
}

/// Cells of one kind. A board has at least one row.
fn array(cells: Vec<Cell>) -> ArrayRef {
    let of_kind = |cell: &Cell| std::mem::discriminant(cell);
    let kind = cells.first().map(of_kind);
    debug_assert!(cells.iter().all(|cell| Some(of_kind(cell)) == kind));
    match cells.first() {
        Some(Cell::Integer(_)) => {
            Arc::new(UInt64Array::from_iter(cells.into_iter().map(
                |cell| match cell {
                    Cell::Integer(number) => number,
                    _ => None,
                },
            )))
        }
        Some(Cell::Number(_)) => {
            Arc::new(Float64Array::from_iter(cells.into_iter().map(
                |cell| match cell {
                    Cell::Number(number) => number,
                    _ => None,
                },
            )))
        }
        Some(Cell::Text(_)) | None => Arc::new(StringArray::from_iter(cells.into_iter().map(
            |cell| match cell {
                Cell::Text(text) => text,
                _ => None,
            },
        ))),
    }
}
