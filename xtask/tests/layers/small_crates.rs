//! The test can fail: small crates, each with one thing wrong.

use crate::floors::Floors;
use crate::modules::Sources;
use crate::report;

/// What is reported of these files, if `floors` names the modules of a floor on each line.
fn reported(files: &[(&str, &str)], floors: &str) -> String {
    let files = files.iter();
    let sources: Sources = files
        .map(|&(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    let floors: Floors = floors.lines().map(words).collect();
    report(&sources, &floors)
}

const ROOT: (&str, &str) = ("lib.rs", "mod high; mod low; pub use high::High;");

#[test]
fn a_crate_in_order_is_not_reported() {
    let files = [
        ROOT,
        ("high.rs", "use crate::low::Low; pub struct High(Low);"),
        ("low.rs", "pub struct Low;"),
    ];
    assert_eq!(reported(&files, "high\nlow"), "");
}

#[test]
fn an_import_upward() {
    let files = [
        ROOT,
        ("high.rs", "pub struct High;"),
        ("low.rs", "\nuse crate::high::High;"),
    ];
    let expected = "  `low` imports upward from `high`: crate::high::High in low.rs:2\n";
    assert_eq!(reported(&files, "high\nlow"), expected);
}

#[test]
fn an_import_from_the_same_floor() {
    let files = [
        ROOT,
        ("high.rs", "pub struct High;"),
        ("low.rs", "fn low(_: crate::High) {}"),
    ];
    let expected = "  `low` imports sideways from `high`: crate::High in low.rs:1\n";
    assert_eq!(reported(&files, "high low"), expected);
}

#[test]
fn a_circle_through_a_re_export() {
    let files = [
        ROOT,
        ("high.rs", "use crate::low::Low; pub struct High(Low);"),
        ("low.rs", "pub struct Low;\nuse crate::High;"),
    ];
    let expected = "  a circle:
    high.rs:1 imports crate::low::Low from low.rs
    low.rs:2 imports crate::High from high.rs
  `low` imports upward from `high`: crate::High in low.rs:2
";
    assert_eq!(reported(&files, "high\nlow"), expected);
}

/// Within a folder, too; and what `mod.rs` only re-exports is not what closes the circle.
#[test]
fn a_circle_through_super_in_an_expression() {
    let child = "pub struct Child;\nfn child() -> u8 { 1 + super::of_parent(2) }";
    let calling = "mod child; fn of_parent(n: u8) -> u8 { child::Child::new(n) }";
    let files = [
        ("lib.rs", "mod parent;"),
        ("parent/mod.rs", calling),
        ("parent/child.rs", child),
    ];
    let expected = "  a circle:
    parent/mod.rs:1 imports child::Child::new from parent/child.rs
    parent/child.rs:2 imports super::of_parent from parent/mod.rs
";
    assert_eq!(reported(&files, "parent"), expected);

    let re_exporting = "mod child; pub use child::Child; fn of_parent(n: u8) -> u8 { n }";
    let files = [files[0], ("parent/mod.rs", re_exporting), files[2]];
    assert_eq!(reported(&files, "parent"), "");
}

#[test]
fn modules_without_a_floor_and_floors_without_a_module() {
    let files = [ROOT, ("high.rs", "pub struct High;"), ("low.rs", "")];
    let expected = "  `low` stands on no floor\n  `deep` stands on a floor and is no module\n";
    assert_eq!(reported(&files, "high\ndeep"), expected);
    assert_eq!(
        reported(&files, "high\nlow high"),
        "  `high` stands on two floors\n"
    );
}

/// Each of these lines, in `low.rs`, is an import of what `high/inner.rs` defines.
#[test]
fn wherever_a_path_can_stand() {
    for line in [
        "use super::high::{self, Inner as Other};",
        "use crate::high::inner::*;",
        "pub use crate::high::inner;",
        "use crate::high; fn f() { high::Inner::new(); }",
        "fn f(inner: Option<crate::high::Inner>) {}",
        "fn f() { match 1 { crate::high::INNER => (), _ => () } }",
        "fn f<T: crate::high::inner::Trait>() {}",
        "fn f() { let _ = crate::high::Inner { field: 1 }; }",
        "fn f() { let _ = <u8 as crate::high::inner::Trait>::name(); }",
        "fn f() { println!(\"{}\", crate::high::INNER); }",
        "macro_rules! m { () => { $crate::high::inner::f() } }",
        "#[arg(value_parser = crate::high::inner::f)] struct S;",
        "mod inline { use super::super::high::Inner; }",
        "fn f() { use crate::high::Inner; }",
        "impl From<u8> for crate::high::Inner {}",
        "use crate::Inner;",
    ] {
        let files = [
            ("lib.rs", "mod high; mod low; pub use high::*;"),
            ("high/mod.rs", "mod inner; pub use inner::{INNER, Inner};"),
            (
                "high/inner.rs",
                "pub struct Inner; pub trait Trait {} pub const INNER: u8 = 1;",
            ),
            ("low.rs", line),
        ];
        let report = reported(&files, "high\nlow");
        let expected = "  `low` imports upward from `high`: ";
        assert!(report.starts_with(expected), "{line}: {report:?}");
    }
}

#[test]
fn what_is_no_import() {
    for line in [
        "use std::high::High;",
        "use high::High;",
        "use crate::high;",
        "pub(in crate::high) fn f() {}",
        "#[cfg(test)] mod tests { use crate::high::High; }",
        "#[cfg(all(test, unix))] fn f() -> crate::high::High { todo!() }",
        "impl Low { #[cfg(test)] fn f() -> crate::high::High { todo!() } }",
        "/// Like [`crate::high::High`].\nfn f() {}",
        "struct High; fn f() -> High { High }",
        "fn f(low: Low) { println!(\"{}\", low.high); }",
    ] {
        let files = [ROOT, ("high.rs", "pub struct High;"), ("low.rs", line)];
        assert_eq!(reported(&files, "high\nlow"), "", "{line}");
    }
}
