//! The float building blocks of the contract: fixed reduction trees and the exponential.

/// Reduces 16 lanes in the order of the contract: halves are added until one lane is left.
#[inline]
pub fn tree16(mut lanes: [f32; 16]) -> f32 {
    for n in [8, 4, 2, 1] {
        for i in 0..n {
            lanes[i] += lanes[i + n];
        }
    }
    lanes[0]
}

/// Dot product over 16 lanes; element i goes to lane i mod 16.
pub fn dot16(x: &[f32], y: &[f32]) -> f32 {
    assert_eq!(x.len(), y.len());
    let mut lanes = [0.0; 16];
    for (x, y) in x.chunks(16).zip(y.chunks(16)) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    tree16(lanes)
}

/// Sum over 16 lanes; element i goes to lane i mod 16.
pub fn sum16(x: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    for x in x.chunks(16) {
        for (lane, x) in lanes.iter_mut().zip(x) {
            *lane += x;
        }
    }
    tree16(lanes)
}

/// Constants of [`exp`] (Cephes `expf`).
pub mod exp_constants {
    /// 1.5 × 2²³: adding it rounds to an integer, ties to even.
    pub const MAGIC: f32 = 12_582_912.0;
    /// log2(e)
    pub const LOG2_E: f32 = f32::from_bits(0x3fb8_aa3b);
    /// High part of ln(2), exact in few bits.
    pub const LN2_HI: f32 = 0.693_359_4;
    /// Low part of ln(2).
    pub const LN2_LO: f32 = -2.121_944_4e-4;
    /// Polynomial of e^r, highest power first.
    pub const POLYNOMIAL: [f32; 6] = [
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        0.166_666_65,
        0.5,
    ];
    /// Arguments are clamped to this range.
    pub const RANGE: (f32, f32) = (-87.0, 88.0);
}

/// e^x by the contract's polynomial, x clamped to −87..=88.
#[inline]
pub fn exp(x: f32) -> f32 {
    use exp_constants::*;
    let x = if x < RANGE.0 { RANGE.0 } else { x };
    let x = if x > RANGE.1 { RANGE.1 } else { x };
    let t = x * LOG2_E + MAGIC;
    let n = t - MAGIC;
    let r = (x - n * LN2_HI) - n * LN2_LO;
    let p = POLYNOMIAL[1..].iter().fold(POLYNOMIAL[0], |p, c| p * r + c);
    let e_r = p * (r * r) + r + 1.0;
    let exponent = t.to_bits().wrapping_sub(MAGIC.to_bits()).wrapping_add(127);
    e_r * f32::from_bits(exponent << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_the_contracts_decimals() {
        use exp_constants::*;
        let decimals = [
            "1.9875691500e-4",
            "1.3981999507e-3",
            "8.3334519073e-3",
            "4.1665795894e-2",
            "1.6666665459e-1",
            "5.0000001201e-1",
        ];
        for (c, text) in POLYNOMIAL.iter().zip(decimals) {
            assert_eq!(
                c.to_bits(),
                text.parse::<f32>().unwrap().to_bits(),
                "{text}"
            );
        }
        assert_eq!(LN2_HI, "0.693359375".parse::<f32>().unwrap());
        assert_eq!(LOG2_E, "1.44269504".parse::<f32>().unwrap());
        assert_eq!(LN2_LO, "-2.12194440e-4".parse::<f32>().unwrap());
    }

    #[test]
    fn exp_is_close_to_e_to_the_x() {
        for i in -8_700..=8_800 {
            let x = i as f32 / 100.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 1.2e-7, "exp({x}): relative error {error:e}");
        }
        assert_eq!(exp(-1000.0), exp(-87.0));
        assert_eq!(exp(f32::INFINITY), exp(88.0));
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn the_tree_adds_halves() {
        // 2^24 absorbs a lone 1.0, so each order of additions gives its own result.
        let mut lanes = [0.0; 16];
        lanes[0] = 16_777_216.0;
        lanes[4] = 1.0;
        lanes[12] = 1.0;
        assert_eq!(tree16(lanes), 16_777_218.0);
        lanes[12] = 0.0;
        lanes[2] = 1.0;
        assert_eq!(tree16(lanes), 16_777_216.0);
    }

    #[test]
    fn a_zero_padded_tail_changes_nothing() {
        let x: Vec<f32> = (0..37).map(|i| (i as f32 - 11.5) * 0.3).collect();
        let y: Vec<f32> = (0..37).map(|i| (i as f32 + 2.0) * -0.7).collect();
        let pad = |v: &[f32]| [v, &[0.0; 11]].concat();
        let (dot, padded) = (dot16(&x, &y), dot16(&pad(&x), &pad(&y)));
        assert_eq!(dot.to_bits(), padded.to_bits());
        assert_eq!(sum16(&x).to_bits(), sum16(&pad(&x)).to_bits());
    }
}
