//! What the system allows this process: stack, signals, and room for memory.

use std::{io, panic::resume_unwind, thread};

use host::machine::{Room, stack_limit};

use crate::exit::{Exit, Failure};

/// The stack that commands may count on: that of a usual first thread.
const STACK_BYTES: u64 = 8 << 20;

/// Runs `main` with a stack that is large enough, whatever `ulimit -s` says.
pub fn with_stack<T: Send>(main: impl FnOnce() -> T + Send) -> T {
    if stack_limit().is_none_or(|limit| limit >= STACK_BYTES) {
        return main();
    }
    let mut main = Some(main);
    let on_its_own = thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK_BYTES as usize);
        // Not moved, so that it is still there if there is no thread.
        let main = &mut main;
        let spawned = builder.spawn_scoped(scope, move || main.take().map(|main| main()));
        spawned.map(|thread| thread.join())
    });
    match on_its_own {
        Ok(Ok(Some(done))) => done,
        Ok(Err(panic)) => resume_unwind(panic),
        // What is there may be enough.
        Ok(Ok(None)) | Err(_) => main
            .take()
            .map(|main| main())
            .expect("a main that has not begun"),
    }
}

/// Starts this program again where addresses are scarce, with one heap for all threads: otherwise the
/// C library reserves 64 MiB of addresses for each thread, as long as there are any, and what is
/// needed finds none.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn save_addresses() {
    use std::{env, os::unix::process::CommandExt, process::Command};
    const HEAPS: &str = "MALLOC_ARENA_MAX";
    /// Enough for heaps of any number of threads.
    const PLENTY: u64 = 1 << 40;
    let is_scarce = Room::now().address_space.is_some_and(|room| room < PLENTY);
    if !is_scarce || env::var_os(HEAPS).is_some() {
        return;
    }
    let mut words = env::args_os();
    if let (Ok(program), Some(name)) = (env::current_exe(), words.next()) {
        // Returns only if there is no other start. This one goes on then.
        let _ = Command::new(program)
            .arg0(name)
            .args(words)
            .env(HEAPS, "1")
            .exec();
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn save_addresses() {}

/// Makes signals about limits into errors, or into exit codes where there is no way back.
///
/// # Errors
/// The system gives no handlers.
#[cfg(unix)]
pub fn answer_signals() -> io::Result<()> {
    use signal_hook::{consts, flag};
    use std::sync::{Arc, atomic::AtomicBool};
    // Handled, it makes the write fail that goes beyond `ulimit -f`.
    flag::register(consts::SIGXFSZ, Arc::default())?;
    if Room::now() != Room::default() {
        // The last resort: memory that is refused ends Rust programs with this signal.
        let always = Arc::new(AtomicBool::new(true));
        flag::register_conditional_shutdown(consts::SIGABRT, Exit::Usage as i32, always)?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub fn answer_signals() -> io::Result<()> {
    Ok(())
}

/// What every command takes beside what it reads, in bytes.
const LEAST_ROOM: u64 = 48 << 20;

/// Refuses to begin where limits leave nearly nothing.
///
/// # Errors
/// A limit leaves too little.
pub fn check_room() -> Result<(), Failure> {
    for (what, room) in Room::now().named() {
        if room < LEAST_ROOM {
            let (room, least) = (room >> 20, LEAST_ROOM >> 20);
            let found = format!("{room} MiB are left, at least {least} are needed");
            return Err(Failure::new(Exit::Usage, found)
                .about(what)
                .with_hint("raise this limit"));
        }
    }
    Ok(())
}
