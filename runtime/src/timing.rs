// SPDX-License-Identifier: Apache-2.0
//! Block time and periods, fixed at genesis.
//!
//! Development networks want a block a second and motions that lapse within the minute; a
//! production network does not. Both run the same code: the values stand in storage, written once
//! by the genesis config and changed by no call.

use frame_support::traits::Get;

use crate::{BlockNumber, Runtime};

pub use pallet::*;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use frame_support::pallet_prelude::*;
    use serde::{Deserialize, Serialize};

    use crate::BlockNumber;

    /// A network's block time and periods.
    #[derive(
        Clone,
        Copy,
        Debug,
        Decode,
        Deserialize,
        Encode,
        Eq,
        MaxEncodedLen,
        PartialEq,
        Serialize,
        TypeInfo,
    )]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Periods {
        /// Time between two blocks, in milliseconds.
        pub slot_duration: u64,
        /// Length of a session, in blocks.
        pub session_length: BlockNumber,
        /// Time for the committee to vote on a motion, in blocks.
        pub motion_duration: BlockNumber,
        /// Time from an operator's leaving until its stake is free, in blocks.
        pub bonding_duration: BlockNumber,
        /// Time for an approved successor to copy the shares of its slot, in blocks.
        pub migration_duration: BlockNumber,
        /// Time from when the committee allows a measurement until it counts, in blocks.
        pub measurement_delay: BlockNumber,
        /// Time from when collateral of a higher evaluation number is brought until it counts, in
        /// seconds.
        pub evaluation_grace: u64,
        /// How long an attestation counts at most, in seconds.
        pub attestation_validity: u64,
    }

    impl Default for Periods {
        /// A production network: blocks of 6 seconds, sessions of an hour, motions of three days, 90
        /// days of bonding, a week of migration; measurements that count after three days, 30 days
        /// until a new evaluation of TCBs counts, attestations of a day.
        fn default() -> Self {
            Self {
                slot_duration: 6_000,
                session_length: 600,
                motion_duration: 43_200,
                bonding_duration: 1_296_000,
                migration_duration: 100_800,
                measurement_delay: 43_200,
                evaluation_grace: 2_592_000,
                attestation_validity: 86_400,
            }
        }
    }

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config {}

    /// The network's block time and periods.
    #[pallet::storage]
    pub type NetworkPeriods<T> = StorageValue<_, Periods, ValueQuery>;

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The network's block time and periods; a production network's if not given.
        pub periods: Periods,
        #[serde(skip)]
        /// The runtime.
        pub _runtime: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let Periods {
                slot_duration,
                session_length,
                motion_duration,
                bonding_duration,
                migration_duration,
                // Both may be zero: then nobody is given time.
                measurement_delay: _,
                evaluation_grace: _,
                attestation_validity,
            } = self.periods;
            assert!(slot_duration >= 2, "a slot takes at least 2 milliseconds");
            assert!(session_length > 0, "a session has at least one block");
            assert!(motion_duration > 0, "a motion lasts at least one block");
            assert!(bonding_duration > 0, "a stake is bonded at least one block");
            assert!(migration_duration > 0, "a migration lasts at least one block");
            assert!(attestation_validity > 0, "an attestation counts for a time");
            NetworkPeriods::<T>::put(self.periods);
        }
    }
}

impl Config for Runtime {}

/// The values in storage; a production network's where there is no storage, as in integrity tests
/// and natively made metadata.
fn periods() -> Periods {
    #[cfg(feature = "std")]
    if sp_externalities::with_externalities(|_| ()).is_none() {
        return Periods::default();
    }
    NetworkPeriods::<Runtime>::get()
}

/// Time between two blocks, in milliseconds.
pub struct SlotDuration;
impl Get<u64> for SlotDuration {
    fn get() -> u64 {
        periods().slot_duration
    }
}

/// Least time between the timestamps of two blocks, in milliseconds: half a slot.
pub struct MinimumPeriod;
impl Get<u64> for MinimumPeriod {
    fn get() -> u64 {
        periods().slot_duration / 2
    }
}

/// Length of a session, in blocks.
pub struct SessionLength;
impl Get<BlockNumber> for SessionLength {
    fn get() -> BlockNumber {
        periods().session_length
    }
}

/// Time for the committee to vote on a motion, in blocks.
pub struct MotionDuration;
impl Get<BlockNumber> for MotionDuration {
    fn get() -> BlockNumber {
        periods().motion_duration
    }
}

/// Time from an operator's leaving until its stake is free, in blocks.
pub struct BondingDuration;
impl Get<BlockNumber> for BondingDuration {
    fn get() -> BlockNumber {
        periods().bonding_duration
    }
}

/// Time for an approved successor to copy the shares of its slot, in blocks.
pub struct MigrationDuration;
impl Get<BlockNumber> for MigrationDuration {
    fn get() -> BlockNumber {
        periods().migration_duration
    }
}

/// Time from when the committee allows a measurement until it counts, in blocks.
pub struct MeasurementDelay;
impl Get<BlockNumber> for MeasurementDelay {
    fn get() -> BlockNumber {
        periods().measurement_delay
    }
}

/// Time from when collateral of a higher evaluation number is brought until it counts, in seconds.
pub struct EvaluationGrace;
impl Get<u64> for EvaluationGrace {
    fn get() -> u64 {
        periods().evaluation_grace
    }
}

/// How long an attestation counts at most, in seconds.
pub struct AttestationValidity;
impl Get<u64> for AttestationValidity {
    fn get() -> u64 {
        periods().attestation_validity
    }
}
