//! Any bytes: the reference accepts or refuses them, and does nothing else.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = bitreceipt_fuzz::guest(data);
});
