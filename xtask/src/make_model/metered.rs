//! A writer that reports its progress.

use std::io::{self, Write};

/// Called with the progress of a writer: bytes written so far, bytes in total.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// Writes to `out`, and calls `progress` after each write.
pub(super) struct Metered<'a, 'p, W> {
    out: &'a mut W,
    progress: &'a mut Progress<'p>,
    bytes_done: u64,
    bytes_total: u64,
}

impl<'a, 'p, W: Write> Metered<'a, 'p, W> {
    pub(super) fn new(out: &'a mut W, bytes_total: u64, progress: &'a mut Progress<'p>) -> Self {
        Self {
            out,
            progress,
            bytes_done: 0,
            bytes_total,
        }
    }
}

impl<W: Write> Write for Metered<'_, '_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes_done += written as u64;
        (self.progress)(self.bytes_done, self.bytes_total);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
