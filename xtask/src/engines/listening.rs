//! Whether a server can be reached from other machines.

use std::fs;

/// The state of a socket that listens, in the system's tables.
const LISTENS: &str = "0A";

/// The end of an address in 127.0.0.0/8, as the tables write it: the first byte comes last.
const LOOPBACK: &str = "7F";

/// The address of IPv6 for this machine, and what stands before an address of IPv4.
const LOOPBACK_6: &str = "00000000000000000000000001000000";
const MAPPED: &str = "0000000000000000FFFF0000";

/// Whether somebody listens at `port` whom other machines can reach; false where the system has no such
/// tables.
pub(super) fn is_reachable_from_elsewhere(port: u16) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|path| {
        let table = fs::read_to_string(path).unwrap_or_default();
        table
            .lines()
            .any(|line| address(line, port).is_some_and(|address| !is_of_this_machine(address)))
    })
}

/// The address of a line, if somebody listens there at `port`.
fn address(line: &str, port: u16) -> Option<&str> {
    let mut fields = line.split_whitespace().skip(1);
    let (address, found) = fields.next()?.split_once(':')?;
    let listens = fields.nth(1)? == LISTENS;
    (listens && u16::from_str_radix(found, 16) == Ok(port)).then_some(address)
}

fn is_of_this_machine(address: &str) -> bool {
    let v4 = address.strip_prefix(MAPPED).unwrap_or(address);
    address == LOOPBACK_6 || v4.len() == LOOPBACK_6.len() / 4 && v4.ends_with(LOOPBACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        let line =
            |address: &str, state: &str| format!("  0: {address}:1F90 00000000:0000 {state} 0");
        for (text, expected) in [
            ("0100007F", true),
            ("0200007F", true),
            ("00000000", false),
            ("0100A8C0", false),
            ("00000000000000000000000001000000", true),
            ("0000000000000000FFFF00000100007F", true),
            ("0000000000000000FFFF00000100A8C0", false),
            ("00000000000000000000000000000000", false),
            ("000000000000000000000000000000007F", false),
        ] {
            let line = line(text, LISTENS);
            let found = address(&line, 0x1f90).unwrap();
            assert_eq!(is_of_this_machine(found), expected, "{text}");
            assert_eq!(address(&line, 80), None);
        }
        assert_eq!(address(&line("00000000", "01"), 0x1f90), None);
        assert_eq!(
            address("  sl  local_address rem_address   st", 0x1f90),
            None
        );
    }
}
