// SPDX-License-Identifier: Apache-2.0
//! What is true of the storage between any two calls.

use alloc::collections::{BTreeMap, BTreeSet};

use frame_support::{
    ensure,
    traits::{fungible::InspectHold, Get},
};
use sp_runtime::DispatchError;
use tee_primitives::{
    abi::ENCLAVE_ABI,
    attestation::PlatformId,
    cluster::{ClusterId, ClusterType},
    keyshare::KeyshareStatus,
};

use crate::{
    ClusterData, ClusterHoldings, Config, Confirmations, DisabledClusters, EnclaveAbi,
    EnclaveAccountOperator, EnclaveClusterId, EnclaveData, EnclaveFacts, EnclaveRegistrations,
    EnclaveUnregistrations, EnclaveUpdates, HoldReason, KeyshareVersion, Keyshares, LastVersions,
    MetricsServers, Migrations, NextClusterId, Pallet, PlatformSlot, PublicPlatforms,
    StakingLedger, SweepQueue, SweptCount, SyncCount, SyncLog,
};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet's storage. Reads all of it: for tests and for
    /// `try-runtime`, never inside a block.
    ///
    /// Fails with a sentence that names the invariant.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::try_state_of_stakes()?;
        Self::try_state_of_operators()?;
        Self::try_state_of_updates()?;
        Self::try_state_of_clusters()?;
        Self::try_state_of_platforms()?;
        Self::try_state_of_keyshares()?;
        Self::try_state_of_confirmations()?;
        Self::try_state_of_sync_log()?;
        Self::try_state_of_lists()
    }

    fn try_state_of_stakes() -> Result<(), DispatchError> {
        for (operator, ledger) in StakingLedger::<T>::iter() {
            ensure!(ledger.operator == operator, "a ledger is stored under its operator");
            let is_registered = EnclaveRegistrations::<T>::contains_key(&operator);
            let is_assigned = EnclaveData::<T>::contains_key(&operator);
            ensure!(
                is_registered || is_assigned || ledger.is_unlocking,
                "who has neither a registration nor a slot is on its way out"
            );
            ensure!(
                !(is_registered && ledger.is_unlocking),
                "the stake of a registration is not on its way out"
            );
            ensure!(
                !is_assigned
                    || ledger.is_unlocking == EnclaveUnregistrations::<T>::contains_key(&operator),
                "the stake of an assigned enclave is on its way out if its operator asked to leave"
            );
        }
        for account in frame_system::Account::<T>::iter_keys() {
            let held = T::Currency::balance_on_hold(&HoldReason::OperatorStake.into(), &account);
            let bonded = StakingLedger::<T>::get(&account).map(|ledger| ledger.staked_amount);
            ensure!(held == bonded.unwrap_or_default(), "what is held is what the ledger says");
        }
        Ok(())
    }

    fn try_state_of_operators() -> Result<(), DispatchError> {
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
            ensure!(
                EnclaveFacts::<T>::contains_key(&operator),
                "of an assigned enclave is known what it had proven"
            );
        }
        for (enclave, operator) in EnclaveAccountOperator::<T>::iter() {
            ensure!(
                EnclaveData::<T>::get(&operator).map(|data| data.enclave_address) == Some(enclave),
                "an operator leads to its assigned enclave"
            );
        }
        ensure!(
            EnclaveFacts::<T>::iter_keys().all(EnclaveData::<T>::contains_key),
            "facts are kept of assigned enclaves only"
        );
        ensure!(
            EnclaveUnregistrations::<T>::iter_keys().all(EnclaveData::<T>::contains_key),
            "only who has a slot asks to leave it"
        );
        Ok(())
    }

    fn try_state_of_updates() -> Result<(), DispatchError> {
        for operator in EnclaveUpdates::<T>::iter_keys() {
            ensure!(
                EnclaveData::<T>::contains_key(&operator),
                "only an assigned enclave is updated"
            );
            ensure!(
                !Migrations::<T>::contains_key(&operator),
                "an operator has one update at a time"
            );
        }
        for (operator, migration) in Migrations::<T>::iter() {
            let current = EnclaveData::<T>::get(&operator);
            ensure!(current.is_some(), "only an assigned enclave has a successor");
            ensure!(
                current.map(|current| current.enclave_address)
                    != Some(migration.enclave.enclave_address),
                "a successor is another account"
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
        for (cluster_id, before) in DisabledClusters::<T>::iter() {
            ensure!(
                ClusterData::<T>::get(cluster_id).map(|cluster| cluster.cluster_type)
                    == Some(ClusterType::Disabled),
                "only of a disabled cluster is remembered what it was"
            );
            ensure!(before != ClusterType::Disabled, "a disabled cluster was something else");
        }
        Ok(())
    }

    fn try_state_of_platforms() -> Result<(), DispatchError> {
        let mut public = BTreeMap::<PlatformId, PlatformSlot>::new();
        for (cluster_id, cluster) in ClusterData::<T>::iter() {
            let mut of_cluster = BTreeSet::new();
            for (operator, slot_id) in &cluster.enclaves {
                let platforms = Self::platforms_of(operator);
                for platform in BTreeSet::from_iter(platforms.clone()) {
                    ensure!(
                        of_cluster.insert(platform),
                        "a machine runs the enclave of one slot of a cluster"
                    );
                }
                if Self::lasting_type(cluster_id, &cluster) != ClusterType::Public {
                    continue;
                }
                for platform in platforms {
                    let entry = public
                        .entry(platform)
                        .or_insert(PlatformSlot { slot_id: *slot_id, enclaves: 0 });
                    ensure!(
                        entry.slot_id == *slot_id,
                        "a machine serves one slot number in public clusters"
                    );
                    entry.enclaves = entry.enclaves.saturating_add(1);
                }
            }
        }
        for (platform, served) in PublicPlatforms::<T>::iter() {
            let serving = public.remove(&platform);
            ensure!(
                serving.is_none_or(|serving| serving.slot_id == served.slot_id)
                    && serving.map_or(0, |serving| serving.enclaves) == served.enclaves,
                "the index of machines is that of the public clusters' members"
            );
        }
        ensure!(public.is_empty(), "a machine that serves in public is in the index");
        Ok(())
    }

    fn try_state_of_keyshares() -> Result<(), DispatchError> {
        let mut held = BTreeMap::<ClusterId, u64>::new();
        for (nft_id, kind, status) in Keyshares::<T>::iter() {
            ensure!(status != KeyshareStatus::default(), "nothing is stored about no keyshares");
            let last = LastVersions::<T>::get(nft_id, kind);
            let synced = status.synced.map_or(0, |synced| synced.version);
            ensure!(synced <= last, "a synced version was started");
            ensure!(
                status.pending.is_none_or(|pending| pending.version == last && last > synced),
                "a pending version is the newest ever started"
            );
            if let Some(synced) = status.synced {
                let count = held.entry(synced.cluster_id).or_default();
                *count = count.saturating_add(1);
            }
        }
        for (cluster_id, holdings) in ClusterHoldings::<T>::iter() {
            ensure!(
                holdings.keyshares == held.remove(&cluster_id).unwrap_or_default(),
                "a cluster holds as many keyshares as name it"
            );
            ensure!(
                holdings.synced_until <= SyncCount::<T>::get(),
                "a cluster's last sync is in the log"
            );
            ensure!(ClusterData::<T>::contains_key(cluster_id), "only a cluster holds keyshares");
        }
        ensure!(held.is_empty(), "a cluster that keyshares name holds them");
        Ok(())
    }

    fn try_state_of_confirmations() -> Result<(), DispatchError> {
        ensure!(SweptCount::<T>::get() <= SyncCount::<T>::get(), "only what was synced is swept");
        let mut unswept = BTreeSet::new();
        for index in SweptCount::<T>::get()..SyncCount::<T>::get() {
            unswept.extend(
                SyncLog::<T>::get(index).map(|entry| (entry.nft_id, entry.kind, entry.version)),
            );
        }
        for (version, cluster_id, slots) in Confirmations::<T>::iter() {
            ensure!(
                Self::is_pending(version)
                    || SweepQueue::<T>::contains_key(version)
                    || unswept.contains(&version),
                "a confirmation belongs to a version that is pending or waits for the sweep"
            );
            ensure!(cluster_id < NextClusterId::<T>::get(), "who confirmed was in a cluster");
            ensure!(slots.iter().any(Option::is_some), "a stored confirmation is of a slot");
            ensure!(
                !ClusterData::<T>::contains_key(cluster_id)
                    || ClusterHoldings::<T>::contains_key(cluster_id),
                "a cluster that has confirmed anything has promised what it is"
            );
        }
        for version in SweepQueue::<T>::iter_keys() {
            ensure!(!Self::is_pending(version), "a pending version is not swept");
        }
        Ok(())
    }

    fn is_pending((nft_id, kind, version): KeyshareVersion) -> bool {
        Keyshares::<T>::get(nft_id, kind).pending.is_some_and(|pending| pending.version == version)
    }

    fn try_state_of_sync_log() -> Result<(), DispatchError> {
        let mut newest = BTreeMap::new();
        let mut until = BTreeMap::<ClusterId, u64>::new();
        for index in 0..SyncCount::<T>::get() {
            let entry = SyncLog::<T>::get(index).ok_or("the sync log has no gap")?;
            until.insert(entry.cluster_id, index.saturating_add(1));
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
        for (cluster_id, holdings) in ClusterHoldings::<T>::iter() {
            ensure!(
                until.get(&cluster_id).copied().unwrap_or_default() == holdings.synced_until,
                "a cluster's last sync is the last that names it"
            );
        }
        for (nft_id, kind, status) in Keyshares::<T>::iter() {
            let Some(synced) = status.synced else { continue };
            let logged = newest.get(&(nft_id, kind));
            ensure!(
                logged.map(|entry| (entry.version, entry.cluster_id, entry.block_number))
                    == Some((synced.version, synced.cluster_id, synced.block_number)),
                "what is synced is the newest entry of the sync log"
            );
        }
        Ok(())
    }

    fn try_state_of_lists() -> Result<(), DispatchError> {
        let servers = MetricsServers::<T>::get();
        let mut accounts = BTreeSet::new();
        ensure!(
            servers.iter().all(|server| accounts.insert(&server.metrics_server_address)),
            "a metrics server is listed once"
        );
        ensure!(
            EnclaveAbi::<T>::get() == ENCLAVE_ABI,
            "the stored interface is the one that this runtime keeps to"
        );
        Ok(())
    }
}
