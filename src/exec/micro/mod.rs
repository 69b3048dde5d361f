//! The loops that the JIT calls once a tile: products with weights, sums, copies.
//!
//! Each is written once, in plain Rust over fixed-size blocks that the compiler keeps in vector registers, and compiled
//! twice for each precision: for AVX2 with FMA and for any processor. The order of additions is that of the definition (from 0, by
//! index, product and sum in one), so both give the bits of the interpreter.
//!
//! | symbol | work |
//! |---|---|
//! | `copy` | rows from one layout to another |
//! | `sum` | the elements of a row |
//! | `dense` | x W, or x V for the directions V of the weights |
//! | `gather` | the same for x of 0s and 1s: adds the rows of the 1s |
//! | `fired` | x W for x of 0s and 1s given as bits |
//! | `tangent` | dx W, lane by lane of the directions |
//! | `events`, `support`, `pack`, `directions`, `feed` | x V + dx W by lists of what counts, for a few outputs and all steps |
//! | `both` | dx V, lane by lane |
//!
//! All sizes are in numbers, not bytes. A *point stride* leads from one point's row to the next point's.

mod dense;
pub mod directions;
mod eight;
pub mod events;
pub mod feed;
mod normals;
pub mod peak;
mod rows;
pub mod sweep;
#[cfg(target_arch = "x86_64")]
mod wide;

use std::sync::atomic::{AtomicU8, Ordering};

use crate::exec::real::Real;
pub use normals::normal_pairs;

/// A function by the name that compiled code imports it by, with the number of its arguments, all of pointer size.
#[derive(Debug, Clone, Copy)]
pub struct Symbol {
    pub name: &'static str,
    pub arguments: usize,
    pub address: *const u8,
}

/// Instructions that code is made for. All give the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For any processor.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 (F, BW, DQ and VL) as well.
    Avx512,
}

/// The best level that may be used, as a number.
static MOST: AtomicU8 = AtomicU8::new(Level::Avx512 as u8);

impl Level {
    /// From now on, none above this is used in the process. That changes no bit of any result.
    pub fn restrict(self) {
        MOST.store(self as u8, Ordering::Relaxed);
    }

    /// Those that this processor has and that may be used, the best last.
    pub fn all() -> Vec<Level> {
        let best = Level::best();
        [Level::Portable, Level::Avx2, Level::Avx512].into_iter().filter(|level| *level <= best).collect()
    }

    /// The best of them.
    pub fn best() -> Level {
        let most = match MOST.load(Ordering::Relaxed) {
            0 => Level::Portable,
            1 => Level::Avx2,
            _ => Level::Avx512,
        };
        Level::detected().min(most)
    }

    fn detected() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx2") && has!("fma") {
                let more = has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
                return if more { Level::Avx512 } else { Level::Avx2 };
            }
        }
        Level::Portable
    }
}

/// The functions for a level that this processor has.
pub fn symbols<R: Real>(level: Level) -> Vec<Symbol> {
    #[cfg(target_arch = "x86_64")]
    if level >= Level::Avx2 {
        let mut table = avx2::<R>();
        if R::BYTES == 4 && level == Level::Avx512 {
            for (name, address) in wide::all() {
                table.iter_mut().filter(|s| s.name == name).for_each(|s| s.address = address);
            }
        }
        return table;
    }
    let _ = level;
    portable::<R>()
}

macro_rules! table {
    ($module:ident) => {
        vec![
            Symbol { name: "copy", arguments: 9, address: rows::copy::<R> as *const u8 },
            Symbol { name: "sum", arguments: 8, address: rows::$module::sum::<R> as *const u8 },
            Symbol { name: "dense", arguments: 10, address: dense::$module::dense::<R> as *const u8 },
            Symbol { name: "gather", arguments: 10, address: dense::$module::gather::<R> as *const u8 },
            Symbol { name: "fired", arguments: 8, address: events::$module::fired::<R> as *const u8 },
            Symbol { name: "tangent", arguments: 10, address: dense::$module::tangent::<R> as *const u8 },
            Symbol { name: "both", arguments: 10, address: dense::$module::both::<R> as *const u8 },
            Symbol { name: "events", arguments: 9, address: feed::$module::events::<R> as *const u8 },
            Symbol { name: "support", arguments: 10, address: feed::$module::support::<R> as *const u8 },
            Symbol { name: "pack", arguments: 6, address: feed::$module::pack::<R> as *const u8 },
            Symbol { name: "directions", arguments: 7, address: feed::$module::directions::<R> as *const u8 },
            Symbol { name: "feed", arguments: 14, address: feed::$module::feed::<R> as *const u8 },
        ]
    };
}

/// For any processor.
fn portable<R: Real>() -> Vec<Symbol> {
    table!(portable)
}

/// For processors with AVX2 and FMA only.
#[cfg(target_arch = "x86_64")]
fn avx2<R: Real>() -> Vec<Symbol> {
    table!(avx2)
}

/// Defines `portable::name` and `avx2::name` from one inlined body.
macro_rules! twins {
    ($($name:ident => $body:path, ($($arg:ident: $ty:ty),* $(,)?);)*) => {
        pub(super) mod portable {
            $(
                /// # Safety
                /// As the body of the same name.
                pub(in crate::exec::micro) unsafe extern "C" fn $name<R: crate::exec::real::Real>($($arg: $ty),*) {
                    // SAFETY: the caller keeps the body's promises.
                    unsafe { $body($($arg),*) }
                }
            )*
        }

        #[cfg(target_arch = "x86_64")]
        pub(super) mod avx2 {
            $(
                /// # Safety
                /// As the body of the same name; the processor has AVX2 and FMA.
                #[target_feature(enable = "avx2,fma")]
                pub(in crate::exec::micro) unsafe extern "C" fn $name<R: crate::exec::real::Real>($($arg: $ty),*) {
                    // SAFETY: the caller keeps the body's promises.
                    unsafe { $body($($arg),*) }
                }
            )*
        }
    };
}
use twins;

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::exec::rng::{Purpose, Stream};

    // SAFETY of calling these: as the functions of `dense` say.
    type F8<R> = unsafe extern "C" fn(usize, usize, usize, *const u8, usize, *const R, *mut R, usize);
    type F10<R> = unsafe extern "C" fn(usize, usize, usize, usize, usize, *const R, usize, *const R, *mut R, usize);

    fn numbers<R: Real>(n: usize, s: &mut Stream) -> Vec<R> {
        (0..n)
            .map(|_| match s.next_u32() % 5 {
                0 => R::ZERO,
                1 => R::ONE,
                _ => R::new(f64::from(s.next_u32() as i32) / 1e9),
            })
            .collect()
    }

    fn bits<R: Real>(x: &[R]) -> Vec<u64> {
        x.iter().map(|x| x.raw()).collect()
    }

    /// Weights as `fired` wants them.
    fn in_blocks(w: &[f32], columns: usize) -> Vec<f32> {
        let mut blocks = vec![];
        for first in (0..columns).step_by(events::BLOCK) {
            let n = events::BLOCK.min(columns - first);
            for row in w.chunks_exact(columns) {
                blocks.extend(&row[first..first + n]);
                blocks.resize(blocks.len() + events::width(n) - n, 0.0);
            }
        }
        blocks
    }

    #[test]
    fn bits_add_the_rows_that_spikes_add() {
        let mut s = Stream::new(1, Purpose::Test, 78);
        for inputs in [1, 7, 64, 65, 130] {
            for outputs in [1, 3, 4, 9, 16, 23, 40, 64, 72, 90, 100, 128, 130, 300] {
                let w = numbers::<f32>(inputs * outputs, &mut s);
                let x: Vec<f32> = (0..inputs).map(|_| (s.next_u32() % 3 / 2) as f32).collect();
                // What lies beyond the inputs does not count.
                let mut bits = vec![u64::MAX; inputs.div_ceil(64)];
                for (i, _) in x.iter().enumerate().filter(|(_, x)| **x == 0.0) {
                    bits[i / 64] &= !(1 << (i % 64));
                }
                let blocks = in_blocks(&w, outputs);
                let mut z = vec![0f32; outputs];
                // SAFETY: one point, the buffers as long as the sizes say.
                unsafe {
                    dense::portable::gather(1, inputs, outputs, 1, 1, x.as_ptr(), 0, w.as_ptr(), z.as_mut_ptr(), 0);
                }
                for table in Level::all().into_iter().map(symbols::<f32>) {
                    let fired = table.iter().find(|s| s.name == "fired").expect("it is in the table");
                    // What lies behind a row is left alone.
                    let mut y = vec![7f32; outputs + 64];
                    // SAFETY: the same.
                    unsafe {
                        let fired = std::mem::transmute::<*const u8, F8<f32>>(fired.address);
                        fired(1, inputs, outputs, bits.as_ptr().cast(), 0, blocks.as_ptr(), y.as_mut_ptr(), 0);
                    }
                    let (y, behind) = y.split_at(outputs);
                    assert_eq!(super::tests::bits(y), super::tests::bits(&z), "{inputs} inputs, {outputs} outputs");
                    assert!(behind.iter().all(|y| *y == 7.0));
                }
            }
        }
    }

    #[test]
    fn both_compilations_give_the_same_bits() {
        compilations_agree::<f32>();
        compilations_agree::<f64>();
    }

    fn compilations_agree<R: Real>() {
        let mut s = Stream::new(1, Purpose::Test, 77);
        for (points, inputs, outputs, lanes) in [(1, 3, 5, 3), (9, 17, 67, 6), (32, 64, 64, 8), (5, 1100, 9, 16)] {
            let padded = 8 * usize::div_ceil(lanes, 8);
            let x = numbers::<R>(points * inputs * padded, &mut s);
            let w = numbers::<R>(inputs * outputs.max(16) * lanes, &mut s);
            let (xp, yp) = (inputs * padded, outputs * padded);
            let results: Vec<Vec<Vec<u64>>> = Level::all()
                .into_iter()
                .map(symbols::<R>)
                .map(|table| {
                    let mut all = vec![];
                    for symbol in table {
                        let mut y = vec![R::ZERO; points * yp];
                        let (x, w, out) = (x.as_ptr(), w.as_ptr(), y.as_mut_ptr());
                        // SAFETY: the types are those of the functions of these names, the buffers are as long as they say.
                        unsafe {
                            match symbol.name {
                                "dense" | "gather" => {
                                    let f = std::mem::transmute::<*const u8, F10<R>>(symbol.address);
                                    f(points, inputs, outputs, 1, 1, x, xp, w, out, yp);
                                    all.push(bits(&y));
                                    let out = y.as_mut_ptr();
                                    f(points, inputs, outputs * lanes, lanes, padded, x, xp, w, out, yp);
                                }
                                "fired" => {
                                    let f = std::mem::transmute::<*const u8, F8<R>>(symbol.address);
                                    // Any bits will do: those of the numbers, at least 64 for every 32 inputs.
                                    f(points, inputs, outputs, x.cast(), xp, w, out, yp);
                                }
                                "both" | "tangent" => {
                                    let f = std::mem::transmute::<*const u8, F10<R>>(symbol.address);
                                    f(points, inputs, outputs, lanes, padded, x, xp, w, out, yp);
                                }
                                _ => continue,
                            }
                        }
                        all.push(bits(&y));
                    }
                    all
                })
                .collect();
            assert_eq!(results[0].len(), 7);
            assert!(results.iter().all(|r| *r == results[0]));
        }
    }
}
