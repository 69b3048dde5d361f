//! Random numbers that depend only on what they are for, never on when or where they are drawn.
//!
//! Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter and
//! a key into four words. The key is the seed; the counter holds the purpose, an index and the number of the block. Two
//! streams of different seed, purpose or index never share a block, so any thread may draw any stream.
//!
//! ```text
//! Stream::new(seed, Purpose::Directions, step)     the directions of that step, the same on every machine
//! ```

use std::convert::Infallible;

use rand::rand_core::TryRng;

/// What random numbers are drawn for. The numbers are part of every result: never renumber, only add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Initial values of a parameter; the index is the parameter's.
    Init = 1,
    /// Points in the domain and on its parts; the index is the resampling round and the part.
    Points = 2,
    /// Directions of forward gradients.
    Directions = 3,
    /// Perturbations of weights.
    Perturbation = 4,
    /// Candidate neurons of a pool.
    Candidates = 5,
    /// Which points make a batch.
    Batch = 6,
    /// Noise added to data.
    Noise = 7,
    /// Splitting data into parts.
    Split = 8,
    /// Sampled functions, such as Gaussian random fields.
    Functions = 9,
    /// Points of reports and checks.
    Report = 10,
    /// Samples of a surrogate; the index is the phase, the step and the parameter.
    Surrogates = 12,
    /// What a simulation draws once: parameters and starts; the index is the population and the draw.
    Units = 20,
    /// Noise of a simulation; the index is the population and its source, the chunk and the step.
    Steps = 21,
    /// Which units are connected; the index is the connection and the unit.
    Connections = 22,
    /// Weights and delays; the index is the connection and the draw.
    Synapses = 23,
    /// Random programs and cases of tests.
    Test = 11,
}

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Ten rounds of Philox on one counter.
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let a = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        let (a_hi, a_lo) = ((a >> 32) as u32, a as u32);
        let (b_hi, b_lo) = ((b >> 32) as u32, b as u32);
        counter = [b_hi ^ counter[1] ^ key[0], b_lo, a_hi ^ counter[3] ^ key[1], a_lo];
    }
    counter
}

/// Blocks that are computed together.
const LANES: usize = 8;

/// [`philox`] on several counters at once, in loops that the compiler makes vectors of.
fn philox_lanes(counter: &mut [[u32; LANES]; 4], mut key: [u32; 2]) {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let [c0, c1, c2, c3] = counter;
        for lane in 0..LANES {
            let a = u64::from(MULTIPLIERS[0]) * u64::from(c0[lane]);
            let b = u64::from(MULTIPLIERS[1]) * u64::from(c2[lane]);
            c0[lane] = (b >> 32) as u32 ^ c1[lane] ^ key[0];
            c1[lane] = b as u32;
            c2[lane] = (a >> 32) as u32 ^ c3[lane] ^ key[1];
            c3[lane] = a as u32;
        }
    }
}

/// A stream of random numbers: 2^32 blocks of four words for each (seed, purpose, index).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    index: u64,
    purpose: u32,
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl Stream {
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Stream {
        Stream {
            key: [seed as u32, (seed >> 32) as u32],
            index,
            purpose: purpose as u32,
            block: 0,
            words: [0; 4],
            used: 4,
        }
    }

    /// As `new`, with an index of two parts.
    pub fn pair(seed: u64, purpose: Purpose, a: u32, b: u32) -> Stream {
        Stream::new(seed, purpose, u64::from(a) << 32 | u64::from(b))
    }

    /// The next words, the same as one by one, several blocks at a time.
    pub fn fill(&mut self, out: &mut [u32]) {
        let (mut rest, mut done) = (out.len(), 0);
        while rest >= 4 * LANES && self.used == 4 {
            let mut counters = self.counter().map(|w| [w; LANES]);
            for (lane, block) in counters[2].iter_mut().enumerate() {
                *block = self.block.wrapping_add(lane as u32);
            }
            philox_lanes(&mut counters, self.key);
            for (lane, words) in out[done..done + 4 * LANES].chunks_exact_mut(4).enumerate() {
                for (word, lanes) in words.iter_mut().zip(&counters) {
                    *word = lanes[lane];
                }
            }
            self.block = self.block.wrapping_add(LANES as u32);
            (rest, done) = (rest - 4 * LANES, done + 4 * LANES);
        }
        out[done..].iter_mut().for_each(|w| *w = self.word());
    }

    fn counter(&self) -> [u32; 4] {
        [self.index as u32, (self.index >> 32) as u32, self.block, self.purpose]
    }

    fn word(&mut self) -> u32 {
        if self.used == 4 {
            self.words = philox(self.counter(), self.key);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.word());
        Ok(low | u64::from(self.word()) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;
    use rand_distr::{Distribution, StandardNormal, Uniform};

    use super::*;

    /// Known answers from Random123 (kat_vectors, philox4x32 10).
    #[test]
    fn known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn streams_differ_in_every_part_of_the_key() {
        let first = |mut s: Stream| (0..8).map(|_| s.next_u32()).collect::<Vec<_>>();
        let base = first(Stream::new(7, Purpose::Init, 3));
        assert_eq!(base, first(Stream::new(7, Purpose::Init, 3)));
        assert_ne!(base, first(Stream::new(8, Purpose::Init, 3)));
        assert_ne!(base, first(Stream::new(7 | 1 << 40, Purpose::Init, 3)));
        assert_ne!(base, first(Stream::new(7, Purpose::Points, 3)));
        assert_ne!(base, first(Stream::new(7, Purpose::Init, 4)));
        assert_ne!(base, first(Stream::new(7, Purpose::Init, 3 | 1 << 50)));
        assert_eq!(Stream::pair(7, Purpose::Init, 0, 3), Stream::new(7, Purpose::Init, 3));
    }

    #[test]
    fn words_come_in_order_however_they_are_read() {
        let mut a = Stream::new(1, Purpose::Test, 0);
        let words: Vec<u32> = (0..8).map(|_| a.next_u32()).collect();
        let mut b = Stream::new(1, Purpose::Test, 0);
        assert_eq!(b.next_u64(), u64::from(words[0]) | u64::from(words[1]) << 32);
        let mut bytes = [0; 6];
        b.fill_bytes(&mut bytes);
        assert_eq!(bytes[..4], words[2].to_le_bytes());
        assert_eq!(bytes[4..], words[3].to_le_bytes()[..2]);
        assert_eq!(b.next_u32(), words[4]);
    }

    #[test]
    fn words_come_in_order_in_bulk_as_well() {
        for (skip, n) in [(0, 64), (3, 100), (4, 33), (0, 7)] {
            let (mut one, mut bulk) = (Stream::new(9, Purpose::Test, 2), Stream::new(9, Purpose::Test, 2));
            let mut words = vec![0; n];
            for _ in 0..skip {
                assert_eq!(one.next_u32(), bulk.next_u32());
            }
            bulk.fill(&mut words);
            assert_eq!(words, (0..n).map(|_| one.next_u32()).collect::<Vec<_>>());
            assert_eq!(bulk.next_u32(), one.next_u32());
        }
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut s = Stream::new(42, Purpose::Test, 1);
        let n = 100_000;
        let uniform = Uniform::new(-1.0f64, 3.0).expect("a range");
        let mean = (0..n).map(|_| uniform.sample(&mut s)).sum::<f64>() / f64::from(n);
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        let normals: Vec<f64> = (0..n).map(|_| StandardNormal.sample(&mut s)).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(n);
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
