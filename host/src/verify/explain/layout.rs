//! An explanation as text.

use super::Explanation;

/// From this width on, certain and claimed stand side by side.
const TWO_COLUMNS: usize = 100;

/// No line is longer, however wide a terminal is.
const WIDEST: usize = 140;

/// No line is shorter, unless it has a long word.
const NARROWEST: usize = 40;

pub(super) fn text(e: &Explanation, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut lines = match width < TWO_COLUMNS {
        true => [
            list("certain", &e.certain, width),
            list("bounded", &e.bounded, width),
            list("claimed", &e.claimed, width),
        ]
        .concat(),
        false => {
            let half = (width - 3) / 2;
            let left = [
                list("certain", &e.certain, half),
                list("bounded", &e.bounded, half),
            ];
            side_by_side(&left.concat(), &list("claimed", &e.claimed, half), half)
        }
    };
    lines.push("in words:".into());
    lines.extend(wrapped(&e.paragraph, "  ", "  ", width));
    lines.join("\n") + "\n"
}

/// A heading, and the sentences below it.
fn list(heading: &str, sentences: &[String], width: usize) -> Vec<String> {
    let mut lines = vec![format!("{heading}:")];
    if sentences.is_empty() {
        lines.push("  nothing".into());
    }
    for sentence in sentences {
        lines.extend(wrapped(sentence, "- ", "  ", width));
    }
    lines
}

/// A text in lines of at most `width` characters.
fn wrapped(text: &str, first: &str, indent: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    lines.push(line);
    lines
}

fn side_by_side(left: &[String], right: &[String], width: usize) -> Vec<String> {
    let rows = left.len().max(right.len());
    let row = |i: usize| {
        let (left, right) = (left.get(i), right.get(i));
        let left = left.map_or("", String::as_str);
        let right = right.map_or("", String::as_str);
        format!("{left:width$} | {right}").trim_end().to_owned()
    };
    (0..rows).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation() -> Explanation {
        let words = |n: usize| ["word"].repeat(n).join(" ") + ".";
        Explanation {
            paragraph: words(60),
            certain: vec![words(20), words(3)],
            bounded: vec![],
            claimed: vec![words(30)],
        }
    }

    #[test]
    fn lines_are_no_longer_than_the_width() {
        for width in [0, 40, 80, 99, 100, 120, 5000] {
            let text = text(&explanation(), width);
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(width.clamp(40, 140)), "{width}:\n{text}");
            assert_eq!(text.matches("word").count(), 113, "{width}:\n{text}");
            assert!(text.contains("nothing"), "{text}");
            assert!(!text.contains(" \n"), "{width}:\n{text}");
        }
    }

    #[test]
    fn only_a_wide_terminal_has_columns() {
        assert!(!text(&explanation(), 99).contains('|'));
        let text = text(&explanation(), 100);
        let first = text.lines().next().unwrap();
        assert_eq!(first, format!("{:48} | claimed:", "certain:"));
    }
}
