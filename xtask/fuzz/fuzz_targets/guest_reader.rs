//! Any bytes: the reference accepts or refuses them, and does nothing else.
#![no_main]

use bitreceipt_fuzz::whole_files::guest;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = guest(data);
});
