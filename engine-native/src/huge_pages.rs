//! Memory in huge pages, where the system has them: large weights are read without a page walk every
//! 4 KiB.

use memmap2::MmapMut;

/// Zeroed bytes, in huge pages if the system grants them.
#[derive(Debug)]
pub(crate) enum HugePages {
    /// From the system.
    Mapped(MmapMut),
    /// Little, or where nothing can be mapped.
    Owned(Vec<u8>),
}

/// What is smaller may be read from a cache all the time.
pub(crate) const FROM_MEMORY_BYTES: usize = 64 << 20;

/// What is smaller than a few huge pages is not worth one.
const SMALLEST: usize = 8 << 20;

impl HugePages {
    /// `len` bytes.
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

/// A wish: a system without huge pages says no, and the memory is as good but slower.
#[cfg(target_os = "linux")]
fn advise(map: &MmapMut) {
    let _ = map.advise(memmap2::Advice::HugePage);
}

#[cfg(not(target_os = "linux"))]
fn advise(_map: &MmapMut) {}
