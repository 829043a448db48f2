//! What the CPUID instruction says of an x86-64 machine.

use raw_cpuid::{CacheParameter, CacheType, CpuId, CpuIdReader, Hypervisor};

use crate::receipt::{Hardware, MAX_INTEGER};

/// No CPU has more caches. A broken hypervisor could list them without end.
const MAX_CACHES: usize = 16;

/// The hardware, as far as CPUID describes it.
pub(super) fn hardware() -> Hardware {
    described_by(&CpuId::new())
}

/// The CPU features that matter to the kernels, sorted.
pub(super) fn features() -> Vec<String> {
    macro_rules! detected {
        ($($feature:tt),*) => {
            [$(($feature, is_x86_feature_detected!($feature))),*]
        };
    }
    let detected = detected!(
        "avx",
        "avx2",
        "avx512bw",
        "avx512dq",
        "avx512f",
        "avx512vbmi",
        "avx512vl",
        "avx512vnni",
        "avxvnni",
        "f16c",
        "fma",
        "sse4.2"
    );
    // The standard library does not detect these yet.
    let extended = CpuId::new().get_extended_feature_info();
    let amx = extended.map(|cpu| {
        [
            ("amx-int8", cpu.has_amx_int8()),
            ("amx-tile", cpu.has_amx_tile()),
        ]
    });
    let all = amx.into_iter().flatten().chain(detected);
    let present = all.filter(|(_, is_present)| *is_present);
    present.map(|(name, _)| name.to_owned()).collect()
}

fn described_by<R: CpuIdReader>(cpu: &CpuId<R>) -> Hardware {
    let version = cpu.get_feature_info();
    let version = version.as_ref();
    Hardware {
        cpu_vendor: vendor(cpu),
        cpu_family: version.map(|v| v.family_id().into()),
        cpu_model_number: version.map(|v| v.model_id().into()),
        cpu_stepping: version.map(|v| v.stepping_id().into()),
        l1d_cache_bytes: cache_bytes(cpu, 1),
        l2_cache_bytes: cache_bytes(cpu, 2),
        l3_cache_bytes: cache_bytes(cpu, 3),
        hypervisor: hypervisor(cpu),
        numa_nodes: None,
    }
}

fn vendor<R: CpuIdReader>(cpu: &CpuId<R>) -> Option<String> {
    let info = cpu.get_vendor_info()?;
    let name = info.as_str();
    // Of other bytes than text the library makes up a name, which is longer than 12.
    let is_read = name.len() == 12 && name.bytes().all(|b| matches!(b, b' '..=b'~'));
    is_read.then(|| name.to_owned())
}

/// The size of the first cache for data of this level.
fn cache_bytes<R: CpuIdReader>(cpu: &CpuId<R>, level: u8) -> Option<u64> {
    let mut caches = cpu.get_cache_parameters()?.take(MAX_CACHES);
    let holds_data = |cache: &CacheParameter| cache.cache_type() != CacheType::Instruction;
    let cache = caches.find(|cache| cache.level() == level && holds_data(cache))?;
    let factors = [
        cache.associativity(),
        cache.physical_line_partitions(),
        cache.coherency_line_size(),
        cache.sets(),
    ];
    // 10, 10, 12 and 32 bits: the product has 64.
    let bytes = factors.into_iter().map(|n| n as u64).product();
    (1..=MAX_INTEGER).contains(&bytes).then_some(bytes)
}

/// The name of the hypervisor; "none" if CPUID reports none, "unnamed" if it reports one that does
/// not say its name.
fn hypervisor<R: CpuIdReader>(cpu: &CpuId<R>) -> Option<String> {
    if !cpu.get_feature_info()?.has_hypervisor() {
        return Some("none".into());
    }
    let name = match cpu.get_hypervisor_info().map(|info| info.identify()) {
        None | Some(Hypervisor::Unknown(0, 0, 0)) => "unnamed",
        Some(Hypervisor::Xen) => "Xen",
        Some(Hypervisor::VMware) => "VMware",
        Some(Hypervisor::HyperV) => "Hyper-V",
        Some(Hypervisor::KVM) => "KVM",
        Some(Hypervisor::QEMU) => "QEMU",
        Some(Hypervisor::Bhyve) => "bhyve",
        Some(Hypervisor::QNX) => "QNX",
        Some(Hypervisor::ACRN) => "ACRN",
        Some(Hypervisor::Unknown(ebx, ecx, edx)) => {
            let bytes = [ebx, ecx, edx].map(u32::to_le_bytes).concat();
            return Some(bytes.escape_ascii().to_string());
        }
    };
    Some(name.into())
}

#[cfg(test)]
mod tests {
    use raw_cpuid::CpuIdResult;

    use super::*;

    /// What a CPU answers to each leaf and subleaf; to all others, zeros.
    type Answers<'a> = &'a [((u32, u32), [u32; 4])];

    fn described(answers: Answers) -> Hardware {
        described_by(&CpuId::with_cpuid_reader(|leaf, subleaf| {
            let mut answers = answers.iter();
            let found = answers.find(|(asked, _)| *asked == (leaf, subleaf));
            let [eax, ebx, ecx, edx] = found.map_or([0; 4], |(_, answer)| *answer);
            CpuIdResult { eax, ebx, ecx, edx }
        }))
    }

    /// The registers in which a CPU names its vendor: EBX, EDX and ECX, in this order.
    fn vendor_leaf(max_leaf: u32, name: &[u8; 12]) -> [u32; 4] {
        let word = |i: usize| u32::from_le_bytes(name[4 * i..][..4].try_into().unwrap());
        [max_leaf, word(0), word(2), word(1)]
    }

    fn hypervisor_leaf(name: &[u8; 12]) -> [u32; 4] {
        let word = |i: usize| u32::from_le_bytes(name[4 * i..][..4].try_into().unwrap());
        [0x4000_0001, word(0), word(1), word(2)]
    }

    /// A cache of type 1 (data), 2 (instructions) or 3 (both).
    fn cache_leaf(kind: u32, level: u32, ways: u32, line: u32, sets: u32) -> [u32; 4] {
        let ebx = (ways - 1) << 22 | (line - 1);
        [level << 5 | kind, ebx, sets - 1, 0]
    }

    const HYPERVISOR_BIT: u32 = 1 << 31;

    #[test]
    fn nothing_is_known_of_a_cpu_that_says_nothing() {
        assert_eq!(described(&[]), Hardware::default());
    }

    #[test]
    fn a_cpu_is_read_as_its_vendor_encodes_it() {
        let intel = described(&[
            ((0, 0), vendor_leaf(7, b"GenuineIntel")),
            // Sapphire Rapids.
            ((1, 0), [0x0008_06f8, 0, 0, 0]),
            ((4, 0), cache_leaf(1, 1, 12, 64, 64)),
            ((4, 1), cache_leaf(2, 1, 8, 64, 64)),
            ((4, 2), cache_leaf(3, 2, 16, 64, 2048)),
            ((4, 3), cache_leaf(3, 3, 15, 64, 114_688)),
        ]);
        let expected = Hardware {
            cpu_vendor: Some("GenuineIntel".into()),
            cpu_family: Some(6),
            cpu_model_number: Some(143),
            cpu_stepping: Some(8),
            l1d_cache_bytes: Some(48 << 10),
            l2_cache_bytes: Some(2 << 20),
            l3_cache_bytes: Some(105 << 20),
            hypervisor: Some("none".into()),
            numa_nodes: None,
        };
        assert_eq!(intel, expected);
        let amd = described(&[
            ((0, 0), vendor_leaf(1, b"AuthenticAMD")),
            // Milan.
            ((1, 0), [0x00a0_0f11, 0, HYPERVISOR_BIT, 0]),
            ((0x4000_0000, 0), hypervisor_leaf(b"Microsoft Hv")),
            ((0x8000_0000, 0), [0x8000_001d, 0, 0, 0]),
            ((0x8000_001d, 0), cache_leaf(1, 1, 8, 64, 64)),
        ]);
        let expected = Hardware {
            cpu_vendor: Some("AuthenticAMD".into()),
            cpu_family: Some(25),
            cpu_model_number: Some(1),
            cpu_stepping: Some(1),
            l1d_cache_bytes: Some(32 << 10),
            hypervisor: Some("Hyper-V".into()),
            ..Hardware::default()
        };
        assert_eq!(amd, expected);
    }

    #[test]
    fn hypervisors_have_a_name_or_their_own_characters() {
        for (name, expected) in [
            (b"KVMKVMKVM\0\0\0", "KVM"),
            (b"VMwareVMware", "VMware"),
            (b"XenVMMXenVMM", "Xen"),
            (b"VBoxVBoxVBox", "VBoxVBoxVBox"),
            (b"a\"b\xff\n       ", r#"a\"b\xff\n       "#),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0", "unnamed"),
        ] {
            let found = described(&[
                ((0, 0), vendor_leaf(1, b"GenuineIntel")),
                ((1, 0), [0, 0, HYPERVISOR_BIT, 0]),
                ((0x4000_0000, 0), hypervisor_leaf(name)),
            ]);
            assert_eq!(found.hypervisor.as_deref(), Some(expected));
        }
        let silent = described(&[
            ((0, 0), vendor_leaf(1, b"GenuineIntel")),
            ((1, 0), [0, 0, HYPERVISOR_BIT, 0]),
        ]);
        assert_eq!(silent.hypervisor.as_deref(), Some("unnamed"));
    }

    #[test]
    fn what_cannot_be_true_is_not_known() {
        let found = described(&[
            ((0, 0), vendor_leaf(4, b"\xff\xfe\0\0\0\0\0\0\0\0\0\0")),
            // 2⁶³ bytes, and 2⁵³: no receipt has such integers.
            ((4, 0), [1 << 5 | 1, u32::MAX, (1 << 31) - 1, 0]),
            ((4, 1), cache_leaf(3, 2, 1 << 10, 1 << 12, 1 << 31)),
        ]);
        assert_eq!(found.cpu_vendor, None);
        assert_eq!(found.l1d_cache_bytes, None);
        assert_eq!(found.l2_cache_bytes, None);
    }

    #[test]
    fn caches_without_end_end() {
        let cpu = CpuId::with_cpuid_reader(|leaf, _| {
            let [eax, ebx, ecx, edx] = match leaf {
                0 => vendor_leaf(4, b"GenuineIntel"),
                _ => cache_leaf(2, 1, 8, 64, 64),
            };
            CpuIdResult { eax, ebx, ecx, edx }
        });
        assert_eq!(described_by(&cpu).l3_cache_bytes, None);
    }

    #[test]
    fn features_are_sorted() {
        let found = features();
        assert!(found.is_sorted(), "{found:?}");
    }
}
