//! The GGUF container: header, metadata and tensor infos, read from the first bytes of a file.
//!
//! The file is untrusted. Nothing is allocated for a count or a length before the bytes that it
//! announces are there, every sum is checked, and every cap is a named constant.

mod cursor;
mod metadata;
mod placement;
mod tensor_info;
mod tensor_type;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use cursor::malformed;
pub use cursor::{Cursor, MAX_HEADER_BYTES, Stop};
pub use metadata::{Metadata, Value};
pub use placement::DataSection;
pub use tensor_info::TensorInfo;
pub use tensor_type::TensorType;

use crate::error::Error;

/// Most metadata keys.
pub const MAX_KEYS: u64 = 65_536;

/// Most tensors.
pub const MAX_TENSORS: u64 = 65_536;

/// `general.alignment` when the key is absent.
const DEFAULT_ALIGNMENT: u64 = 32;

/// Allowed values of `general.alignment`, which must also be a power of two.
const ALIGNMENT_RANGE: core::ops::RangeInclusive<u64> = 8..=65_536;

/// Everything before a file's data section.
pub struct Header {
    /// Metadata by key.
    pub metadata: Metadata,
    /// Tensor infos by name.
    pub tensors: BTreeMap<String, TensorInfo>,
    /// Where their bytes are.
    pub data: DataSection,
}

impl Header {
    /// Checks that the tensors fill the data section one after another.
    pub fn check_placement(&self) -> Result<(), Error> {
        placement::check(&self.tensors, &self.data)
    }
}

/// Reads the header from the first `bytes` of a file of `file_len` bytes.
///
/// [`Stop::NeedMore`] says how many bytes the next call has to bring.
pub fn parse(bytes: &[u8], file_len: u64) -> Result<Header, Stop> {
    let mut cursor = Cursor::new(bytes, file_len);
    read_magic(&mut cursor)?;
    read_version(&mut cursor)?;
    let n_tensors = read_count(&mut cursor, "tensor count", MAX_TENSORS)?;
    let n_keys = read_count(&mut cursor, "key count", MAX_KEYS)?;
    let metadata = Metadata::read(&mut cursor, n_keys)?;
    let alignment = alignment(&metadata)?;
    let mut tensors = tensor_info::read_all(&mut cursor, n_tensors, alignment)?;
    let data = DataSection {
        // The cursor never passes the header cap, so the sum cannot overflow.
        offset: cursor.position().next_multiple_of(alignment),
        alignment,
        file_len,
    };
    placement::settle_q2_0(&mut tensors, &data)?;
    Ok(Header {
        metadata,
        tensors,
        data,
    })
}

fn read_magic(cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    let magic: [u8; 4] = cursor.array("magic")?;
    if &magic == b"GGUF" {
        return Ok(());
    }
    Err(malformed(format!(
        "file: magic is {magic:02x?}; `GGUF` is required"
    )))
}

fn read_version(cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    let version = cursor.u32("version")?;
    let reason = match version {
        2 | 3 => return Ok(()),
        _ if matches!(version.swap_bytes(), 1..=3) => format!(
            "file: big-endian GGUF version {}; little-endian files are supported",
            version.swap_bytes()
        ),
        _ => format!("file: GGUF version {version}; versions 2 and 3 are supported"),
    };
    Err(Stop::Failed(Error::Unsupported(reason)))
}

fn read_count(cursor: &mut Cursor<'_>, what: &'static str, max: u64) -> Result<u64, Stop> {
    let count = cursor.u64(what)?;
    if count <= max {
        return Ok(count);
    }
    Err(Stop::Failed(Error::TooLarge(format!(
        "file: {what} is {count}; at most {max} are allowed"
    ))))
}

fn alignment(metadata: &Metadata) -> Result<u64, Error> {
    let alignment = metadata
        .unsigned_if_present("general.alignment")?
        .unwrap_or(DEFAULT_ALIGNMENT);
    if alignment.is_power_of_two() && ALIGNMENT_RANGE.contains(&alignment) {
        return Ok(alignment);
    }
    Err(Error::Malformed(format!(
        "key `general.alignment` is {alignment}; a power of two from {} to {} is required",
        ALIGNMENT_RANGE.start(),
        ALIGNMENT_RANGE.end()
    )))
}
