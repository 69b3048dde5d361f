//! The loops that the JIT calls once a tile: products with weights, sums, copies.
//!
//! Each is written once, in plain Rust over fixed-size blocks that the compiler keeps in vector registers, and compiled
//! twice: for AVX2 and for any processor. The order of additions is that of the definition (from 0, by index, product and
//! sum rounded apart), so both give the bits of the interpreter.
//!
//! | symbol | work |
//! |---|---|
//! | `copy` | rows from one layout to another |
//! | `sum` | the elements of a row |
//! | `dense` | x W, or x V for the directions V of the weights |
//! | `gather` | the same for x of 0s and 1s: adds the rows of the 1s |
//! | `tangent` | dx W, lane by lane of the directions |
//! | `events`, `support`, `feed` | x V + dx W by lists of what counts, for a few outputs and all steps (single precision) |
//! | `both` | dx V, lane by lane |
//!
//! All sizes are in numbers, not bytes. A *point stride* leads from one point's row to the next point's.

mod dense;
pub mod feed;
mod rows;

/// A function by the name that compiled code imports it by, with the number of its arguments, all of pointer size.
#[derive(Debug, Clone, Copy)]
pub struct Symbol {
    pub name: &'static str,
    pub arguments: usize,
    pub address: *const u8,
}

/// The functions for this processor.
pub fn symbols() -> Vec<Symbol> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return avx2();
    }
    portable()
}

macro_rules! table {
    ($module:ident) => {
        vec![
            Symbol { name: "copy", arguments: 9, address: rows::copy as *const u8 },
            Symbol { name: "sum", arguments: 8, address: rows::$module::sum as *const u8 },
            Symbol { name: "dense", arguments: 10, address: dense::$module::dense as *const u8 },
            Symbol { name: "gather", arguments: 10, address: dense::$module::gather as *const u8 },
            Symbol { name: "tangent", arguments: 10, address: dense::$module::tangent as *const u8 },
            Symbol { name: "both", arguments: 10, address: dense::$module::both as *const u8 },
            Symbol { name: "events", arguments: 9, address: feed::$module::events as *const u8 },
            Symbol { name: "support", arguments: 11, address: feed::$module::support as *const u8 },
            Symbol { name: "pack", arguments: 6, address: feed::$module::pack as *const u8 },
            Symbol { name: "directions", arguments: 6, address: feed::$module::directions as *const u8 },
            Symbol { name: "feed", arguments: 13, address: feed::$module::feed as *const u8 },
        ]
    };
}

/// For any processor.
pub fn portable() -> Vec<Symbol> {
    table!(portable)
}

/// For processors with AVX2 only.
#[cfg(target_arch = "x86_64")]
fn avx2() -> Vec<Symbol> {
    table!(avx2)
}

/// Defines `portable::name` and `avx2::name` from one inlined body.
macro_rules! twins {
    ($($name:ident => $body:path, ($($arg:ident: $ty:ty),* $(,)?);)*) => {
        pub(super) mod portable {
            $(
                /// # Safety
                /// As the body of the same name.
                pub(in crate::exec::micro) unsafe extern "C" fn $name($($arg: $ty),*) {
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
                pub(in crate::exec::micro) unsafe extern "C" fn $name($($arg: $ty),*) {
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
    type F10 = unsafe extern "C" fn(usize, usize, usize, usize, usize, *const f32, usize, *const f32, *mut f32, usize);

    fn numbers(n: usize, s: &mut Stream) -> Vec<f32> {
        (0..n)
            .map(|_| match s.next_u32() % 5 {
                0 => 0.0,
                1 => 1.0,
                _ => s.next_u32() as i32 as f32 / 1e9,
            })
            .collect()
    }

    fn bits(x: &[f32]) -> Vec<u32> {
        x.iter().map(|x| x.to_bits()).collect()
    }

    #[test]
    fn both_compilations_give_the_same_bits() {
        let mut s = Stream::new(1, Purpose::Test, 77);
        for (points, inputs, outputs, lanes) in [(1, 3, 5, 3), (9, 17, 67, 6), (32, 64, 64, 8), (5, 1100, 9, 16)] {
            let padded = 8 * usize::div_ceil(lanes, 8);
            let x = numbers(points * inputs * padded, &mut s);
            let w = numbers(inputs * outputs * lanes, &mut s);
            let (xp, yp) = (inputs * padded, outputs * padded);
            let results: Vec<Vec<Vec<u32>>> = [symbols(), portable()]
                .into_iter()
                .map(|table| {
                    let mut all = vec![];
                    for symbol in table {
                        let mut y = vec![0f32; points * yp];
                        let (x, w, out) = (x.as_ptr(), w.as_ptr(), y.as_mut_ptr());
                        // SAFETY: the types are those of the functions of these names, the buffers are as long as they say.
                        unsafe {
                            match symbol.name {
                                "dense" | "gather" => {
                                    let f = std::mem::transmute::<*const u8, F10>(symbol.address);
                                    f(points, inputs, outputs, 1, 1, x, xp, w, out, yp);
                                    all.push(bits(&y));
                                    let out = y.as_mut_ptr();
                                    f(points, inputs, outputs * lanes, lanes, padded, x, xp, w, out, yp);
                                }
                                "both" | "tangent" => {
                                    let f = std::mem::transmute::<*const u8, F10>(symbol.address);
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
            assert_eq!(results[0].len(), 6);
            assert_eq!(results[0], results[1]);
        }
    }
}
