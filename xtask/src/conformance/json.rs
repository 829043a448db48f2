//! JSON that people can read and compare: a line for each field, and for each object of a list.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// The deepest objects that begin on a line of their own.
const DEEPEST: usize = 3;

/// The text of a value, with a line feed at its end.
pub fn text(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let lines = Lines { depth: 0 };
    let mut serializer = Serializer::with_formatter(&mut out, lines);
    value
        .serialize(&mut serializer)
        .expect("memory takes it, and all keys are strings");
    out.push(b'\n');
    out
}

/// Begins a line before each object within lists, and before each field of the outermost object.
struct Lines {
    /// Objects and lists around the next value.
    depth: usize,
}

impl Lines {
    fn line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b" "))
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        out.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        match first {
            true => Ok(()),
            false => out.write_all(b","),
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.depth > 0 && self.depth <= DEEPEST {
            self.line(out)?;
        }
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth == 0 {
            self.line(out)?;
        }
        out.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        match self.depth {
            1 => self.line(out),
            _ => Ok(()),
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn fields_and_objects_of_lists_have_lines() {
        let value = json!({"a": [1, 2], "b": [{"c": {"d": 1}, "e": []}, {}], "f": 0.1f32});
        let text = super::text(&value);
        let parsed: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(parsed, value);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().next(), Some("{"));
        assert_eq!(text.lines().nth(1), Some(" \"a\": [1,2],"));
        assert!(text.ends_with("\n}\n"));
    }
}
