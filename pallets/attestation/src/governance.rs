// SPDX-License-Identifier: Apache-2.0
//! What governance decides: which code is trusted.

use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use sp_runtime::{traits::SaturatedConversion, Saturating};
use tee_primitives::attestation::{record::AllowedMeasurement, Measurement};

use crate::{AllowedMeasurements, Config, Error, Event, Pallet};

impl<T: Config> Pallet<T> {
    /// Lets a measurement count after the delay.
    pub(crate) fn do_allow_measurement(
        mr_enclave: Measurement,
        mr_signer: Measurement,
        isv_prod_id: u16,
        min_isv_svn: u16,
    ) -> DispatchResult {
        ensure!(
            !AllowedMeasurements::<T>::contains_key(mr_enclave),
            Error::<T>::MeasurementAlreadyAllowed
        );
        let now = frame_system::Pallet::<T>::block_number();
        let acts_from: u32 = now.saturating_add(T::MeasurementDelay::get()).saturated_into();
        AllowedMeasurements::<T>::insert(
            mr_enclave,
            AllowedMeasurement { mr_signer, isv_prod_id, min_isv_svn, acts_from },
        );
        Self::deposit_event(Event::MeasurementAllowed { mr_enclave, acts_from });
        Ok(())
    }

    /// No attestation with the measurement counts any more.
    pub(crate) fn do_revoke_measurement(mr_enclave: Measurement) -> DispatchResult {
        ensure!(
            AllowedMeasurements::<T>::take(mr_enclave).is_some(),
            Error::<T>::MeasurementNotAllowed
        );
        Self::deposit_event(Event::MeasurementRevoked { mr_enclave });
        Ok(())
    }
}
