// SPDX-License-Identifier: Apache-2.0
//! What the calls weigh.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the calls, and the hook that clears contracts away, weigh. Each is for the longest
/// acceptance list unless it has a parameter for it.
pub trait WeightInfo {
    /// `create_contract` with `l` accounts on the acceptance list, without clearing an old contract.
    fn create_contract(l: u32) -> Weight;
    /// `cancel_contract`.
    fn cancel_contract() -> Weight;
    /// `revoke_contract`.
    fn revoke_contract() -> Weight;
    /// `rent`.
    fn rent() -> Weight;
    /// `make_rent_offer`.
    fn make_rent_offer() -> Weight;
    /// `accept_rent_offer`.
    fn accept_rent_offer() -> Weight;
    /// `retract_rent_offer`.
    fn retract_rent_offer() -> Weight;
    /// Finding in a block that no contract is over.
    fn on_initialize_none() -> Weight;
    /// Clearing `n` contracts away that ran to their end.
    fn end_contracts(n: u32) -> Weight;
    /// Clearing `n` contracts away that nobody rented.
    fn expire_contracts(n: u32) -> Weight;
}

fn counted(reads: u64, writes: u64) -> Weight {
    RocksDbWeight::get().reads_writes(reads, writes)
}

/// For tests: the reads and writes of the database, counted. The NFT counts as one of each.
impl WeightInfo for () {
    // Reads: Contracts, the NFT, the renter's account and holds. Writes: the NFT, the account, its
    // holds, Deadlines, Contracts.
    fn create_contract(_: u32) -> Weight {
        counted(4, 5)
    }

    // Reads: Contracts, the account, its holds, the NFT. Writes: the same, Deadlines, Offers.
    fn cancel_contract() -> Weight {
        counted(4, 6)
    }

    // Reads: Contracts, two accounts, their holds, the NFT. Writes: the same, Deadlines, Offers.
    fn revoke_contract() -> Weight {
        counted(6, 8)
    }

    // Reads: Contracts, two accounts, the rentee's holds. Writes: the same, two Deadlines, Offers.
    fn rent() -> Weight {
        counted(4, 7)
    }

    // Reads: Contracts, Offers. Writes: Offers.
    fn make_rent_offer() -> Weight {
        counted(2, 1)
    }

    // As `rent`, and reads Offers.
    fn accept_rent_offer() -> Weight {
        counted(5, 7)
    }

    // Reads: Contracts, Offers. Writes: Offers.
    fn retract_rent_offer() -> Weight {
        counted(2, 1)
    }

    // Reads: the first key of Deadlines.
    fn on_initialize_none() -> Weight {
        counted(1, 0)
    }

    // For each: reads the key of Deadlines, Contracts, two accounts, their holds, the NFT. Writes
    // the same, and Offers.
    fn end_contracts(n: u32) -> Weight {
        counted(7, 8).saturating_mul(n.into())
    }

    // For each: reads the key of Deadlines, Contracts, an account, its holds, the NFT. Writes the
    // same, and Offers.
    fn expire_contracts(n: u32) -> Weight {
        counted(5, 6).saturating_mul(n.into())
    }
}
