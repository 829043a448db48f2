//! Lists of whole numbers, as llama-bench writes them: `1,2,8`, `1-16`, `1-16+5`, `1-16*2`.

use std::str::FromStr;

use super::numbers::{count, count_or_none, whole};

/// The most numbers in a list: no sweep has more cells.
const MOST: usize = 1000;

/// What one word on the command line lists; at least one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberList(Vec<usize>);

/// All numbers of an argument that may be repeated, in the order given.
pub fn numbers(lists: &[NumberList]) -> Vec<usize> {
    lists.iter().flat_map(|list| list.0.clone()).collect()
}

/// Counts from 1 on.
pub(super) fn counts(text: &str) -> Result<NumberList, String> {
    list(text, count)
}

/// Counts from 0 on.
pub(super) fn counts_or_none(text: &str) -> Result<NumberList, String> {
    list(text, count_or_none)
}

/// Numbers whose limits depend on the machine.
pub(super) fn whole_numbers(text: &str) -> Result<NumberList, String> {
    list(text, whole)
}

type ParseNumber = fn(&str) -> Result<usize, String>;

fn list(text: &str, number: ParseNumber) -> Result<NumberList, String> {
    let mut found = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.split_once('-') {
            // What begins with a dash is a negative number, which `number` refuses.
            Some((first, rest)) if !first.is_empty() => {
                found.extend(range(part, first, rest, number)?);
            }
            _ => found.push(number(part)?),
        }
        if found.len() > MOST {
            return Err(format!("found more than {MOST} numbers"));
        }
    }
    Ok(NumberList(found))
}

/// How a range goes on.
enum Step {
    Plus(usize),
    Times(usize),
}

fn range(part: &str, first: &str, rest: &str, number: ParseNumber) -> Result<Vec<usize>, String> {
    let (last, step) = match (rest.split_once('+'), rest.split_once('*')) {
        (Some((last, step)), _) => (last, Step::Plus(step_of(part, step)?)),
        (_, Some((last, factor))) => (last, Step::Times(step_of(part, factor)?)),
        (None, None) => (rest, Step::Plus(1)),
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first {
        return Err(format!(
            "found {part}, allowed ranges that rise, such as {last}-{first}"
        ));
    }
    match step {
        Step::Plus(0) => return Err(format!("found {part}, allowed steps from 1 on")),
        Step::Times(0 | 1) => return Err(format!("found {part}, allowed factors from 2 on")),
        // It would stay at 0.
        Step::Times(_) if first == 0 => {
            return Err(format!(
                "found {part}, allowed are factors from 1 on, not from 0"
            ));
        }
        _ => {}
    }
    let next = |n: &usize| match step {
        Step::Plus(step) => n.checked_add(step),
        Step::Times(factor) => n.checked_mul(factor),
    };
    let numbers = std::iter::successors(Some(first), next);
    Ok(numbers.take_while(|&n| n <= last).take(MOST + 1).collect())
}

fn step_of(part: &str, text: &str) -> Result<usize, String> {
    usize::from_str(text.trim()).map_err(|_| {
        format!("found {part}, allowed FIRST-LAST, FIRST-LAST+STEP, FIRST-LAST*FACTOR")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Vec<usize>, String> {
        counts(text).map(|list| list.0)
    }

    #[test]
    fn lists_and_ranges() {
        for (text, expected) in [
            ("7", &[7][..]),
            ("1,2, 8", &[1, 2, 8]),
            ("1-4", &[1, 2, 3, 4]),
            ("3-3", &[3]),
            ("1-16*2", &[1, 2, 4, 8, 16]),
            ("1-15*2", &[1, 2, 4, 8]),
            ("1-10+4", &[1, 5, 9]),
            ("16,512,1-2", &[16, 512, 1, 2]),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_and_says_why() {
        for (text, part) in [
            ("", "found \"\""),
            ("1,,2", "found \"\""),
            (",", "found \"\""),
            ("0", "from 1"),
            ("16-1", "allowed ranges that rise, such as 1-16"),
            ("1-16*1", "factors from 2"),
            ("1-16*0", "factors from 2"),
            ("1-16+0", "steps from 1"),
            ("1-16*x", "FIRST-LAST*FACTOR"),
            ("1-", "found \"\""),
            ("-3", "found \"-3\""),
            ("1-2-3", "found \"2-3\""),
            ("1-1001", "more than 1000"),
            ("1-16777216", "more than 1000"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let from_zero = whole_numbers("0-8*2").unwrap_err();
        assert!(from_zero.contains("not from 0"), "{from_zero}");
    }

    proptest! {
        #[test]
        fn a_range_rises_from_its_first_number_to_at_most_its_last(
            first in 1usize..500, length in 0usize..500, step in 1usize..20
        ) {
            let last = first + length;
            for text in [format!("{first}-{last}+{step}"), format!("{first}-{last}*{}", step + 1)] {
                let found = parse(&text).unwrap();
                prop_assert_eq!(found[0], first);
                prop_assert!(found.is_sorted_by(|a, b| a < b));
                let end = *found.last().unwrap();
                let next = if text.contains('+') { end + step } else { end * (step + 1) };
                prop_assert!(end <= last && last < next);
            }
        }

        #[test]
        fn no_words_make_it_panic(text in "[0-9,+*x -]{0,12}") {
            let _ = parse(&text);
            let _ = whole_numbers(&text);
        }
    }
}
