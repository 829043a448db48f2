//! One cell that computes something else: it is named, and there is no number of any cell.

use clap::Parser;
use host::{
    failure::RunFailure,
    run::{Loaded, NativeRunner, Recording, Runner},
    sandbox::OpBits,
    task::Task,
    watch::Watch,
};
use xtask::{
    args::{Args, Command},
    commands::benchmark::run_with,
    exit::{Exit, Failure},
};

/// What becomes of a recording.
type Edit = fn(&mut Recording);

/// The right engine, whose recordings are edited before anybody sees them.
struct Edited {
    inner: NativeRunner,
    edit: Edit,
}

impl Runner for Edited {
    fn record(&mut self, task: &Task, watch: &Watch) -> Result<Recording, RunFailure> {
        let mut recording = self.inner.record(task, watch)?;
        (self.edit)(&mut recording);
        Ok(recording)
    }

    fn op_outputs(
        &mut self,
        task: &Task,
        position: usize,
        layer: usize,
        watch: &Watch,
    ) -> Result<Vec<OpBits>, RunFailure> {
        self.inner.op_outputs(task, position, layer, watch)
    }
}

/// Nothing.
fn leave(_: &mut Recording) {}

/// One bit in one value that no token depends on.
fn flip(recording: &mut Recording) {
    let hidden = &mut recording.traces[2].hidden[5];
    *hidden = f32::from_bits(hidden.to_bits() ^ 1);
}

/// Another token, which the engine says that it has chosen.
fn lie(recording: &mut Recording) {
    let other = (recording.tokens[1] + 1) % 512;
    recording.tokens[1] = other;
    // The last token but two is fed, and chosen one position before.
    let at = recording.traces.len() - recording.tokens.len() + 1;
    if let Some(choice) = &mut recording.traces[at].choice {
        choice.token = other;
    }
    recording.traces[at + 1].input = other;
}

/// Sweeps four cells, of which those with other KV types are other tasks; the engine of one is `wrong`.
fn sweep(
    words: &[&str],
    folder: &std::path::Path,
    wrong: fn(&Loaded) -> bool,
    edit: Edit,
) -> Result<Exit, Failure> {
    let (model, folder) = (crate::process::TINY, folder.to_str().unwrap());
    let mut all = vec![
        "bitreceipt",
        "benchmark",
        model,
        "-q",
        "-n",
        "4",
        "-p",
        "3",
        "-r",
        "1",
        "-t",
        "1",
        "--kernel",
        "scalar,auto",
        "--kv-type",
        "f16,f32",
        "--output-dir",
        folder,
    ];
    all.extend(words);
    let Command::Benchmark(args) = Args::parse_from(all).command else {
        unreachable!()
    };
    run_with(
        &args,
        &Watch::default(),
        Some(&|loaded| {
            let inner = NativeRunner::new(loaded.engine(), loaded.task()).unwrap();
            let edit = if wrong(loaded) { edit } else { leave };
            Box::new(Edited { inner, edit })
        }),
    )
}

fn is_f32(loaded: &Loaded) -> bool {
    loaded.task().kv_type == engine_native::KvType::F32
}

fn is_scalar(loaded: &Loaded) -> bool {
    loaded.engine().isa() == engine_native::Isa::Scalar
}

const OLD: &str = r#"{"schema_version": "1.0.0", "receipt_schema": "0.9.0"}"#;

/// The cell with scalar kernels and a KV cache of f32 is wrong, whatever comes first.
#[test]
fn the_wrong_cell_is_named_with_its_first_divergence() {
    let edits: [(Edit, &str); 2] = [
        (flip, "position 2, op output_norm"),
        (lie, "position 3, op greedy_choice"),
    ];
    for (edit, place) in edits {
        for seed in ["0", "1", "2"] {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            let (wrong, right) = ("tiny-p3-n4-t1-scalar-kv-f32.json", "tiny-p3-n4-t1.json");
            for name in [wrong, right] {
                std::fs::write(path(name), OLD).unwrap();
            }
            let is_wrong = |loaded: &Loaded| is_f32(loaded) && is_scalar(loaded);
            let failure =
                sweep(&["--order-seed", seed], folder.path(), is_wrong, edit).unwrap_err();
            let message = failure.to_string();
            assert_eq!(failure.exit, Exit::Rejected, "{message}");
            for part in [
                "cell tiny-p3-n4-t1-scalar-kv-f32: parity failed",
                place,
                "no receipt written",
            ] {
                assert!(message.contains(part), "{part}: {message}");
            }
            // Nothing of the other cells is written, and only the wrong one's old receipt is stale.
            let mut names: Vec<_> = std::fs::read_dir(folder.path())
                .unwrap()
                .map(|e| e.unwrap().file_name())
                .collect();
            names.sort();
            assert_eq!(
                names,
                [format!("{wrong}.stale"), right.to_owned()].map(std::ffi::OsString::from)
            );
            assert_eq!(std::fs::read_to_string(path(right)).unwrap(), OLD);
        }
    }
}

/// Without a replay, cells are compared with each other all the same.
#[test]
fn cells_that_disagree_have_no_number_even_unreplayed() {
    let folder = tempfile::tempdir().unwrap();
    let failure = sweep(&["--parity", "off"], folder.path(), is_scalar, flip).unwrap_err();
    let message = failure.to_string();
    assert_eq!(failure.exit, Exit::Rejected, "{message}");
    assert!(
        message.contains("its transcript is not that of cell tiny-p3-n4-t1"),
        "{message}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_right_engine_is_not_refused() {
    let folder = tempfile::tempdir().unwrap();
    let exit = sweep(&[], folder.path(), |_| false, flip);
    assert_eq!(exit.unwrap(), Exit::Done);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
}
