//! The engine as a program that speaks the line protocol.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, Read, Write},
    thread,
};

use serde_json::{Value, json};

use super::{N_VOCAB, STEP, chosen, crash, end, fork, hang};
use crate::support::N;

struct Output(File);

impl Output {
    fn line(&mut self, line: &str) {
        self.text(&format!("{line}\n"));
    }

    fn text(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }
}

/// Talks until its input ends.
pub fn talk(behaviour: &str) {
    let output = OpenOptions::new().write(true).open("/dev/fd/3").unwrap();
    let mut output = Output(output);
    eprintln!("loading");
    match behaviour {
        "hangs-at-start" => hang(),
        "refuses-model" => end("error: type 42 is not supported", 3),
        "crashes-at-start" => crash(),
        "chatters" => output.line("Loading the model, please wait ..."),
        "says-error" => output.line("{\"error\": \"no such file\"}"),
        "other-protocol" => output.line("{\"ready\": 9}"),
        "endless-line" => loop {
            output.text(&"x".repeat(1 << 20));
        },
        "forks" => fork(),
        "f32" => output.line("{\"ready\": 1, \"kv_type\": \"f32\"}"),
        _ => {}
    }
    output.line("{\"ready\": 1, \"name\": \"fake\", \"version\": \"7\"}");
    if behaviour == "ends-when-asked" {
        end("ending", 0);
    }
    if behaviour == "never-reads" {
        never_read(&mut output);
    }
    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
        eprintln!("asked for {}", request["n"]);
        answer(behaviour, &request, &mut output);
    }
    if behaviour == "ignores-end" {
        hang();
    }
}

/// Answers what it has not read, beyond a byte that says that it is there.
fn never_read(output: &mut Output) -> ! {
    io::stdin().read_exact(&mut [0]).unwrap();
    for _ in 0..N {
        output.line("{\"token\": 1}");
    }
    output.line("{\"end\": true}");
    hang();
}

fn answer(behaviour: &str, request: &Value, output: &mut Output) {
    let prompt: Vec<u32> = serde_json::from_value(request["prompt_ids"].clone()).unwrap();
    let n = request["n"].as_u64().unwrap() as usize;
    let ids = chosen(behaviour, &prompt, n);
    if behaviour == "at-once" {
        thread::sleep(STEP * n as u32);
        let lines: Vec<String> = ids
            .iter()
            .map(|id| json!({ "token": id }).to_string())
            .collect();
        output.text(&format!("{}\n{{\"end\": true}}\n", lines.join("\n")));
        return;
    }
    for (i, id) in ids.iter().enumerate() {
        thread::sleep(STEP);
        if i == 2 {
            misbehave(behaviour, output);
        }
        let mut line = json!({ "token": id });
        if behaviour != "hides-logits" {
            add_logits(&mut line, *id, request);
        }
        output.line(&line.to_string());
    }
    if behaviour != "hides-sums" {
        for sums in request["sums"].as_array().into_iter().flatten() {
            let n = sums["input"].as_array().unwrap().len();
            output.line(&json!({"sums": {"tensor": sums["tensor"], "sums": [n, -1]}}).to_string());
        }
    }
    if behaviour == "no-end" {
        return;
    }
    output.line("{\"end\": true, \"prompt_ms\": 1.5, \"decode_ms\": 40}");
    if behaviour == "twice" {
        output.line("{\"token\": 3}");
    }
}

fn add_logits(line: &mut Value, id: u32, request: &Value) {
    let k = request["top_logits"].as_u64().unwrap();
    if k > 0 {
        // In ascending order, which is not that of the answer.
        let top: Vec<Value> = (0..k)
            .rev()
            .map(|j| json!([(u64::from(id) + j) % 1000, 5 - j as i64]))
            .collect();
        line["top_logits"] = json!(top);
    }
}

fn misbehave(behaviour: &str, output: &mut Output) {
    match behaviour {
        "hangs" => hang(),
        "dies" => end("out of memory", 9),
        "crashes" => crash(),
        "half-line" => {
            output.text("{\"token\": 1");
            end("ending within a line", 0);
        }
        "html" => output.line("<html><body>hello</body></html>"),
        "beyond" => output.line(&json!({ "token": N_VOCAB }).to_string()),
        "negative" => output.line("{\"token\": -1}"),
        "typo" => output.line("{\"tokens\": [1]}"),
        "refuses" => output.line("{\"error\": \"the context is full\"}"),
        "hops" => output.line("{\"token\": 5, \"top_logits\": [[5, 1e999]]}"),
        "unasked" => output.line("{\"sums\": {\"tensor\": \"x\", \"sums\": []}}"),
        _ => {}
    }
}
