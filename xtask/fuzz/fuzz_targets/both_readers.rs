//! Any bytes: both sides accept them or both refuse them, and what they accept computes the same bits, or
//! fails on both sides.
#![no_main]

use bitreceipt_fuzz::whole_files::{guest, guest_logits, native, native_logits};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match (native(data.to_vec()), guest(data)) {
        (Err(_), Err(_)) => {}
        (Ok(_), Err(e)) => panic!("the reference alone refuses: {e}"),
        (Err(e), Ok(())) => panic!("the native reader alone refuses: {e}"),
        (Ok(model), Ok(())) => match (native_logits(model), guest_logits(data)) {
            (Ok(native), Ok(reference)) => assert!(native == reference, "the logits differ"),
            (Err(_), Err(_)) => {}
            (Ok(_), Err(e)) => panic!("the reference alone fails: {e}"),
            (Err(e), Ok(_)) => panic!("the native engine alone fails: {e}"),
        },
    }
});
