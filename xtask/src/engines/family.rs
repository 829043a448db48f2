//! A process and all that come from it. They are known by their group, and on Linux also by a variable in
//! their environment, which stays where a process leaves its group and its parent.

use std::process::{Child, Command};

/// The variable. Its value is another one for each engine.
const MARK: &str = "BITRECEIPT_ENGINE";

/// A process and all that come from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Family {
    first: u32,
    mark: String,
}

/// Marks what `start` will start.
pub(super) fn mark(start: &mut Command) -> String {
    let mut random = [0; 16];
    // Without random numbers the mark is only this process's own.
    let _ = getrandom::fill(&mut random);
    let random: String = random.iter().map(|b| format!("{b:02x}")).collect();
    let mark = format!("{}-{random}", std::process::id());
    start.env(MARK, &mark);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(start, 0);
    mark
}

impl Family {
    /// The family of `child`, which was started with this mark.
    pub(super) fn of(child: &Child, mark: String) -> Self {
        Self {
            first: child.id(),
            mark,
        }
    }

    /// Asks the processes of the group to end.
    pub(super) fn ask_to_end(&self) {
        #[cfg(unix)]
        self.signal_group(rustix::process::Signal::TERM);
    }

    /// Ends all of them, without asking.
    pub(super) fn kill(&self) {
        #[cfg(unix)]
        self.signal_group(rustix::process::Signal::KILL);
        #[cfg(target_os = "linux")]
        marked::kill(&format!("{MARK}={}", self.mark));
    }

    #[cfg(unix)]
    fn signal_group(&self, signal: rustix::process::Signal) {
        let first = i32::try_from(self.first).ok();
        if let Some(group) = first.and_then(rustix::process::Pid::from_raw) {
            // It may have ended.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

#[cfg(target_os = "linux")]
mod marked {
    use std::{fs, thread, time::Duration};

    use rustix::process::{Pid, Signal, kill_process};

    /// So often it looks for processes that were forked meanwhile.
    const LOOKS: usize = 100;

    /// Ends every process with this entry in its environment.
    pub(super) fn kill(entry: &str) {
        for _ in 0..LOOKS {
            let found = find(entry);
            if found.is_empty() {
                return;
            }
            for pid in found {
                let _ = kill_process(pid, Signal::KILL);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn find(entry: &str) -> Vec<Pid> {
        let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = folders.filter_map(|f| f.file_name().to_str()?.parse::<i32>().ok());
        let has_entry = |pid: &i32| {
            // Empty for zombies, and not readable for other users' processes.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|&b| b == 0)
                .any(|e| e == entry.as_bytes())
        };
        numbers
            .filter(has_entry)
            .filter_map(Pid::from_raw)
            .collect()
    }
}
