//! Any bytes, read as what the name says; `readers` says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bitreceipt_fuzz::readers::verdict(data));
