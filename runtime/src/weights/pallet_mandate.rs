// SPDX-License-Identifier: Apache-2.0

//! What the calls of `pallet_mandate` weigh, measured by `make weights` on 2026-11-23: 20 steps,
//! 10 repetitions of the runtime's WebAssembly.
//!
//! A solochain makes no proofs of its blocks for others, so their size is not counted.
#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all, unused_imports)]

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// The weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_mandate::WeightInfo for WeightInfo<T> {
    // At least 6_807_000 picoseconds.
    fn mandate() -> Weight {
        Weight::from_parts(7_576_000, 0)
    }
}
