//! A throw-away time stamping authority, made with `openssl`.

use std::process::{Command, Output};

use crate::process::Workspace;

/// Certificates and the settings of the authority. Its key may sign time stamps and nothing else, as
/// RFC 3161 demands.
const SETTINGS: &str = "\
[req]
distinguished_name = name
prompt = no
[name]
CN = A throw-away authority
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamps]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = here
[here]
serial = tsa.serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.13762.3
digests = sha256
ess_cert_id_alg = sha256
";

/// A workspace in which an authority can stamp.
pub struct Authority<'w> {
    workspace: &'w Workspace,
}

impl<'w> Authority<'w> {
    /// Makes its keys and certificates. None, and said, without a program that stamps.
    pub fn new(workspace: &'w Workspace) -> Option<Self> {
        let authority = Self { workspace };
        if Command::new("openssl")
            .args(["ts", "-help"])
            .output()
            .is_err()
        {
            eprintln!("SKIPPED: there is no openssl here, which makes and checks time stamps");
            return None;
        }
        workspace.write("tsa.conf", SETTINGS);
        workspace.write("tsa.serial", "01\n");
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for words in [
            format!("req -config tsa.conf -x509 -extensions root {key} -keyout root.key -out root.pem -days 2"),
            format!("req -config tsa.conf -new {key} -keyout tsa.key -out tsa.csr"),
            "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -extfile tsa.conf -extensions stamps \
             -days 2 -out tsa.pem"
                .into(),
        ] {
            authority.succeeds(&words);
        }
        Some(authority)
    }

    /// What the authority answers to a question: a token, in `answer`.
    pub fn stamp(&self, question: &str, answer: &str) {
        let words =
            format!("ts -reply -config tsa.conf -section here -queryfile {question} -out {answer}");
        self.succeeds(&words);
    }

    /// Runs `openssl` with `words`.
    pub fn openssl(&self, words: &str) -> Output {
        let mut command = Command::new("openssl");
        command
            .args(words.split_whitespace())
            .current_dir(self.workspace.folder());
        command.output().unwrap()
    }

    /// As [`openssl`](Self::openssl): what it printed, of a run that succeeded.
    #[track_caller]
    pub fn succeeds(&self, words: &str) -> String {
        let output = self.openssl(words);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "openssl {words}\n{stderr}");
        String::from_utf8(output.stdout).unwrap()
    }
}
