// SPDX-License-Identifier: Apache-2.0
//! Clusters: which enclave is in which slot, and whom they serve.

use codec::EncodeLike;
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use tee_primitives::cluster::{Cluster, ClusterId, ClusterType, SlotId};

use crate::{
    ClusterData, ClusterHoldings, ClusterOf, Config, DisabledClusters, EnclaveAccountOperator,
    EnclaveClusterId, Error, Event, MembersOf, NextClusterId, Pallet, Place,
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

    /// Changes whom a cluster serves, within what it has promised to those whose keyshares it
    /// has confirmed.
    pub(crate) fn do_update_cluster(
        cluster_id: ClusterId,
        cluster_type: ClusterType,
    ) -> DispatchResult {
        let mut cluster = ClusterData::<T>::get(cluster_id).ok_or(Error::<T>::ClusterNotFound)?;
        let before = Self::lasting_type(cluster_id, &cluster);
        match cluster_type {
            ClusterType::Disabled => {
                if cluster.cluster_type != ClusterType::Disabled {
                    DisabledClusters::<T>::insert(cluster_id, before);
                }
            }
            ClusterType::Admin | ClusterType::Public | ClusterType::Private => {
                if cluster_type != before {
                    // Also shares that nobody has confirmed for all slots were given to what the
                    // cluster was.
                    ensure!(
                        !ClusterHoldings::<T>::contains_key(cluster_id),
                        Error::<T>::ClusterHoldsKeyshares
                    );
                    if before == ClusterType::Public {
                        Self::leave_public_cluster(&cluster);
                    }
                    if cluster_type == ClusterType::Public {
                        Self::take_public_cluster(&cluster)?;
                    }
                }
                DisabledClusters::<T>::remove(cluster_id);
            }
        }

        cluster.cluster_type = cluster_type;
        ClusterData::<T>::insert(cluster_id, cluster);
        Self::deposit_event(Event::ClusterUpdated { cluster_id, cluster_type });
        Ok(())
    }

    /// Removes a cluster that nobody needs.
    pub(crate) fn do_remove_cluster(cluster_id: ClusterId) -> DispatchResult {
        let cluster = ClusterData::<T>::get(cluster_id).ok_or(Error::<T>::ClusterNotFound)?;
        ensure!(cluster.enclaves.is_empty(), Error::<T>::ClusterIsNotEmpty);
        ensure!(
            ClusterHoldings::<T>::get(cluster_id).keyshares == 0,
            Error::<T>::ClusterHoldsKeyshares
        );

        ClusterData::<T>::remove(cluster_id);
        ClusterHoldings::<T>::remove(cluster_id);
        DisabledClusters::<T>::remove(cluster_id);
        Self::deposit_event(Event::ClusterRemoved { cluster_id });
        Ok(())
    }

    /// A cluster with the operator in a slot of it, if that is free.
    pub(crate) fn seat(
        cluster_id: ClusterId,
        slot_id: SlotId,
        operator: &T::AccountId,
    ) -> Result<ClusterOf<T>, Error<T>> {
        let mut cluster = ClusterData::<T>::get(cluster_id).ok_or(Error::<T>::ClusterNotFound)?;
        ensure!(slot_id < T::ClusterSize::get(), Error::<T>::SlotIdOutOfRange);
        ensure!(!cluster.enclaves.is_full(), Error::<T>::ClusterIsFull);
        // Published clients send the n-th share to the n-th member: the order is that of the slots.
        let Err(position) = cluster.enclaves.binary_search_by_key(&slot_id, |(_, slot)| *slot)
        else {
            return Err(Error::<T>::SlotIsTaken);
        };
        cluster
            .enclaves
            .try_insert(position, (operator.clone(), slot_id))
            .map_err(|_| Error::<T>::ClusterIsFull)?;
        Ok(cluster)
    }

    /// Where an operator's enclave is assigned, and that cluster.
    pub(crate) fn seat_of(operator: &T::AccountId) -> Option<(Place, ClusterOf<T>)> {
        let cluster_id = EnclaveClusterId::<T>::get(operator)?;
        let cluster = ClusterData::<T>::get(cluster_id)?;
        let (_, slot_id) = cluster.enclaves.iter().find(|(member, _)| member == operator)?;
        Some(((cluster_id, *slot_id), cluster))
    }

    /// Where an enclave is assigned, and that cluster.
    pub(crate) fn place_of(
        enclave: impl EncodeLike<T::AccountId>,
    ) -> Option<(Place, ClusterOf<T>)> {
        Self::seat_of(&EnclaveAccountOperator::<T>::get(enclave)?)
    }
}
