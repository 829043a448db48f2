//! What a run computes and reads in a second, below what machines can do.

use host::{
    receipt::Receipt,
    verify::{Ceilings, LeastWork},
};
use maud::Markup;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::{
    axes::{builder, mesh},
    canvas::{Area, BLUE, Drawn, INK, MUTED, ORANGE, PURPLE, Swatch, anchored, legend, line, svg},
};
use crate::report::{
    figure::{Table, Words, figure},
    subject::Subject,
    text::{axis, number},
};

const DECODE: &str = "decode";

/// A phase of the run.
struct Phase {
    name: &'static str,
    color: RGBColor,
    swatch: Swatch,
    /// 10⁹ multiply-accumulates per second.
    gmac: f64,
    /// 10⁹ bytes per second.
    gb: f64,
}

impl Phase {
    /// Multiply-accumulates per byte.
    fn intensity(&self) -> f64 {
        self.gmac / self.gb
    }
}

/// The highest ceilings of the verifier's table of CPUs, for as many cores of one socket as the run has
/// threads.
struct Roof {
    gmac: f64,
    gb: f64,
    /// What as many threads read on the receipt's machine, by its own measurement.
    measured_gb: Option<f64>,
}

impl Roof {
    fn of(receipt: &Receipt) -> Self {
        let threads = receipt.run.threads;
        let highest = |figure: &dyn Fn(&host::verify::Cpu) -> f64| {
            Ceilings::known_cpus()
                .iter()
                .map(figure)
                .fold(0.0, f64::max)
        };
        let cores = |cpu: &host::verify::Cpu| threads.clamp(1, cpu.cores) as f64;
        let gb = highest(&|cpu| (cores(cpu) * cpu.memory_gb[1]).min(cpu.memory_gb[0]));
        let evidence = receipt.evidence.as_ref();
        let measured = evidence.and_then(|evidence| evidence.read_bandwidth);
        let measured = measured.map(|bytes| bytes as f64 / 1e9);
        Self {
            gmac: highest(&|cpu| cores(cpu) * cpu.macs_per_cycle[1] * cpu.ghz),
            gb,
            // A higher one would not be on the chart.
            measured_gb: measured.filter(|measured| *measured > 0.0 && *measured <= gb),
        }
    }

    /// The measured read bandwidth in words, and the share of it that decoding needs.
    fn measured_words(&self, phases: &[Phase]) -> String {
        let Some(measured) = self.measured_gb else {
            return String::new();
        };
        let decode = phases.iter().find(|p| p.name == DECODE);
        let share = decode.map_or_else(String::new, |p| {
            format!(
                ", of which decoding takes at least {:.0} %",
                100.0 * p.gb / measured
            )
        });
        format!(
            " This machine read {} GB/s from memory{share}.",
            number(measured)
        )
    }

    /// What it allows at so many multiply-accumulates per byte.
    fn at(&self, intensity: f64) -> f64 {
        (self.gb * intensity).min(self.gmac)
    }
}

/// The chart. `None` where the receipt has no such work or no such time.
pub fn roofline(subject: &Subject, id: &str) -> Drawn<Option<Markup>> {
    let receipt = &subject.receipt;
    let decode_seconds = receipt.decode_tokens_per_sec;
    let decode_seconds =
        decode_seconds.map(|rate| (receipt.run.tokens.saturating_sub(1)) as f64 / rate);
    let phase = |name, color, swatch, work: Option<LeastWork>, seconds: f64| {
        let work = work?;
        let (gmac, gb) = (work.macs / seconds / 1e9, work.bytes / seconds / 1e9);
        let is_possible = [gmac, gb].iter().all(|x| x.is_finite() && *x > 0.0);
        is_possible.then_some(Phase {
            name,
            color,
            swatch,
            gmac,
            gb,
        })
    };
    let prefill_seconds = receipt.n_prefilled() as f64 / receipt.prefill_tokens_per_sec;
    let phases: Vec<Phase> = [
        phase(
            "prefill",
            BLUE,
            Swatch::Circle,
            LeastWork::of_prefill(receipt),
            prefill_seconds,
        ),
        decode_seconds.and_then(|seconds| {
            phase(
                DECODE,
                ORANGE,
                Swatch::Square,
                LeastWork::of_decode(receipt),
                seconds,
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    if phases.is_empty() {
        return Ok(None);
    }
    let roof = Roof::of(receipt);
    let shown = phases.iter().map(|p| {
        format!(
            "{}: {} GMAC/s and {} GB/s",
            p.name,
            number(p.gmac),
            number(p.gb)
        )
    });
    let words = Words {
        id: id.to_owned(),
        title: "Roofline",
        text: format!(
            "At least so much was done in a second, derived from the model's shape. {}. The line is the \
             highest that any CPU of the verifier's table reaches with so many threads of one socket: {} \
             GMAC/s, and {} GB/s from memory. A model that fits into caches can be above its slope.{}",
            shown.collect::<Vec<_>>().join("; "),
            number(roof.gmac),
            number(roof.gb),
            roof.measured_words(&phases)
        ),
    };
    let image = svg(id, 270, |area| draw(area, &phases, &roof))?;
    let rows = phases.iter().map(|p| {
        let figures = [p.gmac, p.gb, p.intensity(), roof.at(p.intensity())];
        let mut row = vec![p.name.to_owned()];
        row.extend(figures.map(number));
        row
    });
    let table = Table {
        columns: vec!["phase", "GMAC/s", "GB/s", "MAC per byte", "roof, GMAC/s"],
        rows: rows.collect(),
    };
    Ok(Some(figure(&words, &image, &table)))
}

/// The power of ten at or below, or at or above.
fn decade(x: f64, round: fn(f64) -> f64) -> f64 {
    10f64.powf(round(x.log10()))
}

fn draw(area: &Area, phases: &[Phase], roof: &Roof) -> Drawn {
    let entries = phases.iter().map(|p| (p.swatch, p.color, p.name));
    let measured = (Swatch::Dashes, PURPLE, "measured bandwidth");
    let measured = roof.measured_gb.map(|_| measured);
    let entries: Vec<_> = entries.chain(measured).collect();
    let area = legend(area, &entries)?;
    let corner = roof.gmac / roof.gb;
    let fold = |values: &dyn Fn(&Phase) -> f64, start: f64, pick: fn(f64, f64) -> f64| {
        phases.iter().map(values).fold(start, pick)
    };
    let left = decade(fold(&Phase::intensity, corner, f64::min) / 2.0, f64::floor);
    let right = decade(fold(&Phase::intensity, corner, f64::max) * 2.0, f64::ceil);
    let bottom = decade(fold(&|p| p.gmac, roof.gmac, f64::min) / 2.0, f64::floor);
    let top = decade(fold(&|p| p.gmac, roof.gmac, f64::max) * 2.0, f64::ceil);
    let mut chart = builder(&area, "GMAC/s")?
        .build_cartesian_2d((left..right).log_scale(), (bottom..top).log_scale())?;
    mesh(&mut chart, "multiply-accumulates per byte", &axis, &axis)?;
    let from = left.max(bottom / roof.gb);
    let points = [from, corner, right].map(|x| (x, roof.at(x)));
    chart.draw_series(LineSeries::new(points, line(MUTED, 8)))?;
    let style = anchored(MUTED, HPos::Right, VPos::Bottom);
    chart.draw_series([Text::new("fastest known CPU", (right, roof.gmac), style)])?;
    if let Some(gb) = roof.measured_gb {
        let ends = [left.max(bottom / gb), right.min(roof.gmac / gb)];
        let ends = ends.map(|x| (x, gb * x));
        chart.draw_series(DashedLineSeries::new(ends, 24, 16, line(PURPLE, 8)))?;
    }
    for p in phases {
        let at = (p.intensity(), p.gmac);
        match p.swatch {
            Swatch::Square => {
                chart
                    .draw_series([EmptyElement::at(at)
                        + Rectangle::new([(-18, -18), (18, 18)], p.color.filled())])?
            }
            _ => chart.draw_series([Circle::new(at, 18, p.color.filled())])?,
        };
        let style = anchored(INK, HPos::Center, VPos::Top);
        let name = EmptyElement::at(at) + Text::new(p.name, (0, 26), style);
        chart.draw_series([name])?;
    }
    Ok(())
}
