// SPDX-License-Identifier: Apache-2.0
//! Confirmations: when an entry counts, and when a cluster is complete.

use frame_support::{
    dispatch::{DispatchResultWithPostInfo, Pays, PostDispatchInfo},
    ensure,
};
use tee_primitives::{
    cluster::CLUSTER_SIZE,
    keyshare::{
        Commitment, IgnoreReason, KeyshareConfirmation, SlotConfirmation, SlotConfirmations, Split,
        SyncedKeyshare,
    },
    traits::{Attestations, OnKeyshareSynced},
};

use crate::{
    ClusterHoldings, ClusterOf, Config, ConfirmationBatch, Confirmations, EnclaveData,
    EnclaveFacts, Error, Event, Holdings, Keyshares, Pallet, Place, WeightInfo,
};

/// By slot: the account whose confirmation counts, which is that of the assigned enclave if it has
/// a live attestation.
type LiveEnclaves<AccountId> = [Option<AccountId>; CLUSTER_SIZE as usize];

/// The commitments of a complete cluster, by slot.
type Commitments = [Commitment; CLUSTER_SIZE as usize];

/// A version that a cluster has completed.
struct Completed {
    commitments: Commitments,
    /// The version that was synced before.
    replaced: Option<SyncedKeyshare>,
}

impl<T: Config> Pallet<T> {
    /// Takes each entry of the batch by itself.
    pub(crate) fn do_confirm_keyshares(
        enclave: T::AccountId,
        batch: ConfirmationBatch,
    ) -> DispatchResultWithPostInfo {
        ensure!(!batch.is_empty(), Error::<T>::EmptyBatch);
        let serving = Serving::<T>::find(enclave)?;

        let (cluster_id, _) = serving.place;
        let mut is_first = !ClusterHoldings::<T>::contains_key(cluster_id);
        let (mut entries, mut syncs) = (0u32, 0u32);
        for entry in batch {
            let KeyshareConfirmation { nft_id, kind, version, split, commitment } = entry;
            let (_, slot_id) = serving.place;
            let enclave = serving.enclave.clone();
            entries = entries.saturating_add(1);
            match serving.confirm(entry) {
                Err(reason) => Self::deposit_event(Event::ConfirmationIgnored {
                    nft_id,
                    kind,
                    version,
                    enclave,
                    reason,
                }),
                Ok(complete) => {
                    // From its first confirmation on the cluster has promised its owners what it
                    // is.
                    if core::mem::take(&mut is_first) {
                        ClusterHoldings::<T>::insert(cluster_id, Holdings::default());
                    }
                    Self::deposit_event(Event::KeyshareConfirmed {
                        nft_id,
                        kind,
                        version,
                        cluster_id,
                        slot_id,
                        enclave,
                        split,
                        commitment,
                    });
                    if let Some(Completed { commitments, replaced }) = complete {
                        syncs = syncs.saturating_add(1);
                        let of = (nft_id, kind, version);
                        Self::note_synced(of, replaced, cluster_id, commitments);
                        T::OnKeyshareSynced::keyshare_synced(nft_id, kind);
                    }
                }
            }
        }
        Ok(PostDispatchInfo {
            actual_weight: Some(T::WeightInfo::confirm_keyshares(
                entries.saturating_sub(syncs),
                syncs,
            )),
            pays_fee: Pays::No,
        })
    }
}

/// An enclave whose confirmations count, and the others of its cluster.
struct Serving<T: Config> {
    enclave: T::AccountId,
    place: Place,
    live: LiveEnclaves<T::AccountId>,
}

impl<T: Config> Serving<T> {
    /// Reads the cluster once for the whole batch.
    fn find(enclave: T::AccountId) -> Result<Self, Error<T>> {
        let (place, cluster) = Pallet::<T>::place_of(&enclave).ok_or(Error::<T>::NotAssigned)?;
        ensure!(cluster.cluster_type.takes_keyshares(), Error::<T>::NotAssigned);
        let live = live_enclaves::<T>(&cluster);
        ensure!(live.contains(&Some(enclave.clone())), Error::<T>::NotAttested);
        Ok(Self { enclave, place, live })
    }

    /// Records one entry. Tells what it completes, if it does.
    fn confirm(&self, entry: KeyshareConfirmation) -> Result<Option<Completed>, IgnoreReason> {
        let KeyshareConfirmation { nft_id, kind, version, split, commitment } = entry;
        let status = Keyshares::<T>::get(nft_id, kind);
        let pending = status.pending.ok_or(IgnoreReason::NotPending)?;
        if pending.version != version {
            return Err(IgnoreReason::VersionMismatch);
        }

        let of = (nft_id, kind, version);
        let (cluster_id, slot_id) = self.place;
        let mut slots = Confirmations::<T>::get(of, cluster_id);
        let own = usize::try_from(slot_id).ok().and_then(|slot| slots.get_mut(slot));
        // A slot past the cluster's size cannot be assigned.
        let own = own.ok_or(IgnoreReason::NotPending)?;
        let confirmation = SlotConfirmation { enclave: self.enclave.clone(), split, commitment };
        let repeated = own.as_ref() == Some(&confirmation);
        *own = Some(confirmation);
        // Also a repeated confirmation can complete the cluster: an enclave of another slot may
        // have had no live attestation when the last one arrived.
        match self.complete(&slots, split) {
            // What is stored for the cluster is left to the sweep.
            Some(commitments) => Ok(Some(Completed { commitments, replaced: status.synced })),
            None if repeated => Err(IgnoreReason::AlreadyConfirmed),
            None => {
                Confirmations::<T>::insert(of, cluster_id, slots);
                Ok(None)
            }
        }
    }

    /// The commitments of all slots, if each holds a share of `split` and was confirmed by the
    /// account that is that slot's live enclave now.
    fn complete(
        &self,
        slots: &SlotConfirmations<T::AccountId>,
        split: Split,
    ) -> Option<Commitments> {
        let mut commitments = Commitments::default();
        for ((live, slot), commitment) in self.live.iter().zip(slots).zip(&mut commitments) {
            let confirmation = slot.as_ref()?;
            if live.as_ref() != Some(&confirmation.enclave) || confirmation.split != split {
                return None;
            }
            *commitment = confirmation.commitment;
        }
        Some(commitments)
    }
}

fn live_enclaves<T: Config>(cluster: &ClusterOf<T>) -> LiveEnclaves<T::AccountId> {
    let mut live = LiveEnclaves::<T::AccountId>::default();
    for (operator, slot_id) in &cluster.enclaves {
        // A slot past the cluster's size, or an operator without an enclave, cannot be assigned.
        let slot = usize::try_from(*slot_id).ok().and_then(|slot| live.get_mut(slot));
        if let (Some(slot), Some(enclave)) = (slot, EnclaveData::<T>::get(operator)) {
            let account = enclave.enclave_address;
            // Who shows other code or another machine than when it got the slot has to go through
            // succession.
            let proven = T::Attestations::live(&account, operator);
            let is_live = proven.is_some() && proven == EnclaveFacts::<T>::get(operator);
            *slot = is_live.then_some(account);
        }
    }
    live
}
