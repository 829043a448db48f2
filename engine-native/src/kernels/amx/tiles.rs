//! The eight tile registers, each 16 rows of 64 bytes, and the multiplication loops.

use std::{arch::asm, marker::PhantomData};

use super::Amx;
use crate::operands::{ActivationLine, CodeLine, SumLine};

/// Rows of a tile.
pub const TILE_ROWS: usize = 16;
/// Bytes of a row of a tile.
const ROW_BYTES: usize = 64;

/// The operand of `ldtilecfg` (Intel SDM, volume 1, section 18.2).
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// All eight tiles at full size; the other entries are reserved.
static ALL_FULL: Configuration = {
    let mut row_bytes = [0; 16];
    let mut rows = [0; 16];
    let mut tile = 0;
    while tile < 8 {
        row_bytes[tile] = ROW_BYTES as u16;
        rows[tile] = TILE_ROWS as u8;
        tile += 1;
    }
    Configuration {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        row_bytes,
        rows,
    }
};

/// Proof that the tile registers of this thread are configured. Until this is dropped, the system
/// saves their contents at every context switch.
pub struct Tiles(PhantomData<*const ()>);

impl Tiles {
    /// Configures the tile registers of this thread.
    pub fn configure(_: &Amx) -> Self {
        // SAFETY: `Amx` proves that the CPU has tiles and that the system permits them; the
        // configuration is 64 readable bytes that palette 1 allows.
        unsafe {
            asm!(
                "ldtilecfg [{}]",
                in(reg) &ALL_FULL,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, preserves_flags),
            );
        }
        Self(PhantomData)
    }

    /// Computes `sums[p * stride + s] = panels[s] · activations[p]` for two panels and N × 16
    /// positions, where N is 1 or 2. `tdpbsud` adds four products to an i32 without saturation, so
    /// rows of up to 2²³ elements do not overflow, as in the scalar kernel.
    pub fn multiply<const N: usize>(
        &self,
        panels: &[CodeLine],
        activations: &[ActivationLine],
        sums: &mut [SumLine],
        stride: usize,
    ) {
        let n_steps = panels.len() / (2 * TILE_ROWS);
        assert!(n_steps > 0 && panels.len() == n_steps * 2 * TILE_ROWS);
        assert_eq!(activations.len(), n_steps * N * TILE_ROWS);
        assert!(sums.len() >= (N * TILE_ROWS - 1) * stride + 2);
        let (upper, lower) = panels.split_at(panels.len() / 2);
        let loops = match N {
            1 => multiply_16,
            2 => multiply_32,
            _ => unreachable!("{N} tiles of positions"),
        };
        // SAFETY: `self` proves that the tiles are configured. Each of the steps reads a tile of
        // each panel and N tiles of activations, which the lengths above hold; N × 16 rows of two
        // lines of sums are written, `stride` lines apart, the last of which ends within `sums`.
        unsafe {
            loops(
                n_steps,
                [upper.as_ptr(), lower.as_ptr()],
                activations.as_ptr(),
                sums.as_mut_ptr(),
                stride * ROW_BYTES,
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: `self` proves that the CPU has tiles.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) };
    }
}

/// [`Tiles::multiply`] for 16 positions and `n_steps` times 64 columns. The stride is in bytes.
///
/// # Safety
/// The tile registers are configured, and the pointers are valid for all reads and writes.
unsafe fn multiply_16(
    n_steps: usize,
    panels: [*const CodeLine; 2],
    activations: *const ActivationLine,
    sums: *mut SumLine,
    stride: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "2:",
            "tileloadd tmm4, [{activations} + {row}*1]",
            "tileloadd tmm6, [{upper} + {row}*1]",
            "tileloadd tmm7, [{lower} + {row}*1]",
            "tdpbsud tmm0, tmm4, tmm6",
            "tdpbsud tmm1, tmm4, tmm7",
            "add {activations}, 1024",
            "add {upper}, 1024",
            "add {lower}, 1024",
            "dec {n}",
            "jnz 2b",
            "tilestored [{sums} + {stride}*1], tmm0",
            "tilestored [{sums} + {stride}*1 + 64], tmm1",
            activations = inout(reg) activations => _,
            upper = inout(reg) panels[0] => _,
            lower = inout(reg) panels[1] => _,
            n = inout(reg) n_steps => _,
            row = in(reg) ROW_BYTES,
            sums = in(reg) sums,
            stride = in(reg) stride,
            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// Like [`multiply_16`] for 32 positions: every loaded tile is used twice.
///
/// # Safety
/// As for [`multiply_16`].
unsafe fn multiply_32(
    n_steps: usize,
    panels: [*const CodeLine; 2],
    activations: *const ActivationLine,
    sums: *mut SumLine,
    stride: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{activations} + {row}*1]",
            "tileloadd tmm6, [{upper} + {row}*1]",
            "tileloadd tmm7, [{lower} + {row}*1]",
            "tdpbsud tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{activations} + {row}*1 + 1024]",
            "tdpbsud tmm1, tmm4, tmm7",
            "tdpbsud tmm2, tmm5, tmm6",
            "tdpbsud tmm3, tmm5, tmm7",
            "add {activations}, 2048",
            "add {upper}, 1024",
            "add {lower}, 1024",
            "dec {n}",
            "jnz 2b",
            "tilestored [{sums} + {stride}*1], tmm0",
            "tilestored [{sums} + {stride}*1 + 64], tmm1",
            "tilestored [{second} + {stride}*1], tmm2",
            "tilestored [{second} + {stride}*1 + 64], tmm3",
            activations = inout(reg) activations => _,
            upper = inout(reg) panels[0] => _,
            lower = inout(reg) panels[1] => _,
            n = inout(reg) n_steps => _,
            row = in(reg) ROW_BYTES,
            sums = in(reg) sums,
            second = in(reg) sums.wrapping_byte_add(TILE_ROWS * stride),
            stride = in(reg) stride,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
