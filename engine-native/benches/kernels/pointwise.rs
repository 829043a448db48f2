//! The operations between the products: short, but on the critical path of every position.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use engine_native::{Kernels, Ledger, Op, QuantizedActivations};

/// Elements of each vector.
pub const N: usize = 2560;
/// Calls in a sample.
pub const CALLS: usize = 2000;

/// One operation of one set of kernels.
pub struct Operation {
    /// Operation and ISA.
    pub name: String,
    call: Box<dyn FnMut()>,
}

impl Operation {
    fn new(name: &str, kernels: &Arc<dyn Kernels>, call: impl FnMut() + 'static) -> Self {
        Self {
            name: format!("{name}_{}", kernels.isa().as_str()),
            call: Box::new(call),
        }
    }

    /// Time of [`CALLS`] calls.
    pub fn time(&mut self) -> Duration {
        let start = Instant::now();
        for _ in 0..CALLS {
            (self.call)();
        }
        start.elapsed()
    }
}

/// The operations of these kernels.
pub fn operations(kernels: &Arc<dyn Kernels>) -> [Operation; 3] {
    [rms_norm(kernels), quantize(kernels), softmax(kernels)]
}

fn activations() -> Vec<f32> {
    (0..N).map(|i| (i * 37 % 101) as f32 / 25.0 - 2.0).collect()
}

fn rms_norm(kernels: &Arc<dyn Kernels>) -> Operation {
    let (x, weight, mut out) = (activations(), activations(), vec![0.0; N]);
    let (k, mut ledger) = (kernels.clone(), Ledger::default());
    Operation::new("rms_norm", kernels, move || {
        let recorder = ledger.op(Op::AttnNorm);
        let result = k.rms_norm(black_box(&x), &weight, 1e-5, &mut out, recorder);
        result.expect("the input is finite");
        black_box(&mut out);
    })
}

fn quantize(kernels: &Arc<dyn Kernels>) -> Operation {
    let (x, mut out) = (activations(), QuantizedActivations::with_len(N));
    let (k, mut ledger) = (kernels.clone(), Ledger::default());
    Operation::new("activation_quantize", kernels, move || {
        let recorder = ledger.op(Op::AttnQkvQuantize);
        let result = k.quantize(black_box(&x), &mut out, recorder);
        result.expect("the input is finite");
        black_box(&mut out);
    })
}

/// In place: each call works on the last result. The time does not depend on the values.
fn softmax(kernels: &Arc<dyn Kernels>) -> Operation {
    let mut scores = activations();
    let (k, mut ledger) = (kernels.clone(), Ledger::default());
    Operation::new("softmax_inplace", kernels, move || {
        let recorder = ledger.op(Op::AttentionSoftmax);
        let result = k.softmax(black_box(&mut scores), recorder);
        result.expect("the input is finite");
    })
}
