//! Seeded numbers for model weights: the same on every run and machine.

/// A xorshift generator.
pub struct Random(u64);

impl Random {
    /// Starts from `seed`, not 0.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A value in [-1, 1).
    pub fn float(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    /// Bits of a half of magnitude below 2.
    pub fn half(&mut self) -> u16 {
        self.bits() as u16 & 0xbfff
    }

    /// A byte of four ternary codes.
    pub fn codes(&mut self) -> u8 {
        let mut code = || (self.bits() >> 32) as u8 % 3;
        code() << 6 | code() << 4 | code() << 2 | code()
    }
}
