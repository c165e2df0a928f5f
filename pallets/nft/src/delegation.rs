// SPDX-License-Identifier: Apache-2.0
//! Delegation: somebody else may view an NFT's content (TIP-103).

use frame_support::{ensure, pallet_prelude::DispatchResult};
use tee_primitives::nft::NftId;

use crate::{Config, DelegatedNFTs, Error, Event, Nfts, Pallet};

impl<T: Config> Pallet<T> {
    /// Delegates an NFT to somebody else, in place of whom it was delegated to before. `None` and
    /// the owner end the delegation.
    pub(crate) fn do_delegate_nft(
        who: &T::AccountId,
        nft_id: NftId,
        recipient: Option<T::AccountId>,
    ) -> DispatchResult {
        let mut nft = Self::owned(who, nft_id)?;
        let state = &mut nft.state;
        ensure!(!state.is_listed, Error::<T>::CannotDelegateListedNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotDelegateRentedNFTs);
        ensure!(!state.is_syncing_secret, Error::<T>::CannotDelegateNotSyncedSecretNFTs);
        ensure!(!state.is_syncing_capsule, Error::<T>::CannotDelegateNotSyncedCapsules);
        ensure!(!state.is_transmission, Error::<T>::CannotDelegateNFTsInTransmission);

        let recipient = recipient.filter(|recipient| recipient != who);
        state.is_delegated = recipient.is_some();
        Nfts::<T>::insert(nft_id, nft);
        DelegatedNFTs::<T>::set(nft_id, recipient.clone());
        Self::deposit_event(Event::NFTDelegated { nft_id, recipient });
        Ok(())
    }
}
