//! The engine as a server that speaks llama.cpp's HTTP API.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use serde_json::{Value, json};

use super::{N_VOCAB, STEP, chosen, crash, end, fork, hang};

/// Serves until it is ended.
pub fn serve(behaviour: &str, port: u16) {
    eprintln!("loading");
    match behaviour {
        "refuses-model" => end("error loading model: unknown type 42", 1),
        "crashes-at-start" => crash(),
        "hangs-at-start" => hang(),
        "port-taken" => end("couldn't bind HTTP server socket", 1),
        "forks" => fork(),
        _ => {}
    }
    let host = match behaviour {
        "everywhere" => "0.0.0.0",
        _ => "127.0.0.1",
    };
    let listener = TcpListener::bind((host, port)).unwrap();
    let mut n_asked = 0;
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let Some((path, body)) = request(&stream) else {
            continue;
        };
        eprintln!("asked for {path}");
        match path.as_str() {
            "/health" => {
                n_asked += 1;
                health(behaviour, n_asked, &mut stream);
            }
            "/props" => {
                let build = json!({"build_info": "b1-fake"}).to_string();
                reply(&mut stream, 200, "application/json", &build);
            }
            _ => completion(behaviour, &body, &mut stream),
        }
    }
}

fn request(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut n = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_ascii_lowercase();
        if let Some(length) = header.strip_prefix("content-length:") {
            n = length.trim().parse().unwrap();
        }
        if header.is_empty() {
            break;
        }
    }
    let mut body = vec![0; n];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}

fn reply(stream: &mut TcpStream, status: u16, kind: &str, body: &str) {
    let n = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {n}\r\n\r\n");
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn health(behaviour: &str, n_asked: usize, stream: &mut TcpStream) {
    match behaviour {
        "never-ready" => reply(
            stream,
            503,
            "application/json",
            "{\"error\":{\"message\":\"Loading\"}}",
        ),
        "slow-start" if n_asked < 5 => reply(stream, 503, "application/json", "{}"),
        "not-found" => reply(stream, 404, "text/html", "<h1>Not here</h1>"),
        "no-http" => drop(stream.write_all(b"SSH-2.0-fake\r\n")),
        "silent" => hang(),
        "dies-at-health" => end("giving up", 4),
        _ => reply(stream, 200, "application/json", "{\"status\":\"ok\"}"),
    }
}

fn completion(behaviour: &str, body: &[u8], stream: &mut TcpStream) {
    let asked: Value = serde_json::from_slice(body).unwrap();
    for (key, expected) in [
        ("cache_prompt", json!(false)),
        ("ignore_eos", json!(true)),
        ("temperature", json!(0.0)),
    ] {
        assert_eq!(asked[key], expected, "{key}");
    }
    let prompt: Vec<u32> = serde_json::from_value(asked["prompt"].clone()).unwrap();
    let n = asked["n_predict"].as_u64().unwrap() as usize;
    let mut ids = chosen(behaviour, &prompt, n);
    match behaviour {
        "html" => {
            return reply(
                stream,
                200,
                "text/html",
                "<html>\n<h1>It works!</h1></html>",
            );
        }
        "refuses" => {
            let error = json!({"error": {"code": 400, "message": "the prompt is too long"}});
            return reply(stream, 400, "application/json", &error.to_string());
        }
        "other-when-asked-again" if asked["stream"] == false => ids[0] += 1,
        _ => {}
    }
    let last = json!({"content": "", "tokens": [], "stop": true, "tokens_predicted": ids.len(),
        "timings": {"prompt_ms": 2.5, "predicted_ms": 60.0}});
    if asked["stream"] == false {
        let mut whole = last;
        whole["tokens"] = json!(ids);
        return reply(stream, 200, "application/json", &whole.to_string());
    }
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    for (i, id) in ids.iter().enumerate() {
        thread::sleep(STEP);
        if i == 2 && misbehave(behaviour, stream) {
            return;
        }
        // As llama.cpp keeps back what ends within a character.
        let keeps_back = ["keeps-back", "other-when-asked-again"].contains(&behaviour);
        if keeps_back && i == 2 {
            continue;
        }
        let mut event =
            json!({"content": "x", "tokens": [id], "stop": false, "tokens_predicted": i + 1});
        let k = asked["n_probs"].as_u64().unwrap();
        if k > 0 {
            let top: Vec<Value> = (0..k)
                .map(|j| json!({"id": (u64::from(*id) + j) % 1000, "logprob": -(j as f64) - 0.5}))
                .collect();
            event["completion_probabilities"] = json!([{"id": id, "top_logprobs": top}]);
        }
        if send(stream, &event).is_err() {
            return;
        }
    }
    if behaviour == "no-last" {
        let _ = stream.write_all(b"0\r\n\r\n");
        return;
    }
    let _ = send(stream, &last);
    let _ = stream.write_all(b"0\r\n\r\n");
}

fn send(stream: &mut TcpStream, event: &Value) -> std::io::Result<()> {
    chunk(stream, &format!("data: {event}\n\n"))
}

fn chunk(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
}

/// Whether the answer ends with that.
fn misbehave(behaviour: &str, stream: &mut TcpStream) -> bool {
    match behaviour {
        "hangs" => hang(),
        "dies" => end("GGML_ASSERT(n > 0) failed", 1),
        "crashes" => crash(),
        "closes" => return true,
        "comments-only" => {
            while chunk(stream, ": still here\n\n").is_ok() {
                thread::sleep(STEP);
            }
        }
        "empty-events" => {
            while send(stream, &json!({"content": "", "tokens": [], "stop": false})).is_ok() {
                thread::sleep(STEP);
            }
        }
        "half-event" => drop(chunk(stream, "data: {\"tokens\": [1")),
        "half-chunk" => drop(stream.write_all(b"40\r\ndata: {")),
        "no-json" => drop(chunk(stream, "data: hello\n\n")),
        "beyond" => drop(send(stream, &json!({"tokens": [N_VOCAB], "stop": false}))),
        "negative" => drop(send(stream, &json!({"tokens": [-1], "stop": false}))),
        "text-as-id" => drop(send(stream, &json!({"tokens": ["a"], "stop": false}))),
        "counts-down" => drop(send(stream, &json!({"tokens": [1], "tokens_predicted": 1}))),
        "counts-up" => drop(send(
            stream,
            &json!({"tokens": [1], "tokens_predicted": 1u64 << 40}),
        )),
        "error-event" => drop(send(stream, &json!({"error": {"message": "slot is gone"}}))),
        _ => return false,
    }
    behaviour.starts_with("half")
}
