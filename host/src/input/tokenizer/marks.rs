//! Tokens that are found in a text by their spelling, before the rest of it is encoded.

use std::collections::{BTreeSet, HashMap};

/// A set of tokens that are found by their spelling.
#[derive(Debug, Default)]
pub(super) struct Marks {
    ids: HashMap<Box<str>, u32>,
    /// The lengths in bytes of the tokens that start with a byte, by that byte.
    lengths: HashMap<u8, BTreeSet<usize>>,
}

/// A part of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Fragment<'t> {
    Text(&'t str),
    Mark { text: &'t str, id: u32 },
}

impl Marks {
    pub(super) fn new(tokens: impl Iterator<Item = (u32, String)>) -> Self {
        let mut marks = Self::default();
        for (id, text) in tokens {
            let first = text.as_bytes()[0];
            marks.lengths.entry(first).or_default().insert(text.len());
            marks.ids.insert(text.into(), id);
        }
        marks
    }

    /// Splits `text` at the tokens, from left to right. Of tokens that start at the same place, the
    /// longest is taken.
    pub(super) fn split<'t>(&self, text: &'t str) -> Vec<Fragment<'t>> {
        let mut fragments = Vec::new();
        let mut plain = 0;
        let mut at = 0;
        while at < text.len() {
            let Some((mark, id)) = self.at_start(&text[at..]) else {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            fragments.extend(plain_text(&text[plain..at]));
            fragments.push(Fragment::Mark { text: mark, id });
            at += mark.len();
            plain = at;
        }
        fragments.extend(plain_text(&text[plain..]));
        fragments
    }

    fn at_start<'t>(&self, text: &'t str) -> Option<(&'t str, u32)> {
        let lengths = self.lengths.get(text.as_bytes().first()?)?;
        lengths.iter().rev().find_map(|&length| {
            let start = text.get(..length)?;
            Some((start, *self.ids.get(start)?))
        })
    }
}

fn plain_text(text: &str) -> Option<Fragment<'_>> {
    Some(Fragment::Text(text)).filter(|_| !text.is_empty())
}
