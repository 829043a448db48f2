//! `keygen`: a pair of keys for `benchmark --sign` and `verify-receipt --public-key`.

use host::attest::NewKey;

use crate::{
    args::KeygenArgs,
    exit::{Exit, Failure},
    output::print,
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No file is new then.
pub fn run(args: &KeygenArgs) -> Result<Exit, Failure> {
    let made = NewKey::write(&args.output).map_err(|e| Failure::io(&e.path, &e.source))?;
    print(&format!(
        "{}: private key, for you alone\n{}: public key, for everybody\nkeyid: {}\n",
        made.private.display(),
        made.public.display(),
        made.key.id()
    ))?;
    Ok(Exit::Done)
}
