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
//! - `platform`: a machine, as attestation names it.
//! - `successor`: the enclave account that is to take a slot over from the one that has it.
//! - `governance`: whom [`Config::GovernanceOrigin`] accepts, usually two thirds of a committee.
//!
//! ## Scenario: an enclave joins
//!
//! 1. Governance creates a cluster with `create_cluster`.
//! 2. The operator starts the enclave and calls `register_enclave` with its account and URI. The
//!    stake is held in the operator's account. The enclave's account is *not* reserved: nobody has
//!    proven yet to own it.
//! 3. Governance calls `assign_enclave`. The enclave needs a live attestation made for this
//!    operator, which [`Config::Attestations`] tells, a free slot, and a machine that may serve it:
//!    one that runs no other enclave of the cluster and has served no other slot number in public
//!    clusters. Any three slot numbers rebuild a key, so no machine may have two. A motion first
//!    lets `expect_enclave` check that the operator has not named another enclave since its voters
//!    looked.
//!
//! If the registration was a mistake, governance calls `remove_registration` instead, or the
//! operator `unregister_enclave`, and the stake is free again.
//!
//! ## Scenario: an enclave is replaced
//!
//! 1. The operator calls `update_enclave` with the successor's account and URI. `cancel_update`
//!    takes that back.
//! 2. The successor attests. If it runs the same code on the same machine (one whose sealed keys
//!    did not survive an update of its microcode, say), it has the slot at once.
//! 3. Otherwise governance decides: `reject_update`, or `approve_update_enclave`. Then the
//!    successor may copy the slot's shares while its predecessor serves on, for
//!    [`Config::MigrationDuration`] blocks.
//! 4. When the successor holds everything it calls `complete_update` and has the slot. From that
//!    block on its predecessor's account is nobody's.
//!
//! `force_update_enclave` replaces an enclave at once. What only the predecessor held is lost to
//! the slot: it is for emergencies.
//!
//! ## Scenario: an operator leaves
//!
//! 1. The operator calls `unregister_enclave`, and serves on.
//! 2. Governance calls `approve_enclave_unregistration` when the slot's shares are safe elsewhere;
//!    or `force_remove_enclave`, unasked. The slot is free.
//! 3. [`Config::TeeBondingDuration`] blocks after it has left its slot, the operator calls
//!    `withdraw_unbonded`.
//!
//! ## Types of clusters
//!
//! Enclaves of public and private clusters confirm keyshares. A disabled cluster takes no new ones
//! and serves what it holds; disabling never fails, whatever the cluster holds. From its first
//! confirmation on a cluster keeps its promise to the owners of keyshares: a private one never
//! becomes public, and the reverse, also not by way of being disabled.
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
//! - Before its cluster is complete, an enclave is removed, its attestation expires, or it proves
//!   other code or another machine than when it got its slot. What it confirmed does not count unless
//!   its account is live again when the set completes; then any enclave of the cluster completes it
//!   by repeating its confirmation.
//!
//! ## Data structures
//!
//! Confirmations are kept only while they can matter. The idle time of the blocks removes those of
//! synced versions, following [`SyncLog`], and those of versions that were given up, following
//! [`SweepQueue`]; as much as fits.
//!
//! [`SyncLog`] is never shortened: an enclave proves what it must hold by counting its entries.
//!
//! [`PublicPlatforms`] tells which slot number a machine serves, or has served, in public clusters,
//! until governance lets `forget_platform` free it. [`DisabledClusters`] remembers what a disabled
//! cluster was, so that its machines still count.
//!
//! ## Fees
//!
//! `confirm_keyshares` is paid up front and refunded to an assigned enclave with a live
//! attestation; `complete_update` is refunded when it succeeds. All other calls cost their fee.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod clusters;
mod confirmations;
mod enclaves;
mod errors;
mod events;
mod keyshares;
mod metrics_servers;
mod operators;
mod platforms;
mod stakes;
mod succession;
mod sweep;
mod try_state;
pub mod types;
mod views;
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

use frame_support::pallet_macros::import_section;

/// The pallet.
#[import_section(errors::errors)]
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use super::{operators::MIN_URI_LEN, *};
    use alloc::vec::Vec;
    use frame_support::{
        dispatch::{DispatchResultWithPostInfo, Pays},
        ensure,
        pallet_prelude::*,
        traits::fungible::{Mutate, MutateHold},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::Zero;
    use tee_primitives::{
        abi::ENCLAVE_ABI,
        attestation::PlatformId,
        cluster::{ClusterId, ClusterType, SlotId, CLUSTER_SIZE},
        keyshare::{
            Commitment, IgnoreReason, KeyshareKind, KeyshareStatus, SlotConfirmations, Split,
            SyncLogEntry, Version, MAX_CONFIRMATIONS,
        },
        nft::NftId,
        traits::{AttestationFacts, Attestations, OnKeyshareSynced},
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
        type Currency: Mutate<Self::AccountId>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

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

        /// Blocks from when an operator's enclave leaves its slot until the stake is free.
        #[pallet::constant]
        type TeeBondingDuration: Get<BlockNumberFor<Self>>;

        /// Blocks in which an approved successor can take its slot over.
        #[pallet::constant]
        type MigrationDuration: Get<BlockNumberFor<Self>>;

        /// Most metrics servers.
        #[pallet::constant]
        type ListSizeLimit: Get<u32>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;

        /// Makes NFTs for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkNfts: tee_primitives::traits::BenchmarkNfts;
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

    /// What each assigned enclave had proven when it got its slot, by operator.
    #[pallet::storage]
    pub type EnclaveFacts<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, AttestationFacts>;

    /// Operators who asked to leave, and in which block.
    #[pallet::storage]
    pub type EnclaveUnregistrations<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, BlockNumberFor<T>>;

    /// Updates that wait for governance or for the successor's attestation, by operator.
    #[pallet::storage]
    pub type EnclaveUpdates<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, EnclaveOf<T>>;

    /// Approved successors, by operator. One that has lapsed stays until the operator or governance
    /// does something about it.
    #[pallet::storage]
    pub type Migrations<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, MigrationOf<T>>;

    /// Which slot number a machine serves, or has served, in public clusters, as enclave or as
    /// approved successor. A disabled cluster that was public counts.
    #[pallet::storage]
    pub type PublicPlatforms<T: Config> = StorageMap<_, Blake2_128Concat, PlatformId, PlatformSlot>;

    /// The clusters.
    #[pallet::storage]
    pub type ClusterData<T: Config> = StorageMap<_, Blake2_128Concat, ClusterId, ClusterOf<T>>;

    /// What each disabled cluster was before.
    #[pallet::storage]
    pub type DisabledClusters<T: Config> = StorageMap<_, Blake2_128Concat, ClusterId, ClusterType>;

    /// What each cluster holds. Absent for one that never confirmed anything.
    #[pallet::storage]
    pub type ClusterHoldings<T: Config> =
        StorageMap<_, Blake2_128Concat, ClusterId, Holdings, ValueQuery>;

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

    /// The newest version of an NFT's keyshares that was ever started.
    #[pallet::storage]
    pub type LastVersions<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        NftId,
        Blake2_128Concat,
        KeyshareKind,
        Version,
        ValueQuery,
    >;

    /// The latest confirmations of a cluster's slots, for pending versions and those that are still
    /// to be swept.
    #[pallet::storage]
    pub type Confirmations<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        KeyshareVersion,
        Blake2_128Concat,
        ClusterId,
        SlotConfirmations<T::AccountId>,
        ValueQuery,
    >;

    /// Every sync, numbered from 0.
    #[pallet::storage]
    pub type SyncLog<T: Config> = StorageMap<_, Blake2_128Concat, u64, SyncLogEntry>;

    /// Number of entries in [`SyncLog`].
    #[pallet::storage]
    pub type SyncCount<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Number of entries in [`SyncLog`] whose version has no confirmations left.
    #[pallet::storage]
    pub type SweptCount<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Versions that were given up and whose confirmations are still to be removed.
    #[pallet::storage]
    pub type SweepQueue<T: Config> = StorageMap<_, Blake2_128Concat, KeyshareVersion, ()>;

    /// Who reports on the service of operators.
    #[pallet::storage]
    pub type MetricsServers<T: Config> =
        StorageValue<_, BoundedVec<MetricsServerOf<T>, T::ListSizeLimit>, ValueQuery>;

    /// The version of what enclaves have compiled in that this runtime keeps to, see
    /// [`ENCLAVE_ABI`].
    #[pallet::storage]
    pub type EnclaveAbi<T: Config> = StorageValue<_, u32, ValueQuery>;

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        #[serde(skip)]
        /// The runtime.
        pub _runtime: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            EnclaveAbi::<T>::put(ENCLAVE_ABI);
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
            Self::sweep(remaining)
        }

        fn on_runtime_upgrade() -> Weight {
            EnclaveAbi::<T>::put(ENCLAVE_ABI);
            T::DbWeight::get().writes(1)
        }

        fn integrity_test() {
            assert_eq!(
                T::ClusterSize::get(),
                CLUSTER_SIZE,
                "a key is split into as many shares as a cluster has enclaves"
            );
            assert!(
                T::MaxUriLen::get() > MIN_URI_LEN,
                "the URI of an enclave has a scheme and a host"
            );
            let most = T::BlockWeights::get().get(DispatchClass::Operational).max_extrinsic;
            let batch = T::WeightInfo::confirm_keyshares(0, MAX_CONFIRMATIONS);
            assert!(
                most.is_none_or(|most| batch.all_lte(most)),
                "a full batch of confirmations fits into a block"
            );
            assert!(!T::MigrationDuration::get().is_zero(), "a successor has time for its work");
            assert!(T::ListSizeLimit::get() > 0, "there can be a metrics server");
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
        /// Fails with [`Error::ApiUriIsEmpty`], [`Error::ApiUriIsInvalid`],
        /// [`Error::OperatorAndEnclaveAreSame`], [`Error::RegistrationAlreadyExists`],
        /// [`Error::OperatorAlreadyExists`], [`Error::EnclaveAddressAlreadyExists`],
        /// [`Error::UnbondingPeriod`] or [`Error::InsufficientBalanceToBond`].
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

        /// Leave: withdraw a registration at once, or ask governance to release the enclave from
        /// its slot. Until then it serves on.
        ///
        /// Origin: signed by the operator.
        ///
        /// Fails with [`Error::RegistrationNotFound`] or [`Error::UnregistrationAlreadyExists`].
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::unregister_enclave())]
        pub fn unregister_enclave(origin: OriginFor<T>) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_unregister_enclave(operator)
        }

        /// Name the enclave that shall take over the caller's slot, and where its API is. With the
        /// account that has the slot, only the URI changes.
        ///
        /// Origin: signed by the operator of an assigned enclave. Takes effect at once if the named
        /// account has attested for this operator with the same code on the same machine.
        ///
        /// Fails with [`Error::UpdateProhibitedForUnassignedEnclave`],
        /// [`Error::UpdateRequestAlreadyExists`], [`Error::ApiUriIsEmpty`],
        /// [`Error::ApiUriIsInvalid`], [`Error::OperatorAndEnclaveAreSame`] or
        /// [`Error::EnclaveAddressAlreadyExists`].
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::update_enclave())]
        pub fn update_enclave(
            origin: OriginFor<T>,
            new_enclave_address: T::AccountId,
            new_api_uri: UriOf<T>,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_update_enclave(operator, new_enclave_address, new_api_uri)
        }

        /// Take an update back, also one that governance has approved.
        ///
        /// Origin: signed by the operator.
        ///
        /// Fails with [`Error::UpdateRequestNotFound`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::cancel_update())]
        pub fn cancel_update(origin: OriginFor<T>) -> DispatchResult {
            let operator_address = ensure_signed(origin)?;
            Self::drop_update(&operator_address)?;
            Self::deposit_event(Event::UpdateRequestCancelled { operator_address });
            Ok(())
        }

        /// Assign a registered enclave to a slot of a cluster.
        ///
        /// Origin: [`Config::GovernanceOrigin`]. The enclave must have a live attestation made for
        /// its operator, on a machine that may serve the slot.
        ///
        /// - `operator_address`: who registered the enclave.
        /// - `slot_id`: less than [`Config::ClusterSize`].
        ///
        /// Fails with [`Error::RegistrationNotFound`], [`Error::EnclaveAddressAlreadyExists`],
        /// [`Error::NotAttested`], [`Error::ClusterNotFound`], [`Error::SlotIdOutOfRange`],
        /// [`Error::ClusterIsFull`], [`Error::SlotIsTaken`], [`Error::PlatformAlreadyInCluster`] or
        /// [`Error::PlatformServesAnotherSlot`].
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

        /// Refuse an update, also one that was approved.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::UpdateRequestNotFound`].
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::reject_update())]
        pub fn reject_update(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::drop_update(&operator_address)?;
            Self::deposit_event(Event::UpdateRequestRemoved { operator_address });
            Ok(())
        }

        /// Release an enclave whose operator asked to leave from its slot. The bonding period of
        /// the stake begins.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::UnregistrationNotFound`].
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::approve_enclave_unregistration())]
        pub fn approve_enclave_unregistration(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            ensure!(
                EnclaveUnregistrations::<T>::contains_key(&operator_address),
                Error::<T>::UnregistrationNotFound
            );
            Self::do_remove_enclave(operator_address)
        }

        /// Remove an enclave from its slot, whether or not its operator asked for it. The bonding
        /// period of the stake begins.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::EnclaveNotFound`].
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::force_remove_enclave())]
        pub fn force_remove_enclave(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_remove_enclave(operator_address)
        }

        /// Let the successor that an operator named copy the shares of the slot, and take the slot
        /// over with `complete_update` within [`Config::MigrationDuration`] blocks. If only the URI
        /// changes, it does so at once.
        ///
        /// Origin: [`Config::GovernanceOrigin`]. The successor must have a live attestation made
        /// for the operator, on a machine that may serve the slot.
        ///
        /// Fails with [`Error::UpdateRequestNotFound`], [`Error::EnclaveAddressAlreadyExists`],
        /// [`Error::NotAttested`], [`Error::SecurityVersionTooLow`],
        /// [`Error::PlatformAlreadyInCluster`] or [`Error::PlatformServesAnotherSlot`].
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::approve_update_enclave())]
        pub fn approve_update_enclave(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_approve_update(operator_address)
        }

        /// Replace an enclave, its URI or both, at once. Shares that only the old enclave held are
        /// lost to the slot.
        ///
        /// Origin: [`Config::GovernanceOrigin`]. A new enclave must have a live attestation made
        /// for the operator, on a machine that may serve the slot. An unfinished update is dropped.
        ///
        /// Fails with [`Error::NoUpdatesProvided`], [`Error::EnclaveNotFound`],
        /// [`Error::ApiUriIsEmpty`], [`Error::ApiUriIsInvalid`],
        /// [`Error::OperatorAndEnclaveAreSame`], [`Error::EnclaveAddressAlreadyExists`],
        /// [`Error::NotAttested`], [`Error::SecurityVersionTooLow`],
        /// [`Error::PlatformAlreadyInCluster`] or [`Error::PlatformServesAnotherSlot`].
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::force_update_enclave())]
        pub fn force_update_enclave(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
            new_enclave_address: Option<T::AccountId>,
            new_api_uri: Option<UriOf<T>>,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_force_update(operator_address, new_enclave_address, new_api_uri)
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

        /// Change whom a cluster serves.
        ///
        /// Origin: [`Config::GovernanceOrigin`]. Disabling never fails. A cluster that has ever
        /// confirmed anything can only be disabled, or become again what it was.
        ///
        /// Fails with [`Error::ClusterNotFound`], [`Error::ClusterHoldsKeyshares`] or
        /// [`Error::PlatformServesAnotherSlot`].
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::update_cluster())]
        pub fn update_cluster(
            origin: OriginFor<T>,
            cluster_id: ClusterId,
            cluster_type: ClusterType,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_update_cluster(cluster_id, cluster_type)
        }

        /// Remove a cluster without enclaves and keyshares. Its id is never used again.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::ClusterNotFound`], [`Error::ClusterIsNotEmpty`] or
        /// [`Error::ClusterHoldsKeyshares`].
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::remove_cluster())]
        pub fn remove_cluster(origin: OriginFor<T>, cluster_id: ClusterId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_remove_cluster(cluster_id)
        }

        /// Free the stake of an operator who has left, after [`Config::TeeBondingDuration`] blocks.
        ///
        /// Origin: signed by the operator.
        ///
        /// Fails with [`Error::StakingNotFound`], [`Error::UnbondingNotStarted`],
        /// [`Error::StillAssigned`] or [`Error::WithdrawProhibited`].
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::withdraw_unbonded())]
        pub fn withdraw_unbonded(origin: OriginFor<T>) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_withdraw_unbonded(operator)
        }

        /// Register a metrics server.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::MetricsServerAlreadyExists`] or
        /// [`Error::MetricsServerLimitReached`].
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::register_metrics_server())]
        pub fn register_metrics_server(
            origin: OriginFor<T>,
            metrics_server: MetricsServerOf<T>,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_register_metrics_server(metrics_server)
        }

        /// Remove a metrics server.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::MetricsServerNotFound`].
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::unregister_metrics_server())]
        pub fn unregister_metrics_server(
            origin: OriginFor<T>,
            metrics_server_address: T::AccountId,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_unregister_metrics_server(metrics_server_address)
        }

        /// Change on which type of clusters a metrics server reports.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::MetricsServerNotFound`].
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::force_update_metrics_server_type())]
        pub fn force_update_metrics_server_type(
            origin: OriginFor<T>,
            metrics_server_address: T::AccountId,
            new_supported_cluster_type: ClusterType,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_update_metrics_server(metrics_server_address, new_supported_cluster_type)
        }

        /// Set what operators bond from now on. Those who have bonded keep their stake until they
        /// call `bond_extra` or `refund_excess`.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::set_staking_amount())]
        pub fn set_staking_amount(
            origin: OriginFor<T>,
            staking_amount: BalanceOf<T>,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            StakingAmount::<T>::put(staking_amount);
            Self::deposit_event(Event::StakingAmountIsSet { amount: staking_amount });
            Ok(())
        }

        /// Raise the caller's stake to [`StakingAmount`].
        ///
        /// Origin: signed by the operator.
        ///
        /// Fails with [`Error::StakingNotFound`], [`Error::BondExtraNotAllowed`] or
        /// [`Error::InsufficientBalanceToBond`].
        #[pallet::call_index(24)]
        #[pallet::weight(T::WeightInfo::bond_extra())]
        pub fn bond_extra(origin: OriginFor<T>) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_bond_extra(operator)
        }

        /// Lower the caller's stake to [`StakingAmount`].
        ///
        /// Origin: signed by the operator.
        ///
        /// Fails with [`Error::StakingNotFound`] or [`Error::RefundExcessNotAllowed`].
        #[pallet::call_index(25)]
        #[pallet::weight(T::WeightInfo::refund_excess())]
        pub fn refund_excess(origin: OriginFor<T>) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_refund_excess(operator)
        }

        /// Confirm that the calling enclave holds these shares durably.
        ///
        /// Origin: signed by an enclave that is assigned to a cluster that takes keyshares, and
        /// whose live attestation proves what it had proven when it got its slot. To it the fee is
        /// paid back, whatever becomes of the entries.
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
            (T::WeightInfo::confirm_keyshares(0, entries), DispatchClass::Operational)
        })]
        pub fn confirm_keyshares(
            origin: OriginFor<T>,
            batch: ConfirmationBatch,
        ) -> DispatchResultWithPostInfo {
            let enclave = ensure_signed(origin)?;
            Self::do_confirm_keyshares(enclave, batch)
        }

        /// Take over the slot, as the successor that governance approved. From this block on the
        /// predecessor's account is nobody's.
        ///
        /// Origin: signed by the successor, which still runs the code on the machine that was
        /// approved. The fee is paid back when it succeeds.
        ///
        /// - `operator_address`: for whom it works.
        /// - `cursor`: the number of entries of [`SyncLog`] whose shares it holds, as far as they
        ///   are the slot's. It must reach past the last sync of its cluster.
        ///
        /// Fails with [`Error::MigrationNotFound`], [`Error::NotTheSuccessor`],
        /// [`Error::MigrationLapsed`], [`Error::NotAttested`], [`Error::AttestationChanged`],
        /// [`Error::EnclaveAddressAlreadyExists`], [`Error::CursorPastLog`] or
        /// [`Error::SuccessorIsBehind`].
        #[pallet::call_index(27)]
        #[pallet::weight((T::WeightInfo::complete_update(), DispatchClass::Operational))]
        pub fn complete_update(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
            cursor: u64,
        ) -> DispatchResultWithPostInfo {
            let successor = ensure_signed(origin)?;
            Self::do_complete_update(successor, operator_address, cursor)?;
            Ok(Pays::No.into())
        }

        /// Forget which slot number a machine has served in public clusters, so that it may serve
        /// another. Its owner may have kept the sealed shares of the old one: do this only if that
        /// does not matter.
        ///
        /// Origin: [`Config::GovernanceOrigin`].
        ///
        /// Fails with [`Error::PlatformNotFound`] or [`Error::PlatformIsServing`].
        #[pallet::call_index(28)]
        #[pallet::weight(T::WeightInfo::forget_platform())]
        pub fn forget_platform(origin: OriginFor<T>, platform: PlatformId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_forget_platform(platform)
        }

        /// Fail unless an operator's registration, or else its update, still names this enclave.
        ///
        /// Origin: [`Config::GovernanceOrigin`]. `assign_enclave` and `approve_update_enclave` take
        /// what the operator has named when they run. A motion that puts this call before them in
        /// a batch approves the enclave that its voters have looked at, and no other.
        ///
        /// Fails with [`Error::AnotherEnclave`].
        #[pallet::call_index(29)]
        #[pallet::weight(T::WeightInfo::expect_enclave())]
        pub fn expect_enclave(
            origin: OriginFor<T>,
            operator_address: T::AccountId,
            enclave_address: T::AccountId,
        ) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::ensure_named(&operator_address, &enclave_address)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The cluster and slot of an enclave; `None` if it is not assigned.
        pub fn cluster_of(enclave: T::AccountId) -> Option<Place> {
            Self::place_of(enclave).map(|(place, _)| place)
        }

        /// The slots of a cluster that are taken, in their order, with the state of their enclaves.
        pub fn slots_of(cluster_id: ClusterId) -> Vec<SlotOf<T>> {
            Self::view_slots(cluster_id)
        }

        /// Where an operator stands with its enclave and its stake.
        pub fn operator_status(operator: T::AccountId) -> OperatorStatusOf<T> {
            Self::view_operator(operator)
        }

        /// Which version of an NFT's keyshares is synced and which is pending.
        pub fn keyshare_status(nft_id: NftId, kind: KeyshareKind) -> KeyshareStatus {
            Keyshares::<T>::get(nft_id, kind)
        }

        /// The slots of a cluster that have confirmed the pending version of an NFT's keyshares,
        /// and for which split.
        pub fn confirmed_slots(
            nft_id: NftId,
            kind: KeyshareKind,
            cluster_id: ClusterId,
        ) -> Vec<(SlotId, Split)> {
            Self::view_confirmed_slots(nft_id, kind, cluster_id)
        }
    }
}
