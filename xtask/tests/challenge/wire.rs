//! Connections that are bad, and provers that find nobody, or the wrong one.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use serde_json::Value;

use crate::{
    process::Workspace,
    server::{Challenger, workspace},
    talk::{Talk, commitment, receipt},
};

#[test]
fn what_is_no_message_ends_its_connection_alone() {
    let workspace = workspace();
    let mut challenger = Challenger::start(&workspace, "");
    let mut good = Talk::begun(challenger.address(), 4);
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(20_000));
    for (bytes, status, part) in [
        ("hello\r\n\r\n", 400, "is not HTTP/1.1"),
        (
            "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            411,
            "one Content-Length",
        ),
        (
            "POST /v1/sessions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            411,
            "Content-Length",
        ),
        (
            "POST /v1/sessions HTTP/1.1\r\nContent-Length: 4097\r\n\r\n",
            413,
            "found a body of 4097 bytes, allowed at most 4096",
        ),
        (
            "PUT /v1/sessions/x/rounds/1/receipt HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            413,
            "allowed at most 4096",
        ),
        (&long, 431, "found a head of more than"),
    ] {
        let mut bad = Talk::to(challenger.address());
        bad.raw(bytes.as_bytes());
        let (found, body) = bad.answer().expect(part);
        assert_eq!(found, status, "{body}");
        let why = body["error"].as_str().unwrap();
        assert!(why.contains(part), "{why}");
        assert!(challenger.says("127.0.0.1:").contains(part));
        assert_eq!(bad.answer(), None);
    }
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/v1/../x", 404),
        ("DELETE", "/v1", 405),
        ("GET", "/v1/sessions", 405),
    ] {
        assert_eq!(
            good.ask(method, path, &Value::Null).0,
            status,
            "{method} {path}"
        );
    }
    // A connection that closes in the middle is no session's end.
    let mut half = Talk::to(challenger.address());
    half.raw(b"POST /v1/sessions HTTP/1.1\r\nContent-Le");
    drop(half);
    challenger.says("the connection was closed within a message");
    good.nonce();
}

/// A receipt may be as large as those of its terms, and no larger.
#[test]
fn a_receipt_that_is_too_large_is_not_read() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--rounds 1");
    let mut talk = Talk::begun(challenger.address(), 4);
    let nonce = talk.nonce();
    let right = receipt(&workspace, &nonce, 4);
    assert_eq!(talk.commit(1, &commitment(&right)).0, 200);
    let path = format!("/v1/sessions/{}/rounds/1/receipt", talk.session);
    let mut large = Talk::to(challenger.address());
    large.raw(format!("PUT {path} HTTP/1.1\r\nContent-Length: 16777216\r\n\r\n").as_bytes());
    let (status, body) = large.answer().unwrap();
    assert_eq!(status, 413, "{body}");
    assert_eq!(talk.hand_in(1, &right).0, 200);
}

#[test]
fn there_are_only_so_many_connections_and_sessions() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "");
    let talks: Vec<Talk> = (0..8)
        .map(|_| Talk::begun(challenger.address(), 4))
        .collect();
    let mut one_more = Talk::to(challenger.address());
    let (status, body) = one_more.ask("POST", "/v1/sessions", &crate::talk::terms(4));
    assert_eq!(
        (status, body["error"].as_str()),
        (503, Some("there are too many sessions"))
    );
    let ran = workspace.run(&format!(
        "benchmark -n 4 --challenge-from {}",
        challenger.url
    ));
    ran.ends(5, &["the challenger refuses: there are too many sessions"]);
    let silent: Vec<Talk> = (0..23).map(|_| Talk::to(challenger.address())).collect();
    let mut refused = Talk::to(challenger.address());
    let (status, body) = refused.answer().expect("an answer without a question");
    assert_eq!(status, 503, "{body}");
    // Those that are there go on.
    drop((silent, refused));
    for mut talk in talks {
        talk.nonce();
    }
}

#[test]
fn a_prover_that_finds_nobody_says_so_before_it_loads_a_model() {
    let workspace = Workspace::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let words = format!("benchmark -m nowhere.gguf --challenge-from {url}");
    let parts = [
        &url,
        "Connection refused",
        "is `challenge serve` running there?",
    ];
    workspace.run(&words).fails(5, &parts);
    assert!(!workspace.receipt().exists());
}

/// A server that answers every connection with these bytes.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(answer);
        }
    });
    url
}

#[test]
fn a_server_of_something_else_is_no_challenger() {
    let workspace = Workspace::new();
    let answers: [&[u8]; 6] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 56\r\n\r\n{\"protocol\":\"bitreceipt-challenge/1\",\"rounds\":999999999}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"protocol\":\"other\",\"rounds\":3}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"220 smtp ready\r\n\r\n",
    ];
    for answer in answers {
        let url = server(answer);
        let ran = workspace.run(&format!("benchmark --challenge-from {url}"));
        ran.fails(4, &["is no challenger", "`challenge serve` prints"]);
    }
    let url = server(b"");
    let ran = workspace.run(&format!("benchmark --challenge-from {url}"));
    ran.fails(5, &[&url, "the connection was closed"]);
}

/// The challenger dies while the prover works: there is no receipt, and an old one stays.
#[test]
fn a_challenger_that_is_gone_leaves_no_receipt() {
    let workspace = workspace();
    let mut challenger = Challenger::start(&workspace, "--rounds 64");
    workspace.write("ci/inference.json", "{}");
    let words = format!(
        "benchmark -n 64 --quiet --challenge-from {}",
        challenger.url
    );
    let mut command = workspace.command(&words);
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    challenger.says("round 1 answered");
    challenger.kill();
    let ran = crate::process::Ran::of(child.wait_with_output().unwrap(), &words);
    ran.fails(
        5,
        &["http://127.0.0.1:", "is `challenge serve` running there?"],
    );
    assert_eq!(workspace.read("ci/inference.json"), b"{}");
    assert_eq!(workspace.names("ci"), ["inference.json"]);
}

#[test]
fn what_does_not_fit_together_is_refused_before_anything_runs() {
    let workspace = workspace();
    for (words, parts) in [
        ("--challenge-from https://a:1", &["TLS"][..]),
        ("--challenge-from a:1", &["http://HOST:PORT"]),
        (
            "--challenge-from http://a:1 --challenge 5eed",
            &["--challenge"],
        ),
        (
            "--challenge-from http://a:1 --prompt-ids 1,2",
            &["--prompt-ids"],
        ),
        ("--challenge-from http://a:1 -r 3", &["--repetitions"]),
    ] {
        workspace
            .run(&format!("benchmark {words}"))
            .refuses_words(parts);
    }
    for (words, parts) in [
        (
            "-t 1,2",
            &["--challenge-from", "found 2 cells, allowed is one"][..],
        ),
        ("--output -", &["--challenge-from", "found --output -"]),
    ] {
        let words = format!("benchmark --challenge-from http://127.0.0.1:9 {words}");
        workspace.run(&words).fails(2, parts);
    }
    let challenger = Challenger::start(&workspace, "");
    let words = format!("benchmark -p 7 --challenge-from {}", challenger.url);
    workspace.run(&words).fails(
        2,
        &["--prompt-tokens: found 7 ids, 63 bits", "ask for more"],
    );
    let words = format!(
        "benchmark -n 8000 --parity off --challenge-from {}",
        challenger.url
    );
    workspace.run(&words).fails(2, &["positions"]);
    workspace.write("ci/inference.json.challenged.dsse.json", "mine");
    let words = format!("benchmark -n 4 --challenge-from {}", challenger.url);
    workspace
        .run(&words)
        .fails(5, &["is no challenger's statement", "move it away"]);
    for (words, parts) in [
        ("--listen 127.0.0.1", &["--listen"][..]),
        (
            "--rounds 0",
            &["found 0, allowed whole numbers from 1 to 64"],
        ),
        ("--rounds 65", &["found 65"]),
    ] {
        let words = format!("challenge serve --key challenger.key {words}");
        workspace.run(&words).refuses_words(parts);
    }
    workspace.run("challenge serve").refuses_words(&["--key"]);
    let taken = format!(
        "challenge serve --key challenger.key --listen {}",
        challenger.address()
    );
    workspace
        .run(&taken)
        .fails(5, &["--listen 127.0.0.1:", "in use"]);
    workspace
        .run("challenge serve --key challenger.key.pub")
        .fails(4, &["challenger.key.pub", "a public key"]);
    workspace
        .run("challenge serve --key nowhere")
        .fails(5, &["nowhere", "keygen nowhere` makes it"]);
}
