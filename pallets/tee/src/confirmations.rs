// SPDX-License-Identifier: Apache-2.0
//! Confirmations: when an entry counts, and when a cluster is complete.

use frame_support::{
    dispatch::{DispatchResultWithPostInfo, Pays, PostDispatchInfo},
    ensure,
};
use tee_primitives::{
    cluster::CLUSTER_SIZE,
    keyshare::{Commitment, IgnoreReason, KeyshareConfirmation, SlotConfirmation},
    traits::Attestations,
};

use crate::{
    ClusterOf, Config, ConfirmationBatch, Confirmations, EnclaveData, Error, Event,
    KeyshareVersion, Keyshares, Pallet, Place, WeightInfo,
};

/// By slot: the account whose confirmation counts, which is that of the assigned enclave if it has
/// a live attestation.
type LiveEnclaves<AccountId> = [Option<AccountId>; CLUSTER_SIZE as usize];

/// The commitments of a complete cluster, by slot.
type Commitments = [Commitment; CLUSTER_SIZE as usize];

impl<T: Config> Pallet<T> {
    /// Takes each entry of the batch by itself.
    pub(crate) fn do_confirm_keyshares(
        enclave: T::AccountId,
        batch: ConfirmationBatch,
    ) -> DispatchResultWithPostInfo {
        ensure!(!batch.is_empty(), Error::<T>::EmptyBatch);
        let serving = Serving::<T>::find(enclave)?;

        let (mut entries, mut syncs) = (0u32, 0u32);
        for entry in batch {
            let KeyshareConfirmation { nft_id, kind, version, split, commitment } = entry;
            let (cluster_id, slot_id) = serving.place;
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
                    if let Some(commitments) = complete {
                        syncs = syncs.saturating_add(1);
                        Self::note_synced((nft_id, kind, version), cluster_id, commitments);
                    }
                }
            }
        }
        Ok(PostDispatchInfo {
            actual_weight: Some(T::WeightInfo::confirm_keyshares(entries, syncs)),
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

    /// Records one entry. Tells the commitments if it completes the cluster.
    fn confirm(&self, entry: KeyshareConfirmation) -> Result<Option<Commitments>, IgnoreReason> {
        let KeyshareConfirmation { nft_id, kind, version, split, commitment } = entry;
        let pending = Keyshares::<T>::get(nft_id, kind).pending.ok_or(IgnoreReason::NotPending)?;
        if pending.version != version {
            return Err(IgnoreReason::VersionMismatch);
        }

        let of = (nft_id, kind, version);
        let confirmation = SlotConfirmation { enclave: self.enclave.clone(), split, commitment };
        let repeated = Confirmations::<T>::get(of, self.place).as_ref() == Some(&confirmation);
        if !repeated {
            Confirmations::<T>::insert(of, self.place, &confirmation);
        }
        // Also a repeated confirmation can complete the cluster: an enclave of another slot may
        // have had no live attestation when the last one arrived.
        match self.complete(of, &confirmation) {
            None if repeated => Err(IgnoreReason::AlreadyConfirmed),
            complete => Ok(complete),
        }
    }

    /// The commitments of all slots, if each holds a share of the split that `own` names and was
    /// confirmed by the account that is that slot's live enclave now.
    fn complete(
        &self,
        of: KeyshareVersion,
        own: &SlotConfirmation<T::AccountId>,
    ) -> Option<Commitments> {
        let (cluster_id, _) = self.place;
        let mut commitments = Commitments::default();
        for ((slot_id, live), commitment) in (0..).zip(&self.live).zip(&mut commitments) {
            let confirmation = Confirmations::<T>::get(of, (cluster_id, slot_id))?;
            if live.as_ref() != Some(&confirmation.enclave) || confirmation.split != own.split {
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
            *slot = T::Attestations::live(&account).is_some().then_some(account);
        }
    }
    live
}
