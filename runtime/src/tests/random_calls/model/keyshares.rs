// SPDX-License-Identifier: Apache-2.0
//! Versions of keyshares and their confirmations.

use std::collections::BTreeMap;

use pallet_tee::ConfirmationBatch;
use tee_primitives::{
    cluster::{ClusterId, ClusterType, CLUSTER_SIZE},
    keyshare::{
        KeyshareKind, PendingKeyshare, SlotConfirmation, SlotConfirmations, SyncLogEntry,
        SyncedKeyshare, Version,
    },
    nft::NftId,
};

use super::{must, Model, Outcome};
use crate::AccountId;

#[derive(Clone, Default)]
pub struct Keyshare {
    /// The newest version ever started.
    pub last: Version,
    pub synced: Option<SyncedKeyshare>,
    pub pending: Option<PendingKeyshare>,
    /// Of the pending version.
    pub confirmations: BTreeMap<ClusterId, SlotConfirmations<AccountId>>,
}

impl Keyshare {
    /// Whether anything but its last version is known of it.
    pub fn is_known(&self) -> bool {
        self.synced.is_some() || self.pending.is_some()
    }
}

impl Model {
    pub fn is_syncing(&self, nft_id: NftId, kind: KeyshareKind) -> bool {
        self.keyshares.get(&(nft_id, kind)).is_some_and(|keyshare| keyshare.pending.is_some())
    }

    pub(super) fn start(&mut self, nft_id: NftId, kind: KeyshareKind) {
        let keyshare = self.keyshares.entry((nft_id, kind)).or_default();
        keyshare.last += 1;
        keyshare.pending = Some(PendingKeyshare { version: keyshare.last, since: self.now });
        keyshare.confirmations.clear();
    }

    pub(super) fn end(&mut self, nft_id: NftId, kind: KeyshareKind) {
        if let Some(keyshare) = self.keyshares.get_mut(&(nft_id, kind)) {
            *keyshare = Keyshare { last: keyshare.last, ..Default::default() };
        }
    }

    pub(super) fn cancel(&mut self, nft_id: NftId, kind: KeyshareKind) -> Outcome {
        let keyshare = self.keyshares.get_mut(&(nft_id, kind))?;
        must(keyshare.pending.is_some() && keyshare.synced.is_some())?;
        keyshare.pending = None;
        keyshare.confirmations.clear();
        Some(())
    }

    pub(super) fn confirm(&mut self, enclave: &AccountId, batch: &ConfirmationBatch) -> Outcome {
        must(!batch.is_empty())?;
        let operator = self.operator_of(enclave)?;
        let seat = self.operators.get(&operator)?.seat.clone()?;
        let cluster_id = seat.cluster;
        let cluster_type = self.clusters.get(&cluster_id)?.cluster_type;
        must(matches!(cluster_type, ClusterType::Public | ClusterType::Private))?;
        let enclaves: Vec<_> =
            (0..CLUSTER_SIZE).map(|slot| self.enclave_at(cluster_id, slot)).collect();

        for entry in batch {
            let Some(keyshare) = self.keyshares.get_mut(&(entry.nft_id, entry.kind)) else {
                continue;
            };
            if keyshare.pending.map(|pending| pending.version) != Some(entry.version) {
                continue;
            }
            self.clusters.get_mut(&cluster_id)?.has_confirmed = true;
            let slots = keyshare.confirmations.entry(cluster_id).or_default();
            slots[seat.slot as usize] = Some(SlotConfirmation {
                enclave: enclave.clone(),
                split: entry.split,
                commitment: entry.commitment,
            });
            // Five slots agree, each by the enclave that is in it now.
            let agreeing = slots.iter().zip(&enclaves).filter(|(slot, enclave)| {
                slot.as_ref().is_some_and(|slot| {
                    slot.split == entry.split && Some(&slot.enclave) == enclave.as_ref()
                })
            });
            if agreeing.count() < 5 {
                continue;
            }
            let commitments =
                slots.each_ref().map(|slot| slot.as_ref().map_or([0; 32], |slot| slot.commitment));
            let (version, block_number) = (entry.version, self.now);
            *keyshare = Keyshare {
                last: keyshare.last,
                synced: Some(SyncedKeyshare { version, cluster_id, block_number, commitments }),
                ..Default::default()
            };
            let (nft_id, kind) = (entry.nft_id, entry.kind);
            self.syncs.push(SyncLogEntry { nft_id, kind, version, cluster_id, block_number });
        }
        Some(())
    }
}
