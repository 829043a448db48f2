//! Whether this process may use tiles. The CPU must have them, and Linux keeps their 8 KiB of state
//! from a process until it asks (Linux, `Documentation/arch/x86/xstate.rst`).

use std::arch::x86_64::__cpuid_count;

/// Bits of EDX in leaf 7 of CPUID (Intel SDM, volume 2A).
const AMX_TILE: u32 = 1 << 24;
const AMX_INT8: u32 = 1 << 25;

/// Asks for the tiles; they are then this process's, on every thread.
pub fn request() -> bool {
    let found = __cpuid_count(7, 0).edx;
    found & AMX_TILE != 0 && found & AMX_INT8 != 0 && request_tile_data()
}

#[cfg(target_os = "linux")]
fn request_tile_data() -> bool {
    const SYS_ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const XFEATURE_XTILEDATA: u64 = 18;
    let result: i64;
    // SAFETY: arch_prctl takes two numbers and touches no memory of this process; the system call
    // instruction overwrites rcx and r11, which are named here.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") SYS_ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn request_tile_data() -> bool {
    false
}
