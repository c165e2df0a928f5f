// SPDX-License-Identifier: Apache-2.0
//! Collections: created, filled, limited, closed, burnt.

use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use tee_primitives::nft::{CollectionId, NftData, NftId};

use crate::{
    Collection, CollectionOf, CollectionOffchainDataOf, Collections, Config, Error, Event,
    NextCollectionId, Nfts, Pallet,
};

impl<T: Config> Pallet<T> {
    /// Creates a collection without NFTs.
    pub(crate) fn do_create_collection(
        owner: T::AccountId,
        offchain_data: CollectionOffchainDataOf<T>,
        limit: Option<u32>,
    ) -> DispatchResult {
        if let Some(limit) = limit {
            Self::ensure_limit(limit, 0)?;
        }
        let collection_id = NextCollectionId::<T>::get();
        let next = collection_id.checked_add(1).ok_or(Error::<T>::CollectionIdsExhausted)?;
        NextCollectionId::<T>::put(next);
        Collections::<T>::insert(
            collection_id,
            Collection {
                owner: owner.clone(),
                offchain_data: offchain_data.clone(),
                nft_count: 0,
                limit,
                is_closed: false,
            },
        );
        Self::deposit_event(Event::CollectionCreated {
            collection_id,
            owner,
            offchain_data,
            limit,
        });
        Ok(())
    }

    /// Removes an empty collection.
    pub(crate) fn do_burn_collection(
        who: &T::AccountId,
        collection_id: CollectionId,
    ) -> DispatchResult {
        let collection = Self::owned_collection(who, collection_id)?;
        ensure!(collection.nft_count == 0, Error::<T>::CollectionIsNotEmpty);

        Collections::<T>::remove(collection_id);
        Self::deposit_event(Event::CollectionBurned { collection_id });
        Ok(())
    }

    /// Closes a collection for ever.
    pub(crate) fn do_close_collection(
        who: &T::AccountId,
        collection_id: CollectionId,
    ) -> DispatchResult {
        let collection = Self::open_collection(who, collection_id)?;

        Collections::<T>::insert(collection_id, Collection { is_closed: true, ..collection });
        Self::deposit_event(Event::CollectionClosed { collection_id });
        Ok(())
    }

    /// Limits a collection for ever.
    pub(crate) fn do_limit_collection(
        who: &T::AccountId,
        collection_id: CollectionId,
        limit: u32,
    ) -> DispatchResult {
        let collection = Self::open_collection(who, collection_id)?;
        ensure!(collection.limit.is_none(), Error::<T>::CollectionLimitAlreadySet);
        Self::ensure_limit(limit, collection.nft_count)?;

        Collections::<T>::insert(collection_id, Collection { limit: Some(limit), ..collection });
        Self::deposit_event(Event::CollectionLimited { collection_id, limit });
        Ok(())
    }

    /// Adds an NFT to a collection.
    pub(crate) fn do_add_nft_to_collection(
        who: &T::AccountId,
        nft_id: NftId,
        collection_id: CollectionId,
    ) -> DispatchResult {
        let nft = Self::owned(who, nft_id)?;
        ensure!(nft.collection_id.is_none(), Error::<T>::NFTBelongsToACollection);
        Self::enter_collection(who, collection_id)?;

        Nfts::<T>::insert(nft_id, NftData { collection_id: Some(collection_id), ..nft });
        Self::deposit_event(Event::NFTAddedToCollection { nft_id, collection_id });
        Ok(())
    }

    /// Changes where a collection's metadata is.
    pub(crate) fn do_set_collection_offchaindata(
        who: &T::AccountId,
        collection_id: CollectionId,
        offchain_data: CollectionOffchainDataOf<T>,
    ) -> DispatchResult {
        let collection = Self::open_collection(who, collection_id)?;

        Collections::<T>::insert(
            collection_id,
            Collection { offchain_data: offchain_data.clone(), ..collection },
        );
        Self::deposit_event(Event::CollectionOffchainDataSet { collection_id, offchain_data });
        Ok(())
    }

    /// Counts one more NFT, if `who` may add it and there is room.
    pub(crate) fn enter_collection(
        who: &T::AccountId,
        collection_id: CollectionId,
    ) -> DispatchResult {
        let mut collection = Self::open_collection(who, collection_id)?;
        let limit = collection.limit.unwrap_or(T::CollectionSizeLimit::get());
        ensure!(collection.nft_count < limit, Error::<T>::CollectionHasReachedLimit);

        collection.nft_count = collection.nft_count.saturating_add(1);
        Collections::<T>::insert(collection_id, collection);
        Ok(())
    }

    /// Counts one NFT less.
    pub(crate) fn leave_collection(collection_id: CollectionId) {
        Collections::<T>::mutate_extant(collection_id, |collection| {
            collection.nft_count = collection.nft_count.saturating_sub(1);
        });
    }

    fn owned_collection(
        who: &T::AccountId,
        collection_id: CollectionId,
    ) -> Result<CollectionOf<T>, Error<T>> {
        let collection =
            Collections::<T>::get(collection_id).ok_or(Error::<T>::CollectionNotFound)?;
        ensure!(collection.owner == *who, Error::<T>::NotTheCollectionOwner);
        Ok(collection)
    }

    fn open_collection(
        who: &T::AccountId,
        collection_id: CollectionId,
    ) -> Result<CollectionOf<T>, Error<T>> {
        let collection = Self::owned_collection(who, collection_id)?;
        ensure!(!collection.is_closed, Error::<T>::CollectionIsClosed);
        Ok(collection)
    }

    fn ensure_limit(limit: u32, nft_count: u32) -> DispatchResult {
        ensure!(
            limit <= T::CollectionSizeLimit::get(),
            Error::<T>::CollectionLimitExceededMaximumAllowed
        );
        ensure!(limit >= nft_count.max(1), Error::<T>::CollectionLimitIsTooLow);
        Ok(())
    }
}
