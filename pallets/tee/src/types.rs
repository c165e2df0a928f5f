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
    cluster::{Cluster, ClusterId, Enclave, SlotId},
    keyshare::{KeyshareConfirmation, KeyshareKind, Version, MAX_CONFIRMATIONS},
    nft::NftId,
};

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
