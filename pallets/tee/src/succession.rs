// SPDX-License-Identifier: Apache-2.0
//! Succession: how another enclave takes over a slot.
//!
//! Order of the steps that last: the operator names the successor ([`EnclaveUpdates`]), it attests,
//! governance approves ([`Migrations`]), it copies, it takes over ([`EnclaveData`]). Each can be
//! followed by dropping the update; only the last changes who serves.

use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use sp_runtime::Saturating;
use tee_primitives::{
    cluster::Enclave,
    traits::{AttestationFacts, Attestations},
};

use crate::{
    ClusterHoldings, Config, EnclaveAccountOperator, EnclaveData, EnclaveFacts, EnclaveOf,
    EnclaveRegistrations, EnclaveUpdates, Error, Event, Migration, Migrations, Pallet, SyncCount,
    UriOf,
};

impl<T: Config> Pallet<T> {
    /// Notes which enclave shall take over.
    pub(crate) fn do_update_enclave(
        operator: T::AccountId,
        new_enclave_address: T::AccountId,
        new_api_uri: UriOf<T>,
    ) -> DispatchResult {
        ensure!(
            EnclaveData::<T>::contains_key(&operator),
            Error::<T>::UpdateProhibitedForUnassignedEnclave
        );
        ensure!(
            !EnclaveUpdates::<T>::contains_key(&operator)
                && !Migrations::<T>::contains_key(&operator),
            Error::<T>::UpdateRequestAlreadyExists
        );
        Self::ensure_valid_uri(&new_api_uri)?;
        Self::ensure_can_succeed(&operator, &new_enclave_address)?;

        let successor =
            Enclave { enclave_address: new_enclave_address.clone(), api_uri: new_api_uri.clone() };
        EnclaveUpdates::<T>::insert(&operator, successor);
        Self::deposit_event(Event::MovedForUpdate {
            operator_address: operator.clone(),
            new_enclave_address,
            new_api_uri,
        });
        Self::succeed_on_same_machine(operator);
        Ok(())
    }

    /// Gives the slot to the named successor if it has proven to be the same code on the same
    /// machine: then governance has approved all that there is to approve.
    pub(crate) fn succeed_on_same_machine(operator: T::AccountId) {
        let (Some(successor), Some(assigned)) =
            (EnclaveUpdates::<T>::get(&operator), EnclaveFacts::<T>::get(&operator))
        else {
            return;
        };
        let account = &successor.enclave_address;
        let taken = Self::ensure_can_succeed(&operator, account).is_err();
        if !taken && T::Attestations::live(account, &operator) == Some(assigned) {
            EnclaveUpdates::<T>::remove(&operator);
            Self::announce_update(operator, successor);
        }
    }

    /// Lets the named successor copy the slot's shares.
    pub(crate) fn do_approve_update(operator: T::AccountId) -> DispatchResult {
        let successor =
            EnclaveUpdates::<T>::take(&operator).ok_or(Error::<T>::UpdateRequestNotFound)?;
        let current = EnclaveData::<T>::get(&operator).ok_or(Error::<T>::EnclaveNotFound)?;
        if successor.enclave_address == current.enclave_address {
            Self::announce_update(operator, successor);
            return Ok(());
        }
        let facts = Self::admit_successor(&operator, &successor.enclave_address)?;

        let until =
            frame_system::Pallet::<T>::block_number().saturating_add(T::MigrationDuration::get());
        Self::deposit_event(Event::MigrationStarted {
            operator_address: operator.clone(),
            new_enclave_address: successor.enclave_address.clone(),
            until,
        });
        Migrations::<T>::insert(operator, Migration { enclave: successor, facts, until });
        Ok(())
    }

    /// Gives the slot to the approved successor.
    pub(crate) fn do_complete_update(
        successor: T::AccountId,
        operator: T::AccountId,
        cursor: u64,
    ) -> DispatchResult {
        let Migration { enclave, facts, until } =
            Migrations::<T>::get(&operator).ok_or(Error::<T>::MigrationNotFound)?;
        ensure!(enclave.enclave_address == successor, Error::<T>::NotTheSuccessor);
        ensure!(frame_system::Pallet::<T>::block_number() <= until, Error::<T>::MigrationLapsed);
        let proven = T::Attestations::live(&successor, &operator).ok_or(Error::<T>::NotAttested)?;
        ensure!(proven == facts, Error::<T>::AttestationChanged);
        Self::ensure_can_succeed(&operator, &successor)?;
        let ((cluster_id, _), cluster) =
            Self::seat_of(&operator).ok_or(Error::<T>::EnclaveNotFound)?;
        ensure!(cursor <= SyncCount::<T>::get(), Error::<T>::CursorPastLog);
        // What its own cluster synced after that may be held by the predecessor alone. What others
        // synced can be copied from them afterwards.
        ensure!(
            cursor >= ClusterHoldings::<T>::get(cluster_id).synced_until,
            Error::<T>::SuccessorIsBehind
        );

        Migrations::<T>::remove(&operator);
        if let Some(predecessor) = EnclaveFacts::<T>::get(&operator) {
            Self::leave_platform(predecessor.platform, cluster_id, &cluster);
        }
        EnclaveFacts::<T>::insert(&operator, facts);
        Self::announce_update(operator, enclave);
        Ok(())
    }

    /// Replaces what is given, without asking the operator.
    pub(crate) fn do_force_update(
        operator: T::AccountId,
        new_enclave_address: Option<T::AccountId>,
        new_api_uri: Option<UriOf<T>>,
    ) -> DispatchResult {
        ensure!(
            new_enclave_address.is_some() || new_api_uri.is_some(),
            Error::<T>::NoUpdatesProvided
        );
        let mut enclave = EnclaveData::<T>::get(&operator).ok_or(Error::<T>::EnclaveNotFound)?;
        if let Some(uri) = &new_api_uri {
            Self::ensure_valid_uri(uri)?;
            enclave.api_uri = uri.clone();
        }
        // There may be no update to drop.
        let _ = Self::drop_update(&operator);
        if let Some(account) = new_enclave_address.as_ref() {
            if *account != enclave.enclave_address {
                let facts = Self::admit_successor(&operator, account)?;
                let ((cluster_id, _), cluster) =
                    Self::seat_of(&operator).ok_or(Error::<T>::EnclaveNotFound)?;
                if let Some(predecessor) = EnclaveFacts::<T>::get(&operator) {
                    Self::leave_platform(predecessor.platform, cluster_id, &cluster);
                }
                EnclaveFacts::<T>::insert(&operator, facts);
                enclave.enclave_address = account.clone();
            }
        }

        Self::switch_enclave(&operator, enclave);
        Self::deposit_event(Event::EnclaveForceUpdated {
            operator_address: operator,
            new_enclave_address,
            new_api_uri,
        });
        Ok(())
    }

    /// Fails unless this is the enclave that waits for governance's decision.
    pub(crate) fn ensure_named(
        operator: &T::AccountId,
        enclave_address: &T::AccountId,
    ) -> DispatchResult {
        let registered = EnclaveRegistrations::<T>::get(operator);
        let named = registered.or_else(|| EnclaveUpdates::<T>::get(operator));
        ensure!(
            named.is_some_and(|named| named.enclave_address == *enclave_address),
            Error::<T>::AnotherEnclave
        );
        Ok(())
    }

    /// Drops an operator's update, approved or not.
    pub(crate) fn drop_update(operator: &T::AccountId) -> DispatchResult {
        let named = EnclaveUpdates::<T>::take(operator).is_some();
        let approved = Migrations::<T>::take(operator);
        ensure!(named || approved.is_some(), Error::<T>::UpdateRequestNotFound);
        if let (Some(migration), Some(((cluster_id, _), cluster))) =
            (approved, Self::seat_of(operator))
        {
            Self::leave_platform(migration.facts.platform, cluster_id, &cluster);
        }
        Ok(())
    }

    /// An account that is nobody's, or the operator's own.
    fn ensure_can_succeed(operator: &T::AccountId, account: &T::AccountId) -> Result<(), Error<T>> {
        ensure!(operator != account, Error::<T>::OperatorAndEnclaveAreSame);
        let of = EnclaveAccountOperator::<T>::get(account);
        ensure!(of.is_none_or(|of| of == *operator), Error::<T>::EnclaveAddressAlreadyExists);
        Ok(())
    }

    /// Checks that an account may take over, and counts its machine as serving the slot.
    fn admit_successor(
        operator: &T::AccountId,
        account: &T::AccountId,
    ) -> Result<AttestationFacts, Error<T>> {
        Self::ensure_can_succeed(operator, account)?;
        let facts = T::Attestations::live(account, operator).ok_or(Error::<T>::NotAttested)?;
        let assigned = EnclaveFacts::<T>::get(operator).ok_or(Error::<T>::EnclaveNotFound)?;
        ensure!(facts.isv_svn >= assigned.isv_svn, Error::<T>::SecurityVersionTooLow);
        let ((cluster_id, slot_id), cluster) =
            Self::seat_of(operator).ok_or(Error::<T>::EnclaveNotFound)?;
        Self::take_platform(facts.platform, cluster_id, &cluster, slot_id, Some(operator))?;
        Ok(facts)
    }

    fn announce_update(operator: T::AccountId, enclave: EnclaveOf<T>) {
        Self::switch_enclave(&operator, enclave.clone());
        Self::deposit_event(Event::EnclaveUpdated {
            operator_address: operator,
            new_enclave_address: enclave.enclave_address,
            new_api_uri: enclave.api_uri,
        });
    }

    /// From here on the old account is nobody's.
    fn switch_enclave(operator: &T::AccountId, enclave: EnclaveOf<T>) {
        if let Some(old) = EnclaveData::<T>::get(operator) {
            EnclaveAccountOperator::<T>::remove(old.enclave_address);
        }
        EnclaveAccountOperator::<T>::insert(&enclave.enclave_address, operator);
        EnclaveData::<T>::insert(operator, enclave);
    }
}
