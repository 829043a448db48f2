//! A model with a logit that is too large for f32.

use engine_native::gguf::Gguf;
use half::f16;

/// Makes embeddings and the last norm of the tiny model so large that the largest logit after token 500 is 5 %
/// above the largest f32, and those after 100 and 250 are below it.
pub fn overflow_after_token_500(file: &mut [u8]) {
    let header = Gguf::parse(file).unwrap();
    for tensor in header.tensors {
        let bytes = &mut file[tensor.in_memory()];
        match &*tensor.name {
            "token_embd.weight" => bytes.as_chunks_mut().0.iter_mut().for_each(|x| {
                let larger = f16::from_le_bytes(*x).to_f32() * 1024.0;
                *x = f16::from_f32(larger).to_le_bytes();
            }),
            "output_norm.weight" => bytes.as_chunks_mut().0.iter_mut().for_each(|x| {
                *x = (f32::from_le_bytes(*x) * 8.77e33).to_le_bytes();
            }),
            _ => {}
        }
    }
}
