//! Rules between what the receipt says of the machine and of the run: each is the writer's word, but
//! they have to fit each other.

use engine_native::{Isa, KernelName};

use super::found::within;
use crate::{
    receipt::{Receipt, has_fields_since},
    verify::outcome::Rule,
};

pub(super) const RULES: &[Rule] = &[
    ("machine_cores", cores),
    ("machine_threads", threads),
    ("machine_features", features),
    ("machine_memory", memory),
    ("machine_texts", texts),
];

/// More logical processors than any system has: Linux has at most 8,192.
const MOST_CORES: u64 = 8192;

/// Most CPU features that are listed, with room for more.
const MOST_FEATURES: usize = 64;

/// The most bytes of a text about the machine or the build.
const LONGEST_TEXT: usize = 256;

fn cores(r: &Receipt) -> Result<(), String> {
    let (physical, logical) = (r.host.physical_cores, r.host.logical_cores);
    within("logical_cores", logical, 1..=MOST_CORES)?;
    within("physical_cores", physical, 1..=logical)
}

/// `benchmark` refuses more threads than the process has logical processors.
fn threads(r: &Receipt) -> Result<(), String> {
    within("threads", r.run.threads, 1..=r.host.logical_cores.max(1))
}

/// The features that the kernels of an ISA need, by the names in receipts.
fn needed(isa: Isa) -> &'static [&'static str] {
    match isa {
        Isa::Scalar => &[],
        Isa::Avx2 => &["avx2", "f16c"],
        Isa::AvxVnni => &["avx2", "avxvnni", "f16c"],
        Isa::Avx512Vnni => &[
            "avx2",
            "avx512bw",
            "avx512dq",
            "avx512f",
            "avx512vl",
            "avx512vnni",
            "f16c",
        ],
        Isa::Amx => &["amx-int8", "amx-tile", "avx512f", "avx512vnni"],
    }
}

/// Features that receipts list since schema 1.2.0.
const NEWER_FEATURES: [&str; 3] = ["amx-int8", "amx-tile", "avx512dq"];

fn features(r: &Receipt) -> Result<(), String> {
    let found = &r.host.cpu_features;
    if found.len() > MOST_FEATURES || !found.is_sorted_by(|a, b| a < b) {
        return Err(format!(
            "cpu_features: found {}, allowed at most {MOST_FEATURES}, sorted, each once",
            found.len()
        ));
    }
    let lists_all = has_fields_since(&r.receipt_schema, "1.2.0");
    let is_missing = |feature: &&&str| {
        let is_listed = found.iter().any(|f| f == *feature);
        !is_listed && (lists_all || !NEWER_FEATURES.contains(*feature))
    };
    // The rules on the ledger refuse kernels that do not exist.
    let kernels = r.kernels.iter();
    for (kernel, (_, isa)) in kernels.filter_map(|id| Some((id, KernelName::parse_id(id)?))) {
        if let Some(missing) = needed(isa).iter().find(is_missing) {
            return Err(format!(
                "found {kernel}, which needs {missing}: cpu_features does not list it"
            ));
        }
    }
    Ok(())
}

/// A model that does not fit into memory cannot have been run from it. 0 stands for unknown.
fn memory(r: &Receipt) -> Result<(), String> {
    let (model, memory) = (r.model.file_bytes, r.host.memory_bytes);
    match memory == 0 || model <= memory {
        true => Ok(()),
        false => Err(format!(
            "found a model of {model} bytes on a machine with {memory} bytes of memory"
        )),
    }
}

/// Every text of the writer's has a bound, so that no verdict is lost in one.
fn texts(r: &Receipt) -> Result<(), String> {
    let (host, build, e) = (&r.host, &r.build, &r.environment);
    let texts = [
        ("cpu_model", &host.cpu_model),
        ("os", &host.os),
        ("kernel", &host.kernel),
        ("git_commit", &build.git_commit),
        ("rustc", &build.rustc),
        ("profile", &build.profile),
        ("target", &build.target),
        ("BITNET_VERSION", &e.BITNET_VERSION),
        ("OS", &e.OS),
    ];
    let features = host.cpu_features.iter().map(|text| ("cpu_features", text));
    let governor = host.governor.iter().map(|text| ("governor", text));
    let hardware = host.hardware.iter().flat_map(|h| {
        let named = [("cpu_vendor", &h.cpu_vendor), ("hypervisor", &h.hypervisor)];
        named
            .into_iter()
            .filter_map(|(name, text)| Some((name, text.as_ref()?)))
    });
    let all = texts
        .into_iter()
        .chain(features)
        .chain(governor)
        .chain(hardware);
    for (name, text) in all {
        within(
            &format!("bytes of {name}"),
            text.len() as u64,
            0..=LONGEST_TEXT as u64,
        )?;
    }
    // The features of a whole build are a list in one text.
    within(
        "bytes of target_features",
        build.target_features.len() as u64,
        0..=16 * LONGEST_TEXT as u64,
    )
}

#[cfg(all(test, feature = "run"))]
mod tests {
    use super::*;

    #[test]
    fn every_isa_that_runs_here_has_its_features_here() {
        let found = crate::receipt::Machine::current().cpu_features;
        for kernels in engine_native::available_kernels() {
            for feature in needed(kernels.isa()) {
                assert!(found.iter().any(|f| f == feature), "{feature}: {found:?}");
            }
        }
    }
}
