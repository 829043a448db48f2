//! How an engine is started, asked and understood, as data. `ci/engines/README.md` describes the keys.

use serde::Deserialize;

use super::name::is_name;
use crate::kv_name::KvName;

/// Those that come with the program.
const BUILT_IN: &str = include_str!("../../../ci/engines/adapters.toml");

/// The name of the adapter that a URL, or a command with a port, has unless it names another one.
const USUAL_SERVER: &str = "llama-server";

/// Adapters by their names.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adapters {
    #[serde(rename = "engine")]
    engines: Vec<Adapter>,
}

/// One kind of engine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adapter {
    /// What users, tables and receipts call it.
    pub name: String,
    /// How it is talked to.
    pub kind: Kind,
    /// What starts it, with `{placeholders}`.
    pub command: Option<String>,
    /// The path that answers 200 when a server is ready.
    pub ready: Option<String>,
    /// Where a server says its version.
    pub version: Option<Version>,
    /// Element type of its KV cache, as its command sets it: "f16" (the default) or "f32".
    #[serde(default)]
    pub kv_type: KvName,
    /// What a server is asked.
    pub request: Option<AdapterRequest>,
    /// Where a server's answer has what.
    pub answer: Option<AdapterAnswer>,
}

/// How an engine is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// HTTP, with an answer in server-sent events.
    Server,
    /// The line protocol, on standard input and output.
    Program,
}

/// Where a server says its version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Version {
    /// In an answer.
    Answer {
        /// What is asked for.
        path: String,
        /// A JSON pointer into the answer.
        value: String,
    },
    /// In what it prints when it is called with this argument alone.
    Printed {
        /// Such as `--version`.
        argument: String,
        /// What stands before the version, on its line.
        after: String,
    },
}

/// What a server is asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterRequest {
    /// Where to.
    pub path: String,
    /// The body; the strings `{prompt}`, `{n}` and `{top_logits}` stand for values.
    pub body: toml::Table,
    /// What is different in the body of a request whose answer has all tokens at once, if the stream can
    /// keep some back.
    pub whole: Option<toml::Table>,
}

/// Where an event of a server's answer has what: JSON pointers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterAnswer {
    /// The ids of the event's tokens.
    pub tokens: Option<String>,
    /// The text of the event's tokens; their ids are looked up in the vocabulary of the model.
    pub piece: Option<String>,
    /// The texts of all tokens, in an answer that has them at once.
    pub pieces: Option<PiecePlaces>,
    /// How many tokens were chosen so far.
    pub count: Option<String>,
    /// True in the last event.
    pub last: String,
    /// The largest logits at the event's token.
    pub top_logits: Option<TopLogits>,
    /// In the last event: the time of the prompt, in milliseconds.
    pub prompt_ms: Option<String>,
    /// In the last event: the time of all steps, in milliseconds.
    pub decode_ms: Option<String>,
}

/// Where an answer has the texts of all tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiecePlaces {
    /// The list of tokens.
    pub positions: String,
    /// The text, in an element of it.
    pub text: String,
}

/// Where an event has the largest logits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopLogits {
    /// The list of tokens, in the event.
    pub positions: String,
    /// The list of logits, in an element of it.
    pub list: String,
    /// The id, in an element.
    pub id: String,
    /// The logit or log-probability, in an element.
    pub value: String,
}

impl Adapters {
    /// Those that come with the program.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).expect("a test reads it")
    }

    /// Adapters from the text of a file.
    ///
    /// # Errors
    /// It is no such file: what is wrong, and in which line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let adapters: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        for adapter in &adapters.engines {
            let name = &adapter.name;
            adapter.check().map_err(|why| format!("{name:?}: {why}"))?;
        }
        Ok(adapters)
    }

    /// These, and `own` before them: the user's adapters may have names that are taken.
    #[must_use]
    pub fn with(self, mut own: Self) -> Self {
        own.engines.extend(self.engines);
        own
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<&Adapter> {
        self.engines.iter().find(|adapter| adapter.name == name)
    }

    /// The one that understands most servers.
    pub fn usual_server(&self) -> &Adapter {
        self.find(USUAL_SERVER).expect("one that is built in")
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.engines.iter().map(|adapter| adapter.name.as_str())
    }
}

impl Adapter {
    /// A program that speaks the line protocol.
    pub fn program(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::Program,
            command: None,
            ready: None,
            version: None,
            kv_type: KvName::default(),
            request: None,
            answer: None,
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        if !is_name(&self.name) {
            return Err("a name has only letters, digits, '.', '_' and '-'");
        }
        let of_a_server = [
            self.ready.is_some(),
            self.version.is_some(),
            self.request.is_some(),
            self.answer.is_some(),
        ];
        match (self.kind, &self.answer) {
            (Kind::Program, _) if of_a_server.contains(&true) => {
                Err("ready, version, request and answer are of servers")
            }
            (Kind::Program, _) => Ok(()),
            (Kind::Server, Some(answer)) if self.request.is_some() && self.ready.is_some() => {
                match answer.tokens.is_some() != answer.piece.is_some() {
                    true => Ok(()),
                    false => Err("answer: allowed is one of tokens and piece"),
                }
            }
            (Kind::Server, _) => Err("a server needs ready, request and answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_read() {
        let adapters = Adapters::built_in();
        let names: Vec<&str> = adapters.names().collect();
        assert_eq!(names, ["llama-server", "ik_llama", "bitnet.cpp"]);
        assert_eq!(adapters.usual_server().name, "llama-server");
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let refused = |rest: &str| {
            let text = format!("[[engine]]\nname = \"a\"\n{rest}");
            Adapters::parse(&text).unwrap_err()
        };
        assert!(refused("kind = \"server\"").contains("needs ready"));
        assert!(refused("kind = \"program\"\nready = \"/\"").contains("are of servers"));
        assert!(refused("kind = \"library\"").contains("expected `server` or `program`"));
        assert!(refused("kind = \"program\"\nport = 1").contains("unknown field"));
        let server = "kind = \"server\"\nready = \"/\"\nrequest = { path = \"/\", body = {} }\n";
        let both = "answer = { tokens = \"/a\", piece = \"/b\", last = \"/c\" }";
        assert!(refused(&format!("{server}{both}")).contains("one of tokens and piece"));
    }

    /// A name is a part of the names of receipts, and stands before a sign on the command line.
    #[test]
    fn a_name_is_one_on_the_command_line_and_in_file_names() {
        for name in ["", "a b", "../a", "a/b", "a=b", "é"] {
            let text = format!("[[engine]]\nname = \"{name}\"\nkind = \"program\"");
            let refused = Adapters::parse(&text).unwrap_err();
            assert!(refused.contains("a name has only"), "{name}: {refused}");
        }
    }

    #[test]
    fn the_users_adapters_come_first() {
        let own = "[[engine]]\nname = \"bitnet.cpp\"\nkind = \"program\"\ncommand = \"b\"";
        let all = Adapters::built_in().with(Adapters::parse(own).unwrap());
        assert_eq!(all.find("bitnet.cpp").unwrap().kind, Kind::Program);
        assert_eq!(all.find("ik_llama").unwrap().kind, Kind::Server);
    }
}
