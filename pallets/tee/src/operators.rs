// SPDX-License-Identifier: Apache-2.0
//! Operators: what they register and what they bond.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{
        fungible::{InspectHold, MutateHold},
        tokens::Precision,
    },
};
use sp_runtime::traits::Zero;
use tee_primitives::cluster::Enclave;

use crate::{
    Config, EnclaveAccountOperator, EnclaveData, EnclaveRegistrations, Error, Event, HoldReason,
    Pallet, StakingAmount, StakingLedger, TeeStakingLedger, UriOf,
};

impl<T: Config> Pallet<T> {
    /// Puts an enclave on the list of those that wait for governance, and holds the stake.
    pub(crate) fn do_register_enclave(
        operator: T::AccountId,
        enclave_address: T::AccountId,
        api_uri: UriOf<T>,
    ) -> DispatchResult {
        ensure!(!api_uri.is_empty(), Error::<T>::ApiUriIsEmpty);
        ensure!(operator != enclave_address, Error::<T>::OperatorAndEnclaveAreSame);
        ensure!(
            !EnclaveRegistrations::<T>::contains_key(&operator),
            Error::<T>::RegistrationAlreadyExists
        );
        ensure!(!EnclaveData::<T>::contains_key(&operator), Error::<T>::OperatorAlreadyExists);
        ensure!(
            !EnclaveAccountOperator::<T>::contains_key(&enclave_address),
            Error::<T>::EnclaveAddressAlreadyExists
        );
        ensure!(!StakingLedger::<T>::contains_key(&operator), Error::<T>::UnbondingPeriod);

        let amount = StakingAmount::<T>::get();
        let reason = HoldReason::OperatorStake.into();
        ensure!(
            T::Currency::can_hold(&reason, &operator, amount),
            Error::<T>::InsufficientBalanceToBond
        );
        T::Currency::hold(&reason, &operator, amount)?;

        StakingLedger::<T>::insert(
            &operator,
            TeeStakingLedger {
                operator: operator.clone(),
                staked_amount: amount,
                is_unlocking: false,
                unbonded_at: Zero::zero(),
            },
        );
        EnclaveRegistrations::<T>::insert(
            &operator,
            Enclave { enclave_address: enclave_address.clone(), api_uri: api_uri.clone() },
        );
        Self::deposit_event(Event::EnclaveAddedForRegistration {
            operator_address: operator.clone(),
            enclave_address,
            api_uri,
        });
        Self::deposit_event(Event::Bonded { operator_address: operator, amount });
        Ok(())
    }

    /// Takes an enclave off the list and releases the stake.
    pub(crate) fn do_remove_registration(operator: T::AccountId) -> DispatchResult {
        ensure!(
            EnclaveRegistrations::<T>::take(&operator).is_some(),
            Error::<T>::RegistrationNotFound
        );
        Self::deposit_event(Event::RegistrationRemoved { operator_address: operator.clone() });

        if let Some(ledger) = StakingLedger::<T>::take(&operator) {
            let amount = T::Currency::release(
                &HoldReason::OperatorStake.into(),
                &operator,
                ledger.staked_amount,
                Precision::BestEffort,
            )?;
            Self::deposit_event(Event::Withdrawn { operator_address: operator, amount });
        }
        Ok(())
    }
}
