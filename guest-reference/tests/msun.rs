//! `msun.py`, which section 8 of NUMERICS.md describes, against the crate that both sides compute with.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
};

const ARGUMENTS: usize = 1_000_000;

/// SplitMix64.
struct Noise(u64);

impl Noise {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// Below a power of two, which is at most 2^bits: small numbers are as frequent as large ones.
    fn magnitude(&mut self, bits: u64) -> u64 {
        let limit = 1 << (1 + self.below(bits));
        self.below(limit)
    }

    /// Above -1, at most 0.
    fn exponent(&mut self) -> f64 {
        let d = 2 * (1 + self.below(2048));
        match self.below(2) {
            // As RoPE has it.
            0 => -((2 * self.below(d / 2)) as f64) / d as f64,
            _ => -((self.bits() >> 11) as f64) / (1u64 << 53) as f64,
        }
    }

    /// Any finite f32 above 0, widened.
    fn positive(&mut self) -> f64 {
        f64::from(f32::from_bits(1 + self.below(0x7f7f_ffff) as u32))
    }

    /// Any normal number above 0.
    fn normal(&mut self) -> f64 {
        f64::from_bits((1 << 52) + self.below(0x7fe0_0000_0000_0000))
    }

    /// An angle: mostly a position's, some next to a multiple of π/2, some of any size.
    fn angle(&mut self) -> f64 {
        let base = [1e4, 5e5, 1e6, 0.5][self.below(4) as usize];
        let position = self.magnitude(24) as f64;
        let angle = match self.below(64) {
            0..40 => position * libm::pow(base, self.exponent()),
            40..62 => {
                let quarter = (position * core::f64::consts::FRAC_PI_2).to_bits();
                f64::from_bits(quarter.saturating_add(self.magnitude(48)))
            }
            62 => f64::from_bits(self.below(0x7ff0_0000_0000_0000)),
            // From 2^20 on, where the reduction is another one.
            _ => f64::from_bits((0x413 << 52) + self.below(0x20_0000_0000_0000)),
        };
        if self.below(2) == 0 { -angle } else { angle }
    }
}

fn has_numpy() -> bool {
    let found = Command::new("python3")
        .args(["-c", "import numpy"])
        .output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: there is no python3 with numpy");
    }
    found
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// What `msun.py` computes.
fn python(function: &str, arguments: &[f64]) -> Vec<f64> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("msun.py");
    let mut child = Command::new("python3")
        .args(["-B".as_ref(), script.as_os_str(), function.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, arguments) = (child.stdin.take().unwrap(), bytes(arguments));
    let writer = thread::spawn(move || stdin.write_all(&arguments));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{function}: {}", output.status);
    writer.join().unwrap().unwrap();
    let (results, rest) = output.stdout.as_chunks::<8>();
    assert!(rest.is_empty());
    results.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

fn assert_equal<const N: usize>(
    function: &str,
    mut draw: impl FnMut(&mut Noise) -> [f64; N],
    of_crate: impl Fn([f64; N]) -> f64,
) {
    if !has_numpy() {
        return;
    }
    let mut noise = Noise(42);
    let arguments: Vec<[f64; N]> = (0..ARGUMENTS).map(|_| draw(&mut noise)).collect();
    let found = python(function, arguments.as_flattened());
    assert_eq!(found.len(), ARGUMENTS);
    for (arguments, found) in arguments.into_iter().zip(found) {
        let expected = of_crate(arguments);
        assert_eq!(
            found.to_bits(),
            expected.to_bits(),
            "{function} of {arguments:?}: {found:e} instead of {expected:e}"
        );
    }
}

#[test]
fn sines_are_the_crates() {
    assert_equal("sin", |noise| [noise.angle()], |[x]| libm::sin(x));
}

#[test]
fn cosines_are_the_crates() {
    assert_equal("cos", |noise| [noise.angle()], |[x]| libm::cos(x));
}

#[test]
fn powers_are_the_crates() {
    let draw = |noise: &mut Noise| [noise.positive(), noise.exponent()];
    assert_equal("pow", draw, |[x, y]| libm::pow(x, y));
}

#[test]
fn logarithms_are_the_crates() {
    let draw = |noise: &mut Noise| match noise.below(2) {
        // Around 1, where the sum cancels.
        0 => [1.0 + (noise.below(1 << 40) as f64 - (1u64 << 39) as f64) / (1u64 << 41) as f64],
        _ => [noise.normal()],
    };
    assert_equal("log", draw, |[x]| libm::log(x));
}

/// The constants of section 8 by the first letter of their names, and where `msun.py` has the first of them.
const CONSTANTS: [(char, &str); 12] = [
    ('S', "S1,"),
    ('C', "C1,"),
    ('I', "INV_PIO2 ="),
    ('P', "PIO2_1,"),
    ('H', "PIO2 ="),
    ('L', "L1,"),
    ('E', "CP,"),
    ('B', "DP_H,"),
    ('G', "LG2,"),
    ('M', "P1,"),
    ('N', "LG ="),
    ('K', "LN2_HI,"),
];

/// The constants of the text, in its order: those whose names begin with the same letter together.
fn in_text(section: &str) -> Vec<(char, Vec<String>)> {
    let mut groups: Vec<(char, Vec<String>)> = Vec::new();
    let is_constant = |word: &&str| word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit());
    for line in section.lines() {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        let constants: Vec<String> = words.filter(is_constant).map(str::to_owned).collect();
        if constants.is_empty() {
            continue;
        }
        // A line without a name goes on with the one before.
        let letter = line.chars().next().filter(|c| *c != ' ');
        match groups.last_mut() {
            Some((last, group)) if letter.is_none_or(|letter| letter == *last) => {
                group.extend(constants);
            }
            _ => groups.push((letter.unwrap(), constants)),
        }
    }
    groups
}

/// The constants of `msun.py` from `source` on: a lower word of 0 may be left out.
fn in_python(source: &str) -> impl Iterator<Item = String> {
    source.split('(').skip(1).filter_map(|piece| {
        let (inner, _) = piece.split_once(')')?;
        let mut words = inner.split(',').map(str::trim);
        let high = words.next()?.strip_prefix("0x")?;
        let low = words.next().unwrap_or("0").trim_start_matches("0x");
        Some(format!("{high:0>8}{low:0>8}"))
    })
}

#[test]
fn the_constants_of_the_text_are_those_that_were_compared() {
    let text = include_str!("../NUMERICS.md");
    let python = include_str!("../msun.py");
    let (_, section) = text.split_once("## 8. sin, cos, pow and log").unwrap();
    let groups = in_text(section);
    let letters: Vec<char> = groups.iter().map(|(letter, _)| *letter).collect();
    assert_eq!(letters, CONSTANTS.map(|(letter, _)| letter));
    let n_constants: usize = groups.iter().map(|(_, group)| group.len()).sum();
    assert_eq!(n_constants, 52);
    for ((letter, group), (_, first)) in groups.iter().zip(CONSTANTS) {
        let (_, source) = python.split_once(&format!("\n{first}")).unwrap();
        let found: Vec<String> = in_python(source).take(group.len()).collect();
        assert_eq!(*group, found, "{letter}");
    }
}
