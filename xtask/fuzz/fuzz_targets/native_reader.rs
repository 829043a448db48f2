//! Any bytes: the native reader accepts or refuses them, and does nothing else.
#![no_main]

use bitreceipt_fuzz::whole_files::native;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = native(data.to_vec());
});
