//! Times the receipt's task on this machine, to show both speeds side by side. A policy judges their
//! ratio.

use engine_native::Op;

use crate::{
    failure::RunFailure,
    input::{HashedModel, Prompt},
    machine::{Environment, logical_cores},
    noise::was_always_disturbed,
    receipt::{Hardware, Machine, Receipt, parse_kernel_name, parse_kv_type_name},
    run::{Loaded, NativeRunner, RunSettings},
    statistics::Sorted,
    verify::Retimed,
    watch::Watch,
};

/// The most repetitions that are run here, however many the receipt has.
const MOST_REPETITIONS: u64 = 3;

/// Multiply-accumulates after which no further repetition is run: minutes on a slow machine.
const MOST_WORK: u64 = 100_000_000_000;

/// Runs the task of `receipt` on the native engine. The receipt's own rules must hold.
///
/// # Errors
/// The run is not possible here, or was interrupted.
pub fn retime(
    receipt: &Receipt,
    found: &HashedModel,
    watch: &Watch,
) -> Result<Retimed, RunFailure> {
    let run = &receipt.run;
    let threads = (run.threads as usize).min(logical_cores());
    let work = Op::run_work(
        found.model.shape(),
        run.prompt_ids.len() as u64 + run.tokens,
        run.tokens,
    );
    let affordable = MOST_WORK / work.unwrap_or(u64::MAX).max(1);
    let repetitions = run.repetitions.min(MOST_REPETITIONS).min(affordable.max(1));
    let settings = RunSettings {
        model: found.path.clone(),
        i2s_layout: found.model.i2s_layout().unwrap_or_default(),
        prompt: Prompt::Ids(run.prompt_ids.clone()),
        depth: receipt.depth() as usize,
        n_generate: run.tokens as usize,
        // The kernels of the receipt, if this CPU can run them.
        kernel: parse_kernel_name(&run.kernel)
            .filter(|kernel| kernel.resolve().is_ok())
            .unwrap_or_default(),
        packing: engine_native::Packing::default(),
        screening: engine_native::Screening::default(),
        kv_type: parse_kv_type_name(&run.kv_type).unwrap_or_default(),
        warmup: 1,
        repetitions: Some(repetitions as usize),
        time_budget: 0,
        pin: false,
        environment: Environment {
            deterministic: receipt.environment.BITNET_DETERMINISTIC == "1",
            seed: receipt.environment.BITNET_SEED.parse().unwrap_or_default(),
            threads,
        },
    };
    let mut here = measure(settings.clone(), watch)?;
    if was_always_disturbed(&here) {
        here = measure(settings, watch)?;
    }
    Ok(Retimed {
        receipt_tokens_per_sec: receipt.tokens_per_sec,
        here_tokens_per_sec: here.tokens_per_sec,
        ratio: ratio(receipt, &here),
        is_disturbed: was_always_disturbed(&here),
        receipt_threads: run.threads,
        here_threads: threads as u64,
        here_repetitions: repetitions,
        same_tokens: here.tokens == receipt.tokens,
        same_cpu: is_same_cpu(&receipt.host, &here.host),
        here_host: here.host.cpu_model,
    })
}

fn measure(settings: RunSettings, watch: &Watch) -> Result<Receipt, RunFailure> {
    let loaded = Loaded::open(settings, watch)?;
    let runner = NativeRunner::new(loaded.engine(), loaded.task())?;
    let measured = loaded.measure_unjudged(Box::new(runner))?;
    Ok(measured.without_proof().receipt())
}

/// The receipt's rates divided by the rates here; returns the greatest ratio. The rates here are those of
/// the fastest prefill and of the median decode step, so a single interruption does not lower them.
fn ratio(receipt: &Receipt, here: &Receipt) -> f64 {
    let prefill_ns = here.samples.prefill_ns.iter().min().copied();
    let steps = here.samples.decode_ns.iter().flatten().copied();
    let step_ns = Sorted::of(steps).map(|steps| *steps.median());
    let seconds = |ns: Option<u64>| ns.unwrap_or_default() as f64 / 1e9;
    let (prefill, step) = (seconds(prefill_ns), seconds(step_ns));
    let n_prompt = receipt.n_prefilled() as f64;
    let n_tokens = receipt.run.tokens as f64;
    let both = prefill + step * (n_tokens - 1.0);
    let ratios = [
        receipt.prefill_tokens_per_sec * prefill / n_prompt,
        receipt.decode_tokens_per_sec.unwrap_or_default() * step,
        receipt.tokens_per_sec * both / n_tokens,
    ];
    ratios.into_iter().fold(0.0, f64::max)
}

/// Whether both machines name the same CPU model.
fn is_same_cpu(one: &Machine, other: &Machine) -> bool {
    let identity = |machine: &Machine| {
        let hardware = machine.hardware.clone().unwrap_or_default();
        let Hardware {
            cpu_vendor,
            cpu_family,
            cpu_model_number,
            ..
        } = hardware;
        (cpu_vendor, cpu_family, cpu_model_number)
    };
    let knows_both = one.hardware.is_some() && other.hardware.is_some();
    one.cpu_model == other.cpu_model && (!knows_both || identity(one) == identity(other))
}
