// SPDX-License-Identifier: Apache-2.0
//! Versions of keyshares: started, synced, given up.

use sp_runtime::{traits::SaturatedConversion, Saturating};
use tee_primitives::{
    cluster::{ClusterId, CLUSTER_SIZE},
    keyshare::{
        Commitment, KeyshareKind, KeyshareStatus, PendingKeyshare, SyncLogEntry, SyncedKeyshare,
    },
    nft::NftId,
    traits::KeyshareRegistry,
    BlockNumber,
};

use crate::{
    ClusterHoldings, Config, Event, KeyshareVersion, Keyshares, LastVersions, Pallet, SweepQueue,
    SyncCount, SyncLog,
};

impl<T: Config> Pallet<T> {
    /// Makes the pending version the synced one.
    pub(crate) fn note_synced(
        of: KeyshareVersion,
        replaced: Option<SyncedKeyshare>,
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
        let count = SyncCount::<T>::mutate(|count| {
            let entry = SyncLogEntry { nft_id, kind, version, cluster_id, block_number };
            SyncLog::<T>::insert(*count, entry);
            count.saturating_accrue(1);
            *count
        });
        Self::note_not_held(replaced);
        ClusterHoldings::<T>::mutate(cluster_id, |holdings| {
            holdings.keyshares.saturating_accrue(1);
            holdings.synced_until = count;
        });
        Self::deposit_event(Event::KeyshareSynced { nft_id, kind, version, cluster_id });
    }

    /// A synced version is no longer what the chain knows of its keyshares.
    fn note_not_held(synced: Option<SyncedKeyshare>) {
        if let Some(synced) = synced {
            ClusterHoldings::<T>::mutate(synced.cluster_id, |holdings| {
                holdings.keyshares.saturating_reduce(1);
            });
        }
    }

    fn give_up(nft_id: NftId, kind: KeyshareKind, pending: Option<PendingKeyshare>) {
        if let Some(pending) = pending {
            SweepQueue::<T>::insert((nft_id, kind, pending.version), ());
        }
    }

    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }
}

impl<T: Config> KeyshareRegistry for Pallet<T> {
    fn status(nft_id: NftId, kind: KeyshareKind) -> KeyshareStatus {
        Keyshares::<T>::get(nft_id, kind)
    }

    fn start(nft_id: NftId, kind: KeyshareKind) {
        // Each version costs its owner a transaction: 2^32 of them are out of reach.
        let version = LastVersions::<T>::mutate(nft_id, kind, |last| {
            last.saturating_accrue(1);
            *last
        });
        Keyshares::<T>::mutate(nft_id, kind, |status| {
            let started = PendingKeyshare { version, since: Self::now() };
            Self::give_up(nft_id, kind, status.pending.replace(started));
        });
    }

    fn cancel(nft_id: NftId, kind: KeyshareKind) {
        Keyshares::<T>::mutate_exists(nft_id, kind, |stored| {
            if let Some(status) = stored {
                Self::give_up(nft_id, kind, status.pending.take());
                if status.synced.is_none() {
                    *stored = None;
                }
            }
        });
    }

    fn end(nft_id: NftId, kind: KeyshareKind) {
        let status = Keyshares::<T>::take(nft_id, kind);
        Self::give_up(nft_id, kind, status.pending);
        Self::note_not_held(status.synced);
    }

    fn remove(nft_id: NftId, kind: KeyshareKind) {
        Self::end(nft_id, kind);
        LastVersions::<T>::remove(nft_id, kind);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn force_sync(nft_id: NftId, kind: KeyshareKind, cluster_id: ClusterId) {
        let status = Self::status(nft_id, kind);
        if let Some(pending) = status.pending {
            let of = (nft_id, kind, pending.version);
            Self::note_synced(of, status.synced, cluster_id, Default::default());
            <T::OnKeyshareSynced as tee_primitives::traits::OnKeyshareSynced>::keyshare_synced(
                nft_id, kind,
            );
        }
    }
}
