//! Permission to use the tile registers. The CPU must have them, and on Linux a process must ask
//! for their 8 KiB of state (Linux, `Documentation/arch/x86/xstate.rst`).

use std::arch::x86_64::__cpuid_count;

/// Bits of EDX in leaf 7 of CPUID (Intel SDM, volume 2A).
const AMX_TILE: u32 = 1 << 24;
const AMX_INT8: u32 = 1 << 25;

/// Requests the tile registers for all threads of this process. Returns whether they can be used.
pub fn request() -> bool {
    let found = __cpuid_count(7, 0).edx;
    found & AMX_TILE != 0 && found & AMX_INT8 != 0 && request_tile_data()
}

#[cfg(target_os = "linux")]
fn request_tile_data() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: with this code `arch_prctl` takes a number and touches no memory of the process.
    let result = unsafe {
        libc::syscall(
            libc::SYS_arch_prctl,
            ARCH_REQ_XCOMP_PERM,
            XFEATURE_XTILEDATA,
        )
    };
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn request_tile_data() -> bool {
    false
}
