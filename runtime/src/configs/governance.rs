// SPDX-License-Identifier: Apache-2.0
//! The technical committee and its mandates.

use frame_support::{
    parameter_types,
    traits::{ConstU32, EitherOfDiverse},
    weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_collective::{DefaultVote, EnsureProportionAtLeast, Instance1, MemberCount};

use super::system::MAXIMUM_BLOCK_WEIGHT;
use crate::{
    mandate_filter::Mandatable, timing::MotionDuration, weights, AccountId, Runtime, RuntimeCall,
    RuntimeEvent, RuntimeOrigin,
};

/// Root, or at least two thirds of the technical committee.
pub type TwoThirdsOfCommittee =
    EitherOfDiverse<EnsureRoot<AccountId>, EnsureProportionAtLeast<AccountId, Instance1, 2, 3>>;

/// Who does not vote has not agreed. With a prime member's vote as the default, that member alone
/// could pass what needs two thirds.
pub struct AbsentIsNay;
impl DefaultVote for AbsentIsNay {
    fn default_vote(
        _prime_vote: Option<bool>,
        _yes_votes: MemberCount,
        _no_votes: MemberCount,
        _seats: MemberCount,
    ) -> bool {
        false
    }
}

parameter_types! {
    pub const MaxProposalWeight: Weight = Weight::from_parts(
        MAXIMUM_BLOCK_WEIGHT.ref_time() / 2,
        MAXIMUM_BLOCK_WEIGHT.proof_size(),
    );
}

impl pallet_collective::Config<Instance1> for Runtime {
    type Consideration = ();
    type DefaultVote = AbsentIsNay;
    type DisapproveOrigin = EnsureRoot<AccountId>;
    type KillOrigin = EnsureRoot<AccountId>;
    type MaxMembers = ConstU32<100>;
    type MaxProposalWeight = MaxProposalWeight;
    type MaxProposals = ConstU32<100>;
    type MotionDuration = MotionDuration;
    type Proposal = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type SetMembersOrigin = EnsureRoot<AccountId>;
    type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
}

impl pallet_mandate::Config for Runtime {
    type AdminOrigin = EnsureProportionAtLeast<AccountId, Instance1, 2, 3>;
    type Allowed = Mandatable;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = weights::pallet_mandate::WeightInfo<Runtime>;
}
