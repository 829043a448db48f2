//! Times the receipt's task on this machine, to show both speeds side by side. Neither proves the
//! other.

use serde::Serialize;

use crate::{
    failure::RunFailure,
    input::{HashedModel, Prompt},
    machine::{Environment, logical_cores},
    receipt::{Receipt, parse_kernel_name, parse_kv_type_name},
    run::{Loaded, RunSettings},
    watch::Watch,
};

/// The result of running a receipt's task on this machine.
#[derive(Debug, Clone, Serialize)]
pub struct Retimed {
    /// Generated tokens per second in the receipt.
    pub receipt_tokens_per_sec: f64,
    /// Generated tokens per second on this machine.
    pub here_tokens_per_sec: f64,
    /// Threads of the receipt's run.
    pub receipt_threads: u64,
    /// Threads of the run here; no more than this machine has.
    pub here_threads: u64,
    /// The CPU of this machine.
    pub here_host: String,
    /// Whether the run here chose the receipt's tokens.
    pub same_tokens: bool,
}

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
    let settings = RunSettings {
        model: found.path.clone(),
        i2s_layout: found.model.i2s_layout().unwrap_or_default(),
        prompt: Prompt::Ids(run.prompt_ids.clone()),
        n_generate: run.tokens as usize,
        // The kernels of the receipt, if this CPU can run them.
        kernel: parse_kernel_name(&run.kernel)
            .filter(|kernel| kernel.resolve().is_ok())
            .unwrap_or_default(),
        packing: engine_native::Packing::default(),
        screening: engine_native::Screening::default(),
        kv_type: parse_kv_type_name(&run.kv_type).unwrap_or_default(),
        warmup: 1,
        repetitions: Some(run.repetitions as usize),
        environment: Environment {
            deterministic: receipt.environment.BITNET_DETERMINISTIC == "1",
            seed: receipt.environment.BITNET_SEED.parse().unwrap_or_default(),
            threads,
        },
    };
    let loaded = Loaded::open(settings, watch)?;
    let here = loaded.measure()?.without_proof().receipt();
    Ok(Retimed {
        receipt_tokens_per_sec: receipt.tokens_per_sec,
        here_tokens_per_sec: here.tokens_per_sec,
        receipt_threads: run.threads,
        here_threads: threads as u64,
        same_tokens: here.tokens == receipt.tokens,
        here_host: here.host.cpu_model,
    })
}
