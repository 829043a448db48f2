//! `keygen`: a pair of keys for `benchmark --sign` and `verify-receipt --public-key`.

use host::attest::NewKey;
use serde_json::json;

use crate::{
    args::KeygenArgs,
    exit::{Exit, Failure},
    output::{is_stdout, not_writable, tell},
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No file is new then.
pub fn run(args: &KeygenArgs) -> Result<Exit, Failure> {
    let path = args.key.path();
    if is_stdout(path) {
        return Err(Failure::new(Exit::Usage, "a private key is never printed")
            .with_hint("name a file, such as my.key"));
    }
    let made = NewKey::write(path)
        .map_err(|e| not_writable(&e.path, &e.source, "make it first, or name another place"))?;
    let (private, public, keyid) = (made.private.display(), made.public.display(), made.key.id());
    let json = json!({
        "private_key": private.to_string(),
        "public_key": public.to_string(),
        "keyid": keyid,
    });
    tell(args.output, &json, || {
        format!(
            "{private}: private key, for you alone\n{public}: public key, for everybody\n\
             keyid: {keyid}\n"
        )
    });
    Ok(Exit::Done)
}
