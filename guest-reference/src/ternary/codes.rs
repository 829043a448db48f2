//! How small numbers are packed into bytes, whatever the block around them: two-bit codes and trits.

use alloc::format;
use alloc::string::String;

/// The weight in bits `shift + 1` and `shift` of a byte of valid codes.
pub fn two_bits(byte: u8, shift: usize) -> i8 {
    (byte >> shift & 3) as i8 - 1
}

/// Byte m holds the weights `m + bytes.len() * n`, n < `n_trits`, as digits to the base of three.
pub fn trits(bytes: &[u8], n_trits: usize, weights: &mut [i8]) {
    for (m, &byte) in bytes.iter().enumerate() {
        let mut rest = byte;
        for n in 0..n_trits {
            weights[m + bytes.len() * n] = ((u16::from(rest) * 3) >> 8) as i8 - 1;
            rest = rest.wrapping_mul(3);
        }
    }
}

/// Refuses the 2-bit code 3 in any of the rows, and names the row.
pub fn check_codes_of_rows(first_row: usize, row_bytes: usize, bytes: &[u8]) -> Result<(), String> {
    if !holds_code_3(bytes) {
        return Ok(());
    }
    for (i, row) in bytes.chunks_exact(row_bytes).enumerate() {
        check_codes(row).map_err(|why| format!("row {}: {why}", first_row + i))?;
    }
    Ok(())
}

/// Refuses the 2-bit code 3, and names the byte.
pub fn check_codes(bytes: &[u8]) -> Result<(), String> {
    if !holds_code_3(bytes) {
        return Ok(());
    }
    let found = bytes.iter().position(|&b| holds_code_3(&[b]));
    let at = found.unwrap_or(0);
    Err(format!(
        "byte {at} (0x{:02x}) holds the 2-bit code 3; codes 0, 1 and 2 are allowed",
        bytes[at]
    ))
}

fn holds_code_3(bytes: &[u8]) -> bool {
    const LOW_BITS: u64 = 0x5555_5555_5555_5555;
    let (words, rest) = bytes.as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|&byte| u64::from(byte));
    words
        .chain(rest)
        .fold(0, |seen, codes| seen | codes & codes >> 1)
        & LOW_BITS
        != 0
}
