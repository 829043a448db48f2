//! Reads the tokenizer's keys from the header of a model file.

use engine_native::gguf::{GgufError, Metadata};

use super::metadata::TokenizerMetadata;

impl<'a> TokenizerMetadata<'a> {
    /// Takes the values of `keys`, the header of `file`, all of which is there.
    ///
    /// # Errors
    /// A value has another type than its key needs.
    pub fn read(keys: &'a Metadata, file: &'a [u8]) -> Result<Self, GgufError> {
        let key = |name: &str| format!("tokenizer.ggml.{name}");
        let id = |name: &str| -> Result<Option<u32>, GgufError> {
            let id = keys.unsigned(&key(name))?;
            // No vocabulary has ids beyond 32 bits: a value that does not fit is out of range anyway.
            Ok(id.map(|id| u32::try_from(id).unwrap_or(u32::MAX)))
        };
        Ok(Self {
            model: keys.string(&key("model"))?,
            pre: keys.string(&key("pre"))?,
            tokens: keys.strings(&key("tokens"), file)?.unwrap_or_default(),
            scores: keys.f32s(&key("scores"), file)?,
            token_types: keys.i32s(&key("token_type"), file)?,
            merges: keys.strings(&key("merges"), file)?,
            bos_token_id: id("bos_token_id")?,
            eos_token_id: id("eos_token_id")?,
            eot_token_id: id("eot_token_id")?,
            add_bos_token: keys.bool(&key("add_bos_token"))?,
            add_eos_token: keys.bool(&key("add_eos_token"))?,
            add_space_prefix: keys.bool(&key("add_space_prefix"))?,
        })
    }
}
