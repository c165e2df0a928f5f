// SPDX-License-Identifier: Apache-2.0
//! What is true of the storage between any two calls.

use alloc::collections::BTreeMap;

use frame_support::{
    ensure,
    traits::{fungible::InspectHold, Get},
};
use sp_runtime::DispatchError;
use tee_primitives::keyshare::KeyshareStatus;

use crate::{
    ClusterData, Config, Confirmations, EnclaveAccountOperator, EnclaveClusterId, EnclaveData,
    EnclaveRegistrations, HoldReason, Keyshares, NextClusterId, Pallet, StakingLedger, SweepQueue,
    SyncCount, SyncLog,
};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet's storage. Reads all of it: for tests and for
    /// `try-runtime`, never inside a block.
    ///
    /// Fails with a sentence that names the invariant.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::try_state_of_operators()?;
        Self::try_state_of_clusters()?;
        Self::try_state_of_keyshares()?;
        Self::try_state_of_sync_log()
    }

    fn try_state_of_operators() -> Result<(), DispatchError> {
        for (operator, ledger) in StakingLedger::<T>::iter() {
            ensure!(ledger.operator == operator, "a ledger is stored under its operator");
            let held = T::Currency::balance_on_hold(&HoldReason::OperatorStake.into(), &operator);
            ensure!(held == ledger.staked_amount, "what is held is what the ledger says");
        }
        for operator in EnclaveRegistrations::<T>::iter_keys() {
            ensure!(StakingLedger::<T>::contains_key(&operator), "who registers has bonded");
            ensure!(
                !EnclaveData::<T>::contains_key(&operator),
                "an operator with an assigned enclave has no registration"
            );
        }
        for (operator, enclave) in EnclaveData::<T>::iter() {
            ensure!(StakingLedger::<T>::contains_key(&operator), "who is assigned has bonded");
            ensure!(
                EnclaveAccountOperator::<T>::get(&enclave.enclave_address)
                    == Some(operator.clone()),
                "an assigned enclave leads to its operator"
            );
            ensure!(
                EnclaveClusterId::<T>::contains_key(&operator),
                "an assigned operator has a cluster"
            );
        }
        for (enclave, operator) in EnclaveAccountOperator::<T>::iter() {
            ensure!(
                EnclaveData::<T>::get(&operator).map(|data| data.enclave_address) == Some(enclave),
                "an operator leads to its assigned enclave"
            );
        }
        Ok(())
    }

    fn try_state_of_clusters() -> Result<(), DispatchError> {
        for (operator, cluster_id) in EnclaveClusterId::<T>::iter() {
            ensure!(
                EnclaveData::<T>::contains_key(&operator),
                "an operator with a cluster has an enclave"
            );
            let cluster =
                ClusterData::<T>::get(cluster_id).ok_or("an operator's cluster exists")?;
            ensure!(
                cluster.enclaves.iter().any(|(member, _)| *member == operator),
                "an operator is in the cluster that it leads to"
            );
        }
        for (cluster_id, cluster) in ClusterData::<T>::iter() {
            ensure!(cluster_id < NextClusterId::<T>::get(), "a cluster's id was given out");
            ensure!(
                cluster.enclaves.is_sorted_by(|(_, left), (_, right)| left < right),
                "the members of a cluster are ordered by slot, and no slot is taken twice"
            );
            for (operator, slot_id) in &cluster.enclaves {
                ensure!(*slot_id < T::ClusterSize::get(), "a slot is one of the cluster");
                ensure!(
                    EnclaveClusterId::<T>::get(operator) == Some(cluster_id),
                    "a member leads to its cluster"
                );
            }
        }
        Ok(())
    }

    fn try_state_of_keyshares() -> Result<(), DispatchError> {
        for (_, _, status) in Keyshares::<T>::iter() {
            ensure!(status != KeyshareStatus::default(), "nothing is stored about no keyshares");
            let synced = status.synced.map_or(0, |synced| synced.version);
            ensure!(
                status.pending.is_none_or(|pending| pending.version > synced),
                "a pending version is newer than the synced one"
            );
        }
        for (version, (cluster_id, slot_id)) in Confirmations::<T>::iter_keys() {
            ensure!(
                SweepQueue::<T>::contains_key(version) || Self::is_pending(version),
                "a confirmation belongs to a version that is pending or waits for the sweep"
            );
            ensure!(ClusterData::<T>::contains_key(cluster_id), "who confirmed was in a cluster");
            ensure!(slot_id < T::ClusterSize::get(), "who confirmed was in a slot");
        }
        for version in SweepQueue::<T>::iter_keys() {
            ensure!(!Self::is_pending(version), "a pending version is not swept");
        }
        Ok(())
    }

    fn is_pending((nft_id, kind, version): crate::KeyshareVersion) -> bool {
        Keyshares::<T>::get(nft_id, kind).pending.is_some_and(|pending| pending.version == version)
    }

    fn try_state_of_sync_log() -> Result<(), DispatchError> {
        let mut newest = BTreeMap::new();
        for index in 0..SyncCount::<T>::get() {
            let entry = SyncLog::<T>::get(index).ok_or("the sync log has no gap")?;
            let key = (entry.nft_id, entry.kind);
            if let Some(earlier) = newest.insert(key, entry) {
                ensure!(
                    earlier.version < entry.version && earlier.block_number <= entry.block_number,
                    "the sync log tells the versions of a keyshare in their order"
                );
            }
        }
        ensure!(
            SyncLog::<T>::iter_keys().all(|index| index < SyncCount::<T>::get()),
            "the sync log has no entry past its count"
        );
        for (nft_id, kind, status) in Keyshares::<T>::iter() {
            let logged = newest.get(&(nft_id, kind));
            ensure!(
                logged.map(|entry| (entry.version, entry.cluster_id, entry.block_number))
                    == status.synced.map(|synced| (
                        synced.version,
                        synced.cluster_id,
                        synced.block_number
                    )),
                "what is synced is the newest entry of the sync log"
            );
        }
        Ok(())
    }
}
