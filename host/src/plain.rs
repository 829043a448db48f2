//! Untrusted text, made safe to show: it stays a part of its line, and looks like what it is.

/// `text` on one line, without characters that nobody sees or that turn the line around, without
/// long runs of spaces, and no longer than `most` bytes.
pub fn plain(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            _ if c.is_control() || c.is_whitespace() => {
                if !shown.ends_with(' ') {
                    shown.push(' ');
                }
            }
            _ if is_invisible(c) => shown.push(char::REPLACEMENT_CHARACTER),
            _ => shown.push(c),
        }
        if shown.len() > most {
            shown.truncate(shown.floor_char_boundary(most));
            shown.push('…');
            break;
        }
    }
    shown
}

/// Format characters of Unicode: joiners, marks that change the direction of text, and tags.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_text_stays_on_its_line_and_reads_forwards() {
        assert_eq!(plain("a\nb\t\r c", 99), "a b c");
        assert_eq!(plain("a\u{2028}b\u{85}c", 99), "a b c");
        assert_eq!(plain("a\u{202e}b\u{200b}c", 99), "a\u{fffd}b\u{fffd}c");
        assert_eq!(
            plain(&format!("X{}accepted", " ".repeat(67)), 99),
            "X accepted"
        );
        assert_eq!(plain("naïve – 日本語", 99), "naïve – 日本語");
    }

    #[test]
    fn a_text_is_no_longer_than_allowed() {
        assert_eq!(plain("abcdef", 6), "abcdef");
        assert_eq!(plain("abcdefg", 6), "abcdef…");
        assert_eq!(plain("日本語", 4), "日…");
    }
}
