//! Prints the highest decode rate that the verifier's ceilings accept, beside the roofline of the
//! fastest CPU in their table: `cargo run -p host --example ceilings -- RECEIPT`.
//!
//! The receipt gives everything but the shape, the threads and the machine.

use std::{env, error::Error, fs};

use host::{
    receipt::{Receipt, ShapeRecord},
    verify::{Ceilings, least_step_seconds},
};

/// Bits of a weight that the native engine reads: ternary ones, and those of the output matrix (its
/// screen, or F16 where there is none).
struct Bits {
    ternary: f64,
    output: f64,
}

/// A shape that people run, with vocabulary, embedding, layers, heads, KV heads, head size and FFN.
const SHAPES: [(&str, [u64; 7], Bits); 3] = [
    (
        "tiny",
        [512, 256, 6, 4, 2, 64, 768],
        Bits {
            ternary: 2.0,
            output: 16.0,
        },
    ),
    (
        "2B4T",
        [128_256, 2560, 30, 20, 5, 128, 6912],
        Bits {
            ternary: 5.0 / 3.0,
            output: 5.0,
        },
    ),
    (
        "8B",
        [128_256, 4096, 32, 32, 8, 128, 14_336],
        Bits {
            ternary: 5.0 / 3.0,
            output: 5.0,
        },
    ),
];

/// A decode step in the middle of a run of 128 tokens.
const POSITION: u64 = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: ceilings RECEIPT")?;
    let mut receipt: Receipt = serde_json::from_slice(&fs::read(path)?)?;
    receipt.run.kv_type = "f16".into();
    println!("| model | cores | highest claim, tokens/s | roofline of the fastest CPU | ratio |");
    println!("|---|---|---|---|---|");
    for (name, shape, bits) in SHAPES {
        let [
            n_vocab,
            n_embd,
            n_layers,
            n_heads,
            n_kv_heads,
            head_dim,
            n_ff,
        ] = shape;
        receipt.model.architecture = "bitnet-b1.58".into();
        receipt.model.shape = ShapeRecord {
            n_vocab,
            n_embd,
            n_layers,
            n_heads,
            n_kv_heads,
            head_dim,
            rope_dim: head_dim,
            n_ff,
            context_length: 4096,
        };
        let (q, kv) = (n_heads * head_dim, n_kv_heads * head_dim);
        let ternary = n_layers * n_embd * (2 * q + 2 * kv + 3 * n_ff);
        let output = n_vocab * n_embd;
        let bytes = (ternary as f64 * bits.ternary + output as f64 * bits.output) / 8.0;
        let macs = (ternary + output) as f64;
        for (cores, is_socket) in [("one", false), ("one socket", true)] {
            let threads = if is_socket { 1024 } else { 1 };
            receipt.run.threads = threads;
            receipt.host.logical_cores = threads;
            let least = least_step_seconds(&receipt, &Ceilings::default(), POSITION)?;
            let roofs = Ceilings::known_cpus().iter();
            let (seconds, fastest) = roofs
                .map(|cpu| (cpu.roofline_seconds(macs, bytes, is_socket), &cpu.name))
                .min_by(|(a, _), (b, _)| a.total_cmp(b))
                .ok_or("the table is empty")?;
            println!(
                "| {name} | {cores} | {:.0} | {:.0}, {fastest} | {:.2} |",
                1.0 / least,
                1.0 / seconds,
                seconds / least,
            );
        }
    }
    Ok(())
}
