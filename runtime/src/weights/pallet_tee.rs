// SPDX-License-Identifier: Apache-2.0

//! What the calls of `pallet_tee` weigh, measured by `make weights` on 2026-11-23: 20 steps,
//! 10 repetitions of the runtime's WebAssembly.
//!
//! A solochain makes no proofs of its blocks for others, so their size is not counted.
#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all, unused_imports)]

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// The weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_tee::WeightInfo for WeightInfo<T> {
    // Storage: `TEE::EnclaveRegistrations` (r:1 w:1)
    // Proof: `TEE::EnclaveRegistrations` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:1 w:0)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:0)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::StakingLedger` (r:1 w:1)
    // Proof: `TEE::StakingLedger` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
    // Storage: `TEE::StakingAmount` (r:1 w:0)
    // Proof: `TEE::StakingAmount` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // At least 74_590_000 picoseconds.
    fn register_enclave() -> Weight {
        Weight::from_parts(80_747_000, 0)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `TEE::EnclaveData` (r:1 w:0)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveRegistrations` (r:1 w:1)
    // Proof: `TEE::EnclaveRegistrations` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::StakingLedger` (r:1 w:1)
    // Proof: `TEE::StakingLedger` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // At least 56_050_000 picoseconds.
    fn unregister_enclave() -> Weight {
        Weight::from_parts(64_177_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `TEE::EnclaveData` (r:1 w:1)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveUpdates` (r:1 w:1)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:1 w:0)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:1)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:1 w:0)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // At least 47_839_000 picoseconds.
    fn update_enclave() -> Weight {
        Weight::from_parts(56_578_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `TEE::EnclaveUpdates` (r:1 w:0)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:1 w:1)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:0)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:0)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:0)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:1 w:1)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // At least 36_317_000 picoseconds.
    fn cancel_update() -> Weight {
        Weight::from_parts(43_980_000, 0)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `TEE::EnclaveRegistrations` (r:1 w:1)
    // Proof: `TEE::EnclaveRegistrations` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:1)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:1)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:4 w:1)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:4 w:0)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:0)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:1 w:1)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:0 w:1)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:0 w:1)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // At least 75_935_000 picoseconds.
    fn assign_enclave() -> Weight {
        Weight::from_parts(86_307_000, 0)
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // Storage: `TEE::EnclaveRegistrations` (r:1 w:1)
    // Proof: `TEE::EnclaveRegistrations` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::StakingLedger` (r:1 w:1)
    // Proof: `TEE::StakingLedger` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // At least 57_220_000 picoseconds.
    fn remove_registration() -> Weight {
        Weight::from_parts(62_377_000, 0)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `TEE::EnclaveUpdates` (r:1 w:0)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:1 w:1)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:0)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:0)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:0)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:1 w:1)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // At least 36_146_000 picoseconds.
    fn reject_update() -> Weight {
        Weight::from_parts(42_434_000, 0)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `TEE::EnclaveUnregistrations` (r:1 w:1)
    // Proof: `TEE::EnclaveUnregistrations` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:1 w:1)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:1)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:1)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:1 w:1)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:1 w:1)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:0)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:2 w:2)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `TEE::StakingLedger` (r:1 w:1)
    // Proof: `TEE::StakingLedger` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveUpdates` (r:0 w:1)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:0 w:1)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // At least 74_337_000 picoseconds.
    fn approve_enclave_unregistration() -> Weight {
        Weight::from_parts(87_437_000, 0)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(11))
    }
    // Storage: `TEE::EnclaveData` (r:1 w:1)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:1)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:1)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:1 w:1)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:1 w:1)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:0)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:2 w:2)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `TEE::StakingLedger` (r:1 w:1)
    // Proof: `TEE::StakingLedger` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveUpdates` (r:0 w:1)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveUnregistrations` (r:0 w:1)
    // Proof: `TEE::EnclaveUnregistrations` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:0 w:1)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // At least 68_328_000 picoseconds.
    fn force_remove_enclave() -> Weight {
        Weight::from_parts(78_820_000, 0)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(11))
    }
    // Storage: `TEE::EnclaveUpdates` (r:1 w:1)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:1 w:0)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:0)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:5 w:0)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:0)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:0)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:4 w:1)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:0)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:1 w:1)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `Timing::NetworkPeriods` (r:1 w:0)
    // Proof: `Timing::NetworkPeriods` (`max_values`: Some(1), `max_size`: Some(24), added: 519, mode: `MaxEncodedLen`)
    // At least 91_791_000 picoseconds.
    fn approve_update_enclave() -> Weight {
        Weight::from_parts(106_244_000, 0)
            .saturating_add(T::DbWeight::get().reads(17))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `TEE::EnclaveData` (r:1 w:1)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveUpdates` (r:1 w:0)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:5 w:1)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:0)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:0)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:0)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:3 w:3)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:2)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:5 w:1)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // At least 114_031_000 picoseconds.
    fn force_update_enclave() -> Weight {
        Weight::from_parts(134_829_000, 0)
            .saturating_add(T::DbWeight::get().reads(19))
            .saturating_add(T::DbWeight::get().writes(8))
    }
    // Storage: `TEE::NextClusterId` (r:1 w:1)
    // Proof: `TEE::NextClusterId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:0 w:1)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // At least 10_925_000 picoseconds.
    fn create_cluster() -> Weight {
        Weight::from_parts(11_940_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `TEE::ClusterData` (r:1 w:1)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:1)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterHoldings` (r:1 w:0)
    // Proof: `TEE::ClusterHoldings` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:5 w:0)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:5 w:0)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:10 w:10)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // At least 100_854_000 picoseconds.
    fn update_cluster() -> Weight {
        Weight::from_parts(108_422_000, 0)
            .saturating_add(T::DbWeight::get().reads(23))
            .saturating_add(T::DbWeight::get().writes(12))
    }
    // Storage: `TEE::ClusterData` (r:1 w:1)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterHoldings` (r:1 w:1)
    // Proof: `TEE::ClusterHoldings` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:0 w:1)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // At least 19_354_000 picoseconds.
    fn remove_cluster() -> Weight {
        Weight::from_parts(21_128_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `TEE::StakingLedger` (r:1 w:1)
    // Proof: `TEE::StakingLedger` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:1 w:0)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `Timing::NetworkPeriods` (r:1 w:0)
    // Proof: `Timing::NetworkPeriods` (`max_values`: Some(1), `max_size`: Some(24), added: 519, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // At least 62_475_000 picoseconds.
    fn withdraw_unbonded() -> Weight {
        Weight::from_parts(66_088_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `TEE::MetricsServers` (r:1 w:1)
    // Proof: `TEE::MetricsServers` (`max_values`: Some(1), `max_size`: Some(331), added: 826, mode: `MaxEncodedLen`)
    // At least 11_013_000 picoseconds.
    fn register_metrics_server() -> Weight {
        Weight::from_parts(12_416_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `TEE::MetricsServers` (r:1 w:1)
    // Proof: `TEE::MetricsServers` (`max_values`: Some(1), `max_size`: Some(331), added: 826, mode: `MaxEncodedLen`)
    // At least 10_310_000 picoseconds.
    fn unregister_metrics_server() -> Weight {
        Weight::from_parts(12_202_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `TEE::MetricsServers` (r:1 w:1)
    // Proof: `TEE::MetricsServers` (`max_values`: Some(1), `max_size`: Some(331), added: 826, mode: `MaxEncodedLen`)
    // At least 9_932_000 picoseconds.
    fn force_update_metrics_server_type() -> Weight {
        Weight::from_parts(11_707_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `TEE::StakingAmount` (r:0 w:1)
    // Proof: `TEE::StakingAmount` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // At least 5_072_000 picoseconds.
    fn set_staking_amount() -> Weight {
        Weight::from_parts(6_098_000, 0)
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `TEE::StakingLedger` (r:1 w:1)
    // Proof: `TEE::StakingLedger` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
    // Storage: `TEE::StakingAmount` (r:1 w:0)
    // Proof: `TEE::StakingAmount` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // At least 66_834_000 picoseconds.
    fn bond_extra() -> Weight {
        Weight::from_parts(75_754_000, 0)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `TEE::StakingLedger` (r:1 w:1)
    // Proof: `TEE::StakingLedger` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
    // Storage: `TEE::StakingAmount` (r:1 w:0)
    // Proof: `TEE::StakingAmount` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // At least 51_369_000 picoseconds.
    fn refund_excess() -> Weight {
        Weight::from_parts(59_189_000, 0)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:0)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:0)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:0)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:5 w:0)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:5 w:0)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterHoldings` (r:1 w:1)
    // Proof: `TEE::ClusterHoldings` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:256 w:0)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `TEE::Confirmations` (r:256 w:256)
    // Proof: `TEE::Confirmations` (`max_values`: None, `max_size`: Some(450), added: 2925, mode: `MaxEncodedLen`)
    // `n` was measured from 1 to 256.
    // At least 86_950_000 picoseconds.
    fn confirm_recorded(n: u32, ) -> Weight {
        Weight::from_parts(42_364_204, 0)
            // Standard error: 48_168.
            .saturating_add(Weight::from_parts(16_399_299, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(14))
            .saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(1))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
    }
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:0)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:0)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:0)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:5 w:0)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:5 w:0)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterHoldings` (r:257 w:257)
    // Proof: `TEE::ClusterHoldings` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:256 w:256)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `TEE::Confirmations` (r:256 w:0)
    // Proof: `TEE::Confirmations` (`max_values`: None, `max_size`: Some(450), added: 2925, mode: `MaxEncodedLen`)
    // Storage: `TEE::SyncCount` (r:1 w:1)
    // Proof: `TEE::SyncCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:256 w:256)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `TEE::SyncLog` (r:0 w:256)
    // Proof: `TEE::SyncLog` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // `n` was measured from 1 to 256.
    // At least 123_889_000 picoseconds.
    fn confirm_synced(n: u32, ) -> Weight {
        Weight::from_parts(127_766_000, 0)
            // Standard error: 95_283.
            .saturating_add(Weight::from_parts(39_306_662, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(15))
            .saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(2))
            .saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(n.into())))
    }
    // Storage: `TEE::Migrations` (r:1 w:1)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:2)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveClusterId` (r:1 w:0)
    // Proof: `TEE::EnclaveClusterId` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterData` (r:1 w:0)
    // Proof: `TEE::ClusterData` (`max_values`: None, `max_size`: Some(202), added: 2677, mode: `MaxEncodedLen`)
    // Storage: `TEE::SyncCount` (r:1 w:0)
    // Proof: `TEE::SyncCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterHoldings` (r:1 w:0)
    // Proof: `TEE::ClusterHoldings` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:1 w:1)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // Storage: `TEE::DisabledClusters` (r:1 w:0)
    // Proof: `TEE::DisabledClusters` (`max_values`: None, `max_size`: Some(21), added: 2496, mode: `MaxEncodedLen`)
    // Storage: `TEE::PublicPlatforms` (r:1 w:1)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:1 w:1)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // At least 69_700_000 picoseconds.
    fn complete_update() -> Weight {
        Weight::from_parts(81_350_000, 0)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(6))
    }
    // Storage: `TEE::PublicPlatforms` (r:1 w:1)
    // Proof: `TEE::PublicPlatforms` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // At least 13_530_000 picoseconds.
    fn forget_platform() -> Weight {
        Weight::from_parts(14_810_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `TEE::EnclaveRegistrations` (r:1 w:0)
    // Proof: `TEE::EnclaveRegistrations` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveUpdates` (r:1 w:0)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // At least 12_549_000 picoseconds.
    fn expect_enclave() -> Weight {
        Weight::from_parts(13_660_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
    }
    // Storage: `TEE::SweptCount` (r:1 w:1)
    // Proof: `TEE::SweptCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `TEE::SyncCount` (r:1 w:0)
    // Proof: `TEE::SyncCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `TEE::SyncLog` (r:1 w:0)
    // Proof: `TEE::SyncLog` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // Storage: `TEE::Confirmations` (r:1 w:0)
    // Proof: `TEE::Confirmations` (`max_values`: None, `max_size`: Some(450), added: 2925, mode: `MaxEncodedLen`)
    // Storage: `TEE::SweepQueue` (r:1 w:0)
    // Proof: `TEE::SweepQueue` (`max_values`: None, `max_size`: Some(25), added: 2500, mode: `MaxEncodedLen`)
    // At least 15_360_000 picoseconds.
    fn sweep_begin() -> Weight {
        Weight::from_parts(16_608_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `TEE::SweptCount` (r:1 w:0)
    // Proof: `TEE::SweptCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `TEE::SyncCount` (r:1 w:0)
    // Proof: `TEE::SyncCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `TEE::SweepQueue` (r:2 w:1)
    // Proof: `TEE::SweepQueue` (`max_values`: None, `max_size`: Some(25), added: 2500, mode: `MaxEncodedLen`)
    // Storage: `TEE::Confirmations` (r:1 w:0)
    // Proof: `TEE::Confirmations` (`max_values`: None, `max_size`: Some(450), added: 2925, mode: `MaxEncodedLen`)
    // At least 16_527_000 picoseconds.
    fn sweep_version() -> Weight {
        Weight::from_parts(17_754_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `TEE::Confirmations` (r:2 w:1)
    // Proof: `TEE::Confirmations` (`max_values`: None, `max_size`: Some(450), added: 2925, mode: `MaxEncodedLen`)
    // Storage: `TEE::SweptCount` (r:1 w:0)
    // Proof: `TEE::SweptCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // At least 10_982_000 picoseconds.
    fn sweep_confirmation() -> Weight {
        Weight::from_parts(11_765_000, 0)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
