// SPDX-License-Identifier: Apache-2.0
//! Who authors and finalizes blocks, and when.

use frame_support::{
    parameter_types,
    traits::{ConstBool, ConstU32, ConstU64},
};
use pallet_session::{FindAccountFromAuthorIndex, PeriodicSessions};
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};

use super::governance::TwoThirdsOfCommittee;
use crate::{
    opaque::SessionKeys,
    timing::{MinimumPeriod, SessionLength, SlotDuration},
    weights, AccountId, Aura, Balance, Balances, BlockNumber, Runtime, RuntimeEvent, Session,
    ValidatorSet, UNIT,
};

/// Most validators.
pub type MaxValidators = ConstU32<100>;

parameter_types! {
    pub const SessionOffset: BlockNumber = 0;
    pub const SessionKeyDeposit: Balance = UNIT;
}

impl pallet_timestamp::Config for Runtime {
    type MinimumPeriod = MinimumPeriod;
    type Moment = u64;
    type OnTimestampSet = Aura;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_aura::Config for Runtime {
    type AllowMultipleBlocksPerSlot = ConstBool<false>;
    type AuthorityId = AuraId;
    type DisabledValidators = Session;
    type MaxAuthorities = MaxValidators;
    type SlotDuration = SlotDuration;
}

impl pallet_authorship::Config for Runtime {
    type EventHandler = ();
    type FindAuthor = FindAccountFromAuthorIndex<Self, Aura>;
}

impl pallet_grandpa::Config for Runtime {
    type EquivocationReportSystem = ();
    type KeyOwnerProof = sp_core::Void;
    type MaxAuthorities = MaxValidators;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = ConstU64<0>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
}

impl pallet_session::Config for Runtime {
    type Currency = Balances;
    type DisablingStrategy = ();
    type KeyDeposit = SessionKeyDeposit;
    type Keys = SessionKeys;
    type NextSessionRotation = PeriodicSessions<SessionLength, SessionOffset>;
    type RuntimeEvent = RuntimeEvent;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type SessionManager = ValidatorSet;
    type ShouldEndSession = PeriodicSessions<SessionLength, SessionOffset>;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
}

impl pallet_validator_set::Config for Runtime {
    type GovernanceOrigin = TwoThirdsOfCommittee;
    type MaxValidators = MaxValidators;
    type MinValidators = ConstU32<1>;
    type WeightInfo = weights::pallet_validator_set::WeightInfo<Runtime>;
}
