//! An explanation as text.

/// From this width on, certain and claimed stand side by side.
const TWO_COLUMNS: usize = 100;

/// No line is longer, however wide a terminal is.
const WIDEST: usize = 140;

/// No line is shorter, unless it has a long word.
const NARROWEST: usize = 40;

/// What is certain, bounded and claimed, and the paragraph.
pub(super) fn text(
    [certain, bounded, claimed]: [&[String]; 3],
    paragraph: &str,
    width: usize,
) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut lines = match width < TWO_COLUMNS {
        true => [
            list("certain", certain, width),
            list("bounded", bounded, width),
            list("claimed", claimed, width),
        ]
        .concat(),
        false => {
            let half = (width - 3) / 2;
            let left = [
                list("certain", certain, half),
                list("bounded", bounded, half),
            ];
            side_by_side(&left.concat(), &list("claimed", claimed, half), half)
        }
    };
    lines.push("in words:".into());
    lines.extend(wrapped(paragraph, "  ", "  ", width));
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

    fn shown(width: usize) -> String {
        let leaves = |n: usize| ["leaf"].repeat(n).join(" ") + ".";
        let certain = [leaves(20), leaves(3)];
        text([&certain, &[], &[leaves(30)]], &leaves(60), width)
    }

    #[test]
    fn lines_are_no_longer_than_the_width() {
        for width in [0, 40, 80, 99, 100, 120, 5000] {
            let text = shown(width);
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(width.clamp(40, 140)), "{width}:\n{text}");
            assert_eq!(text.matches("leaf").count(), 113, "{width}:\n{text}");
            assert!(text.contains("nothing"), "{text}");
            assert!(!text.contains(" \n"), "{width}:\n{text}");
        }
    }

    #[test]
    fn only_a_wide_terminal_has_columns() {
        assert!(!shown(99).contains('|'));
        let first = shown(100).lines().next().map(str::to_owned);
        assert_eq!(first, Some(format!("{:48} | claimed:", "certain:")));
    }
}
