//! Memory in huge pages, where the system provides them: reading large weights then needs no page
//! walk every 4 KiB.

use memmap2::MmapMut;

/// Zeroed memory, in huge pages if the system grants them.
#[derive(Debug)]
pub(crate) enum HugePages {
    /// An anonymous mapping.
    Mapped(MmapMut),
    /// A small buffer, or one that could not be mapped.
    Owned(Vec<u8>),
}

/// Buffers below this size may stay in a cache between two reads.
pub(crate) const FROM_MEMORY_BYTES: usize = 64 << 20;

/// Smaller buffers would not fill a few huge pages.
const SMALLEST: usize = 8 << 20;

impl HugePages {
    /// Allocates `len` zeroed bytes.
    pub(crate) fn zeroed(len: usize) -> Self {
        Self::mapped(len).unwrap_or_else(|| Self::Owned(vec![0; len]))
    }

    /// Allocates `len` zeroed bytes; `None` if there is no memory for them.
    pub(crate) fn try_zeroed(len: usize) -> Option<Self> {
        Self::mapped(len).or_else(|| {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(len).ok()?;
            bytes.resize(len, 0);
            Some(Self::Owned(bytes))
        })
    }

    /// `len` bytes in a mapping, if that is worth it and possible.
    fn mapped(len: usize) -> Option<Self> {
        if len < SMALLEST {
            return None;
        }
        let map = MmapMut::map_anon(len).ok()?;
        advise(&map);
        Some(Self::Mapped(map))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Asks for huge pages. On a system without them this fails, and the memory is slower but usable.
#[cfg(target_os = "linux")]
fn advise(map: &MmapMut) {
    let _ = map.advise(memmap2::Advice::HugePage);
}

#[cfg(not(target_os = "linux"))]
fn advise(_map: &MmapMut) {}
