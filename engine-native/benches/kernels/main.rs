//! How close kernels come to the memory bandwidth: `cargo bench -p engine-native`.
//!
//! A decode step reads every weight once, so products are bounded by the read bandwidth. It is
//! measured in the same run and over the same bytes, interleaved with the products, so that a
//! machine that slows down affects all of them. Prints medians with the median absolute deviation.
//!
//! `cargo test` builds this program, too. It then runs every workload once, small and untimed, with
//! the kernels of every ISA that this CPU has: a workload that panics is found on any machine.

mod attention;
mod grouped;
mod pointwise;
mod products;
mod sampling;

use std::{sync::Arc, thread};

use attention::Attention;
use engine_native::{Isa, KernelChoice, Kernels, available_kernels};
use grouped::Grouped;
use products::Products;
use sampling::{Summary, Workload, interleave};

/// 512 MiB: larger than a last-level cache, small enough for a laptop, and whole rows of every
/// type.
const MEMORY_BYTES: usize = 104_960 * 5120;
/// Weights and activations fit in the L2 cache of one core.
const L2_BYTES: usize = 640 << 10;
/// Positions of a prefill.
const N_POSITIONS: usize = 512;
/// For a try without timing: one matrix, and a few positions that fill no block.
const TRY_BYTES: usize = 1024 * 5120;
const TRY_POSITIONS: usize = 5;

fn main() {
    // Cargo gives this argument only when it runs benches.
    match std::env::args().any(|argument| argument == "--bench") {
        true => time_all(),
        false => try_all(),
    }
}

/// Runs every workload once with the kernels of every ISA.
fn try_all() {
    for kernels in available_kernels() {
        let products = Products::new(kernels.clone(), TRY_BYTES);
        let grouped = Grouped::new(kernels.clone(), TRY_BYTES);
        let attention = Attention::new(kernels.clone());
        let prefill = products.prefill(&*kernels, TRY_POSITIONS);
        let of_groups = grouped.over([&kernels].into_iter(), TRY_BYTES, 1);
        let of_groups = of_groups.into_iter();
        let of_groups = of_groups.chain([grouped.prefill(&*kernels, TRY_POSITIONS)]);
        let workloads = products.over(TRY_BYTES, 1).into_iter();
        for workload in workloads
            .chain(attention.of_a_step())
            .chain([prefill])
            .chain(of_groups)
        {
            workload.time(2);
        }
        for mut operation in pointwise::operations(&kernels) {
            operation.time();
        }
        println!("every workload ran, untimed: {}", kernels.isa().as_str());
    }
}

fn time_all() {
    let kernels = KernelChoice::Auto.resolve().expect("auto always resolves");
    let products = Products::new(kernels.clone(), MEMORY_BYTES);
    let grouped = Grouped::new(kernels.clone(), MEMORY_BYTES);
    println!("kernels: {}", kernels.isa().as_str());
    println!("threads  bytes    kernel                  GB/s  of read  GMAC/s  ± MAD");
    let attention = Attention::new(kernels.clone());
    let available = available_kernels();
    for n_threads in thread_counts() {
        let [read, others @ ..] = products.over(MEMORY_BYTES, 1);
        let [scores, values] = attention.of_a_step();
        let workloads: Vec<_> = [read]
            .into_iter()
            .chain(others)
            .chain([scores, values])
            .collect();
        print_products(n_threads, &workloads);
        print_products(n_threads, &products.over(L2_BYTES, 400));
        for (bytes, repetitions) in [(MEMORY_BYTES, 1), (L2_BYTES, 400)] {
            let simd = available.iter().filter(|k| k.isa() != Isa::Scalar);
            print_products(n_threads, &grouped.over(simd, bytes, repetitions));
        }
    }
    print_prefill("i2s_gemm", &available, |kernels| {
        products.prefill(kernels, N_POSITIONS)
    });
    print_prefill("grouped_gemm", &available, |kernels| {
        grouped.prefill(kernels, N_POSITIONS)
    });
    print_pointwise(&[Arc::new(engine_native::Scalar) as Arc<dyn Kernels>, kernels]);
}

/// Times a GEMM, which is compute-bound, with the kernels of every ISA.
fn print_prefill<'a>(
    name: &str,
    kernels: &'a [Arc<dyn Kernels>],
    workload: impl Fn(&'a dyn Kernels) -> Workload<'a>,
) {
    println!("\nthreads  {name} × {N_POSITIONS}  GMAC/s  ± MAD");
    let simd = kernels.iter().filter(|k| k.isa() != Isa::Scalar);
    let workloads: Vec<_> = simd.map(|k| workload(&**k)).collect();
    for n_threads in thread_counts() {
        let summaries = interleave(workloads.len(), |i| workloads[i].time(n_threads));
        for (workload, summary) in workloads.iter().zip(summaries) {
            println!(
                "{n_threads:>7}  {:<14} {:>7.1}  {:.1} %",
                workload.name,
                workload.macs as f64 / summary.median_ns,
                summary.deviation_percent(),
            );
        }
    }
}

/// The thread counts 1, 2, 4, … and the number of CPUs.
fn thread_counts() -> Vec<usize> {
    let n_cpus = thread::available_parallelism().map_or(1, |n| n.get());
    let doubling = std::iter::successors(Some(1), |n| Some(n * 2));
    let mut counts: Vec<usize> = doubling.take_while(|&n| n < n_cpus).collect();
    counts.push(n_cpus);
    counts
}

/// Times the workloads, interleaved. The first one is the read, whose bandwidth is 100 %.
fn print_products(n_threads: usize, workloads: &[Workload]) {
    let summaries = interleave(workloads.len(), |i| workloads[i].time(n_threads));
    let gb_per_s = |i: usize| workloads[i].bytes as f64 / summaries[i].median_ns;
    for (i, workload) in workloads.iter().enumerate() {
        let share = 100.0 * gb_per_s(i) / gb_per_s(0);
        let share = format!("{share:.0} %");
        let gmac_per_s = match workload.macs {
            0 => "-".to_owned(),
            macs => format!("{:.1}", macs as f64 / summaries[i].median_ns),
        };
        println!(
            "{n_threads:>7}  {:<7}  {:<20} {:>7.2} {share:>8} {gmac_per_s:>7}  {:.1} %",
            binary_size(workload.bytes),
            workload.name,
            gb_per_s(i),
            summaries[i].deviation_percent(),
        );
    }
}

fn binary_size(bytes: usize) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib => format!("{mib} MiB"),
    }
}

/// Times the operations between the products, per call.
fn print_pointwise(kernels: &[Arc<dyn Kernels>]) {
    println!(
        "\noperation, n = {}            ns per call  ± MAD",
        pointwise::N
    );
    let mut operations: Vec<_> = kernels.iter().flat_map(pointwise::operations).collect();
    let summaries: Vec<Summary> = interleave(operations.len(), |i| operations[i].time());
    for (operation, summary) in operations.iter().zip(summaries) {
        println!(
            "{:<32} {:>9.0}  {:.1} %",
            operation.name,
            summary.median_ns / pointwise::CALLS as f64,
            summary.deviation_percent(),
        );
    }
}
