// SPDX-License-Identifier: Apache-2.0
//! What the calls weigh.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the calls weigh, each with as many validators as there can be.
pub trait WeightInfo {
    /// `add_validator`.
    fn add_validator() -> Weight;
    /// `remove_validator`.
    fn remove_validator() -> Weight;
}

/// For tests: the reads and writes of the database, counted.
impl WeightInfo for () {
    // Reads: the session keys, Validators. Writes: Validators.
    fn add_validator() -> Weight {
        RocksDbWeight::get().reads_writes(2, 1)
    }

    // Reads: Validators. Writes: Validators.
    fn remove_validator() -> Weight {
        RocksDbWeight::get().reads_writes(1, 1)
    }
}
