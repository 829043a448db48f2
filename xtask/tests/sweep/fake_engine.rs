//! Another engine: this test program, started again, which speaks the line protocol. It decodes with our own
//! engine, and then says what it is told to. The test runner writes to standard output before it begins, so the
//! engine gets the pipe as descriptor 3.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{self, BufRead, Write},
    process,
    sync::Arc,
    thread,
    time::Duration,
};

use engine_native::{
    Engine, EngineOptions, I2sLayout, KernelChoice, Model, ModelSource, SessionOptions,
};
use host::watch::Watch;
use serde_json::{Value, json};

/// The variable that says how to behave; without it this is a test that does nothing.
const BEHAVIOUR: &str = "FAKE_ENGINE";

/// So long a token takes: enough that most of them arrive one by one.
const STEP: Duration = Duration::from_millis(25);

/// Which token a wrong engine gets wrong.
pub const WRONG: usize = 3;

/// An engine called `name`, as `--engine` takes it.
pub fn engine(name: &str, behaviour: &str) -> String {
    let this = env::current_exe().unwrap();
    let script = format!(
        "{BEHAVIOUR}=\"$1\" FAKE_MODEL=\"$2\" exec \"$0\" --exact fake_engine::main --nocapture \
         3>&1 >/dev/null"
    );
    let this = this.display();
    format!("{name}=sh -c '{script}' '{this}' {behaviour} {{model}} {{threads}}")
}

#[test]
fn main() {
    let Ok(behaviour) = env::var(BEHAVIOUR) else {
        return;
    };
    let mut output = OpenOptions::new().write(true).open("/dev/fd/3").unwrap();
    let model = env::var("FAKE_MODEL").unwrap();
    let engine = load(&model);
    say(
        &mut output,
        json!({"ready": 1, "name": "fake", "version": "7"}),
    );
    for (asked, line) in io::stdin().lock().lines().enumerate() {
        let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
        answer(&behaviour, asked, &engine, &request, &mut output);
    }
    process::exit(0);
}

fn say(output: &mut File, line: Value) {
    output.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn load(path: &str) -> Engine {
    let source = ModelSource::open(path.as_ref()).unwrap();
    let watch = Watch::default();
    let file = source.read(&watch).unwrap();
    let model = Arc::new(Model::load(file, I2sLayout::Block128, &watch).unwrap());
    let kernels = KernelChoice::Auto.resolve().unwrap();
    let one = 1.try_into().unwrap();
    Engine::with_options(model, kernels, EngineOptions::new(one), &watch).unwrap()
}

/// Answers the request number `asked`, from 0: the warm-up, one token alone, and the repetitions.
fn answer(behaviour: &str, asked: usize, engine: &Engine, request: &Value, output: &mut File) {
    let prompt: Vec<u32> = serde_json::from_value(request["prompt_ids"].clone()).unwrap();
    let n = request["n"].as_u64().unwrap() as usize;
    let options = SessionOptions::new(prompt.len() + n - 1);
    let mut session = engine.session(options).unwrap();
    let steps = session.generate(&prompt, n).unwrap();
    let mut held = Vec::new();
    for (i, step) in steps.enumerate() {
        let mut token = step.unwrap().choice.token;
        let is_wrong = match behaviour {
            "wrong" => i == WRONG,
            "unsteady" => i == WRONG && asked == 3,
            "dies" if asked == 2 && i == 2 => {
                eprintln!("out of luck");
                process::exit(9);
            }
            _ => false,
        };
        if is_wrong {
            token = (token + 1) % 100;
        }
        match behaviour {
            "holds-back" => held.push(token),
            _ => {
                thread::sleep(STEP);
                say(output, json!({ "token": token }));
            }
        }
    }
    // All of them are computed before any is sent; each has a line and a time of its own.
    thread::sleep(STEP * 4 * held.len() as u32);
    for token in held {
        say(output, json!({ "token": token }));
        thread::sleep(Duration::from_micros(100));
    }
    say(
        output,
        json!({"end": true, "prompt_ms": 2.0, "decode_ms": 4.0}),
    );
}
