// SPDX-License-Identifier: Apache-2.0
//! What the calls weigh.
//!
//! [`DbWeights`] counts what each call reads from storage and writes to it, in the worst case, and
//! prices that with the runtime's database weights. The numbers are counted, not measured. They
//! cover the computation as well: no call does more than a bounded amount of copying and comparing
//! for each value that it reads. [`Config::Attestations`](crate::Config::Attestations) is counted
//! with one read for each enclave asked about, and
//! [`Config::OnKeyshareSynced`](crate::Config::OnKeyshareSynced) with one read and one write.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};
use tee_primitives::cluster::CLUSTER_SIZE;

/// What the calls weigh.
pub trait WeightInfo {
    /// `register_enclave`.
    fn register_enclave() -> Weight;
    /// `assign_enclave`.
    fn assign_enclave() -> Weight;
    /// `remove_registration`.
    fn remove_registration() -> Weight;
    /// `create_cluster`.
    fn create_cluster() -> Weight;
    /// `confirm_keyshares` of a batch with `entries` entries, `syncs` of which complete a cluster.
    fn confirm_keyshares(entries: u32, syncs: u32) -> Weight;
    /// Taking a version from the sweep queue.
    fn sweep_version() -> Weight;
    /// Removing one confirmation.
    fn sweep_confirmation() -> Weight;
}

/// Weights counted in reads and writes of the runtime's database.
pub struct DbWeights<T>(PhantomData<T>);

impl<T: frame_system::Config> DbWeights<T> {
    fn counted(reads: u32, writes: u32) -> Weight {
        T::DbWeight::get().reads_writes(reads.into(), writes.into())
    }
}

impl<T: frame_system::Config> WeightInfo for DbWeights<T> {
    // Reads: EnclaveRegistrations, EnclaveData, EnclaveAccountOperator, StakingLedger,
    // StakingAmount, the operator's account and its holds.
    // Writes: the account, its holds, StakingLedger, EnclaveRegistrations.
    fn register_enclave() -> Weight {
        Self::counted(7, 4)
    }

    // Reads: EnclaveRegistrations, EnclaveAccountOperator, the attestation, ClusterData.
    // Writes: EnclaveRegistrations, ClusterData, EnclaveClusterId, EnclaveAccountOperator,
    // EnclaveData.
    fn assign_enclave() -> Weight {
        Self::counted(4, 5)
    }

    // Reads: EnclaveRegistrations, StakingLedger, the account, its holds. Writes: the same.
    fn remove_registration() -> Weight {
        Self::counted(4, 4)
    }

    // Reads: NextClusterId. Writes: NextClusterId, ClusterData.
    fn create_cluster() -> Weight {
        Self::counted(1, 2)
    }

    // Once: reads EnclaveAccountOperator, EnclaveClusterId, ClusterData, and for each enclave of
    // the cluster EnclaveData and the attestation.
    // For each entry: reads Keyshares and the confirmation of each slot; writes one confirmation.
    // For each sync: reads SyncCount and what is told; writes Keyshares, SyncLog, SyncCount,
    // SweepQueue and what is told.
    fn confirm_keyshares(entries: u32, syncs: u32) -> Weight {
        let entry = Self::counted(1 + CLUSTER_SIZE, 1);
        let sync = Self::counted(2, 5);
        Self::counted(3 + 2 * CLUSTER_SIZE, 0)
            .saturating_add(entry.saturating_mul(entries.into()))
            .saturating_add(sync.saturating_mul(syncs.into()))
    }

    // Reads: the next key of SweepQueue. Writes: SweepQueue.
    fn sweep_version() -> Weight {
        Self::counted(1, 1)
    }

    // Reads: the next key of Confirmations. Writes: Confirmations.
    fn sweep_confirmation() -> Weight {
        Self::counted(1, 1)
    }
}
