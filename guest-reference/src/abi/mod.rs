//! The module's exports: numbers in, numbers out, no imports. `NUMERICS.md` describes each call.
//!
//! This is the only module with `unsafe`: an instance keeps its one session in a static, and the
//! exports have unmangled names.
#![allow(unsafe_code)]

mod exports;

use alloc::format;
use alloc::string::String;
use core::cell::UnsafeCell;

use crate::error::{Error, Result};
use crate::loading::Staging;
use crate::op::{OPS, Op};
use crate::runner::Runner;
use crate::session::Session;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

struct State {
    session: Session,
    /// Message of the last error.
    error: String,
}

struct Global(UnsafeCell<State>);

// SAFETY: the module is built without threads, so only one ever uses the static.
unsafe impl Sync for Global {}

static GLOBAL: Global = Global(UnsafeCell::new(State {
    session: Session::new(),
    error: String::new(),
}));

/// Runs `call` on the instance's state.
fn with_state<R>(call: impl FnOnce(&mut State) -> R) -> R {
    // SAFETY: exports do not call one another and the module imports nothing that could call
    // back, so no other reference to the state exists while `call` runs.
    call(unsafe { &mut *GLOBAL.0.get() })
}

/// Runs `call`. If it fails, keeps the message and returns the status, negated.
fn value(call: impl FnOnce(&mut Session) -> Result<i64>) -> i64 {
    with_state(|state| match call(&mut state.session) {
        Ok(value) => value,
        Err(error) => {
            state.error = error.message().into();
            -i64::from(error.status())
        }
    })
}

/// Runs `call`. Returns 0, or the status if it fails.
fn status(call: impl FnOnce(&mut Session) -> Result<()>) -> i32 {
    // A negated status is in -5..=0, which fits.
    -value(|session| call(session).map(|()| 0)) as i32
}

fn size(what: &str, n: i64) -> Result<u64> {
    u64::try_from(n).map_err(|_| Error::Misuse(format!("{what} {n} is negative")))
}

fn index(what: &str, n: i64) -> Result<usize> {
    usize::try_from(n).map_err(|_| Error::Misuse(format!("{what} {n} is out of range")))
}

fn count(n: usize) -> i64 {
    // A 32-bit address space: every size fits.
    n as i64
}

fn address<T>(slice: &[T]) -> i64 {
    count(slice.as_ptr().addr())
}

fn at_position(position: i64, call: fn(&mut Runner, usize) -> Result<()>) -> i32 {
    status(|session| call(session.runner()?, index("position", position)?))
}

fn op(number: i32) -> Result<Op> {
    let found = usize::try_from(number).ok().and_then(|i| OPS.get(i));
    let unknown = || Error::Misuse(format!("op {number}; 0 to {} exist", OPS.len() - 1));
    found.map(|(op, _)| *op).ok_or_else(unknown)
}

fn staging(session: &mut Session) -> Result<&mut Staging> {
    session.runner()?.staging()
}
