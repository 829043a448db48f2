//! The names of settings in a receipt, and how to parse them.

use engine_native::{Isa, KernelChoice, KvType};

/// "auto", "scalar", "avx2", "avx-vnni", "avx512-vnni" or "amx".
pub fn kernel_name(kernel: KernelChoice) -> &'static str {
    match kernel {
        KernelChoice::Auto => "auto",
        KernelChoice::Only(isa) => isa.option_name(),
    }
}

/// The inverse of [`kernel_name`].
pub fn parse_kernel_name(name: &str) -> Option<KernelChoice> {
    let only = Isa::ALL.iter().map(|&isa| KernelChoice::Only(isa));
    std::iter::once(KernelChoice::Auto)
        .chain(only)
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
