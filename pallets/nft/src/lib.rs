// SPDX-License-Identifier: Apache-2.0
//! # NFT
//!
//! NFTs (TIP-100) in collections, and content of them that only those can view whom their owner
//! lets: secrets (TIP-520) and capsules (TIP-530). The owner can delegate an NFT (TIP-103).
//!
//! ## Terminology
//!
//! - `NFT`: an id with an owner, a creator and a pointer to public metadata.
//! - `offchain data`: where something is kept that is too large for the chain, usually an IPFS
//!   hash. At most [`Config::NFTOffchainDataLimit`] bytes, for collections
//!   [`Config::CollectionOffchainDataLimit`].
//! - `secret`: content that is stored encrypted off chain. The shares of its key are kept by
//!   enclaves. Its key never changes.
//! - `capsule`: the same, but the owner can change content and key. An NFT can carry both a secret
//!   and a capsule; each has its own key.
//! - `syncing`: not yet all enclaves of one cluster have confirmed their share of the newest key.
//! - `version`: counts the keys of one NFT and kind of content. A synced version is served while a
//!   newer one is syncing.
//! - `collection`: a set of NFTs. Only its owner adds to it, and what is added stays.
//! - `soulbound`: only its creator can transfer it.
//! - `delegated`: somebody else can view its content too, until the owner ends that.
//! - `royalty`: the creator's part of each sale.
//! - `mint fee`: what creating an NFT, or adding content to one, costs besides the transaction.
//! - `governance`: whom [`Config::GovernanceOrigin`] accepts, usually two thirds of a committee.
//!
//! ## Scenario: Alice mints a secret NFT
//!
//! 1. Alice encrypts a picture, stores it somewhere and calls `create_secret_nft`. She pays both
//!    mint fees. The NFT is hers, its secret is syncing: she cannot transfer it, since a buyer
//!    could not view the picture.
//! 2. She sends the shares of the key to the enclaves of a cluster.
//! 3. All of them confirm. [`Config::Keyshares`] keeps count, and tells this pallet: the secret is
//!    no longer syncing and [`Event::SecretNFTSynced`] is emitted.
//! 4. She lets Bob view it with `delegate_nft`, and ends that with `delegate_nft(nft_id, None)`.
//! 5. She transfers the NFT to Bob, who can now ask the enclaves for the shares.
//! 6. Bob burns it. The enclaves forget their shares.
//!
//! ## Scenario: Alice changes the content of her capsule
//!
//! 1. The capsule is synced. Alice encrypts the new content with a new key and calls
//!    `notify_enclave_key_update`: the next version is syncing.
//! 2. She calls `set_capsule_offchaindata`, and sends the shares of the new key to the enclaves.
//! 3. All of them confirm: [`Event::CapsuleSynced`].
//!
//! ## Scenario: a sync does not come to its end
//!
//! - Alice's client lost the key that it was sending: she calls `restart_sync`. The shares that
//!   enclaves took of the version count no more, and a new key is sent under the next one.
//! - She changes her mind about a key update: she calls `cancel_sync`. The synced version stays.
//! - The first version of her capsule does not sync, and she wants the NFT without it:
//!   `revert_capsule`. The fee is not paid back.
//!
//! ## Rules between states
//!
//! Whoever was promised something keeps it: a buyer what is listed, a rentee and a delegatee what
//! they can view. So owner, royalty and content of an NFT that is listed, rented, delegated or in
//! transmission do not change. An NFT that is syncing can be burnt, but not handed on in any way.
//!
//! ## Data structures
//!
//! [`Nfts`] and [`Collections`] hold what their names say. Ids are given out in order and never
//! used again. A collection only counts its NFTs; each NFT names its collection. An NFT's flags
//! repeat what [`SecretNftsOffchainData`], [`CapsuleOffchainData`], [`DelegatedNFTs`] and
//! [`Config::Keyshares`] know, because clients read them there. pallet-rent sets `is_rented`
//! through [`RentableNfts`](tee_primitives::traits::RentableNfts). No call sets `is_listed` and
//! `is_transmission`; they are obeyed.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod capsules;
mod collections;
mod delegation;
mod fees;
mod nfts;
mod rentals;
mod secrets;
mod sync;
mod try_state;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use sp_runtime::traits::StaticLookup;

type AccountIdLookupOf<T> = <<T as frame_system::Config>::Lookup as StaticLookup>::Source;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use frame_support::{
        pallet_prelude::*,
        traits::{fungible::Mutate, ConstU32},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::Permill;
    use tee_primitives::{
        keyshare::KeyshareKind,
        nft::{CollectionId, NftId},
        traits::KeyshareRegistry,
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The currency in which fees are paid.
        type Currency: Mutate<Self::AccountId>;

        /// Who sets the fees: root or two thirds of a committee.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Who keeps count of confirmed keyshares.
        type Keyshares: KeyshareRegistry;

        /// Where fees go.
        type FeesCollector: Get<Self::AccountId>;

        /// What creating an NFT costs while [`NftMintFee`] is not set.
        #[pallet::constant]
        type InitialMintFee: Get<BalanceOf<Self>>;

        /// What adding a secret costs while [`SecretNftMintFee`] is not set.
        #[pallet::constant]
        type InitialSecretMintFee: Get<BalanceOf<Self>>;

        /// What making an NFT a capsule costs while [`CapsuleMintFee`] is not set.
        #[pallet::constant]
        type InitialCapsuleMintFee: Get<BalanceOf<Self>>;

        /// Longest offchain data of an NFT, in bytes.
        #[pallet::constant]
        type NFTOffchainDataLimit: Get<u32>;

        /// Longest offchain data of a collection, in bytes.
        #[pallet::constant]
        type CollectionOffchainDataLimit: Get<u32>;

        /// Most NFTs in a collection, and the highest limit that can be set for one.
        #[pallet::constant]
        type CollectionSizeLimit: Get<u32>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// The id of the next NFT.
    #[pallet::storage]
    pub type NextNFTId<T: Config> = StorageValue<_, NftId, ValueQuery>;

    /// The id of the next collection. The first is 1: published clients take 0 for none.
    #[pallet::storage]
    pub type NextCollectionId<T: Config> = StorageValue<_, CollectionId, ValueQuery, ConstU32<1>>;

    /// The NFTs.
    #[pallet::storage]
    pub type Nfts<T: Config> = StorageMap<_, Blake2_128Concat, NftId, NftOf<T>>;

    /// The collections.
    #[pallet::storage]
    pub type Collections<T: Config> =
        StorageMap<_, Blake2_128Concat, CollectionId, CollectionOf<T>>;

    /// Whom delegated NFTs are delegated to.
    #[pallet::storage]
    pub type DelegatedNFTs<T: Config> = StorageMap<_, Blake2_128Concat, NftId, T::AccountId>;

    /// What creating an NFT costs.
    #[pallet::storage]
    pub type NftMintFee<T: Config> = StorageValue<_, BalanceOf<T>, ValueQuery, T::InitialMintFee>;

    /// What adding a secret to an NFT costs.
    #[pallet::storage]
    pub type SecretNftMintFee<T: Config> =
        StorageValue<_, BalanceOf<T>, ValueQuery, T::InitialSecretMintFee>;

    /// What making an NFT a capsule costs.
    #[pallet::storage]
    pub type CapsuleMintFee<T: Config> =
        StorageValue<_, BalanceOf<T>, ValueQuery, T::InitialCapsuleMintFee>;

    /// Where the encrypted content of secret NFTs is.
    #[pallet::storage]
    pub type SecretNftsOffchainData<T: Config> =
        StorageMap<_, Blake2_128Concat, NftId, OffchainDataOf<T>>;

    /// Where the encrypted content of capsules is.
    #[pallet::storage]
    pub type CapsuleOffchainData<T: Config> =
        StorageMap<_, Blake2_128Concat, NftId, OffchainDataOf<T>>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An NFT was created.
        NFTCreated {
            /// The NFT.
            nft_id: NftId,
            /// Its owner and creator.
            owner: T::AccountId,
            /// Where its public metadata is.
            offchain_data: OffchainDataOf<T>,
            /// The creator's part of each sale.
            royalty: Permill,
            /// The collection it belongs to.
            collection_id: Option<CollectionId>,
            /// Whether only its creator can transfer it.
            is_soulbound: bool,
            /// What its creation cost.
            mint_fee: BalanceOf<T>,
        },
        /// An NFT was burnt.
        NFTBurned {
            /// The NFT.
            nft_id: NftId,
        },
        /// An NFT has a new owner.
        NFTTransferred {
            /// The NFT.
            nft_id: NftId,
            /// Who owned it.
            sender: T::AccountId,
            /// Who owns it.
            recipient: T::AccountId,
        },
        /// An NFT was delegated, or its delegation ended.
        NFTDelegated {
            /// The NFT.
            nft_id: NftId,
            /// Whom it is delegated to; `None` if to nobody.
            recipient: Option<T::AccountId>,
        },
        /// The creator's part of each sale of an NFT changed.
        NFTRoyaltySet {
            /// The NFT.
            nft_id: NftId,
            /// The new part.
            royalty: Permill,
        },
        /// What creating an NFT costs changed.
        NFTMintFeeUpdated {
            /// The new fee.
            fee: BalanceOf<T>,
        },
        /// A collection was created.
        CollectionCreated {
            /// The collection.
            collection_id: CollectionId,
            /// Its owner.
            owner: T::AccountId,
            /// Where its metadata is.
            offchain_data: CollectionOffchainDataOf<T>,
            /// How many NFTs can belong to it.
            limit: Option<u32>,
        },
        /// A collection was limited.
        CollectionLimited {
            /// The collection.
            collection_id: CollectionId,
            /// How many NFTs can belong to it.
            limit: u32,
        },
        /// A collection was closed.
        CollectionClosed {
            /// The collection.
            collection_id: CollectionId,
        },
        /// A collection was burnt.
        CollectionBurned {
            /// The collection.
            collection_id: CollectionId,
        },
        /// A collection has other metadata.
        CollectionOffchainDataSet {
            /// The collection.
            collection_id: CollectionId,
            /// Where its metadata is.
            offchain_data: CollectionOffchainDataOf<T>,
        },
        /// An NFT was added to a collection.
        NFTAddedToCollection {
            /// The NFT.
            nft_id: NftId,
            /// The collection.
            collection_id: CollectionId,
        },
        /// A secret was added to an NFT. It is syncing.
        SecretAddedToNFT {
            /// The NFT.
            nft_id: NftId,
            /// Where the encrypted content is.
            offchain_data: OffchainDataOf<T>,
        },
        /// All enclaves of a cluster hold their share of the key of an NFT's secret.
        SecretNFTSynced {
            /// The NFT.
            nft_id: NftId,
        },
        /// What adding a secret costs changed.
        SecretNFTMintFeeUpdated {
            /// The new fee.
            fee: BalanceOf<T>,
        },
        /// An NFT was made a capsule. It is syncing.
        NFTConvertedToCapsule {
            /// The NFT.
            nft_id: NftId,
            /// Where the encrypted content is.
            offchain_data: OffchainDataOf<T>,
        },
        /// A capsule has other content.
        CapsuleOffchainDataSet {
            /// The NFT.
            nft_id: NftId,
            /// Where the encrypted content is.
            offchain_data: OffchainDataOf<T>,
        },
        /// A capsule gets a new key. It is syncing.
        CapsuleKeyUpdateNotified {
            /// The NFT.
            nft_id: NftId,
        },
        /// All enclaves of a cluster hold their share of the newest key of a capsule.
        CapsuleSynced {
            /// The NFT.
            nft_id: NftId,
        },
        /// A capsule is an NFT without one again.
        CapsuleReverted {
            /// The NFT.
            nft_id: NftId,
        },
        /// What making an NFT a capsule costs changed.
        CapsuleMintFeeUpdated {
            /// The new fee.
            fee: BalanceOf<T>,
        },
        /// The pending version of an NFT's keyshares was given up for the next one.
        KeyshareSyncRestarted {
            /// The NFT.
            nft_id: NftId,
            /// What of the NFT.
            kind: KeyshareKind,
        },
        /// The pending version of an NFT's keyshares was given up for the synced one.
        KeyshareSyncCancelled {
            /// The NFT.
            nft_id: NftId,
            /// What of the NFT.
            kind: KeyshareKind,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no NFT with this id.
        NFTNotFound,
        /// Only the owner of the NFT can do this.
        NotTheNFTOwner,
        /// Only the creator of the NFT can do this.
        NotTheNFTCreator,
        /// All NFT ids are used up.
        NFTIdsExhausted,
        /// The account cannot pay the mint fee and stay alive.
        InsufficientBalance,
        /// There is no collection with this id.
        CollectionNotFound,
        /// Only the owner of the collection can do this.
        NotTheCollectionOwner,
        /// All collection ids are used up.
        CollectionIdsExhausted,
        /// The collection is closed.
        CollectionIsClosed,
        /// A collection cannot be burnt while NFTs belong to it.
        CollectionIsNotEmpty,
        /// The collection has as many NFTs as its limit allows.
        CollectionHasReachedLimit,
        /// The limit of the collection is set and cannot be changed.
        CollectionLimitAlreadySet,
        /// The limit is higher than a collection can have.
        CollectionLimitExceededMaximumAllowed,
        /// The limit is zero, or lower than the number of NFTs in the collection.
        CollectionLimitIsTooLow,
        /// The NFT already belongs to a collection.
        NFTBelongsToACollection,
        /// An NFT that is on sale cannot be burnt.
        CannotBurnListedNFTs,
        /// A delegated NFT cannot be burnt.
        CannotBurnDelegatedNFTs,
        /// A rented NFT cannot be burnt.
        CannotBurnRentedNFTs,
        /// An NFT that is being moved to another chain cannot be burnt.
        CannotBurnNFTsInTransmission,
        /// The recipient already owns the NFT.
        CannotTransferNFTsToYourself,
        /// An NFT that is on sale cannot be transferred.
        CannotTransferListedNFTs,
        /// A delegated NFT cannot be transferred.
        CannotTransferDelegatedNFTs,
        /// A soulbound NFT can be transferred by its creator only.
        CannotTransferNotCreatedSoulboundNFTs,
        /// An NFT cannot be transferred before the enclaves have confirmed its secret.
        CannotTransferNotSyncedSecretNFTs,
        /// A rented NFT cannot be transferred.
        CannotTransferRentedNFTs,
        /// An NFT cannot be transferred before the enclaves have confirmed its capsule.
        CannotTransferNotSyncedCapsules,
        /// An NFT that is being moved to another chain cannot be transferred.
        CannotTransferNFTsInTransmission,
        /// An NFT that is on sale cannot be delegated.
        CannotDelegateListedNFTs,
        /// A rented NFT cannot be delegated.
        CannotDelegateRentedNFTs,
        /// An NFT cannot be delegated before the enclaves have confirmed its secret.
        CannotDelegateNotSyncedSecretNFTs,
        /// An NFT cannot be delegated before the enclaves have confirmed its capsule.
        CannotDelegateNotSyncedCapsules,
        /// An NFT that is being moved to another chain cannot be delegated.
        CannotDelegateNFTsInTransmission,
        /// The royalty of an NFT that is on sale cannot be changed.
        CannotSetRoyaltyForListedNFTs,
        /// The royalty of a rented NFT cannot be changed.
        CannotSetRoyaltyForRentedNFTs,
        /// The royalty of a delegated NFT cannot be changed.
        CannotSetRoyaltyForDelegatedNFTs,
        /// The royalty of an NFT that is being moved to another chain cannot be changed.
        CannotSetRoyaltyForNFTsInTransmission,
        /// A secret cannot be added to an NFT that is on sale.
        CannotAddSecretToListedNFTs,
        /// The NFT already has a secret.
        CannotAddSecretToSecretNFTs,
        /// A secret cannot be added to a rented NFT.
        CannotAddSecretToRentedNFTs,
        /// A secret cannot be added to a delegated NFT.
        CannotAddSecretToDelegatedNFTs,
        /// A secret cannot be added before the enclaves have confirmed the NFT's capsule.
        CannotAddSecretToSyncingCapsules,
        /// A secret cannot be added to an NFT that is being moved to another chain.
        CannotAddSecretToNFTsInTransmission,
        /// An NFT that is on sale cannot be made a capsule.
        CannotConvertListedNFTs,
        /// The NFT already is a capsule.
        CannotConvertCapsules,
        /// A rented NFT cannot be made a capsule.
        CannotConvertRentedNFTs,
        /// A delegated NFT cannot be made a capsule.
        CannotConvertDelegatedNFTs,
        /// An NFT cannot be made a capsule before the enclaves have confirmed its secret.
        CannotConvertNotSyncedSecretNFTs,
        /// An NFT that is being moved to another chain cannot be made a capsule.
        CannotConvertNFTsInTransmission,
        /// The NFT is not a capsule.
        NFTIsNotCapsule,
        /// The content of a capsule that is on sale cannot be changed.
        CannotSetOffchainDataForListedNFTs,
        /// The content of a rented capsule cannot be changed.
        CannotSetOffchainDataForRentedNFTs,
        /// The content of a delegated capsule cannot be changed.
        CannotSetOffchainDataForDelegatedNFTs,
        /// The content of a capsule that is being moved to another chain cannot be changed.
        CannotSetOffchainDataForNFTsInTransmission,
        /// The key of a capsule that is on sale cannot be changed.
        CannotChangeKeyForListedNFTs,
        /// The key of a rented capsule cannot be changed.
        CannotChangeKeyForRentedNFTs,
        /// The key of a delegated capsule cannot be changed.
        CannotChangeKeyForDelegatedNFTs,
        /// The key of a capsule cannot be changed before the enclaves have confirmed its secret.
        CannotChangeKeyForNotSyncedSecretNFTs,
        /// The key of a capsule cannot be changed before the enclaves have confirmed the last one.
        CannotChangeKeyForNotSyncedCapsules,
        /// The key of a capsule that is being moved to another chain cannot be changed.
        CannotChangeKeyForNFTsInTransmission,
        /// A capsule that is on sale cannot be reverted.
        CannotRevertListedNFTs,
        /// A rented capsule cannot be reverted.
        CannotRevertRentedNFTs,
        /// A delegated capsule cannot be reverted.
        CannotRevertDelegatedNFTs,
        /// A capsule that is being moved to another chain cannot be reverted.
        CannotRevertNFTsInTransmission,
        /// No version of these keyshares waits for enclaves.
        NotSyncing,
        /// There is no synced version of these keyshares to go back to.
        NothingSyncedYet,
        /// A share is confirmed with TEE.confirm_keyshares, which carries its commitment.
        CommitmentRequired,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::NFTOffchainDataLimit::get() > 0, "an NFT points to its metadata");
            assert!(
                T::CollectionOffchainDataLimit::get() > 0,
                "a collection points to its metadata"
            );
            assert!(T::CollectionSizeLimit::get() > 0, "a collection has room for an NFT");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Create an NFT. Its id is the next one.
        ///
        /// Origin: signed by whoever shall own it, who pays [`NftMintFee`].
        ///
        /// - `offchain_data`: where its public metadata is.
        /// - `royalty`: the creator's part of each sale.
        /// - `collection_id`: the collection it shall belong to: an open one of the caller, with
        ///   room.
        /// - `is_soulbound`: whether only its creator can transfer it.
        ///
        /// Fails with [`Error::CollectionNotFound`], [`Error::NotTheCollectionOwner`],
        /// [`Error::CollectionIsClosed`], [`Error::CollectionHasReachedLimit`],
        /// [`Error::InsufficientBalance`] or [`Error::NFTIdsExhausted`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::create_nft())]
        pub fn create_nft(
            origin: OriginFor<T>,
            offchain_data: OffchainDataOf<T>,
            royalty: Permill,
            collection_id: Option<CollectionId>,
            is_soulbound: bool,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_create_nft(who, offchain_data, royalty, collection_id, is_soulbound)?;
            Ok(())
        }

        /// Remove an NFT for ever, with its content. The enclaves forget their shares.
        ///
        /// Origin: signed by the owner. A syncing NFT can be burnt.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`] or one of the `CannotBurn…`
        /// errors.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::burn_nft())]
        pub fn burn_nft(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_burn_nft(&who, nft_id)
        }

        /// Give an NFT to somebody else, with all rights to its content.
        ///
        /// Origin: signed by the owner.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`] or one of the
        /// `CannotTransfer…` errors.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::transfer_nft())]
        pub fn transfer_nft(
            origin: OriginFor<T>,
            nft_id: NftId,
            recipient: AccountIdLookupOf<T>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let recipient = T::Lookup::lookup(recipient)?;
            Self::do_transfer_nft(who, nft_id, recipient)
        }

        /// Let somebody else view an NFT's content too, in place of the one who could before.
        ///
        /// Origin: signed by the owner.
        ///
        /// - `recipient`: who can view it. `None`, or the owner, ends the delegation.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`] or one of the
        /// `CannotDelegate…` errors.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::delegate_nft())]
        pub fn delegate_nft(
            origin: OriginFor<T>,
            nft_id: NftId,
            recipient: Option<AccountIdLookupOf<T>>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let recipient = recipient.map(T::Lookup::lookup).transpose()?;
            Self::do_delegate_nft(&who, nft_id, recipient)
        }

        /// Change the creator's part of each sale of an NFT.
        ///
        /// Origin: signed by the owner, who must be the creator too.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`],
        /// [`Error::NotTheNFTCreator`] or one of the `CannotSetRoyaltyFor…` errors.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_royalty())]
        pub fn set_royalty(
            origin: OriginFor<T>,
            nft_id: NftId,
            royalty: Permill,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_royalty(&who, nft_id, royalty)
        }

        /// Change what creating an NFT costs.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::set_nft_mint_fee())]
        pub fn set_nft_mint_fee(origin: OriginFor<T>, fee: BalanceOf<T>) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_nft_mint_fee(fee);
            Ok(())
        }

        /// Create a collection without NFTs. Its id is the next one.
        ///
        /// Origin: signed by whoever shall own it.
        ///
        /// - `offchain_data`: where its metadata is.
        /// - `limit`: how many NFTs can belong to it, at least 1 and at most
        ///   [`Config::CollectionSizeLimit`]. With `None` it can be set later.
        ///
        /// Fails with [`Error::CollectionLimitExceededMaximumAllowed`],
        /// [`Error::CollectionLimitIsTooLow`] or [`Error::CollectionIdsExhausted`].
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::create_collection())]
        pub fn create_collection(
            origin: OriginFor<T>,
            offchain_data: CollectionOffchainDataOf<T>,
            limit: Option<u32>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_create_collection(who, offchain_data, limit)
        }

        /// Remove a collection to which no NFT belongs.
        ///
        /// Origin: signed by the owner.
        ///
        /// Fails with [`Error::CollectionNotFound`], [`Error::NotTheCollectionOwner`] or
        /// [`Error::CollectionIsNotEmpty`].
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::burn_collection())]
        pub fn burn_collection(
            origin: OriginFor<T>,
            collection_id: CollectionId,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_burn_collection(&who, collection_id)
        }

        /// Close a collection for ever: nothing is added to it, and it is not changed any more.
        ///
        /// Origin: signed by the owner.
        ///
        /// Fails with [`Error::CollectionNotFound`], [`Error::NotTheCollectionOwner`] or
        /// [`Error::CollectionIsClosed`].
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::close_collection())]
        pub fn close_collection(
            origin: OriginFor<T>,
            collection_id: CollectionId,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_close_collection(&who, collection_id)
        }

        /// Limit how many NFTs can belong to a collection. The limit stays.
        ///
        /// Origin: signed by the owner.
        ///
        /// - `limit`: at least 1 and the number of its NFTs, at most
        ///   [`Config::CollectionSizeLimit`].
        ///
        /// Fails with [`Error::CollectionNotFound`], [`Error::NotTheCollectionOwner`],
        /// [`Error::CollectionIsClosed`], [`Error::CollectionLimitAlreadySet`],
        /// [`Error::CollectionLimitExceededMaximumAllowed`] or [`Error::CollectionLimitIsTooLow`].
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::limit_collection())]
        pub fn limit_collection(
            origin: OriginFor<T>,
            collection_id: CollectionId,
            limit: u32,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_limit_collection(&who, collection_id, limit)
        }

        /// Add an NFT to a collection. It belongs to it until it is burnt.
        ///
        /// Origin: signed by the owner of both.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`],
        /// [`Error::NFTBelongsToACollection`], [`Error::CollectionNotFound`],
        /// [`Error::NotTheCollectionOwner`], [`Error::CollectionIsClosed`] or
        /// [`Error::CollectionHasReachedLimit`].
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::add_nft_to_collection())]
        pub fn add_nft_to_collection(
            origin: OriginFor<T>,
            nft_id: NftId,
            collection_id: CollectionId,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_add_nft_to_collection(&who, nft_id, collection_id)
        }

        /// Add a secret to an NFT. It is syncing until the enclaves of a cluster have confirmed
        /// their shares.
        ///
        /// Origin: signed by the owner, who pays [`SecretNftMintFee`].
        ///
        /// - `offchain_data`: where the encrypted content is.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`],
        /// [`Error::InsufficientBalance`] or one of the `CannotAddSecretTo…` errors.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::add_secret())]
        pub fn add_secret(
            origin: OriginFor<T>,
            nft_id: NftId,
            offchain_data: OffchainDataOf<T>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_add_secret(&who, nft_id, offchain_data)
        }

        /// Create an NFT and add a secret to it: `create_nft` and `add_secret` in one, or nothing.
        ///
        /// Origin: signed by whoever shall own it, who pays [`NftMintFee`] and
        /// [`SecretNftMintFee`].
        ///
        /// Fails like `create_nft`.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::create_secret_nft())]
        pub fn create_secret_nft(
            origin: OriginFor<T>,
            offchain_data: OffchainDataOf<T>,
            secret_offchain_data: OffchainDataOf<T>,
            royalty: Permill,
            collection_id: Option<CollectionId>,
            is_soulbound: bool,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let nft_id = Self::do_create_nft(
                who.clone(),
                offchain_data,
                royalty,
                collection_id,
                is_soulbound,
            )?;
            Self::do_add_secret(&who, nft_id, secret_offchain_data)
        }

        /// Kept for its index and argument: a share that is confirmed without its commitment cannot
        /// be checked by those who copy it.
        ///
        /// Origin: signed.
        ///
        /// Fails with [`Error::CommitmentRequired`], always.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::add_secret_shard())]
        #[expect(unused_variables, reason = "clients know the argument by its name")]
        pub fn add_secret_shard(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            ensure_signed(origin)?;
            Err(Error::<T>::CommitmentRequired.into())
        }

        /// Change what adding a secret costs.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::set_secret_nft_mint_fee())]
        pub fn set_secret_nft_mint_fee(origin: OriginFor<T>, fee: BalanceOf<T>) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_secret_nft_mint_fee(fee);
            Ok(())
        }

        /// Make an NFT a capsule. It is syncing until the enclaves of a cluster have confirmed
        /// their shares.
        ///
        /// Origin: signed by the owner, who pays [`CapsuleMintFee`].
        ///
        /// - `offchain_data`: where the encrypted content is.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`],
        /// [`Error::InsufficientBalance`] or one of the `CannotConvert…` errors.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::convert_to_capsule())]
        pub fn convert_to_capsule(
            origin: OriginFor<T>,
            nft_id: NftId,
            offchain_data: OffchainDataOf<T>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_convert_to_capsule(&who, nft_id, offchain_data)
        }

        /// Create an NFT and make it a capsule: `create_nft` and `convert_to_capsule` in one, or
        /// nothing.
        ///
        /// Origin: signed by whoever shall own it, who pays [`NftMintFee`] and [`CapsuleMintFee`].
        ///
        /// Fails like `create_nft`.
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::create_capsule())]
        pub fn create_capsule(
            origin: OriginFor<T>,
            offchain_data: OffchainDataOf<T>,
            capsule_offchain_data: OffchainDataOf<T>,
            royalty: Permill,
            collection_id: Option<CollectionId>,
            is_soulbound: bool,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let nft_id = Self::do_create_nft(
                who.clone(),
                offchain_data,
                royalty,
                collection_id,
                is_soulbound,
            )?;
            Self::do_convert_to_capsule(&who, nft_id, capsule_offchain_data)
        }

        /// Change where a capsule's encrypted content is.
        ///
        /// Origin: signed by the owner. A syncing capsule's can be changed: a new key means new
        /// content.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`], [`Error::NFTIsNotCapsule`]
        /// or one of the `CannotSetOffchainDataFor…` errors.
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::set_capsule_offchaindata())]
        pub fn set_capsule_offchaindata(
            origin: OriginFor<T>,
            nft_id: NftId,
            offchain_data: OffchainDataOf<T>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_capsule_offchaindata(&who, nft_id, offchain_data)
        }

        /// Change what making an NFT a capsule costs.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        #[pallet::call_index(18)]
        #[pallet::weight(T::WeightInfo::set_capsule_mint_fee())]
        pub fn set_capsule_mint_fee(origin: OriginFor<T>, fee: BalanceOf<T>) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_set_capsule_mint_fee(fee);
            Ok(())
        }

        /// Kept for its index and argument, like `add_secret_shard`.
        ///
        /// Origin: signed.
        ///
        /// Fails with [`Error::CommitmentRequired`], always.
        #[pallet::call_index(19)]
        #[pallet::weight(T::WeightInfo::add_capsule_shard())]
        #[expect(unused_variables, reason = "clients know the argument by its name")]
        pub fn add_capsule_shard(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            ensure_signed(origin)?;
            Err(Error::<T>::CommitmentRequired.into())
        }

        /// Announce a new key of a capsule. The capsule is syncing until the enclaves of a cluster
        /// have confirmed their shares of it; the old key is served meanwhile.
        ///
        /// Origin: signed by the owner.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`], [`Error::NFTIsNotCapsule`]
        /// or one of the `CannotChangeKeyFor…` errors.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::notify_enclave_key_update())]
        pub fn notify_enclave_key_update(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_notify_enclave_key_update(&who, nft_id)
        }

        /// Change where a collection's metadata is.
        ///
        /// Origin: signed by the owner.
        ///
        /// Fails with [`Error::CollectionNotFound`], [`Error::NotTheCollectionOwner`] or
        /// [`Error::CollectionIsClosed`].
        #[pallet::call_index(21)]
        #[pallet::weight(T::WeightInfo::set_collection_offchaindata())]
        pub fn set_collection_offchaindata(
            origin: OriginFor<T>,
            collection_id: CollectionId,
            offchain_data: CollectionOffchainDataOf<T>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_collection_offchaindata(&who, collection_id, offchain_data)
        }

        /// Make a capsule an NFT without one. The enclaves forget their shares. No fee is paid
        /// back.
        ///
        /// Origin: signed by the owner. A syncing capsule can be reverted.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`], [`Error::NFTIsNotCapsule`]
        /// or one of the `CannotRevert…` errors.
        #[pallet::call_index(22)]
        #[pallet::weight(T::WeightInfo::revert_capsule())]
        pub fn revert_capsule(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_revert_capsule(&who, nft_id)
        }

        /// Give up the pending version of an NFT's keyshares and start the next one, under which a
        /// new key is sent. What enclaves confirmed of the old one does not count.
        ///
        /// Origin: signed by the owner.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`] or [`Error::NotSyncing`].
        #[pallet::call_index(23)]
        #[pallet::weight(T::WeightInfo::restart_sync())]
        pub fn restart_sync(
            origin: OriginFor<T>,
            nft_id: NftId,
            kind: KeyshareKind,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_restart_sync(&who, nft_id, kind)
        }

        /// Give up the pending version of an NFT's keyshares and stay with the synced one.
        ///
        /// Origin: signed by the owner.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`], [`Error::NotSyncing`] or
        /// [`Error::NothingSyncedYet`].
        #[pallet::call_index(24)]
        #[pallet::weight(T::WeightInfo::cancel_sync())]
        pub fn cancel_sync(
            origin: OriginFor<T>,
            nft_id: NftId,
            kind: KeyshareKind,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_cancel_sync(&who, nft_id, kind)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// An NFT; `None` if there is none with this id.
        pub fn nft(nft_id: NftId) -> Option<NftOf<T>> {
            Nfts::<T>::get(nft_id)
        }

        /// A collection; `None` if there is none with this id.
        pub fn collection(collection_id: CollectionId) -> Option<CollectionOf<T>> {
            Collections::<T>::get(collection_id)
        }

        /// Who can view an NFT's content, besides whoever rents it: its owner, then whom it is
        /// delegated to. Empty if there is no such NFT.
        pub fn viewers(nft_id: NftId) -> Vec<T::AccountId> {
            let owner = Nfts::<T>::get(nft_id).map(|nft| nft.owner);
            owner.into_iter().chain(DelegatedNFTs::<T>::get(nft_id)).collect()
        }
    }
}
