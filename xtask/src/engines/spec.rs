//! Which engine is meant: a name, a command, or an address.

use super::{
    adapter::{Adapter, Adapters},
    command::words,
    engine::Facts,
    failure::Cause,
    name::{is_name, name_of_program},
};
use crate::http::ServerAddress;

/// An engine to start, or to connect to.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineSpec {
    /// What tables and receipts call it.
    pub name: String,
    /// How to talk to it.
    pub adapter: Adapter,
    /// Where it is.
    pub place: Place,
}

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A command that starts it, with `{placeholders}`.
    Command(String),
    /// A server that is running.
    Url(ServerAddress),
}

impl EngineSpec {
    /// The engine that `text` means: `NAME` of an adapter, `URL`, `COMMAND`, or `NAME=` before one of the
    /// two. A command with `{port}` is a server like llama.cpp's unless `NAME` is an adapter that says
    /// otherwise; one without is a program that speaks the line protocol.
    ///
    /// # Errors
    /// There is no such adapter, or the address is none.
    pub fn parse(text: &str, adapters: &Adapters) -> Result<Self, Cause> {
        if let Some(adapter) = adapters.find(text) {
            let command = adapter.command.clone().ok_or_else(|| {
                Cause::Usage(format!(
                    "{text} has no command; name it with {text}=COMMAND"
                ))
            })?;
            return Ok(Self::new(text, adapter, Place::Command(command)));
        }
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) if is_name(name) => (Some(name), rest),
            _ => (None, text),
        };
        let adapter = name.and_then(|name| adapters.find(name));
        if rest.starts_with("http://") || rest.starts_with("https://") {
            let url = rest.parse::<ServerAddress>();
            let url = url.map_err(|e| Cause::Usage(e.to_string()))?;
            let adapter = adapter.unwrap_or_else(|| adapters.usual_server());
            let name = name.unwrap_or(&adapter.name);
            return Ok(Self::new(name, adapter, Place::Url(url)));
        }
        if name.is_none() && is_name(rest) {
            let known: Vec<&str> = adapters.names().collect();
            return Err(Cause::Usage(format!(
                "found {rest:?}, known are {}; a command or an address of another engine is given as \
                 {rest}=COMMAND or {rest}=http://HOST:PORT",
                known.join(", ")
            )));
        }
        let words = words(rest)?;
        let of_the_program = name_of_program(&words[0]);
        let name = name.unwrap_or(&of_the_program);
        let of_its_own = match rest.contains("{port}") {
            true => adapters.usual_server().clone(),
            false => Adapter::program(name),
        };
        let adapter = adapter.unwrap_or(&of_its_own);
        Ok(Self::new(name, adapter, Place::Command(rest.to_owned())))
    }

    /// What is known of the engine without starting it.
    pub(super) fn facts(&self) -> Facts {
        Facts {
            name: self.name.clone(),
            version: None,
            sha256: None,
            command: match &self.place {
                Place::Command(command) => command.clone(),
                Place::Url(url) => url.to_string(),
            },
            is_remote: false,
            kv_type: self.adapter.kv_type.into(),
            load_ns: None,
        }
    }

    fn new(name: &str, adapter: &Adapter, place: Place) -> Self {
        Self {
            name: name.to_owned(),
            adapter: adapter.clone(),
            place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::adapter::Kind;

    fn parse(text: &str) -> Result<(String, Kind, String), String> {
        let spec = EngineSpec::parse(text, &Adapters::built_in()).map_err(|e| e.to_string())?;
        let place = match spec.place {
            Place::Command(command) => command,
            Place::Url(url) => url.to_string(),
        };
        Ok((spec.name, spec.adapter.kind, place))
    }

    #[test]
    fn names_commands_and_addresses() {
        for (text, name, kind, place) in [
            (
                "http://127.0.0.1:8080",
                "llama-server",
                Kind::Server,
                "http://127.0.0.1:8080",
            ),
            ("x=http://h:1/", "x", Kind::Server, "http://h:1"),
            (
                "/opt/bin/run --fast",
                "run",
                Kind::Program,
                "/opt/bin/run --fast",
            ),
            ("./s --port {port}", "s", Kind::Server, "./s --port {port}"),
            ("bn=python3 b.py", "bn", Kind::Program, "python3 b.py"),
            ("bn=b", "bn", Kind::Program, "b"),
            (
                "ik_llama=/x/llama-server",
                "ik_llama",
                Kind::Server,
                "/x/llama-server",
            ),
            ("./a b=c", "a", Kind::Program, "./a b=c"),
            (
                "'/x y/my $engine' -m",
                "my--engine",
                Kind::Program,
                "'/x y/my $engine' -m",
            ),
        ] {
            assert_eq!(parse(text), Ok((name.into(), kind, place.into())), "{text}");
        }
        let (name, _, command) = parse("llama-server").unwrap();
        assert!(name == "llama-server" && command.starts_with("llama-server -m {model}"));
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for (text, why) in [
            (
                "lama-server",
                "known are llama-server, ik_llama, bitnet.cpp",
            ),
            ("", "no words"),
            ("a=", "no words"),
            ("'a b", "a quote that is open"),
            ("https://a", "TLS"),
            ("a=http://", "allowed http://HOST:PORT"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
