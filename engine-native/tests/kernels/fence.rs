//! An allocator that puts every buffer between two inaccessible pages, at one of them: a kernel that
//! reads or writes a single byte outside its operands ends the process. That holds on any ISA, and for
//! buffers that the checks do not make themselves, such as activations and scratch memory.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ptr::{null_mut, with_exposed_provenance_mut},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

const PAGE: usize = 4096;
/// Smaller allocations are those of the test harness.
const SMALLEST: usize = 32;
/// Larger ones have no fence: the longest rows of few checks.
const MOST_PAGES: usize = 128;

/// Where buffers lie between their two inaccessible pages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Edge {
    /// They end where the page behind them begins.
    End,
    /// They begin where the page before them ends.
    Start,
}

thread_local! {
    static EDGE: Cell<Option<Edge>> = const { Cell::new(None) };
}

/// Runs `f` with the buffers that this thread allocates at `edge`.
pub fn at_edge<R>(edge: Edge, f: impl FnOnce() -> R) -> R {
    EDGE.set(Some(edge));
    let result = f();
    EDGE.set(None);
    result
}

/// Where buffers of this thread lie now.
pub fn edge() -> Option<Edge> {
    EDGE.get()
}

/// Address space for all fenced pages. What lies in it is recognised by its address.
const REGION: usize = 1 << 30;
/// The system allows 65,530 mappings to a process, and each of these makes two.
const MOST_TAKEN: usize = 16_000;

/// Fenced pages. They are used again: a mapping for each buffer would take minutes.
struct Pages {
    /// Start of the region, 0 before the first use.
    base: usize,
    /// Bytes of the region in use.
    used: usize,
    n_taken: usize,
    /// Free pages, in a list for each number of them. The first bytes of free pages hold the address of
    /// the next ones.
    free: [usize; MOST_PAGES + 1],
}

static PAGES: Mutex<Pages> = Mutex::new(Pages {
    base: 0,
    used: 0,
    n_taken: 0,
    free: [0; MOST_PAGES + 1],
});

impl Pages {
    /// Takes `n_pages` pages between two inaccessible ones; `None` if there are no more.
    fn take(&mut self, n_pages: usize) -> Option<*mut u8> {
        let first = with_exposed_provenance_mut::<u8>(self.free[n_pages]);
        if !first.is_null() {
            // SAFETY: free pages are accessible, and begin with an address that `give_back` wrote.
            self.free[n_pages] = unsafe { first.cast::<usize>().read() };
            return Some(first);
        }
        if self.base == 0 {
            let (flags, none) = (MapFlags::PRIVATE | MapFlags::NORESERVE, ProtFlags::empty());
            // SAFETY: a new mapping takes no memory that anybody uses.
            let base = unsafe { mmap_anonymous(null_mut(), REGION, none, flags) }.ok()?;
            self.base = base.cast::<u8>().expose_provenance();
        }
        let len = (n_pages + 1) * PAGE;
        if self.used + len + PAGE > REGION || self.n_taken == MOST_TAKEN {
            return None;
        }
        let first = with_exposed_provenance_mut::<u8>(self.base + self.used + PAGE);
        let accessible = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: nobody has these pages of the region. The ones around them stay inaccessible.
        unsafe { mprotect(first.cast(), n_pages * PAGE, accessible) }.ok()?;
        self.used += len;
        self.n_taken += 1;
        Some(first)
    }

    /// Gives back what [`Pages::take`] returned.
    fn give_back(&mut self, first: *mut u8, n_pages: usize) {
        // SAFETY: the pages are accessible, aligned, and nobody uses them any more.
        unsafe { first.cast::<usize>().write(self.free[n_pages]) };
        self.free[n_pages] = first.expose_provenance();
    }

    fn contain(&self, ptr: *mut u8) -> bool {
        self.base > 0 && ptr.addr().wrapping_sub(self.base) < REGION
    }
}

fn lock() -> MutexGuard<'static, Pages> {
    PAGES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Fence;

#[global_allocator]
static FENCE: Fence = Fence;

/// The pages that an allocation is worth, if any. With them, its end has the alignment of its start.
fn worth(layout: Layout) -> Option<usize> {
    let (size, align) = (layout.size(), layout.align());
    let n_pages = size.div_ceil(PAGE);
    let is_worth = size >= SMALLEST && size.is_multiple_of(align) && align <= PAGE;
    (is_worth && n_pages <= MOST_PAGES).then_some(n_pages)
}

// SAFETY: memory comes from the system's allocator or is pages of its own, of at least the asked size and
// alignment, and is given back where its address says that it came from.
unsafe impl GlobalAlloc for Fence {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((edge, n_pages)) = EDGE.get().zip(worth(layout)) else {
            // SAFETY: the caller's promise is passed on.
            return unsafe { System.alloc(layout) };
        };
        // A check is not silently run without the fence.
        let first = lock().take(n_pages).unwrap_or(null_mut());
        match edge {
            Edge::End if !first.is_null() => first.wrapping_add(n_pages * PAGE - layout.size()),
            _ => first,
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let mut pages = lock();
        if pages.contain(ptr) {
            // At either edge, a buffer begins in its first page.
            let first = ptr.wrapping_sub(ptr.addr() % PAGE);
            pages.give_back(first, layout.size().div_ceil(PAGE));
            return;
        }
        drop(pages);
        // SAFETY: it came from there; the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}
