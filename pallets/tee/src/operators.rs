// SPDX-License-Identifier: Apache-2.0
//! Operators: how they come and go.

use frame_support::{ensure, pallet_prelude::DispatchResult};
use tee_primitives::{
    cluster::{ClusterId, Enclave, SlotId},
    traits::Attestations,
};

use crate::{
    ClusterData, Config, EnclaveAccountOperator, EnclaveClusterId, EnclaveData, EnclaveFacts,
    EnclaveRegistrations, EnclaveUnregistrations, EnclaveUpdates, Error, Event, Migrations, Pallet,
    StakingLedger, UriOf,
};

/// Shortest URI: a scheme and a host of one character.
pub(crate) const MIN_URI_LEN: u32 = 8;

impl<T: Config> Pallet<T> {
    /// Puts an enclave on the list of those that wait for governance, and holds the stake.
    pub(crate) fn do_register_enclave(
        operator: T::AccountId,
        enclave_address: T::AccountId,
        api_uri: UriOf<T>,
    ) -> DispatchResult {
        Self::ensure_valid_uri(&api_uri)?;
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

        EnclaveRegistrations::<T>::insert(
            &operator,
            Enclave { enclave_address: enclave_address.clone(), api_uri: api_uri.clone() },
        );
        Self::deposit_event(Event::EnclaveAddedForRegistration {
            operator_address: operator.clone(),
            enclave_address,
            api_uri,
        });
        Self::bond(&operator)
    }

    /// Takes an enclave off the list and frees the stake.
    pub(crate) fn do_remove_registration(operator: T::AccountId) -> DispatchResult {
        ensure!(
            EnclaveRegistrations::<T>::take(&operator).is_some(),
            Error::<T>::RegistrationNotFound
        );
        Self::deposit_event(Event::RegistrationRemoved { operator_address: operator.clone() });
        Self::free_stake(operator)
    }

    /// Moves an enclave from the registrations into a slot.
    ///
    /// An operator is never assigned twice: it can register only while it is not assigned, and
    /// its registration ends here.
    pub(crate) fn do_assign_enclave(
        operator: T::AccountId,
        cluster_id: ClusterId,
        slot_id: SlotId,
    ) -> DispatchResult {
        let enclave =
            EnclaveRegistrations::<T>::take(&operator).ok_or(Error::<T>::RegistrationNotFound)?;
        ensure!(
            !EnclaveAccountOperator::<T>::contains_key(&enclave.enclave_address),
            Error::<T>::EnclaveAddressAlreadyExists
        );
        let facts = T::Attestations::live(&enclave.enclave_address, &operator)
            .ok_or(Error::<T>::NotAttested)?;
        let cluster = Self::seat(cluster_id, slot_id, &operator)?;
        Self::take_platform(facts.platform, cluster_id, &cluster, slot_id, Some(&operator))?;

        ClusterData::<T>::insert(cluster_id, cluster);
        EnclaveClusterId::<T>::insert(&operator, cluster_id);
        EnclaveAccountOperator::<T>::insert(&enclave.enclave_address, &operator);
        EnclaveData::<T>::insert(&operator, enclave);
        EnclaveFacts::<T>::insert(&operator, facts);
        Self::deposit_event(Event::EnclaveAssigned { operator_address: operator, cluster_id });
        Ok(())
    }

    /// Notes that an operator wants to leave; one without a slot leaves at once.
    pub(crate) fn do_unregister_enclave(operator: T::AccountId) -> DispatchResult {
        if !EnclaveData::<T>::contains_key(&operator) {
            return Self::do_remove_registration(operator);
        }
        ensure!(
            !EnclaveUnregistrations::<T>::contains_key(&operator),
            Error::<T>::UnregistrationAlreadyExists
        );

        EnclaveUnregistrations::<T>::insert(&operator, frame_system::Pallet::<T>::block_number());
        Self::deposit_event(Event::MovedForUnregistration { operator_address: operator.clone() });
        Self::unbond(&operator);
        Ok(())
    }

    /// Frees an operator's slot. The bonding period of its stake begins.
    pub(crate) fn do_remove_enclave(operator: T::AccountId) -> DispatchResult {
        let enclave = EnclaveData::<T>::take(&operator).ok_or(Error::<T>::EnclaveNotFound)?;
        EnclaveAccountOperator::<T>::remove(&enclave.enclave_address);
        if let Some(cluster_id) = EnclaveClusterId::<T>::take(&operator) {
            ClusterData::<T>::mutate_extant(cluster_id, |cluster| {
                for platform in Self::platforms_of(&operator) {
                    Self::leave_platform(platform, cluster_id, cluster);
                }
                cluster.enclaves.retain(|(member, _)| *member != operator);
            });
        }
        EnclaveFacts::<T>::remove(&operator);
        EnclaveUpdates::<T>::remove(&operator);
        Migrations::<T>::remove(&operator);
        EnclaveUnregistrations::<T>::remove(&operator);
        Self::unbond(&operator);
        Self::deposit_event(Event::EnclaveRemoved { operator_address: operator });
        Ok(())
    }

    /// Whether clients and other enclaves can make a request to the URI.
    pub(crate) fn ensure_valid_uri(uri: &UriOf<T>) -> Result<(), Error<T>> {
        ensure!(!uri.is_empty(), Error::<T>::ApiUriIsEmpty);
        let rest = uri.strip_prefix(b"https://").or_else(|| uri.strip_prefix(b"http://"));
        let names_a_host = rest.is_some_and(|rest| {
            rest.first().is_some_and(u8::is_ascii_alphanumeric) || rest.starts_with(b"[")
        });
        ensure!(names_a_host && uri.iter().all(u8::is_ascii_graphic), Error::<T>::ApiUriIsInvalid);
        Ok(())
    }
}
