// SPDX-License-Identifier: Apache-2.0
//! NFTs: created, transferred, burnt, and what their creator earns.

use frame_support::{ensure, pallet_prelude::DispatchResult};
use sp_runtime::{DispatchError, Permill};
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::{CollectionId, NftData, NftId, NftState},
    traits::KeyshareRegistry,
};

use crate::{
    CapsuleOffchainData, Config, Error, Event, NextNFTId, NftMintFee, NftOf, Nfts, OffchainDataOf,
    Pallet, SecretNftsOffchainData,
};

impl<T: Config> Pallet<T> {
    /// Creates an NFT and tells its id.
    pub(crate) fn do_create_nft(
        owner: T::AccountId,
        offchain_data: OffchainDataOf<T>,
        royalty: Permill,
        collection_id: Option<CollectionId>,
        is_soulbound: bool,
    ) -> Result<NftId, DispatchError> {
        if let Some(collection_id) = collection_id {
            Self::enter_collection(&owner, collection_id)?;
        }
        let mint_fee = NftMintFee::<T>::get();
        Self::pay(&owner, mint_fee)?;

        let nft_id = NextNFTId::<T>::get();
        let next = nft_id.checked_add(1).ok_or(Error::<T>::NFTIdsExhausted)?;
        NextNFTId::<T>::put(next);
        Nfts::<T>::insert(
            nft_id,
            NftData {
                owner: owner.clone(),
                creator: owner.clone(),
                offchain_data: offchain_data.clone(),
                collection_id,
                royalty,
                state: NftState { is_soulbound, ..Default::default() },
            },
        );
        Self::deposit_event(Event::NFTCreated {
            nft_id,
            owner,
            offchain_data,
            royalty,
            collection_id,
            is_soulbound,
            mint_fee,
        });
        Ok(nft_id)
    }

    /// Removes an NFT and everything that is known of its content.
    pub(crate) fn do_burn_nft(who: &T::AccountId, nft_id: NftId) -> DispatchResult {
        let NftData { state, collection_id, .. } = Self::owned(who, nft_id)?;
        ensure!(!state.is_listed, Error::<T>::CannotBurnListedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotBurnDelegatedNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotBurnRentedNFTs);
        ensure!(!state.is_transmission, Error::<T>::CannotBurnNFTsInTransmission);

        for kind in [KeyshareKind::Secret, KeyshareKind::Capsule] {
            // A capsule that was reverted still has its versions counted.
            T::Keyshares::remove(nft_id, kind);
        }
        if let Some(collection_id) = collection_id {
            Self::leave_collection(collection_id);
        }
        SecretNftsOffchainData::<T>::remove(nft_id);
        CapsuleOffchainData::<T>::remove(nft_id);
        Nfts::<T>::remove(nft_id);
        Self::deposit_event(Event::NFTBurned { nft_id });
        Ok(())
    }

    /// Changes an NFT's owner.
    pub(crate) fn do_transfer_nft(
        sender: T::AccountId,
        nft_id: NftId,
        recipient: T::AccountId,
    ) -> DispatchResult {
        let nft = Self::owned(&sender, nft_id)?;
        let state = nft.state;
        ensure!(sender != recipient, Error::<T>::CannotTransferNFTsToYourself);
        ensure!(!state.is_listed, Error::<T>::CannotTransferListedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotTransferDelegatedNFTs);
        ensure!(
            !state.is_soulbound || nft.creator == sender,
            Error::<T>::CannotTransferNotCreatedSoulboundNFTs
        );
        ensure!(!state.is_syncing_secret, Error::<T>::CannotTransferNotSyncedSecretNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotTransferRentedNFTs);
        ensure!(!state.is_syncing_capsule, Error::<T>::CannotTransferNotSyncedCapsules);
        ensure!(!state.is_transmission, Error::<T>::CannotTransferNFTsInTransmission);

        Nfts::<T>::insert(nft_id, NftData { owner: recipient.clone(), ..nft });
        Self::deposit_event(Event::NFTTransferred { nft_id, sender, recipient });
        Ok(())
    }

    /// Changes the creator's part of each sale.
    pub(crate) fn do_set_royalty(
        who: &T::AccountId,
        nft_id: NftId,
        royalty: Permill,
    ) -> DispatchResult {
        let nft = Self::owned(who, nft_id)?;
        let state = nft.state;
        ensure!(nft.creator == *who, Error::<T>::NotTheNFTCreator);
        ensure!(!state.is_listed, Error::<T>::CannotSetRoyaltyForListedNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotSetRoyaltyForRentedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotSetRoyaltyForDelegatedNFTs);
        ensure!(!state.is_transmission, Error::<T>::CannotSetRoyaltyForNFTsInTransmission);

        Nfts::<T>::insert(nft_id, NftData { royalty, ..nft });
        Self::deposit_event(Event::NFTRoyaltySet { nft_id, royalty });
        Ok(())
    }

    /// An NFT, if `who` owns it.
    pub(crate) fn owned(who: &T::AccountId, nft_id: NftId) -> Result<NftOf<T>, Error<T>> {
        let nft = Nfts::<T>::get(nft_id).ok_or(Error::<T>::NFTNotFound)?;
        ensure!(nft.owner == *who, Error::<T>::NotTheNFTOwner);
        Ok(nft)
    }
}
