// SPDX-License-Identifier: Apache-2.0
//! NFTs, clusters, enclaves and keyshares.

use frame_support::{parameter_types, traits::ConstU32};
use sp_runtime::traits::{BlakeTwo256, Hash};
use tee_primitives::{
    cluster::{CLUSTER_SIZE, MAX_URI_LEN},
    traits::{AttestationFacts, Attestations},
};

use super::{governance::TwoThirdsOfCommittee, money::TreasuryAccount};
use crate::{AccountId, Balance, Balances, Runtime, RuntimeHoldReason, NFT, TEE, UNIT};

parameter_types! {
    pub const InitialStakingAmount: Balance = 250_000 * UNIT;
    pub const InitialMintFee: Balance = 10 * UNIT;
    pub const InitialSecretMintFee: Balance = 50 * UNIT;
}

/// Takes the committee's word: whatever it assigns counts as attested, each account as a machine
/// of its own.
pub struct TrustedByCommittee;
impl Attestations<AccountId> for TrustedByCommittee {
    fn live(account: &AccountId) -> Option<AttestationFacts> {
        Some(AttestationFacts {
            measurement: [0; 32],
            platform: BlakeTwo256::hash_of(account).into(),
        })
    }
}

impl pallet_tee::Config for Runtime {
    type Attestations = TrustedByCommittee;
    type ClusterSize = ConstU32<CLUSTER_SIZE>;
    type Currency = Balances;
    type GovernanceOrigin = TwoThirdsOfCommittee;
    type InitialStakingAmount = InitialStakingAmount;
    type MaxUriLen = ConstU32<MAX_URI_LEN>;
    type OnKeyshareSynced = NFT;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WeightInfo = pallet_tee::weights::DbWeights<Runtime>;
}

impl pallet_nft::Config for Runtime {
    type Currency = Balances;
    type FeesCollector = TreasuryAccount;
    type InitialMintFee = InitialMintFee;
    type InitialSecretMintFee = InitialSecretMintFee;
    type Keyshares = TEE;
    type NFTOffchainDataLimit = ConstU32<150>;
    type WeightInfo = pallet_nft::weights::DbWeights<Runtime>;
}
