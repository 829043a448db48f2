//! Partial, truncated and damaged headers: asked for more or refused, never a panic.

use std::sync::LazyLock;

use guest_reference::attention::KvType;
use guest_reference::error::Error;
use guest_reference::gguf::Stop;
use guest_reference::model;
use guest_reference::session::Session;
use guest_reference::ternary::I2sLayout;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::model::small;
use crate::support::rejection::parse_as;

/// Bytes of the small model, and how many of them are header.
static SMALL: LazyLock<(Vec<u8>, usize)> =
    LazyLock::new(|| (small().bytes(), small().header_len()));

/// The small model with some bytes of its header changed.
fn damaged(flips: &[(Index, u8)]) -> Vec<u8> {
    let (mut bytes, header_len) = SMALL.clone();
    for (at, mask) in flips {
        bytes[at.index(header_len)] ^= mask;
    }
    bytes
}

/// Follows the session's requests for more bytes to the end; returns how many calls it took.
fn read(bytes: &[u8], first: u64) -> Result<u32, Error> {
    let (mut session, file_len) = (Session::new(), bytes.len() as u64);
    let mut len = first.min(file_len);
    for call in 1.. {
        let given = &bytes[..len as usize];
        session.header_buffer(len)?.copy_from_slice(given);
        match session.header_parse(len, file_len)? {
            None => {
                return session
                    .configure(KvType::F16, I2sLayout::Block128, 1)
                    .map(|()| call);
            }
            Some(more) => {
                assert!(
                    more > len && more <= file_len,
                    "{len} then {more} of {file_len}"
                );
                len = more;
            }
        }
    }
    unreachable!("every request is longer than the one before")
}

#[test]
fn a_prefix_asks_for_more_until_the_header_is_complete() {
    let file = small();
    let (bytes, header_len) = (file.bytes(), file.header_len());
    for len in 0..header_len {
        match model::parse(&bytes[..len], bytes.len() as u64) {
            Err(Stop::NeedMore(n)) => {
                assert!(n > len as u64 && n <= header_len as u64, "{len} then {n}");
            }
            other => panic!("{len} bytes: {:?}", other.map(|_| ())),
        }
    }
    for len in header_len..header_len + 64 {
        parse_as(&bytes[..len], bytes.len() as u64).expect("weights are not read here");
    }
}

#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let bytes = small().bytes();
    for len in 0..bytes.len() {
        match model::parse(&bytes[..len], len as u64) {
            Err(Stop::Failed(Error::Malformed(message))) => {
                let culprit = message.starts_with("file: ") || message.starts_with("tensor `");
                assert!(culprit && message.contains("end"), "{len} bytes: {message}");
            }
            other => panic!("{len} bytes: {:?}", other.map(|_| ())),
        }
    }
}

#[test]
fn requests_grow_geometrically() {
    let file = small();
    let (bytes, header_len) = (file.bytes(), file.header_len() as u64);
    let calls = read(&bytes, 1).expect("valid model");
    // One byte, then at least twice as much each time.
    assert!(
        calls <= 2 + header_len.ilog2() + 1,
        "{calls} calls for {header_len} bytes"
    );
    assert_eq!(read(&bytes, header_len).expect("valid model"), 1);
    assert_eq!(read(&bytes, u64::MAX).expect("valid model"), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) })]

    #[test]
    fn damaged_headers_do_not_panic(
        flips in prop::collection::vec((any::<Index>(), 1..=255u8), 1..8),
        first in 0..4096u64,
    ) {
        let bytes = damaged(&flips);
        if let Err(error) = read(&bytes, first) {
            prop_assert!(!error.message().is_empty());
        }
    }

    #[test]
    fn damaged_headers_of_huge_files_do_not_panic(
        flips in prop::collection::vec((any::<Index>(), 1..=255u8), 1..8),
        file_len in any::<u64>(),
    ) {
        let bytes = damaged(&flips);
        match model::parse(&bytes, file_len) {
            Err(Stop::NeedMore(n)) => prop_assert!(n > bytes.len() as u64 && n <= file_len),
            Err(Stop::Failed(error)) => prop_assert!(!error.message().is_empty()),
            Ok(_) => {}
        }
    }

    #[test]
    fn bytes_after_the_counts_do_not_panic(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let head = &SMALL.0[..24];
        let bytes = [head, &tail].concat();
        prop_assert!(read(&bytes, 24).is_err());
    }
}
