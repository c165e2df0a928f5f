// SPDX-License-Identifier: Apache-2.0

//! What the calls of `pallet_attestation` weigh, measured by `make weights` on 2026-11-25: 50 steps,
//! 20 repetitions of the runtime's WebAssembly.
//!
//! A solochain makes no proofs of its blocks for others, so their size is not counted.
#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all, unused_imports)]

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// The weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_attestation::WeightInfo for WeightInfo<T> {
    // Storage: `Attestation::Attestations` (r:1 w:1)
    // Proof: `Attestation::Attestations` (`max_values`: None, `max_size`: Some(2435), added: 4910, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:2 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:2)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:1 w:0)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:1 w:1)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveRegistrations` (r:1 w:0)
    // Proof: `TEE::EnclaveRegistrations` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveUpdates` (r:1 w:1)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `Attestation::AllowedMeasurements` (r:1 w:0)
    // Proof: `Attestation::AllowedMeasurements` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Timestamp::Now` (r:1 w:0)
    // Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Attestation::Root` (r:1 w:0)
    // Proof: `Attestation::Root` (`max_values`: Some(1), `max_size`: Some(1026), added: 1521, mode: `MaxEncodedLen`)
    // Storage: `Attestation::RootCrl` (r:1 w:0)
    // Proof: `Attestation::RootCrl` (`max_values`: Some(1), `max_size`: Some(65578), added: 66073, mode: `MaxEncodedLen`)
    // Storage: `Attestation::PckCrls` (r:1 w:0)
    // Proof: `Attestation::PckCrls` (`max_values`: None, `max_size`: Some(65595), added: 68070, mode: `MaxEncodedLen`)
    // Storage: `Attestation::TcbInfos` (r:1 w:0)
    // Proof: `Attestation::TcbInfos` (`max_values`: None, `max_size`: Some(274275), added: 276750, mode: `MaxEncodedLen`)
    // Storage: `Attestation::QeIdentity` (r:1 w:0)
    // Proof: `Attestation::QeIdentity` (`max_values`: Some(1), `max_size`: Some(272337), added: 272832, mode: `MaxEncodedLen`)
    // Storage: `Attestation::BannedPlatforms` (r:1 w:0)
    // Proof: `Attestation::BannedPlatforms` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
    // Storage: `Attestation::Policy` (r:1 w:0)
    // Proof: `Attestation::Policy` (`max_values`: Some(1), `max_size`: Some(2128), added: 2623, mode: `MaxEncodedLen`)
    // Storage: `Timing::NetworkPeriods` (r:1 w:0)
    // Proof: `Timing::NetworkPeriods` (`max_values`: Some(1), `max_size`: Some(44), added: 539, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveFacts` (r:1 w:0)
    // Proof: `TEE::EnclaveFacts` (`max_values`: None, `max_size`: Some(114), added: 2589, mode: `MaxEncodedLen`)
    // At least 3_461_144_000 picoseconds.
    fn attest() -> Weight {
        Weight::from_parts(3_734_539_000, 0)
            .saturating_add(T::DbWeight::get().reads(19))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // At least 2_826_997_000 picoseconds.
    fn four_signatures() -> Weight {
        Weight::from_parts(2_963_204_000, 0)
    }
    // Storage: `Timestamp::Now` (r:1 w:0)
    // Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Attestation::Root` (r:1 w:0)
    // Proof: `Attestation::Root` (`max_values`: Some(1), `max_size`: Some(1026), added: 1521, mode: `MaxEncodedLen`)
    // Storage: `Attestation::RootCrl` (r:1 w:1)
    // Proof: `Attestation::RootCrl` (`max_values`: Some(1), `max_size`: Some(65578), added: 66073, mode: `MaxEncodedLen`)
    // At least 3_686_373_000 picoseconds.
    fn submit_root_crl() -> Weight {
        Weight::from_parts(3_938_960_000, 0)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Timestamp::Now` (r:1 w:0)
    // Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Attestation::Root` (r:1 w:0)
    // Proof: `Attestation::Root` (`max_values`: Some(1), `max_size`: Some(1026), added: 1521, mode: `MaxEncodedLen`)
    // Storage: `Attestation::RootCrl` (r:1 w:0)
    // Proof: `Attestation::RootCrl` (`max_values`: Some(1), `max_size`: Some(65578), added: 66073, mode: `MaxEncodedLen`)
    // Storage: `Attestation::PckCrls` (r:1 w:1)
    // Proof: `Attestation::PckCrls` (`max_values`: None, `max_size`: Some(65595), added: 68070, mode: `MaxEncodedLen`)
    // At least 4_528_614_000 picoseconds.
    fn submit_pck_crl() -> Weight {
        Weight::from_parts(4_955_626_000, 0)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Timestamp::Now` (r:1 w:0)
    // Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Attestation::Root` (r:1 w:0)
    // Proof: `Attestation::Root` (`max_values`: Some(1), `max_size`: Some(1026), added: 1521, mode: `MaxEncodedLen`)
    // Storage: `Attestation::RootCrl` (r:1 w:0)
    // Proof: `Attestation::RootCrl` (`max_values`: Some(1), `max_size`: Some(65578), added: 66073, mode: `MaxEncodedLen`)
    // Storage: `Attestation::TcbInfos` (r:1 w:1)
    // Proof: `Attestation::TcbInfos` (`max_values`: None, `max_size`: Some(274275), added: 276750, mode: `MaxEncodedLen`)
    // Storage: `Attestation::Policy` (r:1 w:0)
    // Proof: `Attestation::Policy` (`max_values`: Some(1), `max_size`: Some(2128), added: 2623, mode: `MaxEncodedLen`)
    // Storage: `Attestation::QeIdentity` (r:1 w:0)
    // Proof: `Attestation::QeIdentity` (`max_values`: Some(1), `max_size`: Some(272337), added: 272832, mode: `MaxEncodedLen`)
    // At least 1_925_187_000 picoseconds.
    fn submit_tcb_info() -> Weight {
        Weight::from_parts(2_040_857_000, 0)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Timestamp::Now` (r:1 w:0)
    // Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Attestation::Root` (r:1 w:0)
    // Proof: `Attestation::Root` (`max_values`: Some(1), `max_size`: Some(1026), added: 1521, mode: `MaxEncodedLen`)
    // Storage: `Attestation::RootCrl` (r:1 w:0)
    // Proof: `Attestation::RootCrl` (`max_values`: Some(1), `max_size`: Some(65578), added: 66073, mode: `MaxEncodedLen`)
    // Storage: `Attestation::QeIdentity` (r:1 w:1)
    // Proof: `Attestation::QeIdentity` (`max_values`: Some(1), `max_size`: Some(272337), added: 272832, mode: `MaxEncodedLen`)
    // Storage: `Attestation::Policy` (r:1 w:0)
    // Proof: `Attestation::Policy` (`max_values`: Some(1), `max_size`: Some(2128), added: 2623, mode: `MaxEncodedLen`)
    // At least 1_679_922_000 picoseconds.
    fn submit_qe_identity() -> Weight {
        Weight::from_parts(1_812_870_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Attestation::TcbInfos` (r:1 w:1)
    // Proof: `Attestation::TcbInfos` (`max_values`: None, `max_size`: Some(274275), added: 276750, mode: `MaxEncodedLen`)
    // Storage: `Timestamp::Now` (r:1 w:0)
    // Proof: `Timestamp::Now` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // At least 42_865_000 picoseconds.
    fn enact_evaluation() -> Weight {
        Weight::from_parts(58_339_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Attestation::AllowedMeasurements` (r:1 w:1)
    // Proof: `Attestation::AllowedMeasurements` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Timing::NetworkPeriods` (r:1 w:0)
    // Proof: `Timing::NetworkPeriods` (`max_values`: Some(1), `max_size`: Some(44), added: 539, mode: `MaxEncodedLen`)
    // At least 21_089_000 picoseconds.
    fn allow_measurement() -> Weight {
        Weight::from_parts(26_044_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Attestation::AllowedMeasurements` (r:1 w:1)
    // Proof: `Attestation::AllowedMeasurements` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // At least 15_679_000 picoseconds.
    fn revoke_measurement() -> Weight {
        Weight::from_parts(21_408_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Attestation::Policy` (r:0 w:1)
    // Proof: `Attestation::Policy` (`max_values`: Some(1), `max_size`: Some(2128), added: 2623, mode: `MaxEncodedLen`)
    // At least 25_369_000 picoseconds.
    fn set_policy() -> Weight {
        Weight::from_parts(28_746_000, 0)
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Attestation::BannedPlatforms` (r:1 w:1)
    // Proof: `Attestation::BannedPlatforms` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
    // At least 13_593_000 picoseconds.
    fn ban_platform() -> Weight {
        Weight::from_parts(16_073_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Attestation::BannedPlatforms` (r:1 w:1)
    // Proof: `Attestation::BannedPlatforms` (`max_values`: None, `max_size`: Some(48), added: 2523, mode: `MaxEncodedLen`)
    // At least 14_368_000 picoseconds.
    fn unban_platform() -> Weight {
        Weight::from_parts(23_305_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Attestation::Attestations` (r:1 w:1)
    // Proof: `Attestation::Attestations` (`max_values`: None, `max_size`: Some(2435), added: 4910, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveAccountOperator` (r:1 w:0)
    // Proof: `TEE::EnclaveAccountOperator` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `TEE::Migrations` (r:1 w:0)
    // Proof: `TEE::Migrations` (`max_values`: None, `max_size`: Some(302), added: 2777, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveData` (r:1 w:0)
    // Proof: `TEE::EnclaveData` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveRegistrations` (r:1 w:0)
    // Proof: `TEE::EnclaveRegistrations` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // Storage: `TEE::EnclaveUpdates` (r:1 w:0)
    // Proof: `TEE::EnclaveUpdates` (`max_values`: None, `max_size`: Some(232), added: 2707, mode: `MaxEncodedLen`)
    // At least 50_348_000 picoseconds.
    fn forget_attestation() -> Weight {
        Weight::from_parts(59_785_000, 0)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
