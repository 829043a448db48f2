//! The bound holds and is tight, and the row of the largest logit is never ruled out.

use crate::{
    kernels::{Kernels, Scalar},
    ledger::Recorder,
    model::DenseType,
    operands::{Bound, DenseRows, ScreenActivations, rounded_up},
};

use super::{OfRows, Screen};

/// splitmix64
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In -1..1.
    fn uniform(&mut self) -> f32 {
        (self.bits() as i32 >> 8) as f32 / 8_388_608.0
    }

    /// Approximately normal, with variance 1.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() / 2.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    fn vec(&mut self, n: usize, mut value: impl FnMut(&mut Self) -> f32) -> Vec<f32> {
        (0..n).map(|_| value(self)).collect()
    }
}

/// An f32 output matrix and a hidden state.
struct Case {
    n_cols: usize,
    bytes: Vec<u8>,
    x: Vec<f32>,
}

impl Case {
    fn new(rows: &[Vec<f32>], x: Vec<f32>) -> Self {
        Self {
            n_cols: x.len(),
            bytes: rows
                .iter()
                .flatten()
                .flat_map(|w| w.to_le_bytes())
                .collect(),
            x,
        }
    }

    fn rows(&self) -> DenseRows<'_> {
        DenseRows {
            dense_type: DenseType::F32,
            n_cols: self.n_cols,
            bytes: &self.bytes,
        }
    }

    /// The exact logits.
    fn logits(&self) -> Vec<f32> {
        let mut logits = vec![0.0; self.rows().n_rows()];
        Scalar.output_gemv(self.rows(), &self.x, &mut logits, &mut Recorder::default());
        logits
    }

    /// The screen, the bound and the approximations; `None` if there is no bound.
    fn screened(&self) -> Option<(Screen, Bound, Vec<f32>)> {
        let screen = Screen::of_rows(self.rows(), &Scalar, &()).unwrap();
        let mut x = ScreenActivations::with_len(self.n_cols);
        let lost = x.quantize(&self.x);
        let bound = Bound::new(&self.x, lost, screen.largest_norm())?;
        let mut approximations = vec![0.0; self.rows().n_rows()];
        let recorder = &mut Recorder::default();
        Scalar.output_screen(screen.rows(), &x, &mut approximations, recorder);
        Some((screen, bound, approximations))
    }

    /// The refined approximations of all rows.
    fn refined(&self, screen: &Screen, mut approximations: Vec<f32>) -> Vec<f32> {
        let mut x = ScreenActivations::with_len(self.n_cols);
        x.quantize(&self.x);
        let rows: Vec<u32> = (0..approximations.len() as u32).collect();
        let recorder = &mut Recorder::default();
        Scalar.output_refine(screen.refine(), &rows, &x, &mut approximations, recorder);
        approximations
    }

    /// The largest error in units of its bound: of the approximations, then of the refined ones.
    fn used(&self) -> [f64; 2] {
        let (screen, bound, approximations) = self.screened().unwrap();
        let refined = self.refined(&screen, approximations.clone());
        let logits = self.logits();
        let of_rows = &screen.of_rows;
        let used = |approximations: &[f32], residuals: &[f32]| {
            let of_row = |r: usize| {
                let off = f64::from(logits[r]) - f64::from(approximations[r]);
                off.abs() / f64::from(bound.of_row(residuals[r], of_rows.norms[r]))
            };
            (0..logits.len()).map(of_row).fold(0.0, f64::max)
        };
        [
            used(&approximations, &of_rows.residuals),
            used(&refined, &of_rows.refined_residuals),
        ]
    }
}

/// Rows of many kinds, some of them equal or nearly so.
fn any_rows(random: &mut Random, n_cols: usize) -> Vec<Vec<f32>> {
    let mut rows: Vec<Vec<f32>> = Vec::new();
    for _ in 0..20 {
        let size = f32::exp2(random.below(60) as f32 - 30.0);
        rows.push(random.vec(n_cols, |r| size * r.uniform()));
        rows.push(random.vec(n_cols, |r| size * r.normal()));
        // A few large elements among small ones.
        rows.push(random.vec(n_cols, |r| {
            r.normal() * if r.below(50) == 0 { 100.0 } else { 1.0 }
        }));
        let other = rows[random.below(rows.len())].clone();
        rows.push(other.clone());
        let mut next = other;
        let at = random.below(n_cols);
        next[at] = next[at].next_up();
        rows.push(next);
    }
    rows.push(vec![0.0; n_cols]);
    rows.push(vec![f32::MIN_POSITIVE / 64.0; n_cols]);
    rows
}

fn any_x(random: &mut Random, n_cols: usize) -> Vec<f32> {
    let size = f32::exp2(random.below(40) as f32 - 20.0);
    match random.below(3) {
        0 => random.vec(n_cols, |r| size * r.uniform()),
        1 => random.vec(n_cols, |r| size * r.normal()),
        _ => random.vec(n_cols, |r| {
            size * r.normal() * if r.below(100) == 0 { 1000.0 } else { 1.0 }
        }),
    }
}

fn is_within(used: [f64; 2]) -> bool {
    used.iter().all(|&used| used <= 1.0)
}

#[test]
fn logits_are_within_their_bounds() {
    for seed in 0..300 {
        let random = &mut Random(seed);
        let n_cols = 1 + random.below(1200);
        let case = Case::new(&any_rows(random, n_cols), any_x(random, n_cols));
        assert!(is_within(case.used()), "seed {seed}, {n_cols} columns");
    }
}

/// The bound is tight: a row whose residual is parallel to x uses nearly all of it.
#[test]
fn bounds_are_no_larger_than_they_have_to_be() {
    let random = &mut Random(7);
    let n_cols = 1024;
    let x = random.vec(n_cols, |r| if r.below(2) == 0 { 1.0 } else { -1.0 });
    // With a scale of 1, copies are odd integers, and refined copies odd quarters.
    for (step, largest, which) in [(1.0, 0.95, 0), (0.25, 0.24, 1)] {
        let mut row: Vec<f32> = x
            .iter()
            .map(|x| step * ((2 * random.below(31)) as f32 - 29.0) + largest * x)
            .collect();
        // Sets the scale to 1.
        row[0] = 32.0;
        let used = Case::new(&[row], x.clone()).used();
        assert!((0.98..=1.0).contains(&used[which]), "{used:?}");
    }
}

/// Each of the two bits halves the residual.
#[test]
fn refined_rows_are_four_times_as_close() {
    let random = &mut Random(11);
    let row = random.vec(2560, Random::normal);
    let (screen, ..) = Case::new(&[row], vec![1.0; 2560]).screened().unwrap();
    let OfRows {
        residuals,
        refined_residuals,
        ..
    } = &screen.of_rows;
    let ratio = residuals[0] / refined_residuals[0];
    assert!((3.9..4.1).contains(&ratio), "{ratio}");
}

/// Refining rules out more rows, and never the row of the largest logit.
#[test]
fn refined_survivors_hold_the_choice() {
    let (mut n_before, mut n_after) = (0, 0);
    for seed in 0..100 {
        let random = &mut Random(seed);
        let n_cols = 1 + random.below(600);
        let rows: Vec<_> = (0..200)
            .map(|_| random.vec(n_cols, Random::normal))
            .collect();
        let case = Case::new(&rows, random.vec(n_cols, Random::normal));
        let (screen, bound, approximations) = case.screened().unwrap();
        let logits = case.logits();
        let largest = logits.iter().copied().fold(f32::MIN, f32::max);
        let refined = case.refined(&screen, approximations);
        let mut survivors: Vec<u32> = (0..200).collect();
        let n_left = screen.drop_below(&mut survivors, &refined, bound, largest);
        survivors.truncate(n_left);
        let choice = logits.iter().position(|&logit| logit == largest);
        assert!(survivors.contains(&(choice.unwrap() as u32)), "seed {seed}");
        assert!(survivors.is_sorted());
        n_before += 200;
        n_after += survivors.len();
    }
    assert!(n_after < n_before / 20, "{n_after}");
}

#[test]
fn logits_of_extreme_numbers_are_within_their_bounds() {
    let random = &mut Random(8);
    for (w, x) in [
        (-140, 0),
        (0, -140),
        (-70, -70),
        (-126, -126),
        (100, -120),
        (-120, 110),
    ] {
        let [w, x] = [w, x].map(|e: i32| (f64::from(e)).exp2() as f32);
        let rows: Vec<_> = (0..10)
            .map(|_| random.vec(300, |r| w * r.normal()))
            .collect();
        let case = Case::new(&rows, random.vec(300, |r| x * r.normal()));
        assert!(is_within(case.used()), "{w:e} {x:e}");
    }
}

/// There is no bound if sums could overflow.
#[test]
fn logits_that_could_overflow_have_no_bound() {
    let case = Case::new(&[vec![1e19; 64], vec![-1e19; 64]], vec![1e19; 64]);
    assert!(case.screened().is_none());
    let case = Case::new(&[vec![f32::MAX; 64]], vec![1.0; 64]);
    assert!(case.screened().is_none(), "the norm itself overflows");
}

/// All rows with the largest logit survive, in order, among equal rows and rows that differ in the
/// last bit.
#[test]
fn survivors_hold_the_choice() {
    for seed in 0..300 {
        let random = &mut Random(seed);
        let n_cols = 1 + random.below(600);
        let case = Case::new(&any_rows(random, n_cols), any_x(random, n_cols));
        let (screen, bound, approximations) = case.screened().unwrap();
        let logits = case.logits();
        let largest = logits.iter().copied().fold(f32::MIN, f32::max);
        let mut survivors = vec![0; logits.len()];
        let bounded = screen.bounded(&approximations, bound);
        let n_left = Scalar.reaching(bounded, largest, &mut survivors);
        survivors.truncate(n_left);
        let choices = (0..).zip(&logits).filter(|(_, logit)| **logit == largest);
        for (row, _) in choices {
            assert!(survivors.contains(&row), "seed {seed}: row {row}");
        }
        assert!(survivors.is_sorted());
    }
}

#[test]
fn rounding_up_is_never_down() {
    let random = &mut Random(9);
    for _ in 0..1000 {
        let x = f64::from(random.uniform().abs()) * (1.0 + 1e-9);
        let up = rounded_up(x);
        assert!(f64::from(up) >= x && f64::from(up.next_down()) < x);
    }
}
