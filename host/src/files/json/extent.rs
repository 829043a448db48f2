//! Counts the values of a JSON document without building them: a few bytes of text can become
//! hundreds of bytes in memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The number of values, and of object members, in a document.
#[derive(Debug, Default)]
pub(super) struct Extent {
    pub(super) values: u64,
    pub(super) members: u64,
}

impl Extent {
    /// The extent of the JSON document `bytes`.
    ///
    /// # Errors
    /// The bytes are not JSON, or are nested deeper than 127 levels.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let mut extent = Self::default();
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        extent.deserialize(&mut reader)?;
        reader.end()?;
        Ok(extent)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Extent {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.values += 1;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Extent {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while fields.next_key::<serde::de::IgnoredAny>()?.is_some() {
            self.members += 1;
            fields.next_value_seed(&mut *self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_every_member_counts_once() {
        let text = br#"{"a": [1, -2, 3.5, null], "b": {"c": true, "c": "x"}, "": {}}"#;
        let Extent { values, members } = Extent::of(text).unwrap();
        assert_eq!((values, members), (10, 5));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for text in [
            "",
            "[1,]",
            "{} {}",
            "nan",
            "\u{feff}{}",
            "1e999",
            "\"\\ud800\"",
        ] {
            assert!(Extent::of(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(Extent::of(b"[\"\xff\"]").is_err());
        assert!(Extent::of(&[b'['; 1000]).is_err());
    }
}
