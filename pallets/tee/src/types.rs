// SPDX-License-Identifier: Apache-2.0
//! What the pallet stores, in the runtime's own types.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    traits::{fungible::Inspect, ConstU32},
    BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use tee_primitives::{
    attestation::Measurement,
    cluster::{Cluster, ClusterId, Enclave, SlotId},
    keyshare::{KeyshareConfirmation, KeyshareKind, Version, MAX_CONFIRMATIONS},
    nft::NftId,
};

pub use tee_primitives::cluster::{MetricsServer, Migration};

use crate::Config;

/// An amount of the currency that operators bond.
pub type BalanceOf<T> =
    <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// Where an enclave's HTTP API is.
pub type UriOf<T> = BoundedVec<u8, <T as Config>::MaxUriLen>;

/// An enclave as its operator registered it.
pub type EnclaveOf<T> = Enclave<<T as frame_system::Config>::AccountId, UriOf<T>>;

/// Operators and the slots of their enclaves, ordered by slot.
pub type MembersOf<T> =
    BoundedVec<(<T as frame_system::Config>::AccountId, SlotId), <T as Config>::ClusterSize>;

/// A cluster.
pub type ClusterOf<T> = Cluster<MembersOf<T>>;

/// What an operator has bonded.
pub type StakingLedgerOf<T> =
    TeeStakingLedger<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// An approved successor.
pub type MigrationOf<T> =
    Migration<<T as frame_system::Config>::AccountId, UriOf<T>, BlockNumberFor<T>>;

/// A metrics server.
pub type MetricsServerOf<T> = MetricsServer<<T as frame_system::Config>::AccountId>;

/// A slot that is taken.
pub type SlotOf<T> = Slot<<T as frame_system::Config>::AccountId, UriOf<T>>;

/// Where an operator stands.
pub type OperatorStatusOf<T> = OperatorStatus<
    <T as frame_system::Config>::AccountId,
    UriOf<T>,
    BalanceOf<T>,
    BlockNumberFor<T>,
>;

/// What one `confirm_keyshares` takes.
pub type ConfirmationBatch = BoundedVec<KeyshareConfirmation, ConstU32<MAX_CONFIRMATIONS>>;

/// One version of the keyshares of one NFT and kind.
pub type KeyshareVersion = (NftId, KeyshareKind, Version);

/// A cluster and a slot in it.
pub type Place = (ClusterId, SlotId);

/// What an operator has bonded.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct TeeStakingLedger<AccountId, Balance, BlockNumber> {
    /// The operator.
    pub operator: AccountId,
    /// How much of its balance is held.
    pub staked_amount: Balance,
    /// Whether the stake is on its way out.
    pub is_unlocking: bool,
    /// The block in which it started on its way out; 0 if it has not.
    pub unbonded_at: BlockNumber,
}

/// The slot number that a machine serves, or has served, in public clusters.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct PlatformSlot {
    /// The slot number.
    pub slot_id: SlotId,
    /// How many enclaves and approved successors on the machine serve it now.
    pub enclaves: u32,
}

/// What a cluster holds.
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
pub struct Holdings {
    /// How many keyshares have their synced version in the cluster.
    pub keyshares: u64,
    /// How long the log of syncs was right after the cluster's last one.
    pub synced_until: u64,
}

/// A slot that is taken, as people see it.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct Slot<AccountId, Uri> {
    /// The slot.
    pub slot_id: SlotId,
    /// Who runs the enclave.
    pub operator: AccountId,
    /// The enclave.
    pub enclave: Enclave<AccountId, Uri>,
    /// What code it ran when it got the slot.
    pub measurement: Measurement,
    /// Whether its attestation is live, and proves what it had proven when it got the slot.
    pub is_attested: bool,
    /// Whether its operator has asked to leave.
    pub is_leaving: bool,
    /// The account of the approved successor, if its time has not lapsed.
    pub successor: Option<AccountId>,
}

/// Where an operator stands, as people see it.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct OperatorStatus<AccountId, Uri, Balance, BlockNumber> {
    /// The enclave that waits for governance.
    pub registered: Option<Enclave<AccountId, Uri>>,
    /// The enclave that has a slot.
    pub assigned: Option<(Place, Enclave<AccountId, Uri>)>,
    /// The update that waits for governance or for the successor's attestation.
    pub update: Option<Enclave<AccountId, Uri>>,
    /// The approved successor.
    pub migration: Option<Migration<AccountId, Uri, BlockNumber>>,
    /// The stake.
    pub stake: Option<Balance>,
    /// The first block in which the stake can be withdrawn, once the slot is left.
    pub withdrawable_from: Option<BlockNumber>,
}
