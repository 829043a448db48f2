//! A generated model of any type and architecture, sound or damaged: both sides take it, or both refuse it.
#![no_main]

use bitreceipt_fuzz::differential::compare_readers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(how) = compare_readers(data) {
        panic!("{how}");
    }
});
