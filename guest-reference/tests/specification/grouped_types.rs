//! Q2_0, PQ2_0 and PTQ1_0: what the bytes of each mean, and what is refused in them.

use guest_reference::half;
use guest_reference::ternary::{GroupedType, PackedMatrix, Scales, weight};
use proptest::prelude::*;

use crate::support::bits::{assert_same_bits, bits};
use crate::support::grouped::{TYPES, row, trits};

/// A row's weights and scales.
fn decoded(
    grouped_type: GroupedType,
    n: usize,
    bytes: &[u8],
) -> Result<(Vec<i8>, Vec<f32>), String> {
    let (mut weights, mut scales) = (vec![9; n], vec![9.0; n / 64]);
    grouped_type.decode(bytes, &mut weights, &mut scales)?;
    Ok((weights, scales))
}

/// The columns whose weight is not 0, in a block of zeros with one byte changed.
fn changed(grouped_type: GroupedType, at: usize, byte: u8) -> Vec<(usize, i8)> {
    let n = grouped_type.column_multiple();
    let mut bytes = row(grouped_type, &vec![0; n], &[0x3c00, 0x3c00]);
    bytes[at] = byte;
    let (weights, _) = decoded(grouped_type, n, &bytes).expect("valid");
    let weights = weights.into_iter().enumerate();
    weights.filter(|(_, weight)| *weight != 0).collect()
}

#[test]
fn a_byte_of_codes_holds_four_neighbours() {
    for (grouped_type, last) in [(GroupedType::Q2_0, 15), (GroupedType::Pq2_0, 31)] {
        for k in [0, 9, last] {
            // The first weight in the low bits.
            let found = changed(grouped_type, 2 + k, 0b10_01_10_00);
            assert_eq!(found, [(4 * k, -1), (4 * k + 1, 1), (4 * k + 3, 1)]);
        }
    }
}

#[test]
fn a_byte_of_trits_holds_weights_apart() {
    let byte = trits([1, 0, -1, 0, 1].into_iter());
    let found = changed(GroupedType::Ptq1_0, 3, byte);
    assert_eq!(found, [(3, 1), (3 + 32, -1), (3 + 64, 1)]);
    let found = changed(GroupedType::Ptq1_0, 16 + 5, byte);
    assert_eq!(found, [(85, 1), (85 + 16, -1), (85 + 32, 1)]);
    let byte = trits([0, -1, 0, 1].into_iter());
    let found = changed(GroupedType::Ptq1_0, 25, byte);
    assert_eq!(found, [(121 + 2, -1), (121 + 6, 1)]);
}

/// The text's formula for trit n: `(((b * 3^n) mod 256) * 3) >> 8`, minus 1.
#[test]
fn every_byte_of_trits() {
    for byte in 0..=255u8 {
        let mut bytes = row(GroupedType::Ptq1_0, &[0; 128], &[0x3c00, 0x3c00]);
        bytes[0] = byte;
        let (weights, _) = decoded(GroupedType::Ptq1_0, 128, &bytes).expect("valid");
        for n in 0..5 {
            let expected = ((u32::from(byte) * 3u32.pow(n as u32)) % 256 * 3) >> 8;
            assert_eq!(weights[16 * n], expected as i8 - 1, "byte {byte}, trit {n}");
        }
    }
}

#[test]
fn sizes_follow_the_type() {
    let sizes = [(64, 576), (128, 544), (128, 448)];
    for ((grouped_type, _), expected) in TYPES.into_iter().zip(sizes) {
        let found = (grouped_type.column_multiple(), grouped_type.row_bytes(2048));
        assert_eq!(found, expected, "{grouped_type:?}");
    }
}

#[test]
fn every_block_has_its_scale() {
    // The smallest half, 0, -0 and the largest half. A block of 128 counts as two groups of 64.
    let halves = [
        0x0001, 0x0001, 0x0000, 0x0000, 0x8000, 0x8000, 0x7bff, 0x7bff,
    ];
    let expected = halves.map(half::widen);
    for (grouped_type, _) in TYPES {
        let bytes = row(grouped_type, &[1; 512], &halves);
        let (weights, scales) = decoded(grouped_type, 512, &bytes).expect("valid");
        assert_same_bits(&scales, &expected);
        assert_eq!(weights, [1; 512], "a scale of 0 changes no weight");
    }
}

#[test]
fn scales_are_finite_and_not_negative() {
    for (grouped_type, _) in TYPES {
        for (d, found) in [
            (0x8001, "-0.000000059604645"),
            (0xb800, "-0.5"),
            (0x7c00, "inf"),
            (0xfc00, "-inf"),
            (0x7e00, "NaN"),
        ] {
            let n = 2 * grouped_type.column_multiple();
            let mut halves = vec![0x3c00; n / 64];
            halves[n / 128..].fill(d);
            let bytes = row(grouped_type, &vec![0; n], &halves);
            let why = decoded(grouped_type, n, &bytes).expect_err("scale");
            let expected = format!("block 1: scale is {found}; a finite scale >= 0 is required");
            assert_eq!(why, expected);
        }
    }
}

/// Also in a block with scale 0.
#[test]
fn code_3_in_every_field() {
    for (grouped_type, block) in [(GroupedType::Q2_0, 18), (GroupedType::Pq2_0, 34)] {
        for field in 0..4 {
            let n = 2 * grouped_type.column_multiple();
            let mut bytes = row(grouped_type, &vec![0; n], &vec![0; n / 64]);
            bytes[block + 2 + 7] |= 0b11 << (2 * field);
            let why = decoded(grouped_type, n, &bytes).expect_err("code 3");
            let expected = "block 1: byte 7 (0x";
            assert!(why.starts_with(expected), "{why}");
            assert!(why.contains("holds the 2-bit code 3"), "{why}");
        }
    }
}

#[test]
fn rows_of_a_matrix_name_the_row_that_is_refused() {
    let (grouped_type, n) = (GroupedType::Q2_0, 192);
    let halves = |row: usize| [row, row + 1, row + 2].map(|n| 0x3c00 + n as u16);
    let bytes: Vec<u8> = (0..4)
        .flat_map(|r| row(grouped_type, &[[1, 0, -1, 0][r]; 192], &halves(r)))
        .collect();
    let mut matrix = PackedMatrix::grouped(4, n).expect("small");
    for (row, bytes) in [(0, &bytes[..54]), (1, &bytes[54..])] {
        matrix
            .load_grouped_rows(grouped_type, row, bytes)
            .expect("valid");
    }
    let Scales::OfGroups(scales) = matrix.matrix().scales else {
        panic!("every group has a scale");
    };
    let expected: Vec<f32> = (0..4).flat_map(halves).map(half::widen).collect();
    assert_eq!(bits(scales), bits(&expected));
    for (row, packed) in matrix.matrix().codes.chunks(64).enumerate() {
        let found: Vec<i32> = (0..256).map(|c| weight(packed, c)).collect();
        assert_eq!(found[..192], [[1, 0, -1, 0][row]; 192]);
        assert_eq!(found[192..], [0; 64], "the rest of the block is padding");
    }
    let mut bad = bytes;
    bad[2 * 54 + 18 + 1] = 0xfc;
    matrix.start(500);
    let why = matrix
        .load_grouped_rows(grouped_type, 0, &bad)
        .expect_err("scale");
    assert!(why.starts_with("row 502: block 1: scale is"), "{why}");
}

proptest! {
    /// The same weights and scales, whatever the type.
    #[test]
    fn types_agree(
        weights in prop::collection::vec(-1i8..=1, 384),
        halves in prop::collection::vec(0u16..0x7c00, 3),
    ) {
        let halves: Vec<u16> = halves.iter().flat_map(|&d| [d, d]).collect();
        let expected: Vec<f32> = halves.iter().map(|&d| half::widen(d)).collect();
        for (grouped_type, _) in TYPES {
            let bytes = row(grouped_type, &weights, &halves);
            let found = decoded(grouped_type, 384, &bytes).expect("valid");
            prop_assert_eq!(&found, &(weights.clone(), expected.clone()));
        }
    }
}
