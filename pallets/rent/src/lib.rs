// SPDX-License-Identifier: Apache-2.0
//! # Rent
//!
//! Rental contracts for NFTs, for a fixed time and paid in tokens (TIP-400).
//!
//! ## Terminology
//!
//! - `renter`: who owns the NFT and rents it out.
//! - `rentee`: who rents it and may view its content while the contract runs.
//! - `waiting`: a contract that nobody has rented yet. It is open for
//!   [`Config::MaximumContractAvailabilityLimit`] blocks and then `expires`.
//! - `running`: a contract from its start to the block before its end.
//! - `rent fee`: what the rentee pays the renter at the start.
//! - `cancellation fee`: what ending a running contract early costs whoever does it. Each side has
//!   its own, on hold in its account: the renter's from the creation, the rentee's from the start.
//! - `offer`: an account's consent to rent on the terms of a contract whose rentee the renter
//!   chooses. It holds nothing.
//!
//! ## Scenario: Alice rents her NFT out to whoever comes first
//!
//! 1. Alice calls `create_contract` with automatic acceptance. The NFT is marked as rented: she can
//!    no longer transfer or burn it. Her cancellation fee is held.
//! 2. Bob calls `rent` and names the block in which the contract was created, so that he gets the
//!    terms that he has read. He pays the rent fee, his cancellation fee is held, and he may view
//!    the NFT's content.
//! 3. In the block that is the contract's duration after the start it is over. Both cancellation
//!    fees are released and the mark is taken away.
//!
//! ## Scenario: Alice chooses her rentee
//!
//! 1. Alice creates a contract with manual acceptance, perhaps for a list of accounts only.
//! 2. Bob and Charlie call `make_rent_offer`. Charlie changes his mind: `retract_rent_offer`.
//! 3. Alice calls `accept_rent_offer` for Bob, who pays then.
//!
//! ## Scenario: it ends early
//!
//! - Before the start Alice calls `cancel_contract`, which costs nothing.
//! - While it runs Bob, or Alice if the terms let her, calls `revoke_contract`. The fee of whoever
//!   revokes goes to the other side, all of it or the part that the remaining time is of the
//!   duration. What is left of it, and the other side's fee, is released.
//!
//! ## When a contract is over
//!
//! The block number says so, and nothing else: from that block on no call takes the contract, and
//! nobody rents the NFT ([`RentContractData::active_rentee`]).
//! Clearing it away may take longer, since a block clears at most [`Config::ActionsInBlockLimit`]
//! contracts, the longest overdue first. An owner who does not want to wait creates the next
//! contract: that clears the old one.
//!
//! ## Small amounts
//!
//! An account that does not exist cannot receive less than the existential deposit. Such an amount
//! stays with who would have paid it, and the contract starts or ends all the same.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod contracts;
mod ending;
mod fees;
mod offers;
mod try_state;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

use frame_support::{traits::fungible::Inspect, BoundedVec};
use tee_primitives::{
    rent::{AcceptanceType, RentContractData},
    BlockNumber,
};

/// An amount of the currency in which fees are paid.
pub type BalanceOf<T> =
    <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// The accounts that may rent, or that offered to.
pub type AccountListOf<T> =
    BoundedVec<<T as frame_system::Config>::AccountId, <T as Config>::AccountSizeLimit>;

/// Who may rent, and who starts the contract.
pub type AcceptanceTypeOf<T> = AcceptanceType<AccountListOf<T>>;

/// A contract.
pub type RentContractOf<T> =
    RentContractData<<T as frame_system::Config>::AccountId, BalanceOf<T>, AccountListOf<T>>;

/// A block number in big-endian bytes, so that a map is in order of time.
pub type OrderedBlockNumber = [u8; size_of::<BlockNumber>()];

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{Mutate, MutateHold},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::SaturatedConversion;
    use tee_primitives::{
        nft::NftId,
        rent::{CancellationFee, Duration, RentFee},
        traits::{NotRentable, RentableNfts},
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The runtime's reasons for holding funds.
        type RuntimeHoldReason: From<HoldReason>;

        /// The currency in which fees are paid and held.
        type Currency: Mutate<Self::AccountId>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The NFTs.
        type Nfts: RentableNfts<Self::AccountId>;

        /// Most accounts on a contract's acceptance list, and most offers for a contract.
        #[pallet::constant]
        type AccountSizeLimit: Get<u32>;

        /// Most contracts that a block clears away.
        #[pallet::constant]
        type ActionsInBlockLimit: Get<u32>;

        /// For how many blocks from its creation a contract can be rented. It may only grow: the
        /// deadlines of waiting contracts are found by it.
        #[pallet::constant]
        type MaximumContractAvailabilityLimit: Get<BlockNumber>;

        /// Longest duration of a contract, in blocks.
        #[pallet::constant]
        type MaximumContractDurationLimit: Get<BlockNumber>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// Why this pallet holds funds.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// A renter's cancellation fees, from the creation to the end of its contracts.
        #[codec(index = 0)]
        RenterCancellationFee,
        /// A rentee's cancellation fees, from the start to the end of its contracts.
        #[codec(index = 1)]
        RenteeCancellationFee,
    }

    /// The contracts, by NFT.
    #[pallet::storage]
    pub type Contracts<T: Config> = StorageMap<_, Blake2_128Concat, NftId, RentContractOf<T>>;

    /// Who offers to rent, for each contract that has offers, in the order of the offers.
    #[pallet::storage]
    pub type Offers<T: Config> = StorageMap<_, Blake2_128Concat, NftId, AccountListOf<T>>;

    /// The contracts in the order in which they expire or end. The block number is stored as it is,
    /// so the first entry is the next one due, however many blocks away.
    #[pallet::storage]
    pub type Deadlines<T: Config> =
        StorageDoubleMap<_, Identity, OrderedBlockNumber, Blake2_128Concat, NftId, ()>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A contract was created. It can be rented.
        ContractCreated {
            /// The NFT.
            nft_id: NftId,
            /// Who rents it out.
            renter: T::AccountId,
            /// How long it runs.
            duration: Duration,
            /// Who may rent, and who starts it.
            acceptance_type: AcceptanceTypeOf<T>,
            /// Whether the renter may end it early.
            renter_can_revoke: bool,
            /// What the rentee pays at the start.
            rent_fee: RentFee<BalanceOf<T>>,
            /// What ending it early costs the renter.
            renter_cancellation_fee: CancellationFee<BalanceOf<T>>,
            /// What ending it early costs the rentee.
            rentee_cancellation_fee: CancellationFee<BalanceOf<T>>,
        },
        /// A contract started. Its rentee may view the NFT's content.
        ContractStarted {
            /// The NFT.
            nft_id: NftId,
            /// Who rents it.
            rentee: T::AccountId,
        },
        /// A running contract was ended early.
        ContractRevoked {
            /// The NFT.
            nft_id: NftId,
            /// By whom: its renter or its rentee.
            revoked_by: T::AccountId,
        },
        /// Somebody offered to rent.
        ContractOfferCreated {
            /// The NFT.
            nft_id: NftId,
            /// Who offered.
            rentee: T::AccountId,
        },
        /// Somebody took an offer back.
        ContractOfferRetracted {
            /// The NFT.
            nft_id: NftId,
            /// Who had offered.
            rentee: T::AccountId,
        },
        /// A contract ran to its end.
        ContractEnded {
            /// The NFT.
            nft_id: NftId,
            /// Always `None`: contracts that are ended early are reported by `ContractRevoked`.
            revoked_by: Option<T::AccountId>,
        },
        /// A contract was not rented in time.
        ContractExpired {
            /// The NFT.
            nft_id: NftId,
        },
        /// A contract was withdrawn before anybody rented.
        ContractCanceled {
            /// The NFT.
            nft_id: NftId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no NFT with this id.
        NFTNotFound,
        /// Only the owner of the NFT can rent it out.
        NotTheNFTOwner,
        /// An NFT that is on sale cannot be rented out.
        CannotRentListedNFTs,
        /// A delegated NFT cannot be rented out.
        CannotRentDelegatedNFTs,
        /// A soulbound NFT cannot be rented out.
        CannotRentSoulboundNFTs,
        /// An NFT cannot be rented out before the enclaves have confirmed its secret.
        CannotRentNotSyncedSecretNFTs,
        /// The NFT already has a rental contract.
        CannotRentRentedNFTs,
        /// An NFT cannot be rented out before the enclaves have confirmed its capsule.
        CannotRentNotSyncedCapsules,
        /// An NFT that is being moved to another chain cannot be rented out.
        CannotRentNFTsInTransmission,
        /// A contract must run for at least one block, and no longer than the chain allows.
        DurationOutOfRange,
        /// An acceptance list must name at least one account.
        AcceptanceListIsEmpty,
        /// The renter cannot be on the acceptance list.
        RenterIsOnAcceptanceList,
        /// The NFT has no rental contract.
        ContractNotFound,
        /// The contract has already started.
        ContractHasStarted,
        /// The contract has not started yet.
        ContractHasNotStarted,
        /// The contract has run to its end.
        ContractHasEnded,
        /// Nobody rented in time: the contract has expired.
        ContractHasExpired,
        /// A contract cannot be canceled or revoked in the block in which it was created.
        CreatedInThisBlock,
        /// The contract was not created in the named block, so its terms may be others.
        CreationBlockDoesNotMatch,
        /// Only the renter can do this.
        NotTheRenter,
        /// Only the renter or the rentee can revoke a contract.
        NotAContractParty,
        /// The terms of the contract do not let the renter revoke it.
        RenterCannotRevoke,
        /// The renter cannot rent its own NFT.
        CannotRentOwnNFT,
        /// The account is not on the acceptance list of the contract.
        NotOnAcceptanceList,
        /// The renter chooses the rentee of this contract: make an offer instead.
        AcceptanceIsManual,
        /// Whoever rents first gets this contract: rent instead of making an offer.
        AcceptanceIsAutomatic,
        /// The account has already made an offer for this contract.
        OfferAlreadyExists,
        /// The account has made no offer for this contract.
        OfferNotFound,
        /// There are as many offers for this contract as the chain allows.
        TooManyOffers,
        /// The rentee cannot pay the rent fee and stay alive.
        NotEnoughFundsForRentFee,
        /// The account cannot set the cancellation fee aside and stay alive.
        NotEnoughFundsForCancellationFee,
    }

    impl<T> From<NotRentable> for Error<T> {
        fn from(reason: NotRentable) -> Self {
            match reason {
                NotRentable::NotFound => Self::NFTNotFound,
                NotRentable::NotOwner => Self::NotTheNFTOwner,
                NotRentable::Listed => Self::CannotRentListedNFTs,
                NotRentable::Delegated => Self::CannotRentDelegatedNFTs,
                NotRentable::Soulbound => Self::CannotRentSoulboundNFTs,
                NotRentable::SyncingSecret => Self::CannotRentNotSyncedSecretNFTs,
                NotRentable::Rented => Self::CannotRentRentedNFTs,
                NotRentable::SyncingCapsule => Self::CannotRentNotSyncedCapsules,
                NotRentable::InTransmission => Self::CannotRentNFTsInTransmission,
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            Self::clear_due(now.saturated_into())
        }

        fn integrity_test() {
            let limit = T::ActionsInBlockLimit::get();
            assert!(limit > 0, "contracts are cleared away");
            assert!(T::AccountSizeLimit::get() > 0, "a list names an account");
            assert!(
                T::MaximumContractAvailabilityLimit::get() > 0,
                "a contract is not over in the block of its creation"
            );
            assert!(T::MaximumContractDurationLimit::get() > 0, "a contract has a duration");
            let most = T::WeightInfo::end_contracts(limit)
                .max(T::WeightInfo::expire_contracts(limit))
                .saturating_add(T::WeightInfo::on_initialize_none());
            let block = T::BlockWeights::get().max_block;
            assert!(most.all_lte(block.saturating_div(4)), "clearing leaves room in the block");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Offer an NFT for rent.
        ///
        /// Origin: signed by the owner. Holds `renter_cancellation_fee` in its account. A contract
        /// of the NFT that is over and not cleared away yet is cleared first; otherwise the weight
        /// of that is given back.
        ///
        /// - `duration`: 1 to [`Config::MaximumContractDurationLimit`] blocks.
        /// - `acceptance_type`: whether the first who rents starts the contract, or the renter by
        ///   accepting an offer; and the only accounts that may, if not everybody.
        /// - `renter_can_revoke`: whether the renter may end it early.
        /// - `rent_fee`: what the rentee pays at the start.
        /// - `renter_cancellation_fee`, `rentee_cancellation_fee`: what ending it early costs each
        ///   side.
        ///
        /// Fails with [`Error::DurationOutOfRange`], [`Error::AcceptanceListIsEmpty`],
        /// [`Error::RenterIsOnAcceptanceList`], [`Error::NFTNotFound`], [`Error::NotTheNFTOwner`],
        /// one of the `CannotRent…` errors, or [`Error::NotEnoughFundsForCancellationFee`].
        #[pallet::call_index(0)]
        #[pallet::weight(
            T::WeightInfo::create_contract(Pallet::<T>::listed_accounts(acceptance_type))
                .saturating_add(Pallet::<T>::clearing_one())
        )]
        #[allow(clippy::too_many_arguments)]
        pub fn create_contract(
            origin: OriginFor<T>,
            nft_id: NftId,
            duration: Duration,
            acceptance_type: AcceptanceTypeOf<T>,
            renter_can_revoke: bool,
            rent_fee: RentFee<BalanceOf<T>>,
            renter_cancellation_fee: CancellationFee<BalanceOf<T>>,
            rentee_cancellation_fee: CancellationFee<BalanceOf<T>>,
        ) -> DispatchResultWithPostInfo {
            let contract = RentContractData {
                start_block: None,
                renter: ensure_signed(origin)?,
                rentee: None,
                duration,
                acceptance_type,
                renter_can_revoke,
                rent_fee,
                renter_cancellation_fee,
                rentee_cancellation_fee,
                creation_block: Self::now(),
            };
            Self::do_create_contract(nft_id, contract)
        }

        /// Withdraw a contract that nobody has rented yet. The renter's cancellation fee is
        /// released.
        ///
        /// Origin: signed by the renter, in a later block than that of the creation.
        ///
        /// Fails with [`Error::ContractNotFound`], [`Error::ContractHasEnded`],
        /// [`Error::ContractHasExpired`], [`Error::ContractHasStarted`], [`Error::NotTheRenter`] or
        /// [`Error::CreatedInThisBlock`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::cancel_contract())]
        pub fn cancel_contract(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_cancel_contract(&who, nft_id)
        }

        /// End a running contract early. The cancellation fee of whoever does goes to the other
        /// side, as far as it is due; the rest of it and the other side's are released.
        ///
        /// Origin: signed by the rentee, or by the renter if the terms let it; in a later block
        /// than that of the creation.
        ///
        /// Fails with [`Error::ContractNotFound`], [`Error::ContractHasEnded`],
        /// [`Error::ContractHasExpired`], [`Error::ContractHasNotStarted`],
        /// [`Error::NotAContractParty`], [`Error::RenterCannotRevoke`] or
        /// [`Error::CreatedInThisBlock`].
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::revoke_contract())]
        pub fn revoke_contract(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_revoke_contract(who, nft_id)
        }

        /// Rent an NFT whose contract starts automatically.
        ///
        /// Origin: signed by the rentee, who pays the rent fee and whose cancellation fee is held.
        ///
        /// - `creation_block`: the block in which the contract was created, so that nobody rents on
        ///   other terms than those it has read.
        ///
        /// Fails with [`Error::ContractNotFound`], [`Error::ContractHasEnded`],
        /// [`Error::ContractHasExpired`], [`Error::ContractHasStarted`],
        /// [`Error::CreationBlockDoesNotMatch`], [`Error::AcceptanceIsManual`],
        /// [`Error::CannotRentOwnNFT`], [`Error::NotOnAcceptanceList`],
        /// [`Error::NotEnoughFundsForRentFee`] or [`Error::NotEnoughFundsForCancellationFee`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::rent())]
        pub fn rent(
            origin: OriginFor<T>,
            nft_id: NftId,
            creation_block: BlockNumber,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_rent(who, nft_id, creation_block)
        }

        /// Offer to rent an NFT whose renter chooses the rentee. Costs nothing until the offer is
        /// accepted, which can be in any block until the contract expires or the offer is
        /// retracted.
        ///
        /// Origin: signed by who wants to rent.
        ///
        /// - `creation_block`: as in `rent`.
        ///
        /// Fails with [`Error::ContractNotFound`], [`Error::ContractHasEnded`],
        /// [`Error::ContractHasExpired`], [`Error::ContractHasStarted`],
        /// [`Error::CreationBlockDoesNotMatch`], [`Error::AcceptanceIsAutomatic`],
        /// [`Error::CannotRentOwnNFT`], [`Error::NotOnAcceptanceList`],
        /// [`Error::OfferAlreadyExists`] or [`Error::TooManyOffers`].
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::make_rent_offer())]
        pub fn make_rent_offer(
            origin: OriginFor<T>,
            nft_id: NftId,
            creation_block: BlockNumber,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_make_rent_offer(who, nft_id, creation_block)
        }

        /// Start a contract with one of those who made an offer. The rentee pays the rent fee and
        /// its cancellation fee is held; all other offers are dropped.
        ///
        /// Origin: signed by the renter.
        ///
        /// - `rentee`: who made the offer.
        ///
        /// Fails with [`Error::ContractNotFound`], [`Error::ContractHasEnded`],
        /// [`Error::ContractHasExpired`], [`Error::ContractHasStarted`], [`Error::NotTheRenter`],
        /// [`Error::OfferNotFound`], [`Error::NotEnoughFundsForRentFee`] or
        /// [`Error::NotEnoughFundsForCancellationFee`].
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::accept_rent_offer())]
        pub fn accept_rent_offer(
            origin: OriginFor<T>,
            nft_id: NftId,
            rentee: T::AccountId,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_accept_rent_offer(&who, nft_id, rentee)
        }

        /// Take an offer back.
        ///
        /// Origin: signed by who made it.
        ///
        /// Fails with [`Error::ContractNotFound`], [`Error::ContractHasEnded`],
        /// [`Error::ContractHasExpired`], [`Error::ContractHasStarted`] or
        /// [`Error::OfferNotFound`].
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::retract_rent_offer())]
        pub fn retract_rent_offer(origin: OriginFor<T>, nft_id: NftId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_retract_rent_offer(who, nft_id)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The contract of an NFT, also one that is over and not cleared away yet.
        pub fn contract(nft_id: NftId) -> Option<RentContractOf<T>> {
            Contracts::<T>::get(nft_id)
        }

        /// Who rents an NFT now.
        pub fn rentee(nft_id: NftId) -> Option<T::AccountId> {
            Contracts::<T>::get(nft_id)?.active_rentee(Self::now()).cloned()
        }
    }
}
