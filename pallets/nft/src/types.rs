// SPDX-License-Identifier: Apache-2.0
//! What storage and calls are made of.

use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{traits::fungible::Inspect, BoundedVec};
use scale_info::TypeInfo;
use tee_primitives::nft::NftData;

use crate::Config;

/// An amount of the currency in which fees are paid.
pub type BalanceOf<T> =
    <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// Where something of an NFT is kept off chain.
pub type OffchainDataOf<T> = BoundedVec<u8, <T as Config>::NFTOffchainDataLimit>;

/// Where the metadata of a collection is kept off chain.
pub type CollectionOffchainDataOf<T> = BoundedVec<u8, <T as Config>::CollectionOffchainDataLimit>;

/// An NFT.
pub type NftOf<T> = NftData<<T as frame_system::Config>::AccountId, OffchainDataOf<T>>;

/// A collection.
pub type CollectionOf<T> =
    Collection<<T as frame_system::Config>::AccountId, CollectionOffchainDataOf<T>>;

/// A set of NFTs. Each NFT names the collection it belongs to; the collection only counts them.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Collection<AccountId, OffchainData> {
    /// Who owns it, and alone adds NFTs to it.
    pub owner: AccountId,
    /// Where its metadata is.
    pub offchain_data: OffchainData,
    /// How many NFTs belong to it.
    pub nft_count: u32,
    /// How many NFTs can belong to it, once that is set.
    pub limit: Option<u32>,
    /// Whether nothing is added to it any more.
    pub is_closed: bool,
}
