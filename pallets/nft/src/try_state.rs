// SPDX-License-Identifier: Apache-2.0
//! What is true of the storage between any two calls.

use alloc::collections::BTreeMap;

use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchError;
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::{CollectionId, NftId},
    traits::KeyshareRegistry,
};

use crate::{
    CapsuleOffchainData, Collections, Config, DelegatedNFTs, NextCollectionId, NextNFTId, NftOf,
    Nfts, Pallet, SecretNftsOffchainData,
};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet's storage. Reads all of it: for tests and for
    /// `try-runtime`, never inside a block.
    ///
    /// Fails with a sentence that names the invariant.
    pub fn do_try_state() -> Result<(), DispatchError> {
        let mut counts = BTreeMap::<CollectionId, u32>::new();
        for (nft_id, nft) in Nfts::<T>::iter() {
            ensure!(nft_id < NextNFTId::<T>::get(), "an NFT's id was given out");
            Self::try_state_of_flags(nft_id, &nft)?;
            Self::try_state_of_keyshares(nft_id, &nft)?;
            if let Some(collection_id) = nft.collection_id {
                let count = counts.entry(collection_id).or_default();
                *count = count.saturating_add(1);
            }
        }
        ensure!(
            SecretNftsOffchainData::<T>::iter_keys().all(Nfts::<T>::contains_key),
            "a secret belongs to an NFT"
        );
        ensure!(
            CapsuleOffchainData::<T>::iter_keys().all(Nfts::<T>::contains_key),
            "a capsule belongs to an NFT"
        );
        ensure!(
            DelegatedNFTs::<T>::iter_keys().all(Nfts::<T>::contains_key),
            "a delegation belongs to an NFT"
        );
        Self::try_state_of_collections(&counts)
    }

    fn try_state_of_flags(nft_id: NftId, nft: &NftOf<T>) -> Result<(), DispatchError> {
        let state = nft.state;
        ensure!(
            SecretNftsOffchainData::<T>::contains_key(nft_id) == state.is_secret,
            "an NFT with a secret tells where its content is, and no other does"
        );
        ensure!(
            CapsuleOffchainData::<T>::contains_key(nft_id) == state.is_capsule,
            "a capsule tells where its content is, and no other NFT does"
        );
        let delegatee = DelegatedNFTs::<T>::get(nft_id);
        ensure!(
            delegatee.is_some() == state.is_delegated,
            "a delegated NFT tells to whom it is, and no other does"
        );
        ensure!(
            delegatee.as_ref() != Some(&nft.owner),
            "an NFT is delegated to somebody else than its owner"
        );
        ensure!(
            !(state.is_delegated && state.is_rented),
            "an NFT is not delegated and rented out at once"
        );
        ensure!(
            !(state.is_delegated || state.is_rented)
                || !(state.is_syncing_secret || state.is_syncing_capsule),
            "what an NFT shows to others does not change meanwhile"
        );
        Ok(())
    }

    fn try_state_of_keyshares(nft_id: NftId, nft: &NftOf<T>) -> Result<(), DispatchError> {
        let state = nft.state;
        for (kind, is_syncing) in [
            (KeyshareKind::Secret, state.is_syncing_secret),
            (KeyshareKind::Capsule, state.is_syncing_capsule),
        ] {
            let keyshares = T::Keyshares::status(nft_id, kind);
            ensure!(
                is_syncing == keyshares.pending.is_some(),
                "an NFT is syncing while a version of its keyshares is pending"
            );
            ensure!(
                state.carries(kind) == (keyshares.pending.is_some() || keyshares.synced.is_some()),
                "an NFT has keyshares of the content that it carries, and of no other"
            );
        }
        Ok(())
    }

    fn try_state_of_collections(counts: &BTreeMap<CollectionId, u32>) -> Result<(), DispatchError> {
        let max = T::CollectionSizeLimit::get();
        ensure!(
            counts.keys().all(Collections::<T>::contains_key),
            "the collection of an NFT exists"
        );
        for (collection_id, collection) in Collections::<T>::iter() {
            ensure!(
                (1..NextCollectionId::<T>::get()).contains(&collection_id),
                "a collection's id was given out"
            );
            ensure!(
                counts.get(&collection_id).copied().unwrap_or_default() == collection.nft_count,
                "a collection counts the NFTs that name it"
            );
            ensure!(
                collection.limit.is_none_or(|limit| (1..=max).contains(&limit)),
                "a collection's limit is one that can be set"
            );
            ensure!(
                collection.nft_count <= collection.limit.unwrap_or(max),
                "a collection has no more NFTs than its limit"
            );
        }
        Ok(())
    }
}
