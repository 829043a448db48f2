//! Programs that speak the line protocol.

use host::watch::Watch;
use xtask::engines::{Answer, Request, SumsRequest, start};
use xtask::exit::Exit;

use crate::{
    fake,
    support::{LONG, N, PROMPT, SHORT, assert_right_and_timed, run, settings, spec, tag, told},
};

fn command(behaviour: &str, tag: &str) -> String {
    format!("fake={}", fake::command(behaviour, tag, "-"))
}

fn answer(behaviour: &str, request: &Request) -> Answer {
    let tag = tag();
    run(&command(behaviour, &tag), &tag, &settings(LONG), request).unwrap()
}

/// The exit code and the line of an engine that fails.
fn failure(behaviour: &str) -> (Exit, String) {
    let tag = tag();
    let patience = match behaviour.starts_with("hangs") || behaviour == "no-end" {
        true => SHORT,
        false => LONG,
    };
    let mut settings = settings(patience);
    if behaviour == "hangs-at-start" {
        settings.start = SHORT;
    }
    let failed = run(
        &command(behaviour, &tag),
        &tag,
        &settings,
        &Request::tokens(&PROMPT, N),
    );
    told(failed.expect_err(behaviour))
}

#[test]
fn a_good_program_is_timed_by_our_clock() {
    let got = answer("good", &Request::tokens(&PROMPT, N));
    assert_right_and_timed(&got);
    let reported = got.reported.unwrap();
    assert_eq!((reported.prompt_ms, reported.decode_ms), (1.5, 40.0));
    assert_eq!((got.top_logits, got.sums), (None, vec![]));
}

#[test]
fn repeated_tokens_are_for_the_judge() {
    assert_eq!(
        answer("repeats", &Request::tokens(&PROMPT, N)).tokens,
        [3; N]
    );
}

/// Nobody can tell the prompt's time from that of the steps then; no speed is too high.
#[test]
fn a_program_that_does_not_flush_only_looks_slower() {
    let got = answer("at-once", &Request::tokens(&PROMPT, N));
    assert_eq!(got.tokens, fake::tokens(&PROMPT, N));
    assert_eq!(got.joined, N - 1);
    assert!(got.first_ns >= 120_000_000);
    assert_eq!(got.step_ns, [got.first_ns / N as u64; N - 1]);
}

#[test]
fn logits_and_sums_come_if_they_are_asked_for() {
    let sums = ["a", "b"].map(|tensor| SumsRequest {
        tensor: tensor.into(),
        input: vec![0.5, 1.0],
    });
    let request = Request {
        top_logits: 3,
        sums: &sums,
        ..Request::tokens(&PROMPT, N)
    };
    let got = answer("good", &request);
    let first = got.tokens[0];
    let top = &got.top_logits.unwrap()[0];
    assert_eq!(top, &[(first, 5.0), (first + 1, 4.0), (first + 2, 3.0)]);
    let found: Vec<_> = got
        .sums
        .iter()
        .map(|s| (s.tensor.as_str(), &s.sums[..]))
        .collect();
    assert_eq!(found, [("a", &[2, -1][..]), ("b", &[2, -1])]);
    assert_eq!(answer("hides-logits", &request).top_logits, None);
    assert_eq!(answer("hides-sums", &request).sums, []);
}

#[test]
fn an_engine_runs_as_often_as_it_is_asked() {
    let (tag, watch) = (tag(), Watch::default());
    let engine = start(&spec(&command("f32", &tag)), &settings(LONG), &watch).unwrap();
    let facts = engine.facts();
    assert_eq!((facts.name.as_str(), facts.is_remote), ("fake", false));
    assert_eq!(facts.kv_type, engine_native::KvType::F32);
    // Of the engine, not of the shell that it was started by.
    let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(facts.sha256, Some(host::digest::Digest::of(&this)));
    assert!(facts.load_ns.is_some());
    assert!(!fake::left(&tag).is_empty());
    drop(engine);
    fake::assert_none_left(&tag);

    let mut engine = start(&spec(&command("good", &tag)), &settings(LONG), &watch).unwrap();
    assert_eq!(engine.facts().version.as_deref(), Some("fake 7"));
    for n in [1, 3] {
        let got = engine.run(&Request::tokens(&PROMPT, n), &watch).unwrap();
        assert_eq!(got.tokens, fake::tokens(&PROMPT, n));
    }
}

/// Each failure is one line with the engine, the cause, and the end of its log.
#[test]
fn every_bad_program_is_told_and_ended() {
    use Exit::{BadInput, Unverifiable};
    let log = "; its log, LOG, ends: loading";
    let asked = format!("{log} | asked for 6");
    for (behaviour, exit, line) in [
        ("hangs-at-start", Unverifiable, format!("nothing came from it for 0.4 s before it was ready{log}")),
        ("refuses-model", Unverifiable, format!("it ended with exit code 3 before it was ready{log} | error: type 42 is not supported")),
        ("crashes-at-start", Unverifiable, format!("it ended with signal 6 before it was ready{log} | about to crash")),
        ("says-error", Unverifiable, format!("it says “no such file” before it was ready{log}")),
        ("chatters", BadInput, "found “Loading the model, please wait ...” on standard output, allowed {\"ready\": 1}; messages belong to standard error".into()),
        ("other-protocol", BadInput, "it speaks version 9 of the protocol, allowed 1".into()),
        ("endless-line", BadInput, "found a line without an end before it was ready".into()),
        ("ends-when-asked", Unverifiable, "it ended with exit code 0".into()),
        ("hangs", Unverifiable, format!("nothing came from it for 0.4 s after 2 of 6 tokens{asked}")),
        ("no-end", Unverifiable, format!("nothing came from it for 0.4 s after 6 of 6 tokens{asked}")),
        ("dies", Unverifiable, format!("it ended with exit code 9 after 2 of 6 tokens{asked} | out of memory")),
        ("crashes", Unverifiable, "it ended with signal 6 after 2 of 6 tokens".into()),
        ("half-line", Unverifiable, "it ended with exit code 0 after 2 of 6 tokens, within the line “{\"token\": 1”".into()),
        ("html", BadInput, "found “<html><body>hello</body></html>” on standard output".into()),
        ("beyond", BadInput, "found id 1000 after 2 of 6 tokens, allowed are ids below 1000".into()),
        ("negative", BadInput, "found id -1 after 2 of 6 tokens".into()),
        ("typo", BadInput, "unknown field `tokens`".into()),
        ("refuses", Unverifiable, "it says “the context is full” after 2 of 6 tokens".into()),
        ("hops", BadInput, "number out of range".into()),
        ("unasked", BadInput, "found sums of \"x\", which were not asked for".into()),
        ("fewer", BadInput, "it chose 5 tokens, 6 were asked for".into()),
        ("more", BadInput, "it chose more tokens than the 6 that were asked for".into()),
    ] {
        let (found_exit, found) = failure(behaviour);
        assert_eq!(found_exit, exit, "{behaviour}: {found}");
        let expected = format!("fake: {line}");
        assert!(found.starts_with(&expected) || found.contains(&line), "{behaviour}: {found}");
        assert!(found.starts_with("fake: ") && found.contains(log), "{behaviour}: {found}");
    }
}

#[test]
fn an_engine_that_has_failed_is_not_asked_again() {
    let (tag, watch) = (tag(), Watch::default());
    let mut engine = start(&spec(&command("fewer", &tag)), &settings(LONG), &watch).unwrap();
    let request = Request::tokens(&PROMPT, N);
    told(engine.run(&request, &watch).unwrap_err());
    // Ended at once, not when it is dropped.
    fake::assert_none_left(&tag);
    let (exit, line) = told(engine.run(&request, &watch).unwrap_err());
    assert_eq!(
        (exit, line.as_str()),
        (Exit::Unverifiable, "fake: it has failed before")
    );
}

/// The answer would be known before the question, and its times would be nothing.
#[test]
fn lines_before_the_request_are_refused() {
    let (tag, watch) = (tag(), Watch::default());
    let mut engine = start(&spec(&command("twice", &tag)), &settings(LONG), &watch).unwrap();
    let request = Request::tokens(&PROMPT, N);
    engine.run(&request, &watch).unwrap();
    std::thread::sleep(SHORT);
    let (exit, line) = told(engine.run(&request, &watch).unwrap_err());
    assert_eq!(exit, Exit::BadInput);
    let expected = "fake: a line came before the request: “{\"token\": 3}”";
    assert!(line.starts_with(expected), "{line}");
    fake::assert_none_left(&tag);
}

/// More than a pipe holds is never read, and so nothing after it can be sent.
#[test]
fn nobody_waits_for_a_program_that_does_not_read() {
    let prompt = vec![999; 100_000];
    let request = Request::tokens(&prompt, N);
    for (patience, is_stopped) in [(SHORT, false), (LONG, true)] {
        let (tag, watch) = (tag(), Watch::default());
        let mut engine = start(
            &spec(&command("never-reads", &tag)),
            &settings(patience),
            &watch,
        )
        .unwrap();
        assert_eq!(engine.run(&request, &watch).unwrap().tokens, [1; N]);
        if is_stopped {
            watch.stop();
        }
        let (exit, line) = told(engine.run(&request, &watch).unwrap_err());
        match is_stopped {
            true => assert_eq!(exit, Exit::Interrupted, "{line}"),
            false => {
                assert_eq!(exit, Exit::Unverifiable, "{line}");
                assert!(line.contains("for 0.4 s before the request"), "{line}");
            }
        }
        fake::assert_none_left(&tag);
    }
}

/// Whether it ends at the end of its input, ignores it, or has forked processes that left its group.
#[test]
fn nothing_is_left_of_a_program_that_does_not_want_to_end() {
    for behaviour in ["ignores-end", "forks"] {
        let got = answer(behaviour, &Request::tokens(&PROMPT, N));
        assert_eq!(got.tokens, fake::tokens(&PROMPT, N), "{behaviour}");
    }
}

#[test]
fn ctrl_c_ends_it() {
    let (tag, watch) = (tag(), Watch::default());
    let mut engine = start(&spec(&command("hangs", &tag)), &settings(LONG), &watch).unwrap();
    let stopping = watch.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(SHORT);
        stopping.stop();
    });
    let failed = engine
        .run(&Request::tokens(&PROMPT, N), &watch)
        .unwrap_err();
    stopper.join().unwrap();
    assert_eq!(told(failed), (Exit::Interrupted, "interrupted".into()));
    fake::assert_none_left(&tag);
}

#[test]
fn what_cannot_be_started_is_refused() {
    let watch = Watch::default();
    for (text, why) in [
        (
            "x=no-such-program-at-all",
            "there is no program \"no-such-program-at-all\" in PATH",
        ),
        (
            "x=/no/such/program -m {model}",
            "there is no program \"/no/such/program\"",
        ),
        ("x=sh {gpu}", "found {gpu} in its command"),
        ("llama-server=sh -m {model}", "which has no {port}"),
    ] {
        let failed = start(&spec(text), &settings(LONG), &watch).err().unwrap();
        let (exit, line) = told(failed);
        assert_eq!(exit, Exit::Usage, "{line}");
        assert!(line.contains(why), "{line}");
    }
}
