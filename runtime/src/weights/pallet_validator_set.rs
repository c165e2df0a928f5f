// SPDX-License-Identifier: Apache-2.0

//! What the calls of `pallet_validator_set` weigh, measured by `make weights` on 2026-11-23: 20 steps,
//! 10 repetitions of the runtime's WebAssembly.
//!
//! A solochain makes no proofs of its blocks for others, so their size is not counted.
#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all, unused_imports)]

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// The weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_validator_set::WeightInfo for WeightInfo<T> {
    // Storage: `Session::NextKeys` (r:1 w:0)
    // Proof: `Session::NextKeys` (`max_values`: None, `max_size`: None, mode: `Measured`)
    // Storage: `ValidatorSet::Validators` (r:1 w:1)
    // Proof: `ValidatorSet::Validators` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // At least 17_358_000 picoseconds.
    fn add_validator() -> Weight {
        Weight::from_parts(18_944_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `ValidatorSet::Validators` (r:1 w:1)
    // Proof: `ValidatorSet::Validators` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // At least 10_215_000 picoseconds.
    fn remove_validator() -> Weight {
        Weight::from_parts(11_500_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
