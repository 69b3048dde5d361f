//! Box and Muller's transformation of many words at once; see [`normal`](crate::exec::normal).

use crate::exec::math::{self, Scalar};

/// `x` and `y` from words that are independent and uniform; all four are of one length.
pub fn normal_pairs(a: &[u32], b: &[u32], x: &mut [f32], y: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if super::Level::best() >= super::Level::Avx2 {
        // SAFETY: the processor has these features.
        unsafe { avx2(a, b, x, y) }
        return;
    }
    body(a, b, x, y);
}

/// The same bits, compiled for processors with AVX2 and FMA only.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(a: &[u32], b: &[u32], x: &mut [f32], y: &mut [f32]) {
    body(a, b, x, y);
}

#[inline(always)]
fn body(a: &[u32], b: &[u32], x: &mut [f32], y: &mut [f32]) {
    for (((a, b), x), y) in a.iter().zip(b).zip(x).zip(y) {
        let unit = |w: u32| ((w >> 8) as i32 as f32 + 0.5) * (1.0 / 16_777_216.0);
        let radius = (-2.0 * math::log(&mut Scalar, unit(*a))).sqrt();
        let angle = unit(*b) * std::f32::consts::TAU;
        *x = radius * math::cos(&mut Scalar, angle);
        *y = radius * math::sin(&mut Scalar, angle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::rng::{Purpose, Stream};

    #[test]
    fn both_compilations_give_the_same_bits() {
        let mut words = [0u32; 2000];
        Stream::new(5, Purpose::Test, 79).fill(&mut words);
        let (a, b) = words.split_at(1000);
        let (mut here, mut any) = ([[0f32; 1000]; 2], [[0f32; 1000]; 2]);
        let ([x, y], [p, q]) = (&mut here, &mut any);
        normal_pairs(a, b, x, y);
        body(a, b, p, q);
        assert_eq!(here.map(|x| x.map(f32::to_bits)), any.map(|x| x.map(f32::to_bits)));
    }
}
