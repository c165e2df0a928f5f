// SPDX-License-Identifier: Apache-2.0

//! What the calls of `pallet_rent` weigh, measured by `make weights` on 2026-11-23: 20 steps,
//! 10 repetitions of the runtime's WebAssembly.
//!
//! A solochain makes no proofs of its blocks for others, so their size is not counted.
#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all, unused_imports)]

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// The weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_rent::WeightInfo for WeightInfo<T> {
    // Storage: `Rent::Contracts` (r:1 w:1)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `Rent::Deadlines` (r:0 w:1)
    // Proof: `Rent::Deadlines` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
    // `l` was measured from 0 to 100.
    // At least 66_733_000 picoseconds.
    fn create_contract(l: u32, ) -> Weight {
        Weight::from_parts(73_344_510, 0)
            // Standard error: 829.
            .saturating_add(Weight::from_parts(21_745, 0).saturating_mul(l.into()))
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `Rent::Contracts` (r:1 w:1)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `Rent::Deadlines` (r:0 w:1)
    // Proof: `Rent::Deadlines` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
    // Storage: `Rent::Offers` (r:0 w:1)
    // Proof: `Rent::Offers` (`max_values`: None, `max_size`: Some(3222), added: 5697, mode: `MaxEncodedLen`)
    // At least 63_260_000 picoseconds.
    fn cancel_contract() -> Weight {
        Weight::from_parts(69_917_000, 0)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(6))
    }
    // Storage: `Rent::Contracts` (r:1 w:1)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `Rent::Deadlines` (r:0 w:1)
    // Proof: `Rent::Deadlines` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
    // Storage: `Rent::Offers` (r:0 w:1)
    // Proof: `Rent::Offers` (`max_values`: None, `max_size`: Some(3222), added: 5697, mode: `MaxEncodedLen`)
    // At least 139_019_000 picoseconds.
    fn revoke_contract() -> Weight {
        Weight::from_parts(150_270_000, 0)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    // Storage: `Rent::Contracts` (r:1 w:1)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `Rent::Deadlines` (r:0 w:2)
    // Proof: `Rent::Deadlines` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
    // Storage: `Rent::Offers` (r:0 w:1)
    // Proof: `Rent::Offers` (`max_values`: None, `max_size`: Some(3222), added: 5697, mode: `MaxEncodedLen`)
    // At least 108_004_000 picoseconds.
    fn rent() -> Weight {
        Weight::from_parts(116_894_000, 0)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // Storage: `Rent::Contracts` (r:1 w:0)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `Rent::Offers` (r:1 w:1)
    // Proof: `Rent::Offers` (`max_values`: None, `max_size`: Some(3222), added: 5697, mode: `MaxEncodedLen`)
    // At least 19_688_000 picoseconds.
    fn make_rent_offer() -> Weight {
        Weight::from_parts(22_451_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Rent::Contracts` (r:1 w:1)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `Rent::Offers` (r:1 w:1)
    // Proof: `Rent::Offers` (`max_values`: None, `max_size`: Some(3222), added: 5697, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `Rent::Deadlines` (r:0 w:2)
    // Proof: `Rent::Deadlines` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
    // At least 107_271_000 picoseconds.
    fn accept_rent_offer() -> Weight {
        Weight::from_parts(122_796_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // Storage: `Rent::Contracts` (r:1 w:0)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `Rent::Offers` (r:1 w:1)
    // Proof: `Rent::Offers` (`max_values`: None, `max_size`: Some(3222), added: 5697, mode: `MaxEncodedLen`)
    // At least 20_522_000 picoseconds.
    fn retract_rent_offer() -> Weight {
        Weight::from_parts(23_143_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Rent::Deadlines` (r:1 w:0)
    // Proof: `Rent::Deadlines` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
    // At least 4_120_000 picoseconds.
    fn on_initialize_none() -> Weight {
        Weight::from_parts(4_988_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
    }
    // Storage: `Rent::Deadlines` (r:100 w:100)
    // Proof: `Rent::Deadlines` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
    // Storage: `Rent::Contracts` (r:100 w:100)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:200 w:200)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:200 w:200)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:100 w:100)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `Rent::Offers` (r:0 w:100)
    // Proof: `Rent::Offers` (`max_values`: None, `max_size`: Some(3222), added: 5697, mode: `MaxEncodedLen`)
    // `n` was measured from 1 to 100.
    // At least 115_102_000 picoseconds.
    fn end_contracts(n: u32, ) -> Weight {
        Weight::from_parts(28_611_758, 0)
            // Standard error: 1_574_480.
            .saturating_add(Weight::from_parts(112_313_481, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().reads((7_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes((8_u64).saturating_mul(n.into())))
    }
    // Storage: `Rent::Deadlines` (r:100 w:100)
    // Proof: `Rent::Deadlines` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
    // Storage: `Rent::Contracts` (r:100 w:100)
    // Proof: `Rent::Contracts` (`max_values`: None, `max_size`: Some(3355), added: 5830, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:100 w:100)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:100 w:100)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:100 w:100)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `Rent::Offers` (r:0 w:100)
    // Proof: `Rent::Offers` (`max_values`: None, `max_size`: Some(3222), added: 5697, mode: `MaxEncodedLen`)
    // `n` was measured from 1 to 100.
    // At least 70_769_000 picoseconds.
    fn expire_contracts(n: u32, ) -> Weight {
        Weight::from_parts(71_961_000, 0)
            // Standard error: 81_828.
            .saturating_add(Weight::from_parts(65_167_565, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes((6_u64).saturating_mul(n.into())))
    }
}
