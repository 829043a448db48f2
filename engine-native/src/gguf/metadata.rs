//! The key-value section of a GGUF header.

use std::{collections::BTreeMap, ops::Range};

use super::{GgufError, caps, cursor::Cursor};

/// A metadata value. Of an array only the place of its elements is kept, and of a very long string
/// nothing: a copy of a vocabulary would take more memory than the rest of the header.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Unsigned(u64),
    Signed(i64),
    F32(f32),
    F64(f64),
    Bool(bool),
    /// Its bytes. Most strings are never used, so only those that are have to be UTF-8;
    /// [`Metadata::string`] checks it.
    String(Vec<u8>),
    /// A string that is longer than any that is used.
    LongString,
    Array(Array),
}

/// Where an array lies in the file. Its extent has been checked, the content of strings has not.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// GGUF value type of the elements.
    element_type: u32,
    /// Number of elements.
    pub len: u64,
    bytes: Range<usize>,
}

impl Value {
    /// Its type, for messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Unsigned(_) => "an unsigned integer",
            Self::Signed(_) => "a signed integer",
            Self::F32(_) => "an f32",
            Self::F64(_) => "an f64",
            Self::Bool(_) => "a bool",
            Self::String(_) => "a string",
            Self::LongString => "a string of more than 16 MiB",
            Self::Array(_) => "an array",
        }
    }
}

/// Ids of the value types that are handled by name.
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// The metadata keys of a file and their values.
#[derive(Debug, Default)]
pub struct Metadata {
    entries: BTreeMap<String, Value>,
}

impl Metadata {
    pub(super) fn read(cursor: &mut Cursor, n_keys: u64) -> Result<Self, GgufError> {
        let mut entries = BTreeMap::new();
        for index in 0..n_keys {
            let key = cursor
                .string(&format!("key {index}"), caps::KEY_BYTES)?
                .to_owned();
            let type_id = cursor.u32(&key)?;
            let value = read_value(cursor, &key, type_id)?;
            if entries.insert(key.clone(), value).is_some() {
                return Err(GgufError::Duplicate {
                    what: format!("key {key}"),
                });
            }
        }
        Ok(Self { entries })
    }

    /// The value of `key`, if it is present.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key)
    }

    /// All keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// The unsigned integer at `key`; `None` if the key is absent.
    ///
    /// # Errors
    /// The value has another type.
    pub fn unsigned(&self, key: &str) -> Result<Option<u64>, GgufError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Unsigned(n)) => Ok(Some(*n)),
            Some(other) => Err(wrong_type(key, other, "an unsigned integer")),
        }
    }

    /// The f32 at `key`; `None` if the key is absent.
    ///
    /// # Errors
    /// The value has another type.
    pub fn f32(&self, key: &str) -> Result<Option<f32>, GgufError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::F32(x)) => Ok(Some(*x)),
            Some(other) => Err(wrong_type(key, other, "an f32")),
        }
    }

    /// The string at `key`; `None` if the key is absent.
    ///
    /// # Errors
    /// The value has another type, is longer than [`caps::STRING_BYTES`] or not UTF-8.
    pub fn string(&self, key: &str) -> Result<Option<&str>, GgufError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(error) => Err(GgufError::NotUtf8 {
                    what: key.to_owned(),
                    at: error.valid_up_to(),
                }),
            },
            Some(other) => Err(wrong_type(key, other, "a string")),
        }
    }

    /// The string at `key` to be shown, with replacement characters for what is not UTF-8; `None` if there
    /// is no string that can be shown.
    pub fn string_lossy(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// The bool at `key`; `None` if the key is absent.
    ///
    /// # Errors
    /// The value has another type.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, GgufError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(other) => Err(wrong_type(key, other, "a bool")),
        }
    }

    /// The array of strings at `key`, as unchecked bytes of `file`; `None` if the key is absent.
    /// `file` must be the file that the header was parsed from.
    ///
    /// # Errors
    /// The value has another type.
    pub fn strings<'f>(
        &self,
        key: &str,
        file: &'f [u8],
    ) -> Result<Option<Vec<&'f [u8]>>, GgufError> {
        self.elements(
            key,
            file,
            &[STRING],
            "an array of strings",
            |cursor, what| {
                let len = cursor.u64(what)?;
                cursor.take(len, what)
            },
        )
    }

    /// The array of f32 at `key`; `file` as for [`Metadata::strings`].
    ///
    /// # Errors
    /// The value has another type.
    pub fn f32s(&self, key: &str, file: &[u8]) -> Result<Option<Vec<f32>>, GgufError> {
        self.elements(key, file, &[6], "an array of f32", |cursor, what| {
            Ok(f32::from_bits(cursor.u32(what)?))
        })
    }

    /// The array of 32-bit integers, signed or not, at `key`; `file` as for [`Metadata::strings`].
    ///
    /// # Errors
    /// The value has another type.
    pub fn i32s(&self, key: &str, file: &[u8]) -> Result<Option<Vec<i32>>, GgufError> {
        self.elements(key, file, &[4, 5], "an array of i32", |cursor, what| {
            Ok(cursor.u32(what)?.cast_signed())
        })
    }

    fn elements<'f, T>(
        &self,
        key: &str,
        file: &'f [u8],
        element_types: &[u32],
        allowed: &str,
        read: impl Fn(&mut Cursor<'f>, &str) -> Result<T, GgufError>,
    ) -> Result<Option<Vec<T>>, GgufError> {
        let array = match self.get(key) {
            None => return Ok(None),
            Some(Value::Array(array)) if element_types.contains(&array.element_type) => array,
            Some(other) => return Err(wrong_type(key, other, allowed)),
        };
        let mut cursor = Cursor::new(&file[array.bytes.clone()]);
        let what = format!("array {key}");
        let elements = (0..array.len).map(|_| read(&mut cursor, &what));
        elements.collect::<Result<_, _>>().map(Some)
    }
}

fn wrong_type(key: &str, found: &Value, allowed: &str) -> GgufError {
    GgufError::invalid(key, found.type_name(), allowed)
}

fn read_value(cursor: &mut Cursor, key: &str, type_id: u32) -> Result<Value, GgufError> {
    Ok(match type_id {
        STRING => read_string(cursor, key)?,
        ARRAY => Value::Array(skip_array(cursor, key, 1)?),
        _ => read_scalar(cursor, key, type_id)?,
    })
}

fn read_string(cursor: &mut Cursor, key: &str) -> Result<Value, GgufError> {
    let len = cursor.u64(key)?;
    let bytes = cursor.take(len, key)?;
    Ok(match len > caps::STRING_BYTES {
        true => Value::LongString,
        false => Value::String(bytes.to_vec()),
    })
}

fn read_scalar(cursor: &mut Cursor, key: &str, type_id: u32) -> Result<Value, GgufError> {
    Ok(match type_id {
        0 => Value::Unsigned(cursor.u8(key)?.into()),
        1 => Value::Signed(i64::from(cursor.u8(key)? as i8)),
        2 => Value::Unsigned(read_u16(cursor, key)?.into()),
        3 => Value::Signed(i64::from(read_u16(cursor, key)? as i16)),
        4 => Value::Unsigned(cursor.u32(key)?.into()),
        5 => Value::Signed(i64::from(cursor.u32(key)? as i32)),
        6 => Value::F32(f32::from_bits(cursor.u32(key)?)),
        7 => match cursor.u8(key)? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            other => return Err(GgufError::invalid(key, other, "a bool, 0 or 1")),
        },
        10 => Value::Unsigned(cursor.u64(key)?),
        11 => Value::Signed(cursor.u64(key)? as i64),
        12 => Value::F64(f64::from_bits(cursor.u64(key)?)),
        other => return Err(unknown_type(key, other)),
    })
}

fn read_u16(cursor: &mut Cursor, key: &str) -> Result<u16, GgufError> {
    let bytes = cursor.take(2, key)?;
    Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn skip_array(cursor: &mut Cursor, key: &str, depth: u32) -> Result<Array, GgufError> {
    if depth > caps::ARRAY_DEPTH {
        return Err(GgufError::limit(
            format!("array depth of {key}"),
            depth.into(),
            caps::ARRAY_DEPTH.into(),
        ));
    }
    let what = format!("array {key}");
    let element_type = cursor.u32(&what)?;
    let len = cursor.u64(&what)?;
    let start = cursor.position();
    match element_type {
        // Every element takes bytes, so a false length soon runs into the end of the file.
        STRING => (0..len).try_for_each(|_| skip_string(cursor, &what))?,
        ARRAY => (0..len).try_for_each(|_| skip_array(cursor, key, depth + 1).map(drop))?,
        _ => {
            let bytes = VALUE_BYTES.get(element_type as usize);
            let bytes = bytes.ok_or_else(|| unknown_type(key, element_type))?;
            cursor.take(len.saturating_mul(*bytes), &what)?;
        }
    }
    Ok(Array {
        element_type,
        len,
        bytes: start..cursor.position(),
    })
}

fn skip_string(cursor: &mut Cursor, what: &str) -> Result<(), GgufError> {
    let len = cursor.u64(what)?;
    cursor.take(len, what).map(drop)
}

/// Size in bytes of each value type; 0 for strings and arrays, which have no fixed size.
const VALUE_BYTES: [u64; 13] = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

fn unknown_type(key: &str, found: u32) -> GgufError {
    GgufError::invalid(format!("value type of {key}"), found, "0 to 12")
}
