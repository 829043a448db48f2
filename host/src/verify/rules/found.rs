//! Common comparisons, with evidence of the form "found …, allowed …".

pub(super) fn equal<T: PartialEq + std::fmt::Debug + ?Sized>(
    found: &T,
    allowed: &T,
) -> Result<(), String> {
    if found == allowed {
        return Ok(());
    }
    Err(format!("found {found:?}, allowed {allowed:?}"))
}

pub(super) fn within(
    what: &str,
    found: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<(), String> {
    if range.contains(&found) {
        return Ok(());
    }
    let (low, high) = range.into_inner();
    Err(format!("{what}: found {found}, allowed {low} to {high}"))
}

pub(super) fn in_vocabulary(ids: &[u32], n_vocab: u64) -> Result<(), String> {
    match ids.iter().find(|&&id| u64::from(id) >= n_vocab) {
        None => Ok(()),
        Some(id) => Err(format!(
            "found id {id}, the vocabulary has {n_vocab} tokens"
        )),
    }
}
