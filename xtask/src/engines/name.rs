//! What an engine can be called.

/// The name of a program's file, with `-` in place of each character that no name has.
pub(super) fn name_of_program(program: &str) -> String {
    let file = program.rsplit('/').next().unwrap_or(program);
    let kept = file.chars().map(|c| if is_in_names(c) { c } else { '-' });
    kept.collect()
}

/// Whether `text` can be the name of an engine. A name is a part of file names, and stands before `=` on the
/// command line, so it has no character that a path or a command may need.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_in_names)
}

fn is_in_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}
