// SPDX-License-Identifier: Apache-2.0
//! Upper estimates, until `make weights` has measured the pallet: 1,820 µs for each ECDSA P-256
//! verification (what pallet-revive's benchmarks measured in WebAssembly), two more of them for the
//! reading of certificates and documents, and counted database accesses.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// The weights.
pub struct WeightInfo<T>(PhantomData<T>);

/// What so many verifications and accesses weigh.
fn estimate<T: frame_system::Config>(verifications: u64, reads: u64, writes: u64) -> Weight {
    Weight::from_parts(verifications * 1_820 * WEIGHT_REF_TIME_PER_MICROS, 0)
        .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

impl<T: frame_system::Config> pallet_attestation::WeightInfo for WeightInfo<T> {
    fn attest() -> Weight {
        estimate::<T>(6, 25, 6)
    }
    fn four_signatures() -> Weight {
        estimate::<T>(4, 0, 0)
    }
    fn submit_root_crl() -> Weight {
        estimate::<T>(3, 3, 1)
    }
    fn submit_pck_crl() -> Weight {
        estimate::<T>(4, 5, 1)
    }
    fn submit_tcb_info() -> Weight {
        estimate::<T>(4, 7, 1)
    }
    fn submit_qe_identity() -> Weight {
        estimate::<T>(4, 7, 1)
    }
    fn enact_evaluation() -> Weight {
        estimate::<T>(0, 6, 3)
    }
    fn allow_measurement() -> Weight {
        estimate::<T>(0, 6, 3)
    }
    fn revoke_measurement() -> Weight {
        estimate::<T>(0, 6, 3)
    }
    fn set_policy() -> Weight {
        estimate::<T>(0, 6, 3)
    }
    fn ban_platform() -> Weight {
        estimate::<T>(0, 6, 3)
    }
    fn unban_platform() -> Weight {
        estimate::<T>(0, 6, 3)
    }
    fn forget_attestation() -> Weight {
        estimate::<T>(0, 6, 3)
    }
}
