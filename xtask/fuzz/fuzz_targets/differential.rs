//! A generated model and settings: both sides agree on everything. `count_models` does the same without a
//! fuzzer.
#![no_main]

use bitreceipt_fuzz::differential::compare;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(how) = compare(data) {
        panic!("{how}");
    }
});
