//! Limits on the counts and lengths in a header. Real files stay far below them.

/// Metadata keys in one file.
pub const KEYS: u64 = 65_536;
/// Tensors in one file.
pub const TENSORS: u64 = 65_536;
/// Bytes of metadata and tensor infos together.
pub const HEADER_BYTES: u64 = 256 << 20;
/// Bytes of one key.
pub const KEY_BYTES: u64 = 65_535;
/// Bytes of one tensor name.
pub const NAME_BYTES: u64 = 64;
/// Bytes of a string value that is used; longer ones are skipped.
pub const STRING_BYTES: u64 = 16 << 20;
/// Nesting depth of arrays.
pub const ARRAY_DEPTH: u32 = 4;
/// Dimensions of one tensor.
pub const DIMS: u32 = 4;
/// `general.alignment`.
pub const ALIGNMENT: u64 = 65_536;
