// SPDX-License-Identifier: Apache-2.0
//! NFTs and their state flags (TIP-100, TIP-520, TIP-530).

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_arithmetic::Permill;

use crate::keyshare::KeyshareKind;

/// Identifies an NFT. Ids are given out in order and never reused.
pub type NftId = u32;

/// Identifies a collection.
pub type CollectionId = u32;

/// What is true of an NFT besides its owner. The order of the fields is the encoding.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Default,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct NftState {
    /// It carries a capsule: content whose key the owner may change.
    pub is_capsule: bool,
    /// It is on sale.
    pub is_listed: bool,
    /// It carries a secret: content whose key never changes.
    pub is_secret: bool,
    /// Someone else may view its secret content.
    pub is_delegated: bool,
    /// Only its creator can transfer it.
    pub is_soulbound: bool,
    /// Its secret's keyshares are not yet confirmed by all enclaves of a cluster.
    pub is_syncing_secret: bool,
    /// It is rented out.
    pub is_rented: bool,
    /// Its capsule's newest keyshares are not yet confirmed by all enclaves of a cluster.
    pub is_syncing_capsule: bool,
    /// It is being moved to another chain.
    pub is_transmission: bool,
}

impl NftState {
    /// Whether the NFT carries content of this kind.
    pub fn carries(&self, kind: KeyshareKind) -> bool {
        match kind {
            KeyshareKind::Secret => self.is_secret,
            KeyshareKind::Capsule => self.is_capsule,
        }
    }
}

/// An NFT. `OffchainData` is a list of bytes, usually the URI of its metadata.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct NftData<AccountId, OffchainData> {
    /// Who owns it.
    pub owner: AccountId,
    /// Who created it.
    pub creator: AccountId,
    /// Where its public metadata is.
    pub offchain_data: OffchainData,
    /// The collection it belongs to.
    pub collection_id: Option<CollectionId>,
    /// The creator's part of each sale.
    pub royalty: Permill,
    /// Its flags.
    pub state: NftState,
}
