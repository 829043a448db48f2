//! Phases of a session: header, model, run.

use guest_reference::attention::KvType;
use guest_reference::gguf::MAX_HEADER_BYTES;
use guest_reference::session::Session;
use guest_reference::ternary::I2sLayout;

use crate::support::model::{CONTEXT, small};
use crate::support::rejection::{assert_misuse, assert_too_large};

fn parsed() -> Session {
    let bytes = small().bytes();
    let (mut session, len) = (Session::new(), bytes.len() as u64);
    session
        .header_buffer(len)
        .expect("small")
        .copy_from_slice(&bytes);
    assert_eq!(session.header_parse(len, len).expect("valid model"), None);
    session
}

#[test]
fn phases_come_in_order() {
    let mut session = Session::new();
    assert_misuse(session.model(), &["header_parse has not succeeded"]);
    assert_misuse(session.n_chunks(), &["header_parse has not succeeded"]);
    assert_misuse(
        session.configure(KvType::F32, I2sLayout::Block128, 1),
        &["header_parse has not succeeded"],
    );
    assert_misuse(session.runner(), &["configure has not succeeded"]);
    let mut session = parsed();
    assert_eq!(session.n_chunks().expect("parsed"), 1);
    assert_misuse(session.runner(), &["configure has not succeeded"]);
    session
        .configure(KvType::F32, I2sLayout::Block128, 1)
        .expect("fits");
    assert!(session.runner().is_ok());
}

#[test]
fn a_new_header_forgets_model_and_run() {
    let mut session = parsed();
    session
        .configure(KvType::F32, I2sLayout::Block128, 1)
        .expect("fits");
    session.header_buffer(8).expect("small");
    assert!(session.model().is_err() && session.runner().is_err());
}

#[test]
fn header_sizes_are_checked() {
    let mut session = Session::new();
    let found = session.header_buffer(MAX_HEADER_BYTES + 1);
    assert_too_large(found, &["268435457 bytes", "at most 268435456"]);
    session.header_buffer(8).expect("small");
    assert_misuse(session.header_parse(9, 100), &["9 bytes", "buffer holds 8"]);
    assert_misuse(session.header_parse(8, 7), &["8 bytes of a file of 7"]);
    assert_misuse(
        session.header_parse(u64::MAX, u64::MAX),
        &["buffer holds 8"],
    );
}

#[test]
fn positions_are_one_to_the_context_length() {
    let mut session = parsed();
    for n in [0, CONTEXT + 1, usize::MAX] {
        let found = session.configure(KvType::F32, I2sLayout::Block128, n);
        assert_misuse(
            found,
            &[&format!("{n} positions"), "1 to the context length 16"],
        );
        assert!(session.runner().is_err());
    }
    session
        .configure(KvType::F32, I2sLayout::Block128, CONTEXT)
        .expect("the whole context");
}
