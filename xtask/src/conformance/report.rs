//! The judgement on all answers of an engine, as a table and as JSON.

use serde::Serialize;

use super::{
    answers::{Answer, Answers, EngineName},
    case::{Bounds, CORPUS_VERSION},
    corpus::Corpus,
    judgement::{Findings, judge_case, judge_refused},
    tier::{Finding, Outcome, Tier},
};
use crate::markdown::{Align, table};

/// The judgement on an engine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of the corpus.
    pub corpus: u64,
    /// The engine.
    pub engine: EngineName,
    /// How far its logits may be off.
    pub bounds: Bounds,
    /// Whether nothing failed.
    pub passed: bool,
    /// How many cases came to what, by tier.
    pub tiers: Vec<Counts>,
    /// Of each tier that failed, the smallest file that shows it.
    pub smallest_failures: Vec<Smallest>,
    /// All cases.
    pub rows: Vec<Row>,
}

/// How many cases came to what in a tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Counts {
    pub tier: Tier,
    pub passed: usize,
    pub refused: usize,
    pub failed: usize,
    pub not_shown: usize,
}

/// The smallest file that shows a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Smallest {
    pub tier: Tier,
    pub case: String,
    pub bytes: u64,
    pub detail: String,
}

/// The judgement on a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Row {
    pub case: String,
    /// Type of the projections; of a file to be refused, "to be refused".
    pub kind: String,
    /// Size of the file.
    pub bytes: u64,
    pub reads: Finding,
    pub sums: Finding,
    pub logits: Finding,
    pub tokens: Finding,
    pub bits: Finding,
}

impl Row {
    fn of(case: &str, kind: String, bytes: u64, findings: Findings) -> Self {
        let [reads, sums, logits, tokens, bits] = findings;
        Self {
            case: case.to_owned(),
            kind,
            bytes,
            reads,
            sums,
            logits,
            tokens,
            bits,
        }
    }

    /// What came of a tier.
    pub fn finding(&self, tier: Tier) -> &Finding {
        match tier {
            Tier::Reads => &self.reads,
            Tier::Sums => &self.sums,
            Tier::Logits => &self.logits,
            Tier::Tokens => &self.tokens,
            Tier::Bits => &self.bits,
        }
    }
}

impl Report {
    /// Judges all answers.
    pub fn of(corpus: &Corpus, answers: &Answers) -> Self {
        let none = Answer::default();
        let answer = |name: &str| answers.answers.get(name).unwrap_or(&none);
        let models = corpus.cases.iter().map(|made| {
            let (case, file) = (&made.case, &made.case.model);
            let kind = match file.i2s_layout.as_deref() {
                Some(layout) => format!("{} {layout}", file.projections),
                None => file.projections.clone(),
            };
            let kv_type = answers.engine.kv_type;
            let findings = judge_case(case, answer(&case.name), kv_type, corpus.bounds.kv(kv_type));
            Row::of(&case.name, kind, file.bytes, findings)
        });
        let models: Vec<Row> = models.collect();
        let refused = corpus.refused.iter().map(|made| {
            let file = &made.refused;
            let base = models.iter().find(|row| row.case == file.base);
            let reads_base = base.is_some_and(|row| row.reads.outcome == Outcome::Passed);
            let findings = judge_refused(answer(&file.name), reads_base);
            Row::of(&file.name, "to be refused".to_owned(), file.bytes, findings)
        });
        let refused: Vec<Row> = refused.collect();
        let rows = [models, refused].concat();
        Self {
            corpus: CORPUS_VERSION,
            engine: answers.engine.clone(),
            bounds: corpus.bounds.kv(answers.engine.kv_type),
            passed: rows.iter().all(|row| {
                let failed = |tier: &Tier| row.finding(*tier).outcome == Outcome::Failed;
                !Tier::ALL.iter().any(failed)
            }),
            tiers: Tier::ALL.map(|tier| Counts::of(tier, &rows)).to_vec(),
            smallest_failures: Tier::ALL
                .iter()
                .filter_map(|&tier| Smallest::of(tier, &rows))
                .collect(),
            rows,
        }
    }

    /// Whether anything was judged.
    pub fn judged_anything(&self) -> bool {
        self.tiers
            .iter()
            .any(|counts| counts.passed + counts.refused + counts.failed > 0)
    }

    /// The table of cases, the counts, and the smallest failures, in Markdown.
    pub fn markdown(&self) -> String {
        let cells = |row: &Row| {
            let of = |tier| row.finding(tier).outcome.as_str().to_owned();
            let [reads, sums, logits, tokens, bits] = Tier::ALL.map(of);
            let kb = format!("{:.0} kB", row.bytes as f64 / 1000.0);
            [
                row.case.clone(),
                row.kind.clone(),
                kb,
                reads,
                sums,
                logits,
                tokens,
                bits,
            ]
        };
        let rows: Vec<_> = self.rows.iter().map(cells).collect();
        let titles = [
            "case", "type", "size", "reads", "sums", "logits", "tokens", "bits",
        ];
        let columns = titles.map(|title| match title {
            "size" => (title, Align::Right),
            _ => (title, Align::Left),
        });
        let counts: Vec<_> = self.tiers.iter().map(Counts::cells).collect();
        let titles = ["tier", "pass", "refused by name", "FAIL", "not shown"];
        let of_counts = titles.map(|title| match title {
            "tier" => (title, Align::Left),
            _ => (title, Align::Right),
        });
        let failures: String = self.smallest_failures.iter().map(Smallest::line).collect();
        let version = self.engine.version.as_deref();
        let version = version.map_or(String::new(), |version| format!(" {version}"));
        let name = &self.engine.name;
        format!(
            "{name}{version}, corpus {}\n\n{}\n{}{failures}",
            self.corpus,
            table(columns, &rows),
            table(of_counts, &counts)
        )
    }
}

impl Counts {
    fn of(tier: Tier, rows: &[Row]) -> Self {
        let count = |outcome| {
            let is_it = |row: &&Row| row.finding(tier).outcome == outcome;
            rows.iter().filter(is_it).count()
        };
        Self {
            tier,
            passed: count(Outcome::Passed),
            refused: count(Outcome::Refused),
            failed: count(Outcome::Failed),
            not_shown: count(Outcome::NotShown),
        }
    }

    fn cells(&self) -> [String; 5] {
        let counts = [self.passed, self.refused, self.failed, self.not_shown];
        let [passed, refused, failed, not_shown] = counts.map(|n| n.to_string());
        [
            self.tier.as_str().to_owned(),
            passed,
            refused,
            failed,
            not_shown,
        ]
    }
}

impl Smallest {
    fn of(tier: Tier, rows: &[Row]) -> Option<Self> {
        let failed = rows
            .iter()
            .filter(|row| row.finding(tier).outcome == Outcome::Failed);
        let row = failed.min_by_key(|row| row.bytes)?;
        Some(Self {
            tier,
            case: row.case.clone(),
            bytes: row.bytes,
            detail: row.finding(tier).detail.clone(),
        })
    }

    fn line(&self) -> String {
        let (tier, case, detail) = (self.tier.as_str(), &self.case, &self.detail);
        format!("\n{tier}: the smallest file that shows a failure is {case}: {detail}\n")
    }
}
