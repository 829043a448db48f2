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
        let mapped = (len >= SMALLEST).then(|| MmapMut::map_anon(len).ok());
        match mapped.flatten() {
            None => Self::Owned(vec![0; len]),
            Some(map) => {
                advise(&map);
                Self::Mapped(map)
            }
        }
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
