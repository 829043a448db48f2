//! The page sends nothing and keeps nothing, and what tries to is stopped.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::{
    devtools::{Browser, Tab},
    page::{browser, check, index, open, url, verdict, with_receipt},
};

/// Everything that a page can keep. What is forbidden here keeps nothing.
const KEPT: &str = "(async () => {
    const kept = { cookies: document.cookie, local: localStorage.length, session: sessionStorage.length };
    kept.databases = (await indexedDB.databases()).length;
    try { kept.caches = (await caches.keys()).length; } catch { kept.caches = 0; }
    try { kept.workers = (await navigator.serviceWorker.getRegistrations()).length; } catch { kept.workers = 0; }
    return kept;
})()";

fn keeps_nothing(tab: &Tab) {
    let nothing = json!({
        "cookies": "", "local": 0, "session": 0, "databases": 0, "caches": 0, "workers": 0,
    });
    assert_eq!(tab.eval(KEPT), nothing);
}

/// The addresses of all requests since the last call, of the page and of its workers.
fn requests(browser: &Browser) -> Vec<String> {
    let events = browser.take_events().into_iter();
    let sent = events.filter(|(method, _)| {
        ["Network.requestWillBeSent", "Network.webSocketCreated"].contains(&&method[..])
    });
    let url = |params: &Value| match &params["request"]["url"] {
        Value::Null => params["url"].as_str().unwrap().to_owned(),
        url => url.as_str().unwrap().to_owned(),
    };
    sent.map(|(_, params)| url(&params)).collect()
}

fn is_inside(url: &str) -> bool {
    url.starts_with("blob:") || url.starts_with("data:")
}

#[test]
fn a_page_from_a_disk_requests_nothing_and_keeps_nothing() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    assert_eq!(requests(&browser), [url()]);
    tab.eval("document.getElementById('try').click()");
    verdict(&tab);
    let workspace = with_receipt();
    check(&tab, &workspace.path("r.json"));
    verdict(&tab);
    let requests = requests(&browser);
    assert!(requests.iter().all(|url| is_inside(url)), "{requests:?}");
    keeps_nothing(&tab);
}

/// As from a file host, where a page has an origin of its own.
#[test]
fn a_page_from_a_server_requests_itself_alone() {
    let Some(browser) = browser() else { return };
    let page = std::fs::read(index()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            // A browser opens connections that it may not use.
            if BufReader::new(&stream).read_line(&mut line).unwrap_or(0) > 0 {
                log.lock().unwrap().push(line.trim().to_owned());
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
                let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n", page.len());
                let _ = stream.write_all(&page);
            }
        }
    });
    let tab = browser.tab();
    tab.open(&url);
    tab.eval("document.getElementById('try').click()");
    assert_eq!(verdict(&tab)["conclusion"], "accepted");
    keeps_nothing(&tab);
    assert_eq!(*asked.lock().unwrap(), ["GET / HTTP/1.1"]);
    let requests = requests(&browser);
    assert!(
        requests.iter().all(|sent| *sent == url || is_inside(sent)),
        "{requests:?}"
    );
}

/// Ways to send something to another machine. Each has to be stopped, by the directive that it names.
const SABOTAGE: [(&str, &str); 11] = [
    (
        "connect-src",
        "fetch('https://example.org/').catch(() => {})",
    ),
    (
        "connect-src",
        "new XMLHttpRequest().open('GET', 'https://example.org/'); \
        { const x = new XMLHttpRequest(); x.open('GET', 'https://example.org/'); x.send(); }",
    ),
    (
        "connect-src",
        "try { new WebSocket('wss://example.org/') } catch {}",
    ),
    (
        "connect-src",
        "navigator.sendBeacon('https://example.org/', 'x')",
    ),
    ("connect-src", "new EventSource('https://example.org/')"),
    ("img-src", "new Image().src = 'https://example.org/x.png'"),
    (
        "frame-src",
        "document.body.append(Object.assign(document.createElement('iframe'), \
        { src: 'https://example.org/' }))",
    ),
    (
        "style-src",
        "document.head.append(Object.assign(document.createElement('link'), \
        { rel: 'stylesheet', href: 'https://example.org/x.css' }))",
    ),
    (
        "script-src",
        "document.head.append(Object.assign(document.createElement('script'), \
        { src: 'https://example.org/x.js' }))",
    ),
    (
        "script-src",
        "document.head.append(Object.assign(document.createElement('script'), \
        { textContent: 'window.wasRun = true' }))",
    ),
    (
        "form-action",
        "{ const form = document.createElement('form'); form.action = 'https://example.org/'; \
        document.body.append(form); form.submit(); }",
    ),
];

#[test]
fn whatever_would_send_something_is_stopped() {
    let Some(browser) = browser() else { return };
    for (directive, script) in SABOTAGE {
        let tab = open(&browser);
        browser.take_events();
        let stopped = tab.eval(&format!(
            "new Promise(done => {{ \
                document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective)); \
                setTimeout(() => done('nothing'), 5000); {script}; }})"
        ));
        let stopped = stopped.as_str().unwrap();
        assert!(
            stopped.starts_with(directive),
            "{script}: stopped by {stopped}"
        );
        assert_eq!(tab.eval("typeof window.wasRun"), "undefined");
        for (method, params) in browser.take_events() {
            // The page that a browser shows in the place of a forbidden frame is its own.
            let url = params["response"]["url"].as_str().unwrap_or_default();
            assert!(!url.starts_with("http"), "{script}: {method} {params}");
        }
        assert_eq!(tab.eval("location.href"), json!(url()));
    }
}

/// A worker from a blob has the policy of its page.
#[test]
fn a_worker_sends_nothing_either() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let stopped = tab.eval(
        "new Promise(done => {
            const code = `addEventListener('securitypolicyviolation', e => postMessage(e.effectiveDirective));
                fetch('https://example.org/').catch(() => {});
                setTimeout(() => postMessage('nothing'), 5000);`;
            const worker = new Worker(URL.createObjectURL(new Blob([code])));
            worker.onmessage = e => done(e.data);
            worker.onerror = e => done('no worker: ' + e.message);
        })",
    );
    assert_eq!(stopped, "connect-src");
}
