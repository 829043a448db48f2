//! The address of a server: `http://HOST:PORT`.

use std::{fmt, str::FromStr};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// A name or an address with its port, as sockets take it.
    pub host_and_port: String,
}

/// The text is no address that this program can connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// TLS.
    #[error(
        "found https, allowed http://HOST:PORT; TLS is for a proxy or an SSH tunnel in front of it"
    )]
    Tls,
    /// Anything else.
    #[error("found {0:?}, allowed http://HOST:PORT")]
    Other(String),
}

impl FromStr for ServerAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        if text.starts_with("https:") {
            return Err(NotAnAddress::Tls);
        }
        let other = || NotAnAddress::Other(text.chars().take(100).collect());
        let rest = text.strip_prefix("http://").ok_or_else(other)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        let (host, port) = match rest.rsplit_once(':') {
            // The last colon of an IPv6 address is no port's.
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (rest, "80"),
        };
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        if host.is_empty() || !host.chars().all(is_host) || !is_port {
            return Err(other());
        }
        Ok(Self {
            host_and_port: format!("{host}:{port}"),
        })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "http://{}", self.host_and_port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_a_port() {
        for (text, found) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
            ("http://example.org", "example.org:80"),
            ("http://[::1]:7000", "[::1]:7000"),
            ("http://[::1]", "[::1]:80"),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!(address.host_and_port, found);
        }
        for bad in [
            "",
            "127.0.0.1:80",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "http://a/b",
            "http://a b:1",
            "http://a\u{1b}:1",
            "http://user@a:1",
            "ftp://a:1",
            "http://a:1?b",
        ] {
            let error = bad.parse::<ServerAddress>().unwrap_err();
            assert!(matches!(error, NotAnAddress::Other(_)), "{bad}");
        }
        let tls = "https://a:1".parse::<ServerAddress>();
        assert_eq!(tls, Err(NotAnAddress::Tls));
    }
}
