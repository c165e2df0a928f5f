// SPDX-License-Identifier: Apache-2.0
//! Syncs: restarted and cancelled by owners, completed by enclaves.

use frame_support::{ensure, pallet_prelude::DispatchResult};
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::{NftId, NftState},
    traits::{KeyshareRegistry, OnKeyshareSynced},
};

use crate::{Config, Error, Event, Nfts, Pallet};

impl<T: Config> Pallet<T> {
    /// Starts the next version in place of the pending one.
    pub(crate) fn do_restart_sync(
        who: &T::AccountId,
        nft_id: NftId,
        kind: KeyshareKind,
    ) -> DispatchResult {
        Self::owned(who, nft_id)?;
        ensure!(T::Keyshares::status(nft_id, kind).pending.is_some(), Error::<T>::NotSyncing);

        T::Keyshares::start(nft_id, kind);
        Self::deposit_event(Event::KeyshareSyncRestarted { nft_id, kind });
        Ok(())
    }

    /// Gives the pending version up and goes back to the synced one.
    pub(crate) fn do_cancel_sync(
        who: &T::AccountId,
        nft_id: NftId,
        kind: KeyshareKind,
    ) -> DispatchResult {
        let mut nft = Self::owned(who, nft_id)?;
        let keyshares = T::Keyshares::status(nft_id, kind);
        ensure!(keyshares.pending.is_some(), Error::<T>::NotSyncing);
        ensure!(keyshares.synced.is_some(), Error::<T>::NothingSyncedYet);

        *syncing(&mut nft.state, kind) = false;
        Nfts::<T>::insert(nft_id, nft);
        T::Keyshares::cancel(nft_id, kind);
        Self::deposit_event(Event::KeyshareSyncCancelled { nft_id, kind });
        Ok(())
    }
}

impl<T: Config> OnKeyshareSynced for Pallet<T> {
    fn keyshare_synced(nft_id: NftId, kind: KeyshareKind) {
        Nfts::<T>::mutate_extant(nft_id, |nft| {
            if core::mem::take(syncing(&mut nft.state, kind)) {
                Self::deposit_event(match kind {
                    KeyshareKind::Secret => Event::SecretNFTSynced { nft_id },
                    KeyshareKind::Capsule => Event::CapsuleSynced { nft_id },
                });
            }
        });
    }
}

/// The flag that tells whether content of this kind is syncing.
fn syncing(state: &mut NftState, kind: KeyshareKind) -> &mut bool {
    match kind {
        KeyshareKind::Secret => &mut state.is_syncing_secret,
        KeyshareKind::Capsule => &mut state.is_syncing_capsule,
    }
}
