//! A valid file with some bytes changed: both sides accept it or both refuse it, and what they
//! accept computes the same bits, or fails on both sides.
#![no_main]

use bitreceipt_fuzz::{changed_file, guest, guest_logits, native, native_logits};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let file = changed_file(data);
    match (native(file.clone()), guest(&file)) {
        (Err(_), Err(_)) => {}
        (Ok(_), Err(e)) => panic!("the reference alone refuses: {e}"),
        (Err(e), Ok(())) => panic!("the native reader alone refuses: {e}"),
        (Ok(model), Ok(())) => match (native_logits(model), guest_logits(&file)) {
            (Ok(native), Ok(reference)) => assert!(native == reference, "the logits differ"),
            (Err(_), Err(_)) => {}
            (Ok(_), Err(e)) => panic!("the reference alone fails: {e}"),
            (Err(e), Ok(_)) => panic!("the native engine alone fails: {e}"),
        },
    }
});
