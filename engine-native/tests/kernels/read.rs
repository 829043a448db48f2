//! The plain read. If it skipped bytes, every kernel would look slow in comparison.

use engine_native::{Kernels, Scalar};

use crate::{compare::Mismatch, inputs, shifted};

/// Lengths around lines, blocks of 128 bytes, and the eight streams of the scalar read.
const LONG: [usize; 9] = [511, 512, 513, 1023, 1024, 1025, 4096, 5000, 70_001];

pub fn read_of_every_length(kernels: &dyn Kernels) -> Result<(), Mismatch> {
    for n in (0..=400).chain(LONG) {
        for shift in inputs::SHIFTS {
            let mut state = n as u64 + 1;
            let bytes = (0..n).map(|_| inputs::next(&mut state) as u8);
            let bytes: Vec<u8> = bytes.collect();
            let mut expected = [0; 8];
            for (i, byte) in bytes.iter().enumerate() {
                expected[i % 8] ^= byte;
            }
            let expected = u64::from_le_bytes(expected);
            let bytes = shifted::bytes(&bytes, shift);
            for found in [Scalar.read(&bytes), kernels.read(&bytes)] {
                if found != expected {
                    let what = format!("{n} bytes: {expected:#x}, found {found:#x}");
                    return Err(Mismatch(what));
                }
            }
        }
    }
    Ok(())
}
