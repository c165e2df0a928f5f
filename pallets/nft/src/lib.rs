// SPDX-License-Identifier: Apache-2.0
//! # NFT
//!
//! NFTs (TIP-100), and NFTs with a secret that only their owner can view (TIP-520).
//!
//! ## Terminology
//!
//! - `NFT`: an id with an owner, a creator and a pointer to public metadata.
//! - `offchain data`: where something is kept that is too large for the chain, usually an IPFS
//!   hash. At most [`Config::NFTOffchainDataLimit`] bytes.
//! - `secret`: content that is stored encrypted off chain. The shares of its key are kept by
//!   enclaves. Its key never changes.
//! - `syncing`: not yet all enclaves of one cluster have confirmed their share.
//! - `soulbound`: only its creator can transfer it.
//! - `mint fee`: what creating an NFT, or adding a secret to one, costs besides the transaction.
//!
//! ## Scenario: Alice mints a secret NFT
//!
//! 1. Alice encrypts a picture, stores it somewhere and calls `create_secret_nft`. She pays both
//!    mint fees. The NFT is hers, its secret is syncing: she cannot transfer it, since a buyer
//!    could not view the picture.
//! 2. She sends the shares of the key to the enclaves of a cluster.
//! 3. All of them confirm. [`Config::Keyshares`] keeps count, and tells this pallet: the secret is
//!    no longer syncing and [`Event::SecretNFTSynced`] is emitted.
//! 4. She transfers the NFT to Bob, who can now ask the enclaves for the shares.
//! 5. Bob burns it. The enclaves forget their shares.
//!
//! ## Data structures
//!
//! [`Nfts`] holds the NFTs. Ids are given out in order and never used again. An NFT's flags
//! `is_secret` and `is_syncing_secret` repeat what [`SecretNftsOffchainData`] and
//! [`Config::Keyshares`] know, because clients read them there.
#![cfg_attr(not(feature = "std"), no_std)]

mod nfts;
mod secrets;
mod try_state;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

use frame_support::{traits::fungible::Inspect, BoundedVec};
use sp_runtime::traits::StaticLookup;
use tee_primitives::nft::NftData;

/// An amount of the currency in which fees are paid.
pub type BalanceOf<T> =
    <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// Where something is kept off chain.
pub type OffchainDataOf<T> = BoundedVec<u8, <T as Config>::NFTOffchainDataLimit>;

/// An NFT.
pub type NftOf<T> = NftData<<T as frame_system::Config>::AccountId, OffchainDataOf<T>>;

type AccountIdLookupOf<T> = <<T as frame_system::Config>::Lookup as StaticLookup>::Source;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{pallet_prelude::*, traits::fungible::Mutate};
    use frame_system::pallet_prelude::*;
    use sp_runtime::Permill;
    use tee_primitives::{
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

        /// Longest offchain data, in bytes.
        #[pallet::constant]
        type NFTOffchainDataLimit: Get<u32>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// The id of the next NFT.
    #[pallet::storage]
    pub type NextNFTId<T: Config> = StorageValue<_, NftId, ValueQuery>;

    /// The NFTs.
    #[pallet::storage]
    pub type Nfts<T: Config> = StorageMap<_, Blake2_128Concat, NftId, NftOf<T>>;

    /// What creating an NFT costs.
    #[pallet::storage]
    pub type NftMintFee<T: Config> = StorageValue<_, BalanceOf<T>, ValueQuery, T::InitialMintFee>;

    /// What adding a secret to an NFT costs.
    #[pallet::storage]
    pub type SecretNftMintFee<T: Config> =
        StorageValue<_, BalanceOf<T>, ValueQuery, T::InitialSecretMintFee>;

    /// Where the encrypted content of secret NFTs is.
    #[pallet::storage]
    pub type SecretNftsOffchainData<T: Config> =
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
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no NFT with this id.
        NFTNotFound,
        /// Only the owner of the NFT can do this.
        NotTheNFTOwner,
        /// There is no collection with this id.
        CollectionNotFound,
        /// All NFT ids are used up.
        NFTIdsExhausted,
        /// The account cannot pay the mint fee and stay alive.
        InsufficientBalance,
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
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::NFTOffchainDataLimit::get() > 0, "an NFT points to its metadata");
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
        /// - `collection_id`: the collection it shall belong to. There are none, so only `None`
        ///   succeeds.
        /// - `is_soulbound`: whether only its creator can transfer it.
        ///
        /// Fails with [`Error::CollectionNotFound`], [`Error::InsufficientBalance`] or
        /// [`Error::NFTIdsExhausted`].
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

        /// Remove an NFT for ever, with its secret. The enclaves forget their shares.
        ///
        /// Origin: signed by the owner. A syncing NFT can be burnt.
        ///
        /// Fails with [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`],
        /// [`Error::CannotBurnListedNFTs`], [`Error::CannotBurnDelegatedNFTs`],
        /// [`Error::CannotBurnRentedNFTs`] or [`Error::CannotBurnNFTsInTransmission`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::burn_nft())]
        pub fn burn_nft(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_burn_nft(&who, nft_id)
        }

        /// Give an NFT to somebody else, with all rights to its secret.
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
        #[pallet::weight(T::WeightInfo::create_nft().saturating_add(T::WeightInfo::add_secret()))]
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
    }
}
