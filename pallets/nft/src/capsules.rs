// SPDX-License-Identifier: Apache-2.0
//! Capsules: content whose key the owner may change (TIP-530).

use frame_support::{ensure, pallet_prelude::DispatchResult};
use tee_primitives::{keyshare::KeyshareKind, nft::NftId, traits::KeyshareRegistry};

use crate::{
    CapsuleMintFee, CapsuleOffchainData, Config, Error, Event, NftOf, Nfts, OffchainDataOf, Pallet,
};

impl<T: Config> Pallet<T> {
    /// Makes an NFT a capsule and starts the first version of its keyshares.
    pub(crate) fn do_convert_to_capsule(
        who: &T::AccountId,
        nft_id: NftId,
        offchain_data: OffchainDataOf<T>,
    ) -> DispatchResult {
        let mut nft = Self::owned(who, nft_id)?;
        let state = &mut nft.state;
        ensure!(!state.is_listed, Error::<T>::CannotConvertListedNFTs);
        ensure!(!state.is_capsule, Error::<T>::CannotConvertCapsules);
        ensure!(!state.is_rented, Error::<T>::CannotConvertRentedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotConvertDelegatedNFTs);
        ensure!(!state.is_syncing_secret, Error::<T>::CannotConvertNotSyncedSecretNFTs);
        ensure!(!state.is_transmission, Error::<T>::CannotConvertNFTsInTransmission);
        Self::pay(who, CapsuleMintFee::<T>::get())?;

        state.is_capsule = true;
        state.is_syncing_capsule = true;
        Nfts::<T>::insert(nft_id, nft);
        CapsuleOffchainData::<T>::insert(nft_id, &offchain_data);
        T::Keyshares::start(nft_id, KeyshareKind::Capsule);
        Self::deposit_event(Event::NFTConvertedToCapsule { nft_id, offchain_data });
        Ok(())
    }

    /// Changes where a capsule's encrypted content is.
    pub(crate) fn do_set_capsule_offchaindata(
        who: &T::AccountId,
        nft_id: NftId,
        offchain_data: OffchainDataOf<T>,
    ) -> DispatchResult {
        let state = Self::owned_capsule(who, nft_id)?.state;
        ensure!(!state.is_listed, Error::<T>::CannotSetOffchainDataForListedNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotSetOffchainDataForRentedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotSetOffchainDataForDelegatedNFTs);
        ensure!(!state.is_transmission, Error::<T>::CannotSetOffchainDataForNFTsInTransmission);

        CapsuleOffchainData::<T>::insert(nft_id, &offchain_data);
        Self::deposit_event(Event::CapsuleOffchainDataSet { nft_id, offchain_data });
        Ok(())
    }

    /// Starts the next version of a capsule's keyshares.
    pub(crate) fn do_notify_enclave_key_update(
        who: &T::AccountId,
        nft_id: NftId,
    ) -> DispatchResult {
        let mut nft = Self::owned_capsule(who, nft_id)?;
        let state = &mut nft.state;
        ensure!(!state.is_listed, Error::<T>::CannotChangeKeyForListedNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotChangeKeyForRentedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotChangeKeyForDelegatedNFTs);
        ensure!(!state.is_syncing_secret, Error::<T>::CannotChangeKeyForNotSyncedSecretNFTs);
        ensure!(!state.is_syncing_capsule, Error::<T>::CannotChangeKeyForNotSyncedCapsules);
        ensure!(!state.is_transmission, Error::<T>::CannotChangeKeyForNFTsInTransmission);

        state.is_syncing_capsule = true;
        Nfts::<T>::insert(nft_id, nft);
        T::Keyshares::start(nft_id, KeyshareKind::Capsule);
        Self::deposit_event(Event::CapsuleKeyUpdateNotified { nft_id });
        Ok(())
    }

    /// Makes a capsule an NFT without one.
    pub(crate) fn do_revert_capsule(who: &T::AccountId, nft_id: NftId) -> DispatchResult {
        let mut nft = Self::owned_capsule(who, nft_id)?;
        let state = &mut nft.state;
        ensure!(!state.is_listed, Error::<T>::CannotRevertListedNFTs);
        ensure!(!state.is_rented, Error::<T>::CannotRevertRentedNFTs);
        ensure!(!state.is_delegated, Error::<T>::CannotRevertDelegatedNFTs);
        ensure!(!state.is_transmission, Error::<T>::CannotRevertNFTsInTransmission);

        state.is_capsule = false;
        state.is_syncing_capsule = false;
        Nfts::<T>::insert(nft_id, nft);
        CapsuleOffchainData::<T>::remove(nft_id);
        T::Keyshares::end(nft_id, KeyshareKind::Capsule);
        Self::deposit_event(Event::CapsuleReverted { nft_id });
        Ok(())
    }

    fn owned_capsule(who: &T::AccountId, nft_id: NftId) -> Result<NftOf<T>, Error<T>> {
        let nft = Self::owned(who, nft_id)?;
        ensure!(nft.state.is_capsule, Error::<T>::NFTIsNotCapsule);
        Ok(nft)
    }
}
