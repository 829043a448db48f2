//! The page that is built.

/// A page.
pub struct Page {
    /// All of it.
    pub html: String,
    /// Bytes that the example model takes in it.
    pub model_bytes: usize,
}
