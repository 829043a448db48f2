//! Metadata: typed values by key. Arrays, mostly the vocabulary, are checked and not kept.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::cursor::{Cursor, Stop, malformed};
use crate::error::{Error, Result};

/// Longest key in bytes.
const MAX_KEY_BYTES: u64 = 65_535;

/// Longest string value that is kept, in bytes. What is used is far shorter.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// How deep arrays may nest.
const MAX_ARRAY_DEPTH: u32 = 4;

const TYPE_STRING: u32 = 8;
const TYPE_ARRAY: u32 = 9;

/// A metadata value, with the distinctions that this crate needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// u8, u16, u32 or u64.
    Unsigned(u64),
    /// i8, i16, i32 or i64.
    Signed(i64),
    /// f32.
    F32(f32),
    /// f64.
    F64(f64),
    /// A byte 0 or 1.
    Bool(bool),
    /// A string. Only those that are used must be UTF-8.
    Text(Vec<u8>),
    /// A string too long to be of use; it is skipped.
    LongText,
    /// An array; its elements are skipped.
    Array,
}

impl Value {
    fn type_name(&self) -> &'static str {
        match self {
            Value::Unsigned(_) => "an unsigned integer",
            Value::Signed(_) => "a signed integer",
            Value::F32(_) => "an f32",
            Value::F64(_) => "an f64",
            Value::Bool(_) => "a bool",
            Value::Text(_) => "a string",
            Value::LongText => "a string of more than 16 MiB",
            Value::Array => "an array",
        }
    }
}

/// All values of a file by key.
pub struct Metadata(BTreeMap<String, Value>);

impl Metadata {
    /// Reads `count` key-value pairs, no key twice.
    pub fn read(cursor: &mut Cursor<'_>, count: u64) -> Result<Self, Stop> {
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = cursor.string("metadata key", MAX_KEY_BYTES)?;
            let value = read_value(cursor, &key)?;
            if values.contains_key(&key) {
                return Err(malformed(format!("key `{key}` occurs twice")));
            }
            values.insert(key, value);
        }
        Ok(Self(values))
    }

    /// All keys in ascending order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All keys and values, in ascending order of the keys.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether the key is there and its value is this text.
    pub fn is_text(&self, key: &str, text: &str) -> bool {
        matches!(self.0.get(key), Some(Value::Text(bytes)) if bytes == text.as_bytes())
    }

    /// The value of an optional unsigned integer.
    pub fn unsigned_if_present(&self, key: &str) -> Result<Option<u64>> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Unsigned(n)) => Ok(Some(*n)),
            Some(other) => Err(wrong_type(key, other, "an unsigned integer")),
        }
    }

    /// The value of a required unsigned integer.
    pub fn unsigned(&self, key: &str) -> Result<u64> {
        self.unsigned_if_present(key)?.ok_or_else(|| missing(key))
    }

    /// The value of an optional f32.
    pub fn f32_if_present(&self, key: &str) -> Result<Option<f32>> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::F32(x)) => Ok(Some(*x)),
            Some(other) => Err(wrong_type(key, other, "an f32")),
        }
    }

    /// The value of a required f32.
    pub fn f32(&self, key: &str) -> Result<f32> {
        self.f32_if_present(key)?.ok_or_else(|| missing(key))
    }

    /// The value of an optional string, which must be UTF-8.
    pub fn text_if_present(&self, key: &str) -> Result<Option<&str>> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Text(bytes)) => match core::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(Error::Malformed(format!(
                    "key `{key}`: its string is not UTF-8"
                ))),
            },
            Some(other) => Err(wrong_type(key, other, "a string")),
        }
    }

    /// The value of a required string.
    pub fn text(&self, key: &str) -> Result<&str> {
        self.text_if_present(key)?.ok_or_else(|| missing(key))
    }
}

fn missing(key: &str) -> Error {
    Error::Malformed(format!("key `{key}` is missing; it is required"))
}

fn wrong_type(key: &str, found: &Value, required: &str) -> Error {
    Error::Malformed(format!(
        "key `{key}` is {}; {required} is required",
        found.type_name()
    ))
}

fn read_value(cursor: &mut Cursor<'_>, key: &str) -> Result<Value, Stop> {
    const WHAT: &str = "metadata value";
    let type_id = cursor.u32("metadata value type")?;
    Ok(match type_id {
        0 => Value::Unsigned(cursor.array(WHAT).map(u8::from_le_bytes)?.into()),
        1 => Value::Signed(cursor.array(WHAT).map(i8::from_le_bytes)?.into()),
        2 => Value::Unsigned(cursor.array(WHAT).map(u16::from_le_bytes)?.into()),
        3 => Value::Signed(cursor.array(WHAT).map(i16::from_le_bytes)?.into()),
        4 => Value::Unsigned(cursor.u32(WHAT)?.into()),
        5 => Value::Signed(cursor.array(WHAT).map(i32::from_le_bytes)?.into()),
        6 => Value::F32(cursor.array(WHAT).map(f32::from_le_bytes)?),
        7 => Value::Bool(read_bool(cursor, key)?),
        TYPE_STRING => read_text(cursor)?,
        TYPE_ARRAY => {
            skip_array(cursor, key, 1)?;
            Value::Array
        }
        10 => Value::Unsigned(cursor.u64(WHAT)?),
        11 => Value::Signed(cursor.array(WHAT).map(i64::from_le_bytes)?),
        12 => Value::F64(cursor.array(WHAT).map(f64::from_le_bytes)?),
        _ => return Err(unknown_type(key, type_id)),
    })
}

fn read_text(cursor: &mut Cursor<'_>) -> Result<Value, Stop> {
    let len = cursor.u64("metadata string length")?;
    let bytes = cursor.take(len, "metadata string")?;
    Ok(match len > MAX_TEXT_BYTES {
        true => Value::LongText,
        false => Value::Text(bytes.into()),
    })
}

fn read_bool(cursor: &mut Cursor<'_>, key: &str) -> Result<bool, Stop> {
    match cursor.array("metadata value")? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(malformed(format!(
            "key `{key}`: bool is {other}; 0 or 1 is required"
        ))),
    }
}

fn skip_array(cursor: &mut Cursor<'_>, key: &str, depth: u32) -> Result<(), Stop> {
    if depth > MAX_ARRAY_DEPTH {
        return Err(malformed(format!(
            "key `{key}`: arrays nest deeper than {MAX_ARRAY_DEPTH}"
        )));
    }
    let type_id = cursor.u32("array element type")?;
    let len = cursor.u64("array length")?;
    match type_id {
        // Every element of these two takes some bytes, so a false length soon hits the file's end.
        TYPE_STRING => (0..len).try_for_each(|_| skip_string(cursor)),
        TYPE_ARRAY => (0..len).try_for_each(|_| skip_array(cursor, key, depth + 1)),
        _ => {
            let width = scalar_bytes(type_id).ok_or_else(|| unknown_type(key, type_id))?;
            let bytes = len.checked_mul(width).ok_or_else(|| {
                malformed(format!(
                    "key `{key}`: {len} array elements of {width} bytes exceed any file"
                ))
            })?;
            cursor.take(bytes, "array").map(|_| ())
        }
    }
}

fn skip_string(cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    let len = cursor.u64("array string length")?;
    cursor.take(len, "array string").map(|_| ())
}

fn scalar_bytes(type_id: u32) -> Option<u64> {
    match type_id {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn unknown_type(key: &str, type_id: u32) -> Stop {
    malformed(format!(
        "key `{key}`: value type is {type_id}; types 0 to 12 exist"
    ))
}
