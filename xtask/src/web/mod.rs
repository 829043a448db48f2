//! Builds the page that verifies receipts in a browser: one file that loads nothing. The same sources give
//! the same bytes in any folder.

#[cfg(feature = "web")]
mod bindings;
#[cfg(feature = "web")]
mod data;
mod page;
#[cfg(feature = "web")]
mod template;

use std::path::Path;

pub use page::Page;

use crate::exit::Failure;

/// Builds the page from the checkout at `root`.
///
/// # Errors
/// This program was built without the feature `web`, or a part of the page cannot be built.
#[cfg(not(feature = "web"))]
pub fn build(_: &Path) -> Result<Page, Failure> {
    use crate::exit::Exit;

    let what = "this build cannot write the page: it was built without the feature web";
    let hint = "cargo run -p xtask --features web -- web";
    Err(Failure::new(Exit::Usage, what).with_hint(hint))
}

/// Builds the page from the checkout at `root`.
///
/// # Errors
/// This program was built without the feature `web`, or a part of the page cannot be built.
#[cfg(feature = "web")]
pub fn build(root: &Path) -> Result<Page, Failure> {
    use crate::exit::Exit;

    template::page(root).map_err(|e| Failure::new(Exit::Io, format_args!("{e:#}")))
}
