// SPDX-License-Identifier: Apache-2.0
//! Clusters: which enclave is in which slot.

use codec::EncodeLike;
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use tee_primitives::{
    cluster::{Cluster, ClusterId, ClusterType, SlotId},
    traits::Attestations,
};

use crate::{
    ClusterData, ClusterOf, Config, EnclaveAccountOperator, EnclaveClusterId, EnclaveData,
    EnclaveRegistrations, Error, Event, MembersOf, NextClusterId, Pallet, Place,
};

impl<T: Config> Pallet<T> {
    /// Adds an empty cluster under the next id.
    pub(crate) fn do_create_cluster(cluster_type: ClusterType) -> DispatchResult {
        let cluster_id = NextClusterId::<T>::get();
        let next = cluster_id.checked_add(1).ok_or(Error::<T>::ClusterIdsExhausted)?;

        NextClusterId::<T>::put(next);
        ClusterData::<T>::insert(
            cluster_id,
            Cluster { enclaves: MembersOf::<T>::default(), cluster_type },
        );
        Self::deposit_event(Event::ClusterAdded { cluster_id, cluster_type });
        Ok(())
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
        ensure!(T::Attestations::live(&enclave.enclave_address).is_some(), Error::<T>::NotAttested);
        let mut cluster = ClusterData::<T>::get(cluster_id).ok_or(Error::<T>::ClusterNotFound)?;
        ensure!(slot_id < T::ClusterSize::get(), Error::<T>::SlotIdOutOfRange);
        ensure!(!cluster.enclaves.is_full(), Error::<T>::ClusterIsFull);
        // Published clients send the n-th share to the n-th member: the order is that of the slots.
        let Err(position) = cluster.enclaves.binary_search_by_key(&slot_id, |(_, slot)| *slot)
        else {
            return Err(Error::<T>::SlotIsTaken.into());
        };
        cluster
            .enclaves
            .try_insert(position, (operator.clone(), slot_id))
            .map_err(|_| Error::<T>::ClusterIsFull)?;

        ClusterData::<T>::insert(cluster_id, cluster);
        EnclaveClusterId::<T>::insert(&operator, cluster_id);
        EnclaveAccountOperator::<T>::insert(&enclave.enclave_address, &operator);
        EnclaveData::<T>::insert(&operator, enclave);
        Self::deposit_event(Event::EnclaveAssigned { operator_address: operator, cluster_id });
        Ok(())
    }

    /// Where an enclave is assigned, and that cluster.
    pub(crate) fn place_of(
        enclave: impl EncodeLike<T::AccountId>,
    ) -> Option<(Place, ClusterOf<T>)> {
        let operator = EnclaveAccountOperator::<T>::get(enclave)?;
        let cluster_id = EnclaveClusterId::<T>::get(&operator)?;
        let cluster = ClusterData::<T>::get(cluster_id)?;
        let (_, slot_id) = cluster.enclaves.iter().find(|(member, _)| *member == operator)?;
        Some(((cluster_id, *slot_id), cluster))
    }
}
