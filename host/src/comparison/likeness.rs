//! Which receipts may be compared: those that differ in nothing but the speed and the program.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use crate::{plain::plain, receipt::Receipt};

/// What two receipts can have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The model: its digest, and how its tensors were read.
    Model,
    /// The task: prompt, challenge, number of tokens, type of the KV cache.
    Task,
    /// The kernels that were asked for. Other engines than ours have none that anybody could ask for.
    Kernels,
    /// The threads.
    Threads,
    /// The machine: CPU, cores, caches, hypervisor.
    Machine,
}

impl Aspect {
    /// All aspects, those first that matter most.
    pub const ALL: [Self; 5] = [
        Self::Model,
        Self::Task,
        Self::Kernels,
        Self::Threads,
        Self::Machine,
    ];

    /// Its name in the plural, as a sentence has it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Task => "tasks",
            Self::Kernels | Self::Threads => "settings",
            Self::Machine => "machines",
        }
    }

    /// Its name as an argument has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Task => "task",
            Self::Kernels | Self::Threads => "settings",
            Self::Machine => "machine",
        }
    }

    /// What a receipt has in this aspect, in words that are safe to show. Equal texts, equal aspects.
    pub fn of(self, r: &Receipt) -> String {
        let run = &r.run;
        let text = match self {
            Self::Model => {
                let layout = run_on(r.model.i2s_layout.as_ref());
                format!("{}{layout}", r.model.sha256)
            }
            Self::Task => {
                // Ids of any length, in a few words.
                let ids = serde_json::to_vec(&(&run.prompt_ids, &run.challenge));
                let prompt = crate::digest::Digest::of(&ids.unwrap_or_default()).to_string();
                format!(
                    "{} tokens after a prompt of {} (ids {}…), {} KV cache",
                    run.tokens,
                    run.prompt_ids.len(),
                    &prompt[..8],
                    run.kv_type
                )
            }
            Self::Kernels => format!("--kernel {}", run.kernel),
            Self::Threads => format!("--threads {}", run.threads),
            Self::Machine => machine(r),
        };
        plain(&text, usize::MAX)
    }
}

/// The memory is left out: two machines of one kind have a few pages more or less. So is the operating
/// system, which an update changes.
fn machine(r: &Receipt) -> String {
    let host = &r.host;
    let mut text = format!(
        "{}, {} of {} cores",
        host.cpu_model, host.logical_cores, host.physical_cores
    );
    if let Some(h) = &host.hardware {
        let numbers = [h.cpu_family, h.cpu_model_number, h.cpu_stepping];
        for number in numbers.into_iter().flatten() {
            text += &format!(" {number}");
        }
        text += &run_on(h.l3_cache_bytes.map(|bytes| format!("L3 {bytes}")).as_ref());
        text += &run_on(h.hypervisor.as_ref());
    }
    text
}

fn run_on(text: Option<&String>) -> String {
    text.map_or(String::new(), |text| format!(", {text}"))
}

/// What receipts have in all aspects that are not compared across.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Likeness(Vec<(Aspect, String)>);

impl Likeness {
    /// Of a receipt, but for the aspects in `across`.
    pub fn of(r: &Receipt, across: &BTreeSet<Aspect>) -> Self {
        let aspects = Aspect::ALL.into_iter();
        let kept = aspects.filter(|aspect| !across.contains(aspect));
        Self(kept.map(|aspect| (aspect, aspect.of(r))).collect())
    }

    /// The first aspect in which `other` differs: the aspect, what this one has, what the other has.
    pub fn first_difference<'l>(&'l self, other: &'l Self) -> Option<(Aspect, &'l str, &'l str)> {
        let pairs = self.0.iter().zip(&other.0);
        let mut differing = pairs.filter(|(one, other)| one.1 != other.1);
        differing
            .next()
            .map(|(one, other)| (one.0, &one.1[..], &other.1[..]))
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let texts: Vec<&str> = self.0.iter().map(|(_, text)| &text[..]).collect();
        f.write_str(&texts.join(", "))
    }
}
