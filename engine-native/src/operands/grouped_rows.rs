//! Rows of grouped ternary weights, which have a scale for every 64 or 128 weights.
//!
//! A kernel computes the rows of a panel side by side, one in each lane: the float sum of a row is
//! a chain over its groups, as the contract has it, and no sum crosses lanes.

use super::{GROUP_COLS, PANEL_ROWS, QuantizedActivations};

/// Bytes of the codes of a panel in 64 columns: four lines.
pub const PANEL_GROUP_BYTES: usize = PANEL_ROWS * GROUP_COLS / 4;
/// Bytes of the scales of a panel in a group of columns, F16.
pub const PANEL_SCALES_BYTES: usize = PANEL_ROWS * 2;

/// The codes of a panel in 64 columns: four lines.
pub type PanelGroup = [u8; PANEL_GROUP_BYTES];
/// The scales of a panel in a group of columns, F16.
pub type PanelScales = [u8; PANEL_SCALES_BYTES];

/// Rows of a grouped ternary matrix, in panels of [`PANEL_ROWS`] rows. The last panel is padded
/// with rows of any weights.
#[derive(Debug, Clone, Copy)]
pub struct GroupedRows<'a> {
    /// `[panels][n_cols / 64]` groups of four lines of 64 bytes. Byte 4r + c of a line holds four
    /// fields of two bits, the codes of row r in column c of four columns each: see
    /// `four_of_field`. A code is a weight plus one.
    pub codes: &'a [u8],
    /// `[panels][n_cols / group_len][16]`, F16 scales of the rows.
    pub scales: &'a [u8],
    /// Number of rows, without the padding of the last panel.
    pub n_rows: usize,
    /// Elements of a row, a multiple of 64 and of the length of a group.
    pub n_cols: usize,
    /// Columns with the same scale: 64 or 128.
    pub group_len: usize,
}

/// The four columns of a group, of its sixteen times four, that `field` of `line` holds.
///
/// Fields 0 and 2 have the first block of activations, 1 and 3 the second. A kernel shifts a line
/// by four bits once and uses the two upper fields of what is left in place, as 4·code: so all that
/// it adds up for a block has one unit.
pub const fn four_of_field(line: usize, field: usize) -> usize {
    8 * (field % 2) + 2 * line + field / 2
}

/// Memory that rows in panels take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PanelBytes {
    /// Bytes of the codes.
    pub codes: usize,
    /// Bytes of the scales.
    pub scales: usize,
}

impl PanelBytes {
    /// Of `n_rows` rows of `n_cols` weights in groups of `group_len`.
    pub const fn of(n_rows: usize, n_cols: usize, group_len: usize) -> Self {
        let panels = n_rows.div_ceil(PANEL_ROWS);
        Self {
            codes: panels * (n_cols / GROUP_COLS) * PANEL_GROUP_BYTES,
            scales: panels * (n_cols / group_len) * PANEL_SCALES_BYTES,
        }
    }
}

impl GroupedRows<'_> {
    /// The `n` rows from `first` on; `first` must start a panel.
    ///
    /// # Panics
    /// The range is out of bounds, or `first` is inside a panel.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        assert!(first.is_multiple_of(PANEL_ROWS) && first + n <= self.n_rows);
        let start = PanelBytes::of(first, self.n_cols, self.group_len);
        let len = PanelBytes::of(n, self.n_cols, self.group_len);
        Self {
            codes: &self.codes[start.codes..][..len.codes],
            scales: &self.scales[start.scales..][..len.scales],
            n_rows: n,
            ..*self
        }
    }

    /// The codes and scales of each panel, `[n_cols / 64]` and `[n_cols / group_len]`.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn panels(&self) -> impl Iterator<Item = (&[PanelGroup], &[PanelScales])> {
        let codes = self
            .codes
            .as_chunks()
            .0
            .chunks_exact(self.n_cols / GROUP_COLS);
        let scales = self
            .scales
            .as_chunks()
            .0
            .chunks_exact(self.n_cols / self.group_len);
        codes.zip(scales)
    }

    /// The code of `column` of `row`, a weight plus one.
    pub fn code(&self, row: usize, column: usize) -> u8 {
        // The place in `four_of_field`, from the four.
        let four = column % GROUP_COLS / 4;
        let (line, field) = (four % 8 / 2, 2 * (four % 2) + four / 8);
        self.bytes(row, column / GROUP_COLS)[line][column % 4] >> (2 * field) & 3
    }

    /// The bytes of `row` in the lines of group `group` of 64 columns.
    pub(crate) fn bytes(&self, row: usize, group: usize) -> [[u8; 4]; 4] {
        let (panel, lane) = (row / PANEL_ROWS, row % PANEL_ROWS);
        let start = (panel * (self.n_cols / GROUP_COLS) + group) * PANEL_GROUP_BYTES;
        let (fours, _) = self.codes[start..][..PANEL_GROUP_BYTES].as_chunks::<4>();
        std::array::from_fn(|line| fours[PANEL_ROWS * line + lane])
    }

    /// Bits of the F16 scale of `column` of `row`.
    pub fn scale_bits(&self, row: usize, column: usize) -> u16 {
        let (panel, lane) = (row / PANEL_ROWS, row % PANEL_ROWS);
        let group = panel * (self.n_cols / self.group_len) + column / self.group_len;
        let (scales, _) = self.scales.as_chunks::<2>();
        u16::from_le_bytes(scales[group * PANEL_ROWS + lane])
    }

    /// Asserts that the rows fit a product with `activations` into `n_outputs` outputs.
    pub(crate) fn assert_fits(&self, activations: &QuantizedActivations, n_outputs: usize) {
        assert_eq!(activations.len, self.n_cols);
        assert_eq!(self.n_rows, n_outputs);
        self.assert_whole();
    }

    /// Asserts that the codes and scales are those of whole panels.
    pub(crate) fn assert_whole(&self) {
        assert!(self.group_len == 64 || self.group_len == 128);
        assert!(self.n_cols.is_multiple_of(self.group_len));
        let bytes = PanelBytes::of(self.n_rows, self.n_cols, self.group_len);
        assert_eq!(self.codes.len(), bytes.codes);
        assert_eq!(self.scales.len(), bytes.scales);
    }
}
