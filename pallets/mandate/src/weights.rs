// SPDX-License-Identifier: Apache-2.0
//! What the call weighs.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the call weighs.
pub trait WeightInfo {
    /// `mandate`, without the mandated call.
    fn mandate() -> Weight;
}

/// For tests: the reads and writes of the database, counted.
impl WeightInfo for () {
    // Nothing but the event.
    fn mandate() -> Weight {
        RocksDbWeight::get().writes(1)
    }
}
