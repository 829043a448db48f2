//! The engines that commands know by name.

use std::path::Path;

use crate::{
    engines::Adapters,
    exit::{Exit, Failure},
    hints::Kind,
    input::read_text,
};

/// The largest file of adapters that is read.
const MAX_BYTES: u64 = 1 << 20;

/// The adapters that come with the program, and those in the file at `path`, if one is named.
///
/// # Errors
/// The file cannot be read, is too large, or is none of adapters.
pub fn known(path: Option<&Path>) -> Result<Adapters, Failure> {
    let built_in = Adapters::built_in();
    let Some(path) = path else {
        return Ok(built_in);
    };
    let failed = |why: String| Failure::new(Exit::BadInput, why.trim_end()).at(path);
    let bytes = read_text(path, Kind::Other, MAX_BYTES)?;
    // What was read of a larger file may be adapters, too, but not all of them.
    if bytes.len() as u64 > MAX_BYTES {
        let what = format!("found too many bytes, allowed at most {MAX_BYTES}");
        return Err(failed(what));
    }
    let text = String::from_utf8(bytes).map_err(|_| failed("it is no UTF-8".into()))?;
    Ok(built_in.with(Adapters::parse(&text).map_err(failed)?))
}
