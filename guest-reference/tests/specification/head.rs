//! Output matrix: chunks, logits, greedy choice.

use guest_reference::float::dot16;
use guest_reference::half;
use guest_reference::head::{Choice, HeadChunks, LogitKernel, MAX_CHUNK_BYTES};
use guest_reference::model::{FileRange, RowTensor};
use guest_reference::rows::RowType;

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

fn chunks(row_bytes: u64, n_rows: usize) -> HeadChunks {
    let range = FileRange {
        offset: 1000,
        len: row_bytes * n_rows as u64,
    };
    let tensor = RowTensor {
        range,
        row_type: RowType::F16,
        row_bytes,
    };
    HeadChunks::new(tensor, n_rows)
}

#[test]
fn chunks_cover_the_matrix_in_whole_rows() {
    for (row_bytes, n_rows, count) in [
        (256, 10, 1),
        (5120, 128_256, 10),
        (MAX_CHUNK_BYTES / 2, 5, 3),
        (MAX_CHUNK_BYTES, 3, 3),
        (MAX_CHUNK_BYTES + 1, 2, 2),
    ] {
        let chunks = chunks(row_bytes, n_rows);
        assert_eq!(chunks.count(), count, "{n_rows} rows of {row_bytes} bytes");
        let mut next = (0, 1000);
        for chunk in 0..count {
            let (rows, bytes) = (chunks.rows(chunk), chunks.file_range(chunk));
            assert_eq!((rows.start, bytes.offset), next);
            assert_eq!(bytes.len, rows.len() as u64 * row_bytes);
            assert!(bytes.len <= MAX_CHUNK_BYTES || rows.len() == 1);
            next = (rows.end, bytes.offset + bytes.len);
        }
        assert_eq!(next, (n_rows, 1000 + row_bytes * n_rows as u64));
    }
}

/// Two rows of 64 elements in each type, as bytes.
fn two_rows(row_type: RowType, random: &mut Random) -> Vec<u8> {
    let n = 128;
    match row_type {
        RowType::F32 => (0..n).flat_map(|_| random.float().to_le_bytes()).collect(),
        RowType::F16 => (0..n).flat_map(|_| random.half().to_le_bytes()).collect(),
        RowType::Q8_0 => (0..n / 32).flat_map(|_| random.q8_0_block()).collect(),
    }
}

#[test]
fn logits_are_dot_products_with_the_widened_row() {
    let mut random = Random::new(3);
    let hidden: Vec<f32> = (0..64).map(|_| random.float()).collect();
    for row_type in [RowType::F32, RowType::F16, RowType::Q8_0] {
        let bytes = two_rows(row_type, &mut random);
        let mut logits = [0.0; 2];
        let mut kernel = LogitKernel::new(64).expect("small");
        kernel
            .logits(row_type, &bytes, &hidden, &mut logits)
            .expect("finite");
        let mut wide = vec![0.0; 128];
        row_type.decode(&bytes, &mut wide);
        for (row, logit) in wide.chunks(64).zip(logits) {
            assert_eq!(
                logit.to_bits(),
                dot16(row, &hidden).to_bits(),
                "{row_type:?}"
            );
        }
    }
}

#[test]
fn f16_rows_of_any_length_have_logits() {
    let row: Vec<u8> = (0..20)
        .flat_map(|_| half::narrow(0.5).unwrap().to_le_bytes())
        .collect();
    let mut logits = [0.0];
    let mut kernel = LogitKernel::new(20).expect("small");
    kernel
        .logits(RowType::F16, &row, &[1.0; 20], &mut logits)
        .expect("finite");
    assert_eq!(logits, [10.0]);
}

#[test]
fn a_logit_that_is_not_finite_names_its_row() {
    let rows = [[1.0f32; 16], [f32::MAX; 16]].concat();
    let bytes: Vec<u8> = rows.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut kernel = LogitKernel::new(16).expect("small");
    let fault = kernel.logits(RowType::F32, &bytes, &[1.0; 16], &mut [0.0; 2]);
    let fault = fault.expect_err("overflow");
    assert_eq!((fault.quantity, fault.index), ("logit of loaded row", 1));
}
