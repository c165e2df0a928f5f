// SPDX-License-Identifier: Apache-2.0
//! What the pallet tells.

use frame_support::pallet_macros::pallet_section;

/// The events.
#[pallet_section]
mod events {
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
        /// An operator asked to leave with its assigned enclave; governance decides.
        MovedForUnregistration {
            /// The operator.
            operator_address: T::AccountId,
        },
        /// An enclave left its slot.
        EnclaveRemoved {
            /// The operator.
            operator_address: T::AccountId,
        },
        /// An operator asked to replace its enclave or its URI.
        MovedForUpdate {
            /// The operator.
            operator_address: T::AccountId,
            /// The account of the enclave that shall take the slot over.
            new_enclave_address: T::AccountId,
            /// Where its HTTP API is.
            new_api_uri: UriOf<T>,
        },
        /// An operator took its update back.
        UpdateRequestCancelled {
            /// The operator.
            operator_address: T::AccountId,
        },
        /// Governance refused an update.
        UpdateRequestRemoved {
            /// The operator.
            operator_address: T::AccountId,
        },
        /// Governance approved an update: the successor may copy the shares of the slot, and takes
        /// it over when it has.
        MigrationStarted {
            /// The operator.
            operator_address: T::AccountId,
            /// The successor.
            new_enclave_address: T::AccountId,
            /// The last block in which it can take the slot over.
            until: BlockNumberFor<T>,
        },
        /// An enclave took over the slot of its predecessor, whose account no longer counts.
        EnclaveUpdated {
            /// The operator.
            operator_address: T::AccountId,
            /// The enclave's account.
            new_enclave_address: T::AccountId,
            /// Where its HTTP API is.
            new_api_uri: UriOf<T>,
        },
        /// Governance replaced an enclave, or its URI.
        EnclaveForceUpdated {
            /// The operator.
            operator_address: T::AccountId,
            /// The enclave's new account, if it has one.
            new_enclave_address: Option<T::AccountId>,
            /// The new place of its HTTP API, if it has one.
            new_api_uri: Option<UriOf<T>>,
        },
        /// A machine is free again to serve any slot number.
        PlatformForgotten {
            /// The machine.
            platform: PlatformId,
            /// The slot number that it has served.
            slot_id: SlotId,
        },
        /// A cluster has another type.
        ClusterUpdated {
            /// The cluster.
            cluster_id: ClusterId,
            /// Whom it serves.
            cluster_type: ClusterType,
        },
        /// A cluster was removed.
        ClusterRemoved {
            /// The cluster.
            cluster_id: ClusterId,
        },
        /// An operator's stake is on its way out.
        Unbonded {
            /// The operator.
            operator_address: T::AccountId,
            /// The stake.
            amount: BalanceOf<T>,
        },
        /// An operator raised its stake to what is asked.
        BondedExtra {
            /// The operator.
            operator_address: T::AccountId,
            /// By how much.
            amount: BalanceOf<T>,
        },
        /// An operator got back what it had bonded above what is asked.
        RefundedExcess {
            /// The operator.
            operator_address: T::AccountId,
            /// How much.
            amount: BalanceOf<T>,
        },
        /// Operators bond another stake from now on.
        StakingAmountIsSet {
            /// The stake.
            amount: BalanceOf<T>,
        },
        /// A metrics server was registered.
        MetricsServerAdded {
            /// The server.
            metrics_server: MetricsServerOf<T>,
        },
        /// A metrics server reports on clusters of another type.
        MetricsServerTypeUpdated {
            /// The server's account.
            metrics_server_address: T::AccountId,
            /// The type.
            new_supported_cluster_type: ClusterType,
        },
        /// A metrics server was removed.
        MetricsServerRemoved {
            /// The server's account.
            metrics_server_address: T::AccountId,
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
}
