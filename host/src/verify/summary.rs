//! A summary of a receipt: what was run, and what the writer claims about it.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

use super::{least_work::LeastWork, rules::derived::repetitions};
use crate::{
    digest::Digest,
    noise::{Warning, warnings},
    receipt::{EngineModel, EngineRecord, Hardware, PromptSource, Receipt},
};

/// The content of a receipt, without a judgement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Digest of the receipt.
    pub receipt_sha256: Digest,
    /// Number of tokens generated.
    pub tokens: u64,
    /// Number of prompt tokens.
    pub prompt_tokens: u64,
    /// Where the prompt came from, such as "seed 42".
    pub prompt: String,
    /// The model.
    pub model: ModelSummary,
    /// Checksum of the transcript.
    pub checksum: Digest,
    /// Whether the writer replayed the run.
    pub replayed_by_writer: bool,
    /// The engine, if it is another one than this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineSummary>,
    /// What only the writer can know.
    pub claimed: Claim,
}

/// Another engine, as the writer describes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct EngineSummary {
    pub name: String,
    pub version: Option<String>,
    pub sha256: Option<Digest>,
    pub command: String,
    /// The file that it read, if that is not the model of the receipt.
    pub model: Option<EngineModel>,
}

impl EngineSummary {
    fn of(engine: &EngineRecord) -> Self {
        let model = engine.model.as_ref();
        Self {
            name: plain(&engine.name),
            version: engine.version.as_deref().map(plain),
            sha256: engine.sha256,
            command: plain(&engine.command),
            model: model.map(|model| EngineModel {
                file_name: plain(&model.file_name),
                ..model.clone()
            }),
        }
    }

    /// Name and version.
    pub fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }

    /// What the writer says of it, as a few lines of text, each after `indent`.
    fn lines(&self, indent: &str) -> String {
        let mut text = format!("{indent}engine    {}", self.title());
        if let Some(sha256) = self.sha256 {
            let _ = write!(text, ", sha256 {}", Short(sha256));
        }
        let _ = write!(text, "\n{indent}          {}\n", self.command);
        if let Some(EngineModel {
            file_name, sha256, ..
        }) = &self.model
        {
            let _ = writeln!(
                text,
                "{indent}          read {file_name}, sha256 {}",
                Short(*sha256)
            );
        }
        text
    }
}

/// The model of a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ModelSummary {
    pub file_name: String,
    pub file_bytes: u64,
    pub sha256: Digest,
    pub architecture: String,
    pub i2s_layout: Option<String>,
    pub parameters: u64,
}

/// A claimed speed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Speed {
    /// Generated tokens per second of prefill and decode together.
    pub tokens_per_sec: f64,
    /// Prompt tokens per second of the prefill.
    pub prefill_tokens_per_sec: f64,
    /// Tokens per second of the decode steps; `None` for one token.
    pub decode_tokens_per_sec: Option<f64>,
    /// Lower bound on the gigabytes per second that decoding at this rate reads, derived from the
    /// shape.
    pub decode_reads_gb_per_sec: Option<f64>,
    /// Lower bound on the multiply-accumulates per second of decoding at this rate, in 10⁹.
    pub decode_gmac_per_sec: Option<f64>,
}

/// The claims of a receipt, apart from its tokens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// The speed; `None` of another engine that is rejected: it has no number.
    #[serde(flatten)]
    pub speed: Option<Speed>,
    /// Number of threads.
    pub threads: u64,
    /// ISAs of the kernels that ran.
    pub isas: Vec<String>,
    /// Element type of the KV cache.
    pub kv_type: String,
    /// Number of timed runs.
    pub repetitions: u64,
    /// The CPU.
    pub cpu: String,
    /// Signs of noise in the samples and in what the system says.
    pub warnings: Vec<Warning>,
    /// How often the measurement was begun.
    pub attempts: u64,
    /// Number of physical cores.
    pub physical_cores: u64,
    /// Number of logical cores: no run has more threads.
    pub logical_cores: u64,
    /// The hardware in detail; none in receipts of schema 1.1.0.
    pub hardware: Option<Hardware>,
    /// The operating system.
    pub os: String,
    /// When the receipt was made.
    pub created: String,
    /// Commit of the build, or "unknown".
    pub build: String,
    /// Cargo profile of the build.
    pub profile: String,
}

impl Speed {
    fn of(r: &Receipt) -> Self {
        let (bytes, macs) = decode_rates(r).unzip();
        Self {
            tokens_per_sec: r.tokens_per_sec,
            prefill_tokens_per_sec: r.prefill_tokens_per_sec,
            decode_tokens_per_sec: r.decode_tokens_per_sec,
            decode_reads_gb_per_sec: bytes.map(|rate: f64| rate / 1e9),
            decode_gmac_per_sec: macs.map(|rate: f64| rate / 1e9),
        }
    }

    /// The rates, as one or two lines of text, each after `indent`.
    fn lines(&self, indent: &str) -> String {
        let decode = self.decode_tokens_per_sec;
        let decode = decode.map_or(String::new(), |rate| format!("{} decode, ", number(rate)));
        let mut text = format!(
            "{indent}tokens/s  {decode}{} prefill, {} both\n",
            number(self.prefill_tokens_per_sec),
            number(self.tokens_per_sec)
        );
        if let (Some(gb), Some(gmac)) = (self.decode_reads_gb_per_sec, self.decode_gmac_per_sec) {
            let _ = writeln!(
                text,
                "{indent}          (decoding takes at least {gb:.1} GB/s and {gmac:.1} GMAC/s)"
            );
        }
        text
    }
}

impl Summary {
    /// Summarises `r`. Its strings are untrusted: each is shortened to fit on a line, and control
    /// characters are replaced so that it cannot pretend to be another line.
    pub fn of(r: &Receipt) -> Self {
        Self {
            receipt_sha256: r.receipt_sha256,
            tokens: r.run.tokens,
            prompt_tokens: r.run.prompt_ids.len() as u64,
            prompt: prompt(r),
            model: ModelSummary {
                file_name: plain(&r.model.file_name),
                file_bytes: r.model.file_bytes,
                sha256: r.model.sha256,
                architecture: plain(&r.model.architecture),
                i2s_layout: r.model.i2s_layout.as_deref().map(plain),
                parameters: r.model.parameters,
            },
            checksum: r.parity.checksum,
            replayed_by_writer: r.parity.status.is_replayed(),
            engine: r.engine.as_ref().map(EngineSummary::of),
            claimed: Claim {
                speed: Some(Speed::of(r)),
                threads: r.run.threads,
                isas: isas(r),
                kv_type: plain(&r.run.kv_type),
                repetitions: r.run.repetitions,
                cpu: plain(&r.host.cpu_model),
                warnings: warnings(r),
                attempts: r.run.attempts.unwrap_or(1),
                physical_cores: r.host.physical_cores,
                logical_cores: r.host.logical_cores,
                hardware: r.host.hardware.as_ref().map(plain_hardware),
                os: plain(&r.host.os),
                created: plain(&r.created),
                build: plain(&r.build.git_commit),
                profile: plain(&r.build.profile),
            },
        }
    }

    /// The same without a speed, for what is rejected.
    #[must_use]
    pub(super) fn without_speed(mut self) -> Self {
        self.claimed.speed = None;
        self
    }

    /// The run whose tokens can be proved, as a few lines of text, each after `indent`.
    pub fn run_lines(&self, indent: &str) -> String {
        let (n, model) = (self.tokens, &self.model);
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{indent}tokens    {n}, after a prompt of {} ({})",
            self.prompt_tokens, self.prompt
        );
        // The writer's choice, on which the tokens depend.
        let layout = model.i2s_layout.as_ref();
        let layout = layout.map_or(String::new(), |layout| format!(", I2_S as {layout}"));
        let _ = writeln!(
            text,
            "{indent}model     {}, {}, {}{}\n{indent}          sha256 {}",
            model.file_name,
            bytes(model.file_bytes),
            model.architecture,
            layout,
            Short(model.sha256)
        );
        let _ = writeln!(text, "{indent}checksum  {}", Short(self.checksum));
        text
    }

    /// The claims, as a few lines of text, each after `indent`.
    pub fn claim_lines(&self, indent: &str) -> String {
        let c = &self.claimed;
        let engine = self.engine.as_ref();
        let mut text = engine.map_or(String::new(), |engine| engine.lines(indent));
        text += &match c.speed {
            Some(speed) => speed.lines(indent),
            None => format!("{indent}tokens/s  none: the receipt is rejected\n"),
        };
        let _ = writeln!(
            text,
            "{indent}run       {}, {}{}",
            counted(c.threads, "thread"),
            match self.engine {
                // The type is the judge's.
                Some(_) => String::new(),
                None => format!("{} kernels, {} KV cache, ", c.isas.join("+"), c.kv_type),
            },
            counted(c.repetitions, "repetition")
        );
        if c.attempts > 1 {
            let _ = writeln!(
                text,
                "{indent}          (measured again: other work disturbed the first time)"
            );
        }
        for warning in &c.warnings {
            let words: Vec<String> = warning.found.split(' ').map(str::to_owned).collect();
            let found = in_lines(&words, "", &format!("\n{indent}          "));
            let _ = writeln!(text, "{indent}warning   {found}");
        }
        let machine = in_lines(&machine(c), ",", &format!("\n{indent}          "));
        let _ = writeln!(text, "{indent}machine   {machine}");
        let _ = writeln!(
            text,
            "{indent}made      {} by build {}",
            c.created,
            &c.build[..c.build.floor_char_boundary(12)]
        );
        text
    }
}

/// Shows the first half of a digest, which is enough to compare by eye.
struct Short(Digest);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = self.0.to_string();
        write!(f, "{}…", &text[..32])
    }
}

fn prompt(r: &Receipt) -> String {
    let source = match &r.run.prompt {
        PromptSource::Seeded { seed, .. } => format!("seed {seed}"),
        PromptSource::Ids => "ids that were given".into(),
        PromptSource::Text { .. } => "from a text".into(),
    };
    match &r.run.challenge {
        None => source,
        Some(_) => format!("{source} and a challenge"),
    }
}

/// The distinct ISAs in the kernels' ids, with the names that `--kernel` uses.
fn isas(r: &Receipt) -> Vec<String> {
    let kernels = r.kernels.iter();
    let isas = kernels.filter_map(|id| engine_native::KernelName::parse_id(id));
    let mut names: Vec<_> = isas.map(|(_, isa)| isa.option_name().to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// What distinguishes the machine from others, as far as the receipt says it.
fn machine(c: &Claim) -> Vec<String> {
    let mut cores = counted(c.physical_cores, "core");
    if c.logical_cores != c.physical_cores {
        cores += &format!(" ({} logical)", c.logical_cores);
    }
    let Some(h) = &c.hardware else {
        return vec![c.cpu.clone(), cores, c.os.clone()];
    };
    let number = |what: &str, n: Option<u64>| n.map(|n| format!("{what} {n}"));
    let model: Vec<String> = [
        h.cpu_vendor.clone(),
        number("family", h.cpu_family),
        number("model", h.cpu_model_number),
        number("stepping", h.cpu_stepping),
    ]
    .into_iter()
    .flatten()
    .collect();
    let hypervisor = h.hypervisor.as_deref().map(|name| match name {
        "none" => "no hypervisor".into(),
        "unnamed" => "a hypervisor without a name".into(),
        name => name.into(),
    });
    let items = [
        Some(c.cpu.clone()),
        (!model.is_empty()).then(|| model.join(" ")),
        Some(cores),
        h.l3_cache_bytes
            .map(|n| format!("L3 {} MiB", n as f64 / f64::from(1 << 20))),
        h.numa_nodes
            .filter(|&n| n > 1)
            .map(|n| counted(n, "NUMA node")),
        hypervisor,
        Some(c.os.clone()),
    ];
    items.into_iter().flatten().collect()
}

/// The items with `separator`s and spaces between them, in lines of 80 characters if the items are short
/// enough. `line_break` includes the indent of a line.
fn in_lines(items: &[String], separator: &str, line_break: &str) -> String {
    let indent = line_break.chars().count() - 1;
    let (mut text, mut column) = (String::new(), indent);
    for (i, item) in items.iter().enumerate() {
        let separator = if i + 1 < items.len() { separator } else { "" };
        let width = item.chars().count() + separator.len();
        if i > 0 && column + 1 + width > 80 {
            text += line_break;
            column = indent;
        } else if i > 0 {
            text += " ";
            column += 1;
        }
        text += item;
        text += separator;
        column += width;
    }
    text
}

/// The hardware with strings that are safe to show.
fn plain_hardware(hardware: &Hardware) -> Hardware {
    Hardware {
        cpu_vendor: hardware.cpu_vendor.as_deref().map(plain),
        hypervisor: hardware.hypervisor.as_deref().map(plain),
        ..hardware.clone()
    }
}

/// The most bytes of an untrusted string in a summary.
const MOST: usize = 120;

fn plain(text: &str) -> String {
    crate::plain::plain(text, MOST)
}

fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A rate with a useful number of decimals.
fn number(rate: f64) -> String {
    match rate {
        ..10.0 => format!("{rate:.3}"),
        ..1000.0 => format!("{rate:.1}"),
        ..1e12 => format!("{rate:.0}"),
        _ => format!("{rate:.3e}"),
    }
}

/// A number of bytes with a decimal prefix.
fn bytes(n: u64) -> String {
    let n = n as f64;
    match n {
        ..1e6 => format!("{:.2} kB", n / 1e3),
        ..1e9 => format!("{:.2} MB", n / 1e6),
        _ => format!("{:.2} GB", n / 1e9),
    }
}

/// Lower bounds on the bytes and the multiply-accumulates per second of the median repetition's
/// decode. They are derived from the shape, not from the receipt's ledger.
fn decode_rates(r: &Receipt) -> Option<(f64, f64)> {
    if r.is_external() {
        // Another engine may answer several tokens at once, and read weights in another type.
        return None;
    }
    let seconds = repetitions(r)?.median().decode_ns as f64 / 1e9;
    let work = LeastWork::of_decode(r)?;
    (seconds > 0.0).then(|| (work.bytes / seconds, work.macs / seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_items() {
        let items = ["a".repeat(40), "b".repeat(27), "c".into()];
        let lines = |items: &[String]| in_lines(items, ",", &format!("\n{}", " ".repeat(10)));
        let [a, b, c] = &items;
        assert_eq!(lines(&items[..1]), *a);
        // With the comma, the first line has 80 characters.
        assert_eq!(lines(&items), format!("{a}, {b},\n          {c}"));
        let longer = format!("{b}b");
        assert_eq!(
            lines(&[a.clone(), longer.clone()]),
            format!("{a}, {longer}")
        );
        assert_eq!(
            lines(&[a.clone(), longer.clone(), c.clone()]),
            format!("{a},\n          {longer}, {c}")
        );
        let endless = ["d".repeat(99), c.clone()];
        assert_eq!(lines(&endless), format!("{},\n          {c}", endless[0]));
    }
}
