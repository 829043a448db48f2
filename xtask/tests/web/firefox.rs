//! The page in Firefox, over Marionette's own protocol: JSON arrays with their length before them. Where there
//! is no Firefox, this says so and checks nothing.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::page::{url, with_receipt};

/// A browser that starts or checks for longer is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Firefox with a profile of its own, ended with this value.
struct Firefox {
    process: Child,
    stream: TcpStream,
    n_sent: u64,
    _profile: tempfile::TempDir,
}

impl Firefox {
    fn start() -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        let prefs = r#"user_pref("marionette.port", 0);"#;
        fs::write(profile.path().join("user.js"), prefs).unwrap();
        let process = ["firefox-esr", "firefox"].into_iter().find_map(|name| {
            let mut command = Command::new(name);
            command.args(["--headless", "--marionette", "--no-remote", "--profile"]);
            command.arg(profile.path());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().ok()
        });
        let Some(process) = process else {
            eprintln!("SKIPPED: there is no Firefox");
            return None;
        };
        let stream = connect(&profile.path().join("MarionetteActivePort"));
        let mut browser = Self {
            process,
            stream,
            n_sent: 0,
            _profile: profile,
        };
        // It speaks first, and says what it is.
        browser.read();
        browser.call("WebDriver:NewSession", json!({}));
        Some(browser)
    }

    fn read(&mut self) -> Value {
        let mut digits = String::new();
        let mut byte = [0];
        loop {
            self.stream.read_exact(&mut byte).unwrap();
            match byte[0] {
                b':' => break,
                digit => digits.push(digit.into()),
            }
        }
        let mut bytes = vec![0; digits.parse().unwrap()];
        self.stream.read_exact(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Calls a command. Panics with the browser's error, if there is one.
    fn call(&mut self, command: &str, parameters: Value) -> Value {
        self.n_sent += 1;
        let message = json!([0, self.n_sent, command, parameters]).to_string();
        write!(self.stream, "{}:{message}", message.len()).unwrap();
        let answer: [Value; 4] = serde_json::from_value(self.read()).unwrap();
        let [_, _, error, result] = answer;
        assert!(error.is_null(), "{command}: {error}");
        result
    }

    fn eval(&mut self, script: &str) -> Value {
        let parameters = json!({"script": script, "args": []});
        self.call("WebDriver:ExecuteScript", parameters)["value"].take()
    }

    fn click(&mut self, id: &str) {
        self.eval(&format!("document.getElementById('{id}').click()"));
    }

    /// Puts a file into a chooser, as a person does.
    fn choose(&mut self, id: &str, file: &Path) {
        let found = json!({"using": "css selector", "value": format!("#{id}")});
        let found = self.call("WebDriver:FindElement", found)["value"].take();
        let element = found.as_object().unwrap().values().next().unwrap().clone();
        let keys = json!({"id": element, "text": file.to_str().unwrap()});
        self.call("WebDriver:ElementSendKeys", keys);
    }

    /// Waits for a verdict: what stands on its badge.
    fn verdict(&mut self) -> String {
        let begun = Instant::now();
        loop {
            let [verdict, failure] = ["badge", "failure-text"].map(|id| {
                let shown = self.eval(&format!(
                    "const e = document.getElementById('{id}'); return e.offsetParent && e.textContent"
                ));
                shown.as_str().unwrap_or_default().to_owned()
            });
            assert_eq!(failure, "");
            if !verdict.is_empty() {
                return verdict;
            }
            assert!(begun.elapsed() < PATIENCE, "no verdict");
            sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Connects to the port that the browser writes into this file.
fn connect(port: &Path) -> TcpStream {
    let begun = Instant::now();
    loop {
        let port = fs::read_to_string(port)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let stream = port.and_then(|port: u16| TcpStream::connect(("127.0.0.1", port)).ok());
        if let Some(stream) = stream {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            return stream;
        }
        assert!(begun.elapsed() < PATIENCE, "Firefox does not listen");
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn firefox_concludes_what_chromium_does() {
    let Some(mut browser) = Firefox::start() else {
        return;
    };
    browser.call("WebDriver:Navigate", json!({"url": url()}));
    browser.click("try");
    assert!(browser.verdict().ends_with("accepted"));
    let guest = browser.eval("return document.getElementById('guest-outcome').textContent");
    assert!(guest.as_str().unwrap().contains("hashed here"), "{guest}");

    let workspace = with_receipt();
    let mut forged: Value = serde_json::from_slice(&workspace.read("r.json")).unwrap();
    forged["tokens"][3] = json!(7);
    host::receipt::seal(&mut forged);
    workspace.write("forged.json", forged.to_string());
    browser.call("WebDriver:Navigate", json!({"url": url()}));
    browser.choose("receipt", &workspace.path("forged.json"));
    browser.click("check");
    assert!(browser.verdict().ends_with("rejected"));
}
