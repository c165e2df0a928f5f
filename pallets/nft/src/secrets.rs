// SPDX-License-Identifier: Apache-2.0
//! Secrets: content whose key never changes (TIP-520).

use frame_support::{ensure, pallet_prelude::DispatchResult};
use tee_primitives::{keyshare::KeyshareKind, nft::NftId, traits::KeyshareRegistry};

use crate::{
    Config, Error, Event, Nfts, OffchainDataOf, Pallet, SecretNftMintFee, SecretNftsOffchainData,
};

impl<T: Config> Pallet<T> {
    /// Gives an NFT a secret and starts the first version of its keyshares.
    pub(crate) fn do_add_secret(
        who: &T::AccountId,
        nft_id: NftId,
        offchain_data: OffchainDataOf<T>,
    ) -> DispatchResult {
        let mut nft = Self::owned(who, nft_id)?;
        let state = &mut nft.state;
        ensure!(!state.is_listed, Error::<T>::CannotAddSecretToListedNFTs);
        ensure!(!state.is_secret, Error::<T>::CannotAddSecretToSecretNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotAddSecretToRentedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotAddSecretToDelegatedNFTs);
        ensure!(!state.is_syncing_capsule, Error::<T>::CannotAddSecretToSyncingCapsules);
        ensure!(!state.is_transmission, Error::<T>::CannotAddSecretToNFTsInTransmission);
        Self::pay(who, SecretNftMintFee::<T>::get())?;

        state.is_secret = true;
        state.is_syncing_secret = true;
        Nfts::<T>::insert(nft_id, nft);
        SecretNftsOffchainData::<T>::insert(nft_id, &offchain_data);
        T::Keyshares::start(nft_id, KeyshareKind::Secret);
        Self::deposit_event(Event::SecretAddedToNFT { nft_id, offchain_data });
        Ok(())
    }
}
