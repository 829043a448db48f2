//! What a verification may cost: found out before its work begins, or stopped when the time is over.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use host::{receipt::Receipt, watch::Watch};

use crate::args::AllowanceArgs;

/// No guest does so many multiply-accumulates in a second: measured are a quarter of them.
const FASTEST_GUEST: u128 = 20_000_000_000;

/// Checks that the replay of a receipt by so many `guests` is allowed; `is_whole` if all of it is
/// replayed. Only the receipt has been read by now.
///
/// # Errors
/// What is more than allowed, and what to do.
pub fn check(
    args: &AllowanceArgs,
    receipt: &Receipt,
    guests: NonZeroUsize,
    is_whole: bool,
) -> Result<(), String> {
    let prompt = receipt.run.prompt_ids.len() as u64;
    let positions = prompt.saturating_add(receipt.run.tokens).saturating_sub(1);
    let counts = [
        (
            "positions",
            "--max-positions",
            positions,
            args.max_positions,
        ),
        (
            "repetitions",
            "--max-repetitions",
            receipt.run.repetitions,
            args.max_repetitions,
        ),
        (
            "bytes of the model",
            "--max-bytes",
            receipt.model.file_bytes,
            args.max_bytes,
        ),
    ];
    for (what, flag, found, allowed) in counts {
        if let Some(allowed) = allowed.filter(|&allowed| found > allowed) {
            return Err(format!(
                "not begun: found {found} {what}, allowed at most {allowed}; pass {flag} {found} to \
                 allow it"
            ));
        }
    }
    let Some(seconds) = args.max_seconds.filter(|_| is_whole) else {
        return Ok(());
    };
    let fastest = FASTEST_GUEST.saturating_mul(guests.get() as u128);
    let least = work(receipt, positions).div_ceil(fastest);
    if least > u128::from(seconds) {
        return Err(format!(
            "not begun: it takes at least {least} seconds, allowed are {seconds}; pass a larger \
             --max-seconds, or audit a part with --sample"
        ));
    }
    Ok(())
}

/// The multiply-accumulates of the layers' matrices, of the shape in the receipt.
fn work(receipt: &Receipt, positions: u64) -> u128 {
    let shape = &receipt.model.shape;
    let [embd, ff, layers, positions] =
        [shape.n_embd, shape.n_ff, shape.n_layers, positions].map(u128::from);
    let heads = u128::from(shape.n_heads) + u128::from(shape.n_kv_heads);
    let attention = heads
        .saturating_mul(2)
        .saturating_mul(shape.head_dim.into());
    let rows = attention.saturating_add(ff.saturating_mul(3));
    let layer = rows.saturating_mul(embd);
    layer.saturating_mul(layers).saturating_mul(positions)
}

/// Stops the work that a watch watches when the time is over, unless it is dropped before.
pub struct Deadline {
    is_over: Arc<AtomicBool>,
    _in_time: Sender<()>,
}

impl Deadline {
    /// Begins now.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(seconds: u64, watch: &Watch) -> io::Result<Self> {
        let (in_time, ends) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let (told, watch) = (is_over.clone(), watch.clone());
        thread::Builder::new().spawn(move || {
            let waited = ends.recv_timeout(Duration::from_secs(seconds));
            if waited == Err(RecvTimeoutError::Timeout) {
                told.store(true, Ordering::SeqCst);
                watch.stop();
            }
        })?;
        Ok(Self {
            is_over,
            _in_time: in_time,
        })
    }

    /// Whether it stopped the work.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}
