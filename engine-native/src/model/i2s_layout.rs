//! The layouts of I2_S codes.

/// The layout of the codes in I2_S tensors. A file does not name it: it depends on how the program
/// that packed the file was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum I2sLayout {
    /// Blocks of 128 weights in 32 bytes, as in published files.
    #[default]
    Block128,
    /// Four rows share each byte.
    Row4,
    /// Blocks of 64 weights in 16 bytes.
    Block64,
}

impl I2sLayout {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Block128, Self::Row4, Self::Block64];

    /// Its name in flags and receipts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block128 => "block128",
            Self::Row4 => "row4",
            Self::Block64 => "block64",
        }
    }

    /// The layout called `name`, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.as_str() == name)
    }
}
