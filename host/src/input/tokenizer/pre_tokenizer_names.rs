//! What a name in `tokenizer.ggml.pre` means.

use super::{
    error::{PRE, TokenizerError},
    pre_tokenizer::{GPT_2, LLAMA_3, PreTokenizer, QWEN_2},
    vocabulary::Vocabulary,
};

/// A pre-tokenizer, under the name that a file gives it.
pub(super) type Named = (&'static str, &'static PreTokenizer);

/// The name for Llama 3 in converters of today.
const LLAMA_BPE: Named = ("llama-bpe", &LLAMA_3);

/// All names that are understood, and behind each the model that it was given to first.
///
/// Source, except for `falcon_e`: llama.cpp 0c1e57098. `src/llama-vocab.cpp` says which names have the
/// same regular expression, the same treatment of whole words and the same default for BOS;
/// `convert_hf_to_gguf_update.py` says which model has which name.
///
/// Normalization form C is known of Qwen's own tokenizer only; the other four names of `QWEN_2` are assumed
/// to have it.
const NAMES: [Named; 26] = [
    LLAMA_BPE,                     // meta-llama/Meta-Llama-3-8B
    ("llama3", &LLAMA_3),          // Llama 3, from early converters
    ("llama-v3", &LLAMA_3),        // Llama 3, from early converters
    ("falcon3", &LLAMA_3),         // tiiuae/Falcon3-7B-Base
    ("falcon-h1", &LLAMA_3),       // tiiuae/Falcon-H1-0.5B-Base; Falcon-E, from llama.cpp
    ("falcon_e", &LLAMA_3),        // Falcon-E, from ik_llama.cpp, pull request 555
    ("pixtral", &LLAMA_3),         // mistral-community/pixtral-12b
    ("midm-2.0", &LLAMA_3),        // K-intelligence/Midm-2.0-Base-Instruct
    ("lfm2", &LLAMA_3),            // LiquidAI/LFM2.5-350M
    ("jina-v5-nano", &LLAMA_3),    // jinaai/jina-embeddings-v5-text-nano
    ("qwen2", &QWEN_2),            // Qwen/Qwen1.5-7B, Qwen/Qwen3-Embedding-0.6B
    ("deepseek-r1-qwen", &QWEN_2), // deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B
    ("kormo", &QWEN_2),            // KORMo-Team/KORMo-tokenizer
    ("f2llmv2", &QWEN_2),          // codefuse-ai/F2LLM-v2-4B
    ("megrez", &QWEN_2),           // Infinigence/Megrez-3B-Instruct
    ("gpt-2", &GPT_2),             // openai-community/gpt2
    ("phi-2", &GPT_2),             // microsoft/phi-2
    ("jina-es", &GPT_2),           // jina-v2-es, from early converters
    ("jina-de", &GPT_2),           // jina-v2-de, from early converters
    ("jina-v2-es", &GPT_2),        // jinaai/jina-embeddings-v2-base-es
    ("jina-v2-de", &GPT_2),        // jinaai/jina-embeddings-v2-base-de
    ("gigachat", &GPT_2),          // ai-sage/GigaChat-20B-A3B-instruct
    ("a.x-4.0", &GPT_2),           // skt/A.X-4.0
    ("mellum", &GPT_2),            // JetBrains/Mellum-4b-base
    ("modern-bert", &GPT_2),       // answerdotai/ModernBERT-base
    ("exaone4", &GPT_2),           // LGAI-EXAONE/EXAONE-4.0-32B
];

/// The pre-tokenizer that a file names. A file that names none must have the vocabulary of Llama 3,
/// like the published BitNet b1.58 2B4T.
pub(super) fn named(name: Option<&str>, vocabulary: &Vocabulary) -> Result<Named, TokenizerError> {
    let Some(name) = name else {
        return match is_llama_3(vocabulary) {
            true => Ok(LLAMA_BPE),
            false => Err(TokenizerError::Missing {
                key: PRE,
                needed_by: "gpt2 needs it, the vocabulary is not that of Llama 3",
            }),
        };
    };
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.copied().ok_or_else(|| TokenizerError::Unsupported {
        key: PRE,
        found: name.to_owned(),
        allowed: NAMES.map(|(known, _)| known).join(", "),
    })
}

fn is_llama_3(vocabulary: &Vocabulary) -> bool {
    let marks = ["<|begin_of_text|>", "<|eot_id|>"];
    vocabulary.len() == 128_256 && marks.iter().all(|mark| vocabulary.id(mark).is_some())
}
