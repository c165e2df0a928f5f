// SPDX-License-Identifier: Apache-2.0
//! Attestations that the chain keeps, and whether they count.

use frame_support::{
    dispatch::{DispatchResultWithPostInfo, Pays},
    ensure,
    traits::UnixTime,
};
use sp_runtime::traits::SaturatedConversion;
use tee_primitives::{
    attestation::record::{AttestationRecord, NotLive, Standards},
    traits::{AttestationFacts, Enclaves},
};

use crate::{
    AllowedMeasurements, Attestations, BannedPlatforms, Config, Error, Event, Pallet, Policy,
};

impl<T: Config> Pallet<T> {
    /// The chain's time, in seconds since the Unix epoch.
    pub(crate) fn now() -> u64 {
        T::Time::now().as_secs()
    }

    /// Whether an attestation counts now.
    pub(crate) fn check_live(record: &AttestationRecord<T::AccountId>) -> Result<(), NotLive> {
        record.check(&Standards {
            measurement: AllowedMeasurements::<T>::get(record.facts.measurement),
            is_platform_banned: BannedPlatforms::<T>::contains_key(record.facts.platform),
            policy: &Policy::<T>::get(),
            block: frame_system::Pallet::<T>::block_number().saturated_into(),
            now: Self::now(),
        })
    }

    /// Removes an attestation that nobody needs. Whoever does that is paid back.
    pub(crate) fn do_forget_attestation(account: T::AccountId) -> DispatchResultWithPostInfo {
        let record = Attestations::<T>::get(&account).ok_or(Error::<T>::AttestationNotFound)?;
        ensure!(
            T::Enclaves::standing(&account, &record.operator).is_none(),
            Error::<T>::AttestationStillNeeded
        );
        Attestations::<T>::remove(&account);
        Self::deposit_event(Event::AttestationForgotten { account });
        Ok(Pays::No.into())
    }
}

impl<T: Config> tee_primitives::traits::Attestations<T::AccountId> for Pallet<T> {
    fn live(account: &T::AccountId, operator: &T::AccountId) -> Option<AttestationFacts> {
        let record = Attestations::<T>::get(account)?;
        let is_live = record.operator == *operator && Self::check_live(&record).is_ok();
        is_live.then_some(record.facts)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn attest(account: &T::AccountId, operator: &T::AccountId) {
        crate::benchmarking::attest_without_quote::<T>(account, operator);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn attest_with(account: &T::AccountId, operator: &T::AccountId, facts: AttestationFacts) {
        crate::benchmarking::attest_with_facts::<T>(account, operator, facts);
    }
}
