// SPDX-License-Identifier: Apache-2.0
//! Versions of keyshares: started, synced, removed.

use sp_runtime::{traits::SaturatedConversion, Saturating};
use tee_primitives::{
    cluster::{ClusterId, CLUSTER_SIZE},
    keyshare::{
        Commitment, KeyshareKind, KeyshareStatus, PendingKeyshare, SyncLogEntry, SyncedKeyshare,
    },
    nft::NftId,
    traits::{KeyshareRegistry, OnKeyshareSynced},
    BlockNumber,
};

use crate::{Config, Event, KeyshareVersion, Keyshares, Pallet, SweepQueue, SyncCount, SyncLog};

impl<T: Config> Pallet<T> {
    /// Makes the pending version the synced one.
    pub(crate) fn note_synced(
        of: KeyshareVersion,
        cluster_id: ClusterId,
        commitments: [Commitment; CLUSTER_SIZE as usize],
    ) {
        let (nft_id, kind, version) = of;
        let block_number = Self::now();
        let synced = SyncedKeyshare { version, cluster_id, block_number, commitments };
        Keyshares::<T>::insert(
            nft_id,
            kind,
            KeyshareStatus { synced: Some(synced), pending: None },
        );
        SyncCount::<T>::mutate(|count| {
            let entry = SyncLogEntry { nft_id, kind, version, cluster_id, block_number };
            SyncLog::<T>::insert(*count, entry);
            count.saturating_accrue(1);
        });
        SweepQueue::<T>::insert(of, ());
        Self::deposit_event(Event::KeyshareSynced { nft_id, kind, version, cluster_id });
        T::OnKeyshareSynced::keyshare_synced(nft_id, kind);
    }

    fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }
}

impl<T: Config> KeyshareRegistry for Pallet<T> {
    fn status(nft_id: NftId, kind: KeyshareKind) -> KeyshareStatus {
        Keyshares::<T>::get(nft_id, kind)
    }

    fn start(nft_id: NftId, kind: KeyshareKind) {
        Keyshares::<T>::mutate(nft_id, kind, |status| {
            let synced = status.synced.map_or(0, |synced| synced.version);
            let pending = status.pending.map_or(0, |pending| pending.version);
            if status.pending.is_some() {
                SweepQueue::<T>::insert((nft_id, kind, pending), ());
            }
            // Each version costs its owner a transaction: 2^32 of them are out of reach.
            let version = synced.max(pending).saturating_add(1);
            status.pending = Some(PendingKeyshare { version, since: Self::now() });
        });
    }

    fn remove(nft_id: NftId, kind: KeyshareKind) {
        if let Some(pending) = Keyshares::<T>::take(nft_id, kind).pending {
            SweepQueue::<T>::insert((nft_id, kind, pending.version), ());
        }
    }
}
