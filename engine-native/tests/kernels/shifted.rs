//! Slices at any offset in a larger buffer, to test every alignment and detect overruns.

use std::{
    fmt::Debug,
    ops::{Deref, DerefMut},
};

use crate::{
    compare::bits,
    fence::{Edge, edge},
};

/// Elements before and after the slice, so that an overrun stays in the buffer.
const MARGIN: usize = 32;

/// A slice with a margin on both sides, `shift` elements off the buffer's alignment.
pub struct Shifted<T> {
    buffer: Vec<T>,
    start: usize,
    len: usize,
    margin: T,
}

impl<T: Copy + PartialEq + Debug> Shifted<T> {
    fn new(data: &[T], shift: usize, margin: T) -> Self {
        let (before, after) = match edge() {
            None => (MARGIN + shift, MARGIN),
            Some(Edge::End) => (MARGIN + shift, 0),
            // No shift: an element before the slice would be readable.
            Some(Edge::Start) => (0, MARGIN),
        };
        let (start, len) = (before, data.len());
        let mut buffer = vec![margin; before + len + after];
        buffer[start..start + len].copy_from_slice(data);
        Self {
            buffer,
            start,
            len,
            margin,
        }
    }

    /// The slice, after a check of the margins.
    fn checked(&self) -> &[T] {
        let (before, rest) = self.buffer.split_at(self.start);
        let (slice, after) = rest.split_at(self.len);
        let is_margin = |x: &T| *x == self.margin;
        assert!(
            before.iter().all(is_margin) && after.iter().all(is_margin),
            "a kernel wrote outside its output: {before:?} {after:?}"
        );
        slice
    }
}

/// Floats to read. The margins are NaNs, which would show in any result that used them.
pub fn floats(x: &[f32], shift: usize) -> Shifted<f32> {
    Shifted::new(x, shift, f32::NAN)
}

/// Bytes to read. The margins are neither valid I2_S codes nor finite F16 values.
pub fn bytes(x: &[u8], shift: usize) -> Shifted<u8> {
    Shifted::new(x, shift, 0xff)
}

/// Floats to write or change.
pub fn floats_mut(x: &[f32], shift: usize) -> Shifted<f32> {
    Shifted::new(x, shift, 1234.5)
}

/// `n` floats to write.
pub fn output(n: usize, shift: usize) -> Shifted<f32> {
    floats_mut(&vec![-77.0; n], shift)
}

/// `n` bytes to write.
pub fn output_bytes(n: usize, shift: usize) -> Shifted<u8> {
    Shifted::new(&vec![0x5a; n], shift, 0xa5)
}

impl Shifted<f32> {
    /// What was written, as bits.
    pub fn bits(&self) -> Vec<u32> {
        self.checked().iter().map(bits).collect()
    }
}

impl Shifted<u8> {
    /// What was written, a byte to an element.
    pub fn bits(&self) -> Vec<u32> {
        self.checked().iter().map(|&b| u32::from(b)).collect()
    }
}

impl<T> Deref for Shifted<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.buffer[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Shifted<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..self.start + self.len]
    }
}
