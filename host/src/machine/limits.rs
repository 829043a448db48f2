//! The limits of this process, as `ulimit` sets them, and which of them an error is about.

use std::{fs, io, path::Path};

/// How much a limited process may still have, in bytes. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Of addresses, used or reserved: `ulimit -v`.
    pub address_space: Option<u64>,
    /// Of memory that can be written to: `ulimit -d`.
    pub data: Option<u64>,
}

impl Room {
    /// What is left now. Where the system does not say what is used, nothing is.
    pub fn now() -> Self {
        let (address_space, data) = limits();
        if address_space.is_none() && data.is_none() {
            return Self::default();
        }
        let used = Used::read(Path::new("/"));
        Self {
            address_space: address_space.map(|limit| limit.saturating_sub(used.addresses)),
            data: data.map(|limit| limit.saturating_sub(used.data)),
        }
    }

    /// Both, with their names.
    pub fn named(self) -> impl Iterator<Item = (&'static str, u64)> {
        let both = [
            (ADDRESS_SPACE, self.address_space),
            (DATA_SEGMENT, self.data),
        ];
        both.into_iter()
            .filter_map(|(name, room)| Some((name, room?)))
    }
}

/// How messages name the limits.
pub(super) const ADDRESS_SPACE: &str = "address space (ulimit -v)";
pub(super) const DATA_SEGMENT: &str = "data segment (ulimit -d)";

/// The limits on addresses and on data.
#[cfg(unix)]
fn limits() -> (Option<u64>, Option<u64>) {
    use rustix::process::{Resource, getrlimit};
    let limit = |resource| getrlimit(resource).current;
    (limit(Resource::As), limit(Resource::Data))
}

#[cfg(not(unix))]
fn limits() -> (Option<u64>, Option<u64>) {
    (None, None)
}

/// The limit on the stack of the first thread, in bytes; `None` is no limit.
#[cfg(unix)]
pub fn stack_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Stack).current
}

#[cfg(not(unix))]
pub fn stack_limit() -> Option<u64> {
    None
}

/// What the process uses of what is limited.
#[derive(Debug, Default, PartialEq, Eq)]
struct Used {
    addresses: u64,
    data: u64,
}

impl Used {
    /// From the `/proc` of the system at `root`.
    fn read(root: &Path) -> Self {
        let status = fs::read_to_string(root.join("proc/self/status")).unwrap_or_default();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            number.unwrap_or(0).saturating_mul(1024)
        };
        Self {
            addresses: bytes("VmSize:"),
            data: bytes("VmData:"),
        }
    }
}

/// The limit of the machine that is behind an error, if one is.
#[cfg(unix)]
pub fn limit_behind(error: &io::Error) -> Option<&'static str> {
    use rustix::io::Errno;
    Some(match Errno::from_io_error(error)? {
        Errno::NOMEM => "the memory or the address space (ulimit -v)",
        Errno::MFILE => "the open files of this process (ulimit -n)",
        Errno::NFILE => "the open files of this machine",
        Errno::AGAIN => "the processes and threads (ulimit -u)",
        _ => return None,
    })
}

#[cfg(not(unix))]
pub fn limit_behind(error: &io::Error) -> Option<&'static str> {
    (error.kind() == io::ErrorKind::OutOfMemory).then_some("the memory")
}

/// Whether a file became too large for `ulimit -f`.
pub fn is_file_size_limit(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::FileTooLarge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_use_is_read_where_it_stands() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("proc/self");
        fs::create_dir_all(&folder).unwrap();
        let status =
            "Name:\tVmSize: 7 kB\nVmPeak:\t  900 kB\nVmSize:\t  800 kB\nVmData:\t   70 kB\n";
        fs::write(folder.join("status"), status).unwrap();
        let expected = Used {
            addresses: 800 << 10,
            data: 70 << 10,
        };
        assert_eq!(Used::read(root.path()), expected);
        assert_eq!(Used::read(Path::new("/absent")), Used::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        let used = Used::read(Path::new("/"));
        assert!(used.addresses > used.data && used.data > 0, "{used:?}");
    }

    #[cfg(unix)]
    #[test]
    fn errors_name_their_limits() {
        let named = |code| limit_behind(&io::Error::from_raw_os_error(code));
        assert!(named(24).unwrap().contains("ulimit -n"));
        assert!(named(12).unwrap().contains("ulimit -v"));
        assert_eq!(named(28), None);
        assert!(is_file_size_limit(&io::Error::from_raw_os_error(27)));
    }
}
