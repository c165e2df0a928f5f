// SPDX-License-Identifier: Apache-2.0
//! NFTs, rental contracts, clusters, enclaves and keyshares.

use frame_support::{parameter_types, traits::ConstU32};
use tee_primitives::cluster::{CLUSTER_SIZE, MAX_URI_LEN};

use super::{governance::TwoThirdsOfCommittee, money::TreasuryAccount};
use crate::{
    timing::{BondingDuration, MigrationDuration},
    weights, Attestation, Balance, Balances, BlockNumber, Runtime, RuntimeHoldReason, NFT, TEE,
    UNIT,
};

parameter_types! {
    pub const InitialStakingAmount: Balance = 250_000 * UNIT;
    pub const InitialMintFee: Balance = 10 * UNIT;
    pub const InitialSecretMintFee: Balance = 50 * UNIT;
    pub const InitialCapsuleMintFee: Balance = 100 * UNIT;
    /// Half a year of 6-second blocks.
    pub const LongestContract: BlockNumber = 2_628_000;
    /// A month of 6-second blocks.
    pub const LongestOffer: BlockNumber = 432_000;
}

impl pallet_tee::Config for Runtime {
    type Attestations = Attestation;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkNfts = NFT;
    type ClusterSize = ConstU32<CLUSTER_SIZE>;
    type Currency = Balances;
    type GovernanceOrigin = TwoThirdsOfCommittee;
    type InitialStakingAmount = InitialStakingAmount;
    type ListSizeLimit = ConstU32<10>;
    type MaxUriLen = ConstU32<MAX_URI_LEN>;
    type MigrationDuration = MigrationDuration;
    type OnKeyshareSynced = NFT;
    type RuntimeHoldReason = RuntimeHoldReason;
    type TeeBondingDuration = BondingDuration;
    type WeightInfo = weights::pallet_tee::WeightInfo<Runtime>;
}

impl pallet_nft::Config for Runtime {
    type CollectionOffchainDataLimit = ConstU32<150>;
    type CollectionSizeLimit = ConstU32<1_000_000>;
    type Currency = Balances;
    type FeesCollector = TreasuryAccount;
    type GovernanceOrigin = TwoThirdsOfCommittee;
    type InitialCapsuleMintFee = InitialCapsuleMintFee;
    type InitialMintFee = InitialMintFee;
    type InitialSecretMintFee = InitialSecretMintFee;
    type Keyshares = TEE;
    type NFTOffchainDataLimit = ConstU32<150>;
    type WeightInfo = weights::pallet_nft::WeightInfo<Runtime>;
}

impl pallet_rent::Config for Runtime {
    type AccountSizeLimit = ConstU32<100>;
    type ActionsInBlockLimit = ConstU32<100>;
    type Currency = Balances;
    type MaximumContractAvailabilityLimit = LongestOffer;
    type MaximumContractDurationLimit = LongestContract;
    type Nfts = NFT;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WeightInfo = weights::pallet_rent::WeightInfo<Runtime>;
}
