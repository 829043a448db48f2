//! Servers that speak llama.cpp's HTTP API.

use std::net::TcpListener;

use host::watch::Watch;
use xtask::engines::{Adapters, Answer, EngineSpec, Request, Settings, start};
use xtask::exit::Exit;

use crate::{
    fake,
    support::{LONG, N, PROMPT, SHORT, assert_right_and_timed, run, settings, spec, tag, told},
};

fn command(behaviour: &str, tag: &str) -> String {
    format!("fake={}", fake::command(behaviour, tag, "{port}"))
}

fn answer(behaviour: &str, request: &Request) -> Answer {
    let tag = tag();
    run(&command(behaviour, &tag), &tag, &settings(LONG), request).unwrap()
}

/// The exit code and the line of a server that fails.
fn failure(behaviour: &str) -> (Exit, String) {
    let tag = tag();
    let mut patience = settings(LONG);
    match behaviour {
        "hangs-at-start" | "never-ready" | "silent" => patience.start = SHORT,
        "hangs" | "comments-only" | "empty-events" => patience.silence = SHORT,
        _ => {}
    }
    let request = Request::tokens(&PROMPT, N);
    told(run(&command(behaviour, &tag), &tag, &patience, &request).expect_err(behaviour))
}

#[test]
fn a_good_server_is_timed_by_our_clock() {
    let got = answer("good", &Request::tokens(&PROMPT, N));
    assert_right_and_timed(&got);
    let reported = got.reported.unwrap();
    assert_eq!((reported.prompt_ms, reported.decode_ms), (2.5, 60.0));
    assert_eq!(
        answer("repeats", &Request::tokens(&PROMPT, N)).tokens,
        [3; N]
    );
    assert!(
        answer("slow-start", &Request::tokens(&PROMPT, 1))
            .step_ns
            .is_empty()
    );
}

#[test]
fn log_probabilities_come_if_they_are_asked_for() {
    let request = Request {
        top_logits: 2,
        ..Request::tokens(&PROMPT, N)
    };
    let got = answer("good", &request);
    let first = got.tokens[0];
    assert_eq!(
        got.top_logits.unwrap()[0],
        [(first, -0.5), (first + 1, -1.5)]
    );
}

/// llama.cpp keeps back tokens that end within a character. Their ids come from a second request, and
/// their time is shared.
#[test]
fn tokens_that_are_kept_back_are_asked_for_again() {
    let got = answer("keeps-back", &Request::tokens(&PROMPT, N));
    assert_eq!(got.tokens, fake::tokens(&PROMPT, N));
    assert!(got.joined >= 2, "{got:?}");
    let (exit, line) = failure("other-when-asked-again");
    assert_eq!(exit, Exit::BadInput);
    assert!(
        line.contains("chose other tokens when it was asked again"),
        "{line}"
    );
}

#[test]
fn facts_are_found_out() {
    let (tag, watch) = (tag(), Watch::default());
    let engine = start(&spec(&command("forks", &tag)), &settings(LONG), &watch).unwrap();
    let facts = engine.facts();
    assert_eq!(facts.version.as_deref(), Some("b1-fake"));
    assert!(!facts.is_remote);
    assert!(facts.sha256.is_some() && facts.load_ns.is_some());
    assert!(facts.command.contains("{port}"), "{}", facts.command);
    assert!(fake::left(&tag).len() >= 2);
    drop(engine);
    fake::assert_none_left(&tag);
}

#[test]
fn every_bad_server_is_told_and_ended() {
    use Exit::{BadInput, Unverifiable};
    let ready = "before it was ready";
    let two = "after 2 of 6 tokens";
    for (behaviour, exit, line) in [
        ("refuses-model", Unverifiable, format!("it ended with exit code 1 {ready}; its log, LOG, ends: loading | error loading model: unknown type 42")),
        ("crashes-at-start", Unverifiable, format!("it ended with signal 6 {ready}")),
        ("port-taken", Unverifiable, format!("exit code 1 {ready}; its log, LOG, ends: loading | couldn't bind HTTP server socket")),
        ("hangs-at-start", Unverifiable, format!("nothing came from it for 0.4 s {ready}")),
        ("never-ready", Unverifiable, format!("nothing came from it for 0.4 s {ready}")),
        ("silent", Unverifiable, format!("nothing came from it for 0.4 s {ready}")),
        ("dies-at-health", Unverifiable, format!("it ended with exit code 4 {ready}")),
        ("everywhere", Exit::Usage, "other machines can reach it; add --host 127.0.0.1 to its command".into()),
        ("not-found", BadInput, "/health answers with status 404 and “<h1>Not here</h1>”".into()),
        ("no-http", BadInput, "is not HTTP/1.1".into()),
        ("html", BadInput, "found \"text/html\" with “<html> <h1>It works!</h1></html>”, allowed is text/event-stream".into()),
        ("refuses", Unverifiable, "it answers with status 400 and says “the prompt is too long”".into()),
        ("error-event", Unverifiable, format!("it says “slot is gone” {two}")),
        ("hangs", Unverifiable, format!("nothing came from it for 0.4 s {two}")),
        ("comments-only", Unverifiable, format!("nothing came from it for 0.4 s {two}")),
        ("empty-events", Unverifiable, format!("nothing came from it for 0.4 s {two}")),
        ("dies", Unverifiable, format!("it ended with exit code 1 {two}; its log, LOG, ends: ")),
        ("crashes", Unverifiable, format!("it ended with signal 6 {two}")),
        ("closes", BadInput, format!("the connection was closed within a message {two}")),
        ("half-event", BadInput, format!("the connection was closed within a message {two}")),
        ("half-chunk", BadInput, format!("the connection was closed within a message {two}")),
        ("no-last", BadInput, "its stream has no last event after 6 of 6 tokens".into()),
        ("no-json", BadInput, format!("found “hello” in its stream {two}, allowed is JSON")),
        ("beyond", BadInput, format!("found id 1000 {two}, allowed are ids below 1000")),
        ("negative", BadInput, format!("found id -1 {two}")),
        ("text-as-id", BadInput, format!("found “[\"a\"]” at /tokens {two}")),
        ("counts-down", BadInput, "it counts 1 tokens, found 3".into()),
        ("counts-up", BadInput, "it chose more tokens than the 6 that were asked for".into()),
        ("fewer", BadInput, "it chose 5 tokens, 6 were asked for".into()),
        ("more", BadInput, "it chose more tokens than the 6 that were asked for".into()),
    ] {
        let (found_exit, found) = failure(behaviour);
        assert_eq!(found_exit, exit, "{behaviour}: {found}");
        assert!(found.starts_with("fake: ") && found.contains(&line), "{behaviour}: {found}");
        assert!(found.contains("; its log, LOG, ends: "), "{behaviour}: {found}");
    }
}

/// By URL nothing is started, and nothing is ended.
#[test]
fn a_server_that_runs_already_goes_on() {
    let (tag, watch) = (tag(), Watch::default());
    let port = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let words = shlex::split(&fake::command("good", &tag, &port.to_string())).unwrap();
    let mut child = std::process::Command::new(&words[0])
        .args(&words[1..])
        .spawn()
        .unwrap();
    let url = format!("http://127.0.0.1:{port}");
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    let mut engine = start(&spec(&url), &settings(LONG), &watch).unwrap();
    let got = engine.run(&Request::tokens(&PROMPT, N), &watch).unwrap();
    assert_eq!(got.tokens, fake::tokens(&PROMPT, N));
    let facts = engine.facts();
    assert_eq!(
        (facts.sha256, facts.load_ns, facts.is_remote),
        (None, None, false)
    );
    assert_eq!(facts.command, url);
    drop(engine);
    assert!(!fake::left(&tag).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let failed = start(&spec(&url), &settings(LONG), &watch).err().unwrap();
    let (exit, line) = told(failed);
    assert_eq!(exit, Exit::Unverifiable);
    assert!(line.contains("refused"), "{line}");
}

/// The user's own adapter: other keys, ids one by one, no counts.
#[test]
fn an_adapter_is_data() {
    let text = r#"
        [[engine]]
        name = "mine"
        kind = "server"
        command = "COMMAND"
        ready = "/health"
        kv_type = "f32"
        [engine.request]
        path = "/any"
        body = { prompt = "{prompt}", n_predict = "{n}", n_probs = "{top_logits}", temperature = 0.0, cache_prompt = false, ignore_eos = true }
        [engine.answer]
        tokens = "/tokens/0"
        last = "/stop""#;
    let tag = tag();
    let command = fake::command("good", &tag, "{port}")
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    let own = Adapters::parse(&text.replace("COMMAND", &command)).unwrap();
    let spec = EngineSpec::parse("mine", &Adapters::built_in().with(own)).unwrap();
    let watch = Watch::default();
    let mut engine = start(&spec, &settings(LONG), &watch).unwrap();
    assert_eq!(engine.facts().version, None);
    let got = engine.run(&Request::tokens(&PROMPT, N), &watch).unwrap();
    assert_eq!((got.tokens, got.reported), (fake::tokens(&PROMPT, N), None));
}

/// Servers without ids: text is looked up in the vocabulary of the model.
#[test]
fn text_needs_a_vocabulary() {
    let (tag, watch) = (tag(), Watch::default());
    let text = format!("bitnet.cpp={}", fake::command("good", &tag, "{port}"));
    let failed = start(&spec(&text), &settings(LONG), &watch).err().unwrap();
    assert_eq!(told(failed).0, Exit::Io);
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny-rust.gguf");
    let settings = Settings {
        model: tiny.into(),
        ..settings(LONG)
    };
    let mut engine = start(&spec(&text), &settings, &watch).unwrap();
    let got = engine.run(&Request::tokens(&PROMPT, N), &watch).unwrap();
    // All are "x".
    assert!(got.tokens.iter().all(|&id| id == got.tokens[0]), "{got:?}");
}
