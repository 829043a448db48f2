//! Output matrix: chunks, logits, greedy choice.

use guest_reference::float::dot16;
use guest_reference::head::{CHUNK_BYTES, Choice, HeadChunks, logits};
use guest_reference::model::{FileRange, MatrixType, RowTensor};
use guest_reference::rows::RowType;

use crate::support::bits::assert_same_bits;
use crate::support::random::Random;

fn chosen(logits: &[f32]) -> (usize, u32) {
    let mut choice = Choice::started();
    choice.see(0, logits);
    let (row, logit) = choice.chosen(1).expect("one chunk seen");
    (row, logit.to_bits())
}

#[test]
fn largest_logit_is_chosen() {
    assert_eq!(chosen(&[-3.0, 2.0, 1.0]), (1, 2.0f32.to_bits()));
    assert_eq!(chosen(&[-3.0, -2.0, -1.0]), (2, (-1.0f32).to_bits()));
}

#[test]
fn lowest_row_wins_ties() {
    assert_eq!(chosen(&[1.0, 5.0, 5.0, 5.0]).0, 1);
    assert_eq!(chosen(&[-0.0, 0.0]), (0, 0x8000_0000));
    assert_eq!(chosen(&[0.0, -0.0]), (0, 0));
}

#[test]
fn choice_goes_on_over_chunks() {
    let mut choice = Choice::started();
    choice.see(0, &[1.0, 4.0]);
    choice.see(2, &[4.0, 3.0]);
    assert_eq!(choice.chosen(2), Some((1, 4.0)));
    choice.see(4, &[5.0]);
    assert_eq!(choice.chosen(3), Some((4, 5.0)));
}

#[test]
fn choice_needs_every_chunk() {
    let mut choice = Choice::default();
    assert_eq!((choice.next_chunk(), choice.chosen(0)), (None, None));
    choice = Choice::started();
    assert_eq!(choice.next_chunk(), Some(0));
    choice.see(0, &[1.0]);
    assert_eq!((choice.next_chunk(), choice.chosen(2)), (Some(1), None));
    choice.see(1, &[0.0]);
    assert_eq!(choice.chosen(2), Some((0, 1.0)));
}

fn chunks(n_cols: usize, n_rows: usize) -> HeadChunks {
    let row_bytes = 2 * n_cols as u64;
    let range = FileRange {
        offset: 1000,
        len: row_bytes * n_rows as u64,
    };
    let tensor = RowTensor {
        range,
        matrix_type: MatrixType::Numbers(RowType::F16),
        n_cols,
        row_bytes,
    };
    HeadChunks::new(tensor, n_rows)
}

#[test]
fn chunks_cover_the_matrix_in_whole_rows() {
    let whole = CHUNK_BYTES / 4;
    for (n_cols, n_rows, count) in [
        (128, 10, 1),
        (whole / 100, 1000, 10),
        (whole / 2, 5, 3),
        (whole, 3, 3),
        (whole + 1, 2, 2),
    ] {
        let chunks = chunks(n_cols, n_rows);
        assert_eq!(chunks.count(), count, "{n_rows} rows of {n_cols}");
        let mut next = (0, 1000);
        for chunk in 0..count {
            let (rows, bytes) = (chunks.rows(chunk), chunks.file_range(chunk));
            assert_eq!((rows.start, bytes.offset), next);
            assert_eq!(bytes.len, (rows.len() * 2 * n_cols) as u64);
            assert!(rows.len() * 4 * n_cols <= CHUNK_BYTES || rows.len() == 1);
            next = (rows.end, bytes.offset + bytes.len);
        }
        assert_eq!(next, (n_rows, 1000 + (2 * n_cols * n_rows) as u64));
    }
}

#[test]
fn logits_are_dot_products_with_each_row() {
    let mut random = Random::new(3);
    for n in [20, 64] {
        let hidden: Vec<f32> = (0..n).map(|_| random.float()).collect();
        // A third row, for which there is no logit.
        let rows: Vec<f32> = (0..3 * n).map(|_| random.float()).collect();
        let mut found = [0.0; 2];
        logits(&rows, &hidden, &mut found).expect("finite");
        let expected: Vec<f32> = rows.chunks(n).map(|row| dot16(row, &hidden)).collect();
        assert_same_bits(&found, &expected[..2]);
    }
}

#[test]
fn a_logit_that_is_not_finite_names_its_row() {
    let rows = [[1.0f32; 16], [f32::MAX; 16]].concat();
    let fault = logits(&rows, &[1.0; 16], &mut [0.0; 2]).expect_err("overflow");
    assert_eq!((fault.quantity, fault.index), ("logit of loaded row", 1));
}
