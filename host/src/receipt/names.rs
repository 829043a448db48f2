//! The names that settings have in a receipt, and the way back.

use engine_native::{KernelChoice, KvType};

/// "auto", "scalar" or "avx2".
pub fn kernel_name(kernel: KernelChoice) -> &'static str {
    match kernel {
        KernelChoice::Auto => "auto",
        KernelChoice::Scalar => "scalar",
        KernelChoice::Avx2 => "avx2",
    }
}

/// The inverse of [`kernel_name`].
pub fn parse_kernel_name(name: &str) -> Option<KernelChoice> {
    [KernelChoice::Auto, KernelChoice::Scalar, KernelChoice::Avx2]
        .into_iter()
        .find(|&kernel| kernel_name(kernel) == name)
}

/// "f32" or "f16".
pub fn kv_type_name(kv_type: KvType) -> &'static str {
    match kv_type {
        KvType::F32 => "f32",
        KvType::F16 => "f16",
    }
}

/// The inverse of [`kv_type_name`].
pub fn parse_kv_type_name(name: &str) -> Option<KvType> {
    [KvType::F32, KvType::F16]
        .into_iter()
        .find(|&kv_type| kv_type_name(kv_type) == name)
}
