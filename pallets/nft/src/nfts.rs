// SPDX-License-Identifier: Apache-2.0
//! NFTs: created, transferred, burnt, and paid for.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{Fortitude, Preservation},
        Get,
    },
};
use sp_runtime::{traits::Zero, DispatchError, Permill};
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::{CollectionId, NftData, NftId, NftState},
    traits::KeyshareRegistry,
};

use crate::{
    BalanceOf, Config, Error, Event, NextNFTId, NftMintFee, NftOf, Nfts, OffchainDataOf, Pallet,
    SecretNftsOffchainData,
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
        ensure!(collection_id.is_none(), Error::<T>::CollectionNotFound);
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
        let NftData { state, .. } = Self::owned(who, nft_id)?;
        ensure!(!state.is_listed, Error::<T>::CannotBurnListedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotBurnDelegatedNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotBurnRentedNFTs);
        ensure!(!state.is_transmission, Error::<T>::CannotBurnNFTsInTransmission);

        for kind in [KeyshareKind::Secret, KeyshareKind::Capsule] {
            if state.carries(kind) {
                T::Keyshares::remove(nft_id, kind);
            }
        }
        SecretNftsOffchainData::<T>::remove(nft_id);
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

    /// An NFT, if `who` owns it.
    pub(crate) fn owned(who: &T::AccountId, nft_id: NftId) -> Result<NftOf<T>, Error<T>> {
        let nft = Nfts::<T>::get(nft_id).ok_or(Error::<T>::NFTNotFound)?;
        ensure!(nft.owner == *who, Error::<T>::NotTheNFTOwner);
        Ok(nft)
    }

    /// Moves a fee to where fees go, and keeps the payer's account alive.
    pub(crate) fn pay(who: &T::AccountId, fee: BalanceOf<T>) -> DispatchResult {
        // A transfer of nothing still fails if the collector's account does not exist.
        if fee.is_zero() {
            return Ok(());
        }
        let spendable =
            T::Currency::reducible_balance(who, Preservation::Preserve, Fortitude::Polite);
        ensure!(spendable >= fee, Error::<T>::InsufficientBalance);
        T::Currency::transfer(who, &T::FeesCollector::get(), fee, Preservation::Preserve)?;
        Ok(())
    }
}
