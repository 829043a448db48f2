//! The header of a GGUF file: version, metadata and tensor infos.

use std::collections::BTreeMap;

use super::{GgufError, Metadata, TensorInfo, TensorType, caps, cursor::Cursor, tensors};

/// A parsed header. The byte ranges of tensors lie within the file, one after another; this is not
/// checked if a type of unknown size is among them, which no model may have.
#[derive(Debug)]
pub struct Gguf {
    /// Format version, 2 or 3.
    pub version: u32,
    /// All metadata keys and values.
    pub metadata: Metadata,
    /// All tensors, in file order.
    pub tensors: Vec<TensorInfo>,
}

impl Gguf {
    /// Parses the header of `file`, the bytes of a whole GGUF file.
    ///
    /// # Errors
    /// The first rule that the bytes break.
    ///
    /// ```
    /// use engine_native::{Architecture, ModelShape, gguf::Gguf};
    ///
    /// let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf"))?;
    /// let shape = ModelShape::from_gguf(&Gguf::parse(&file)?)?;
    /// assert_eq!(shape.architecture, Architecture::BitnetB158);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(file: &[u8]) -> Result<Self, GgufError> {
        Self::parse_header(file, file.len() as u64)
    }

    /// Parses a header from the first bytes of a file of `file_len` bytes. `start` must hold the whole
    /// header; it may hold less than the file.
    ///
    /// # Errors
    /// The first rule that the bytes break.
    pub fn parse_header(start: &[u8], file_len: u64) -> Result<Self, GgufError> {
        let mut cursor = Cursor::new(&start[..start.len().min(caps::HEADER_BYTES as usize)]);
        let version = read_version(&mut cursor)?;
        let n_tensors = read_count(&mut cursor, "tensor count", caps::TENSORS)?;
        let n_keys = read_count(&mut cursor, "key count", caps::KEYS)?;
        let metadata = Metadata::read(&mut cursor, n_keys)?;
        let tensors = tensors::read(&mut cursor, n_tensors, &metadata, file_len)?;
        Ok(Self {
            version,
            metadata,
            tensors,
        })
    }

    /// Number of elements in all tensors.
    pub fn n_parameters(&self) -> u64 {
        self.tensors.iter().map(TensorInfo::n_elements).sum()
    }

    /// The tensor types of the file with the bytes of each, sorted by type.
    pub fn weight_types(&self) -> Vec<(TensorType, u64)> {
        let mut bytes = BTreeMap::new();
        for tensor in &self.tensors {
            *bytes.entry(tensor.tensor_type).or_insert(0) += tensor.n_bytes();
        }
        bytes.into_iter().collect()
    }
}

fn read_version(cursor: &mut Cursor) -> Result<u32, GgufError> {
    let magic = cursor.u32("magic")?.to_le_bytes();
    if &magic != b"GGUF" {
        return Err(GgufError::Magic { found: magic });
    }
    match cursor.u32("version")? {
        version @ (2 | 3) => Ok(version),
        found => Err(GgufError::Version {
            found,
            hint: if matches!(found.swap_bytes(), 2 | 3) {
                " (this is a big-endian file)"
            } else {
                ""
            },
        }),
    }
}

fn read_count(cursor: &mut Cursor, what: &str, allowed: u64) -> Result<u64, GgufError> {
    match cursor.u64(what)? {
        found if found > allowed => Err(GgufError::limit(what.to_owned(), found, allowed)),
        count => Ok(count),
    }
}
