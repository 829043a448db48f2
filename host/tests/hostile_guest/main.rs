//! Guests that do everything but compute: the host ends each with an error of its own, in bounded memory,
//! and can be interrupted at any time.

mod module;

use std::{thread, time::Duration};

use engine_native::{I2sLayout, KvType};
use host::{
    replay::replay,
    sandbox::{Guest, InSandbox, ModelInput, Sandbox, SandboxError},
    task::Task,
    watch::Watch,
};
use module::Module;

const FILE: &[u8] = include_bytes!("../../../models/tiny.gguf");

fn input() -> ModelInput<'static> {
    ModelInput {
        file: FILE,
        i2s_layout: I2sLayout::default(),
    }
}

/// What comes of opening a file with this guest, and of `f` with it.
fn with<T>(
    module: &Module,
    watch: &Watch,
    f: impl FnOnce(&mut Guest<InSandbox>) -> Result<T, SandboxError>,
) -> Result<T, SandboxError> {
    let sandbox = Sandbox::with_module(&module.wasm(), watch)?;
    f(&mut sandbox.open(input())?)
}

fn open(module: &Module) -> Result<(), SandboxError> {
    with(module, &Watch::default(), |_| Ok(()))
}

#[track_caller]
fn traps(result: Result<(), SandboxError>, why: &str) {
    assert!(
        matches!(&result, Err(SandboxError::Trap(found)) if found.contains(why)),
        "{result:?}"
    );
}

#[track_caller]
fn breaks_the_protocol(result: Result<(), SandboxError>, why: &str) {
    assert!(
        matches!(&result, Err(SandboxError::Protocol(found)) if found.contains(why)),
        "{result:?}"
    );
}

/// The others differ from it in one function.
#[test]
fn a_guest_that_does_nothing_opens() {
    open(&Module::idle()).unwrap();
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    for bytes in [&b""[..], b"\0asm", b"\0asm\x02\0\0\0", FILE] {
        let made = Sandbox::with_module(bytes, &Watch::default());
        assert!(matches!(made, Err(SandboxError::Protocol(_))));
    }
}

#[test]
fn a_missing_export_is_named() {
    for name in ["layer", "error_len", "memory"] {
        let result = open(&Module::idle().without(name));
        breaks_the_protocol(result, &format!("no export {name}"));
    }
}

#[test]
fn an_export_of_another_type_counts_as_missing() {
    let module = Module::idle().without("layer");
    let module = module.and("(func (export \"layer\") (param f32) (result i32) (i32.const 0))");
    breaks_the_protocol(open(&module), "no export layer");
}

#[test]
fn imports_are_refused() {
    let module = Module::idle().first("(import \"wasi_snapshot_preview1\" \"fd_write\" (func))");
    breaks_the_protocol(open(&module), "import wasi_snapshot_preview1.fd_write");
}

#[test]
fn another_version_of_the_interface_is_refused() {
    let module = Module::idle().with("abi_version", "(i32.const 5)");
    breaks_the_protocol(open(&module), "found interface version 5");
}

#[test]
fn a_trap_in_the_start_function_is_an_error() {
    let module = Module::idle().and("(func $start unreachable) (start $start)");
    traps(open(&module), "unreachable");
}

#[test]
fn traps_of_every_kind_are_errors() {
    for (body, why) in [
        ("unreachable", "unreachable"),
        ("(i64.div_s (i64.const 1) (i64.const 0))", "divide by zero"),
        ("(i64.load (i32.const -8))", "out of bounds memory access"),
        (
            "(i64.const 1) (i64.trunc_f64_s (f64.const nan))",
            "invalid conversion",
        ),
    ] {
        let body = body.replace("(i64.const 1) (i64.trunc", "(i64.trunc");
        traps(open(&Module::idle().with("header_buffer", &body)), why);
    }
}

#[test]
fn endless_recursion_ends_at_the_limit_of_the_stack() {
    let module = Module::idle().with("header_buffer", "(call $header_buffer (local.get 0))");
    traps(open(&module), "call stack exhausted");
}

/// The guest asks for all memory there is, page by page, and touches none of it.
#[test]
fn memory_stops_growing_at_its_limit() {
    let grow = "(block $full (loop $more
        (br_if $full (i32.eq (memory.grow (i32.const 64)) (i32.const -1)))
        (br $more)))
        (i64.mul (i64.const 1000) (i64.extend_i32_u (memory.size)))";
    let module = Module::idle().with("plan_embed", grow);
    let result = with(&module, &Watch::default(), |guest| guest.embed(0, 0));
    // A thousand times the pages of 64 KiB: 2 GiB, but for the step of the last try.
    breaks_the_protocol(result, "found 32706000 ranges");
    let too_large = Module::idle().memory("(memory (export \"memory\") 65536)");
    traps(open(&too_large), "memory");
}

#[test]
fn ranges_outside_the_file_or_the_memory_are_refused() {
    let planned = || Module::idle().with("plan_embed", "(i64.const 1)");
    for (name, body) in [
        ("range_offset", "(i64.const 0x7fffffffffffffff)"),
        ("range_len", "(i64.const 0x7fffffffffffffff)"),
        ("range_len", "(i64.const 100000000)"),
    ] {
        let module = planned().with(name, body);
        let result = with(&module, &Watch::default(), |guest| guest.embed(0, 0));
        breaks_the_protocol(result, "the end of the file");
    }
    for dest in ["0x7fffffffffffffff", "131071"] {
        let module = planned()
            .with("range_len", "(i64.const 1000)")
            .with("range_dest", &format!("(i64.const {dest})"));
        let result = with(&module, &Watch::default(), |guest| guest.embed(0, 0));
        breaks_the_protocol(result, "the end of memory");
    }
}

#[test]
fn more_ranges_than_a_file_can_have_are_refused() {
    let module = Module::idle().with("plan_embed", "(i64.const 0x7fffffffffffffff)");
    let result = with(&module, &Watch::default(), |guest| guest.embed(0, 0));
    breaks_the_protocol(result, "ranges");
}

#[test]
fn a_header_without_an_end_is_refused() {
    for more in [
        "(i64.const 1)",
        "(i64.const 0x7fffffffffffffff)",
        "(local.get 0)",
    ] {
        let module = Module::idle().with("header_parse", more);
        breaks_the_protocol(open(&module), "header: found a request for");
    }
}

/// An error message as long as all memory is cut, and one outside memory is left out.
#[test]
fn messages_are_bounded() {
    let refusing = || Module::idle().with("header_parse", "(i64.const -1)");
    let long = refusing().with("error_len", "(i64.const 131072)");
    let refused = open(&long).unwrap_err().to_string();
    assert!(refused.len() <= 4096, "{}", refused.len());
    for at in ["-1", "131070", "0x7fffffffffffffff"] {
        let module = refusing()
            .with("error_ptr", &format!("(i64.const {at})"))
            .with("error_len", "(i64.const 10)");
        assert_eq!(open(&module).unwrap_err().to_string(), "no message");
    }
}

/// The host believes no shape: a replay with one that cannot be ends with an error.
#[test]
fn a_shape_beyond_all_numbers_is_refused() {
    for shape in ["(i64.const 0x7fffffffffffffff)", "(i64.const 0)"] {
        let module = Module::idle().with("shape", shape);
        breaks_the_protocol(open(&module), "shape: ");
    }
    // One that could be, of a guest that computes nothing.
    let task = Task {
        prompt: vec![1, 2],
        depth: 0,
        n_generate: 2,
        kv_type: KvType::F16,
        challenge: None,
    };
    let module = Module::idle().with("shape", "(i64.const 9)");
    let sandbox = Sandbox::with_module(&module.wasm(), &Watch::default()).unwrap();
    let replayed = replay(&sandbox, input(), &task, &[3, 4], None).unwrap();
    assert_ne!(replayed.tokens().collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn an_endless_loop_can_be_interrupted() {
    for name in ["header_buffer", "header_parse"] {
        let module = Module::idle().with(name, "(loop $more (br $more)) unreachable");
        let watch = Watch::default();
        let stopping = watch.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            stopping.stop();
        });
        let result = with(&module, &watch, |_| Ok(()));
        assert!(
            matches!(result, Err(SandboxError::Interrupted)),
            "{result:?}"
        );
    }
}
