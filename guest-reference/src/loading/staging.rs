//! The ranges that the host is asked for, and the buffer that it copies them to.

use alloc::format;
use alloc::vec::Vec;

use crate::error::{Error, Result};
use crate::memory::zeroed;
use crate::model::{FileRange, Norm, Projection};

/// Most bytes of a range. A row always fits: the widest has 2^20 elements of four bytes.
pub const MAX_RANGE_BYTES: usize = 4 << 20;

/// What a range holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The embedding row of this token.
    EmbeddingRow(usize),
    /// A part of this layer.
    Layer(usize, LayerPart),
    /// The rows of this chunk of the output matrix.
    OutputRows(usize),
    /// The final norm.
    OutputNorm,
}

/// The part of a layer that a range holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerPart {
    /// The model's frequency factors.
    FrequencyFactors,
    /// A norm.
    Norm(Norm),
    /// Rows of a projection, starting with this one.
    Rows(Projection, usize),
    /// The bytes after the last row of a projection.
    Trailer(Projection),
}

/// The ranges of the last plan, and the one buffer that each is copied to.
pub struct Staging {
    bytes: Vec<u8>,
    ranges: Vec<(FileRange, Part)>,
    /// Ranges loaded.
    n_loaded: usize,
}

impl Staging {
    /// Allocates the buffer.
    pub fn new() -> Result<Self> {
        Ok(Self {
            bytes: zeroed("range", MAX_RANGE_BYTES)?,
            ranges: Vec::new(),
            n_loaded: 0,
        })
    }

    /// Forgets the last plan.
    pub fn clear(&mut self) {
        self.ranges.clear();
        self.n_loaded = 0;
    }

    /// Adds a range to the plan.
    pub fn plan(&mut self, range: FileRange, part: Part) {
        self.ranges.push((range, part));
    }

    /// Number of ranges planned.
    pub fn n_ranges(&self) -> usize {
        self.ranges.len()
    }

    /// Whether every range of the plan has been loaded.
    pub fn is_complete(&self) -> bool {
        self.n_loaded == self.ranges.len()
    }

    /// Where in the file range `i` lies.
    pub fn file_range(&self, i: usize) -> Result<FileRange> {
        let found = self.ranges.get(i).map(|(range, _)| *range);
        found.ok_or_else(|| {
            Error::Misuse(format!(
                "range {i}; the last plan has {}",
                self.ranges.len()
            ))
        })
    }

    /// Where the host copies range `i` to: the same address for every range.
    pub fn destination(&mut self, i: usize) -> Result<&mut [u8]> {
        // By construction, no range is longer than the buffer.
        let len = self.file_range(i)?.len as usize;
        Ok(&mut self.bytes[..len])
    }

    /// The part and the bytes of range `i`, which must be the next one.
    pub fn next(&mut self, i: usize) -> Result<(Part, &[u8])> {
        let len = self.file_range(i)?.len as usize;
        if i != self.n_loaded {
            return Err(Error::Misuse(format!(
                "load_range: range {i}; {} of {} are loaded and they come in order",
                self.n_loaded,
                self.ranges.len()
            )));
        }
        self.n_loaded += 1;
        Ok((self.ranges[i].1, &self.bytes[..len]))
    }
}
