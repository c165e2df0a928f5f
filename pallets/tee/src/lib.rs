// SPDX-License-Identifier: Apache-2.0
//! # TEE
//!
//! Knows the clusters of enclaves and records, for every secret, when all five enclaves of one
//! cluster have confirmed their share of its key (TIP-500, TIP-510).
//!
//! ## Terminology
//!
//! - `operator`: an account that runs one enclave and bonds stake for it.
//! - `enclave`: an account whose key was made inside an enclave. It signs confirmations.
//! - `cluster`: up to [`Config::ClusterSize`] enclaves, each in its own `slot`.
//! - `keyshare`: one of the shares of the key of an NFT's content. There are two `kind`s of
//!   content, secret and capsule, each with its own key.
//! - `version`: counts the keys of one NFT and kind, from 1.
//! - `split`: names one splitting of a key. Shares of two splits do not fit together.
//! - `commitment`: binds a share to its NFT, kind, version, slot and split without revealing it.
//! - `pending`: a version that waits for confirmations.
//! - `synced`: a version that all enclaves of one cluster have confirmed.
//! - `governance`: whom [`Config::GovernanceOrigin`] accepts, usually two thirds of a committee.
//!
//! ## Scenario: an enclave joins
//!
//! 1. Governance creates a cluster with `create_cluster`.
//! 2. The operator starts the enclave and calls `register_enclave` with its account and URI. The
//!    stake is held in the operator's account. The enclave's account is *not* reserved: nobody has
//!    proven yet to own it.
//! 3. Governance calls `assign_enclave`. The enclave needs a live attestation, which
//!    [`Config::Attestations`] tells, and a free slot. If the registration was a mistake,
//!    governance calls `remove_registration` instead and the stake is free again.
//!
//! ## Scenario: a keyshare becomes synced
//!
//! 1. Alice adds a secret to her NFT. The NFT's pallet starts version 1 through
//!    [`KeyshareRegistry`](tee_primitives::traits::KeyshareRegistry): it is pending.
//! 2. Alice splits the key, and sends one share to each enclave of a cluster.
//! 3. Each enclave stores its share and calls `confirm_keyshares`. One call takes many
//!    confirmations; each ends in its own event.
//! 4. With the fifth confirmation the version is synced: in the same block [`Keyshares`] and
//!    [`SyncLog`] tell so, [`Event::KeyshareSynced`] is emitted and [`Config::OnKeyshareSynced`]
//!    is told.
//!
//! ## Scenario: something goes wrong in between
//!
//! - Alice's client gives up after three shares, splits the key again and sends five shares of the
//!   new split. The latest confirmation of each slot counts, and only five of the same split make
//!   a version synced, so the two splits never mix.
//! - A rogue enclave confirms a share nobody gave it. Its own slot never agrees with the others, so
//!   its cluster cannot finish: Alice sends the shares to another cluster. Clusters do not hinder
//!   each other.
//! - An enclave is removed, or its attestation expires, before its cluster is complete. What it
//!   confirmed does not count unless its account is live again when the set completes; then any
//!   enclave of the cluster completes it by repeating its confirmation.
//!
//! ## Data structures
//!
//! Confirmations are kept only while they can matter. When a version is synced, superseded or
//! removed it enters [`SweepQueue`], and the idle time of the following blocks removes its
//! confirmations, as much as fits.
//!
//! [`SyncLog`] is never shortened: an enclave proves what it must hold by counting its entries.
//!
//! ## Fees
//!
//! `confirm_keyshares` is paid up front and refunded to an assigned enclave with a live
//! attestation. All other calls cost their fee.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod clusters;
mod confirmations;
mod keyshares;
mod operators;
mod sweep;
mod try_state;
pub mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{dispatch::DispatchResultWithPostInfo, pallet_prelude::*};
    use frame_system::pallet_prelude::*;
    use tee_primitives::{
        cluster::{ClusterId, ClusterType, SlotId, CLUSTER_SIZE},
        keyshare::{
            Commitment, IgnoreReason, KeyshareKind, KeyshareStatus, SlotConfirmation, Split,
            SyncLogEntry, Version,
        },
        nft::NftId,
        traits::{Attestations, OnKeyshareSynced},
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The runtime's reasons for holding funds.
        type RuntimeHoldReason: From<HoldReason>;

        /// The currency in which operators bond their stake.
        type Currency: frame_support::traits::fungible::MutateHold<
            Self::AccountId,
            Reason = Self::RuntimeHoldReason,
        >;

        /// Who creates clusters and decides about registrations: root or two thirds of a committee.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// What enclaves have proven about themselves.
        type Attestations: Attestations<Self::AccountId>;

        /// Who is told when a version is synced.
        type OnKeyshareSynced: OnKeyshareSynced;

        /// Enclaves in a full cluster. Equals [`CLUSTER_SIZE`].
        #[pallet::constant]
        type ClusterSize: Get<u32>;

        /// Longest URI of an enclave, in bytes.
        #[pallet::constant]
        type MaxUriLen: Get<u32>;

        /// What an operator bonds while [`StakingAmount`] is not set.
        #[pallet::constant]
        type InitialStakingAmount: Get<BalanceOf<Self>>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// Why this pallet holds funds.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// An operator's stake.
        #[codec(index = 0)]
        OperatorStake,
    }

    /// Enclaves that wait for governance, by operator.
    #[pallet::storage]
    pub type EnclaveRegistrations<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, EnclaveOf<T>>;

    /// Assigned enclaves, by operator.
    #[pallet::storage]
    pub type EnclaveData<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, EnclaveOf<T>>;

    /// The operator of each assigned enclave.
    #[pallet::storage]
    pub type EnclaveAccountOperator<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, T::AccountId>;

    /// The clusters.
    #[pallet::storage]
    pub type ClusterData<T: Config> = StorageMap<_, Blake2_128Concat, ClusterId, ClusterOf<T>>;

    /// The id of the next cluster.
    #[pallet::storage]
    pub type NextClusterId<T: Config> = StorageValue<_, ClusterId, ValueQuery>;

    /// The cluster of each operator with an assigned enclave.
    #[pallet::storage]
    pub type EnclaveClusterId<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, ClusterId>;

    /// What an operator bonds when it registers an enclave.
    #[pallet::storage]
    pub type StakingAmount<T: Config> =
        StorageValue<_, BalanceOf<T>, ValueQuery, T::InitialStakingAmount>;

    /// What each operator has bonded.
    #[pallet::storage]
    pub type StakingLedger<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, StakingLedgerOf<T>>;

    /// Which version of an NFT's keyshares is synced and which is pending.
    #[pallet::storage]
    pub type Keyshares<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        NftId,
        Blake2_128Concat,
        KeyshareKind,
        KeyshareStatus,
        ValueQuery,
    >;

    /// The latest confirmation of each slot, for pending versions and those in [`SweepQueue`].
    #[pallet::storage]
    pub type Confirmations<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        KeyshareVersion,
        Blake2_128Concat,
        Place,
        SlotConfirmation<T::AccountId>,
    >;

    /// Every sync, numbered from 0.
    #[pallet::storage]
    pub type SyncLog<T: Config> = StorageMap<_, Blake2_128Concat, u64, SyncLogEntry>;

    /// Number of entries in [`SyncLog`].
    #[pallet::storage]
    pub type SyncCount<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Versions that are no longer pending and whose confirmations are still to be removed.
    #[pallet::storage]
    pub type SweepQueue<T: Config> = StorageMap<_, Blake2_128Concat, KeyshareVersion, ()>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An operator registered an enclave, which waits for governance.
        EnclaveAddedForRegistration {
            /// The operator.
            operator_address: T::AccountId,
            /// The enclave's account.
            enclave_address: T::AccountId,
            /// Where its HTTP API is.
            api_uri: UriOf<T>,
        },
        /// A registration was removed.
        RegistrationRemoved {
            /// The operator.
            operator_address: T::AccountId,
        },
        /// An enclave was assigned to a slot.
        EnclaveAssigned {
            /// The operator.
            operator_address: T::AccountId,
            /// The cluster.
            cluster_id: ClusterId,
        },
        /// A cluster was created.
        ClusterAdded {
            /// The cluster.
            cluster_id: ClusterId,
            /// Whom it serves.
            cluster_type: ClusterType,
        },
        /// An operator's stake is held.
        Bonded {
            /// The operator.
            operator_address: T::AccountId,
            /// The stake.
            amount: BalanceOf<T>,
        },
        /// An operator's stake is free again.
        Withdrawn {
            /// The operator.
            operator_address: T::AccountId,
            /// The stake.
            amount: BalanceOf<T>,
        },
        /// An enclave confirmed that it holds a share.
        KeyshareConfirmed {
            /// The NFT.
            nft_id: NftId,
            /// What of the NFT.
            kind: KeyshareKind,
            /// The version.
            version: Version,
            /// The enclave's cluster.
            cluster_id: ClusterId,
            /// The enclave's slot.
            slot_id: SlotId,
            /// The enclave.
            enclave: T::AccountId,
            /// The splitting the share belongs to.
            split: Split,
            /// The share's commitment.
            commitment: Commitment,
        },
        /// A confirmation changed nothing.
        ConfirmationIgnored {
            /// The NFT.
            nft_id: NftId,
            /// What of the NFT.
            kind: KeyshareKind,
            /// The version that was to be confirmed.
            version: Version,
            /// The enclave.
            enclave: T::AccountId,
            /// Why it changed nothing.
            reason: IgnoreReason,
        },
        /// All enclaves of a cluster have confirmed a version (TIP-500 "NFT-synced").
        KeyshareSynced {
            /// The NFT.
            nft_id: NftId,
            /// What of the NFT.
            kind: KeyshareKind,
            /// The version.
            version: Version,
            /// The cluster.
            cluster_id: ClusterId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The URI of the enclave's API must not be empty.
        ApiUriIsEmpty,
        /// The operator and the enclave must be different accounts.
        OperatorAndEnclaveAreSame,
        /// The operator already has a registration that waits for governance.
        RegistrationAlreadyExists,
        /// The operator already runs an assigned enclave.
        OperatorAlreadyExists,
        /// The enclave's account is already that of an assigned enclave.
        EnclaveAddressAlreadyExists,
        /// The operator's earlier stake is not withdrawn yet.
        UnbondingPeriod,
        /// The operator's free balance does not cover the stake.
        InsufficientBalanceToBond,
        /// The operator has no registration that waits for governance.
        RegistrationNotFound,
        /// There is no cluster with this id.
        ClusterNotFound,
        /// All slots of the cluster are taken.
        ClusterIsFull,
        /// A slot with this number does not exist in a cluster.
        SlotIdOutOfRange,
        /// The slot is taken by another enclave.
        SlotIsTaken,
        /// All cluster ids are used up.
        ClusterIdsExhausted,
        /// The enclave has no live attestation.
        NotAttested,
        /// The account is not that of an enclave assigned to a cluster that takes keyshares.
        NotAssigned,
        /// The batch must contain at least one confirmation.
        EmptyBatch,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            Self::sweep(remaining)
        }

        fn integrity_test() {
            assert_eq!(
                T::ClusterSize::get(),
                CLUSTER_SIZE,
                "a key is split into as many shares as a cluster has enclaves"
            );
            assert!(T::MaxUriLen::get() > 0, "an enclave has a URI");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Register an enclave and bond the stake for it.
        ///
        /// Origin: signed by the operator. Holds [`StakingAmount`] in the operator's account.
        ///
        /// - `enclave_address`: the account whose key was made inside the enclave.
        /// - `api_uri`: where its HTTP API is, at most [`Config::MaxUriLen`] bytes.
        ///
        /// Fails with [`Error::ApiUriIsEmpty`], [`Error::OperatorAndEnclaveAreSame`],
        /// [`Error::RegistrationAlreadyExists`], [`Error::OperatorAlreadyExists`],
        /// [`Error::EnclaveAddressAlreadyExists`], [`Error::UnbondingPeriod`] or
        /// [`Error::InsufficientBalanceToBond`].
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register_enclave())]
        pub fn register_enclave(
            origin: OriginFor<T>,
            enclave_address: T::AccountId,
            api_uri: UriOf<T>,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_register_enclave(operator, enclave_address, api_uri)
        }

        /// Assign a registered enclave to a slot of a cluster.
        ///
        /// Origin: [`Config::GovernanceOrigin`]. The enclave must have a live attestation.
        ///
        /// - `operator_address`: who registered the enclave.
        /// - `slot_id`: less than [`Config::ClusterSize`].
        ///
        /// Fails with [`Error::RegistrationNotFound`], [`Error::EnclaveAddressAlreadyExists`],
        /// [`Error::NotAttested`], [`Error::ClusterNotFound`], [`Error::SlotIdOutOfRange`],
        /// [`Error::ClusterIsFull`] or [`Error::SlotIsTaken`].
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::assign_enclave())]
        pub fn assign_enclave(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
            cluster_id: ClusterId,
            slot_id: SlotId,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_assign_enclave(operator_address, cluster_id, slot_id)
        }

        /// Remove a registration that waits for governance, and free the operator's stake.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::RegistrationNotFound`].
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::remove_registration())]
        pub fn remove_registration(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_remove_registration(operator_address)
        }

        /// Create a cluster without enclaves. Its id is the next one.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::ClusterIdsExhausted`].
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::create_cluster())]
        pub fn create_cluster(origin: OriginFor<T>, cluster_type: ClusterType) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_create_cluster(cluster_type)
        }

        /// Confirm that the calling enclave holds these shares durably.
        ///
        /// Origin: signed by an enclave with a live attestation that is assigned to a cluster that
        /// takes keyshares. To it the fee is paid back, whatever becomes of the entries.
        ///
        /// Each entry is independent and ends in [`Event::KeyshareConfirmed`] or
        /// [`Event::ConfirmationIgnored`]. The entry that completes a cluster is followed by
        /// [`Event::KeyshareSynced`].
        ///
        /// Fails, as a whole and with the fee kept, with [`Error::EmptyBatch`],
        /// [`Error::NotAssigned`] or [`Error::NotAttested`].
        #[pallet::call_index(26)]
        #[pallet::weight({
            let entries = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            (T::WeightInfo::confirm_keyshares(entries, entries), DispatchClass::Operational)
        })]
        pub fn confirm_keyshares(
            origin: OriginFor<T>,
            batch: ConfirmationBatch,
        ) -> DispatchResultWithPostInfo {
            let enclave = ensure_signed(origin)?;
            Self::do_confirm_keyshares(enclave, batch)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The cluster and slot of an enclave; `None` if it is not assigned.
        pub fn cluster_of(enclave: T::AccountId) -> Option<Place> {
            Self::place_of(enclave).map(|(place, _)| place)
        }

        /// Which version of an NFT's keyshares is synced and which is pending.
        pub fn keyshare_status(nft_id: NftId, kind: KeyshareKind) -> KeyshareStatus {
            Keyshares::<T>::get(nft_id, kind)
        }
    }
}
