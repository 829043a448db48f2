//! Chromium without a window, driven through its DevTools protocol over two pipes: no port, no server.

use std::{
    cell::{Cell, RefCell},
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest wait for an answer: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with an empty profile of its own.
pub struct Browser {
    child: Child,
    to: RefCell<ChildStdin>,
    from: Receiver<Value>,
    next_id: Cell<u64>,
    /// What it reported and nobody has taken yet.
    events: RefCell<Vec<Value>>,
    _profile: TempDir,
}

/// A page in the browser.
pub struct Tab<'b> {
    browser: &'b Browser,
    session: String,
}

fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    names.into_iter().find(runs)
}

impl Browser {
    /// Starts one with further flags. None, and said, where there is no Chromium.
    pub fn start(flags: &[&str]) -> Option<Self> {
        let Some(chromium) = chromium() else {
            eprintln!("SKIPPED: there is no Chromium");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // It reads from descriptor 3 and writes to 4. A shell moves them there without unsafe code.
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null"#, "sh"])
            .args([chromium, "--headless=new", "--remote-debugging-pipe"])
            .args(["--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, from) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while let Ok(1..) = output.read_until(0, &mut message) {
                let value = serde_json::from_slice(message.strip_suffix(b"\0").unwrap_or(&message));
                if value.map(|value| sender.send(value)).is_err() {
                    return;
                }
                message.clear();
            }
        });
        Some(Self {
            to: RefCell::new(child.stdin.take().unwrap()),
            child,
            from,
            next_id: Cell::new(0),
            events: RefCell::default(),
            _profile: profile,
        })
    }

    /// Opens an empty tab.
    pub fn tab(&self) -> Tab<'_> {
        let target = self.call(None, "Target.createTarget", json!({"url": "about:blank"}));
        let params = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.call(None, "Target.attachToTarget", params);
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let tab = Tab {
            browser: self,
            session,
        };
        for domain in ["Page", "Runtime", "Network", "Log", "Audits"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        // A worker waits until its requests are reported, too.
        let all = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
        tab.call("Target.setAutoAttach", all);
        tab
    }

    fn send(&self, session: Option<&str>, method: &str, params: Value) -> u64 {
        let id = self.next_id.get() + 1;
        self.next_id.set(id);
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut to = self.to.borrow_mut();
        to.write_all(format!("{message}\0").as_bytes()).unwrap();
        to.flush().unwrap();
        id
    }

    #[track_caller]
    fn call(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let id = self.send(session, method, params);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.from.recv_timeout(left);
            let mut message = message.unwrap_or_else(|e| panic!("{method}: {e}"));
            if message["id"] == json!(id) {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.note(message);
        }
    }

    /// Keeps an event, and has a new worker report its own.
    fn note(&self, message: Value) {
        if message["method"] == "Target.attachedToTarget" && message["sessionId"].is_string() {
            let session = message["params"]["sessionId"].as_str().unwrap();
            self.send(Some(session), "Network.enable", json!({}));
            self.send(Some(session), "Runtime.enable", json!({}));
            self.send(Some(session), "Runtime.runIfWaitingForDebugger", json!({}));
        }
        if message["method"].is_string() {
            self.events.borrow_mut().push(message);
        }
    }

    /// Takes the events so far: the parameters of each with its method.
    pub fn take_events(&self) -> Vec<(String, Value)> {
        loop {
            match self.from.recv_timeout(Duration::from_millis(50)) {
                Ok(message) => self.note(message),
                Err(RecvTimeoutError::Timeout) => break,
                Err(e) => panic!("{e}"),
            }
        }
        let events = self.events.take().into_iter();
        let named =
            events.map(|mut e| (e["method"].as_str().unwrap().to_owned(), e["params"].take()));
        named.collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tab<'_> {
    /// Calls a method of the protocol, which must succeed.
    #[track_caller]
    pub fn call(&self, method: &str, params: Value) -> Value {
        self.browser.call(Some(&self.session), method, params)
    }

    /// Opens a page and waits until it has loaded.
    pub fn open(&self, url: &str) {
        let opened = self.call("Page.navigate", json!({"url": url}));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// The value of an expression, or of the promise that it makes.
    #[track_caller]
    pub fn eval(&self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let mut done = self.call("Runtime.evaluate", params);
        assert!(done["exceptionDetails"].is_null(), "{expression}: {done}");
        done["result"]["value"].take()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait(&self, expression: &str) {
        let begun = Instant::now();
        while self.eval(&format!("Boolean({expression})")) != json!(true) {
            let body = || self.eval("document.body.innerText");
            assert!(
                begun.elapsed() < PATIENCE,
                "never: {expression}\n{}",
                body()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Chooses files in a file chooser, as a person does.
    pub fn choose(&self, selector: &str, files: &[&std::path::Path]) {
        let expression = format!("document.querySelector('{selector}')");
        let found = self.call("Runtime.evaluate", json!({"expression": expression}));
        let object = &found["result"]["objectId"];
        self.call(
            "DOM.setFileInputFiles",
            json!({"files": files, "objectId": object}),
        );
    }

    /// Presses a key: `Tab`, `Enter`, or ` `.
    pub fn press(&self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            " " => (32, " "),
            other => panic!("no key {other}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Makes the window so wide, with a colour scheme.
    pub fn look(&self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.call("Emulation.setEmulatedMedia", features);
    }
}
