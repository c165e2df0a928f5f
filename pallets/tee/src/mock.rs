// SPDX-License-Identifier: Apache-2.0
//! A runtime with only this pallet, and what tests do in it.

use std::collections::{BTreeMap, BTreeSet};

use frame_support::{
    derive_impl,
    dispatch::{DispatchResultWithPostInfo, GetDispatchInfo, Pays},
    pallet_prelude::DispatchResult,
    parameter_types,
    traits::{fungible::InspectHold, OnIdle},
    weights::{constants::RocksDbWeight, Weight},
};
use frame_system::EnsureRoot;
use sp_runtime::{traits::Dispatchable, BuildStorage};
use tee_primitives::{
    attestation::{Measurement, PlatformId},
    cluster::{ClusterId, ClusterType, SlotId, CLUSTER_SIZE},
    keyshare::{KeyshareConfirmation, KeyshareKind, Split, Version},
    nft::NftId,
    traits::{AttestationFacts, Attestations, KeyshareRegistry, OnKeyshareSynced},
};

use crate::{self as pallet_tee, ConfirmationBatch, Event, HoldReason, UriOf};

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Test>;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances::Pallet<Test>;
    #[runtime::pallet_index(34)]
    pub type TEE = pallet_tee::Pallet<Test>;
}

type Block = frame_system::mocking::MockBlock<Test>;

pub const STAKE: u64 = 1_000;
pub const RICH: u64 = 10 * STAKE;
pub const SECRET: KeyshareKind = KeyshareKind::Secret;
pub const NFT: NftId = 7;
pub const RED: Split = [1; 16];
pub const BLUE: Split = [2; 16];
pub const ALICE: u64 = 1;
pub const BOB: u64 = 2;
/// Enclaves without a slot.
pub const ENCLAVE: u64 = 11;
pub const OTHER_ENCLAVE: u64 = 12;
/// What enclaves run, and its security version.
pub const CODE: (Measurement, u16) = ([1; 32], 3);
pub const BONDING: u64 = 90;
pub const MIGRATION: u64 = 20;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<u64>;
    type DbWeight = RocksDbWeight;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
}

parameter_types! {
    /// Enclaves whose attestation is not live. All others' are.
    pub storage Unattested: BTreeSet<u64> = BTreeSet::new();
    /// What was told to be synced.
    pub storage Told: Vec<(NftId, KeyshareKind)> = Vec::new();
    /// The machines of enclaves that are not on one of their own.
    pub storage Platforms: BTreeMap<u64, PlatformId> = BTreeMap::new();
    /// The code of enclaves that do not run [`CODE`].
    pub storage Codes: BTreeMap<u64, (Measurement, u16)> = BTreeMap::new();
    /// For which operator enclaves have attested, if not for whoever asks.
    pub storage AttestedFor: BTreeMap<u64, u64> = BTreeMap::new();
    pub const ClusterSize: u32 = CLUSTER_SIZE;
    pub const MaxUriLen: u32 = 150;
    pub const ListSizeLimit: u32 = 3;
    pub const TeeBondingDuration: u64 = BONDING;
    pub const MigrationDuration: u64 = MIGRATION;
    pub const InitialStakingAmount: u64 = STAKE;
}

pub struct AllBut;
impl Attestations<u64> for AllBut {
    fn live(account: &u64, operator: &u64) -> Option<AttestationFacts> {
        if Unattested::get().contains(account)
            || AttestedFor::get().get(account).is_some_and(|named| named != operator)
        {
            return None;
        }
        let (measurement, isv_svn) = Codes::get().get(account).copied().unwrap_or(CODE);
        let platform = Platforms::get().get(account).copied().unwrap_or_else(|| platform(*account));
        Some(AttestationFacts { measurement, isv_svn, platform })
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn attest(account: &u64, _: &u64) {
        attest(*account);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn attest_with(account: &u64, _: &u64, facts: AttestationFacts) {
        let (mut codes, mut platforms) = (Codes::get(), Platforms::get());
        codes.insert(*account, (facts.measurement, facts.isv_svn));
        platforms.insert(*account, facts.platform);
        Codes::set(&codes);
        Platforms::set(&platforms);
        attest(*account);
    }
}

/// Starts keyshares of NFTs that nobody keeps.
#[cfg(feature = "runtime-benchmarks")]
pub struct Nfts;
#[cfg(feature = "runtime-benchmarks")]
impl tee_primitives::traits::BenchmarkNfts for Nfts {
    fn create_pending(kind: KeyshareKind) -> NftId {
        let nft_id = crate::LastVersions::<Test>::iter().count() as NftId;
        TEE::start(nft_id, kind);
        nft_id
    }
}

pub struct Tell;
impl OnKeyshareSynced for Tell {
    fn keyshare_synced(nft_id: NftId, kind: KeyshareKind) {
        let mut told = Told::get();
        told.push((nft_id, kind));
        Told::set(&told);
    }
}

impl pallet_tee::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type GovernanceOrigin = EnsureRoot<u64>;
    type Attestations = AllBut;
    type OnKeyshareSynced = Tell;
    type ClusterSize = ClusterSize;
    type MaxUriLen = MaxUriLen;
    type InitialStakingAmount = InitialStakingAmount;
    type TeeBondingDuration = TeeBondingDuration;
    type MigrationDuration = MigrationDuration;
    type ListSizeLimit = ListSizeLimit;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkNfts = Nfts;
}

/// The operator of a slot.
pub fn operator(cluster_id: ClusterId, slot_id: SlotId) -> u64 {
    u64::from(1_000 + 10 * cluster_id + slot_id)
}

/// The enclave of a slot.
pub fn enclave(cluster_id: ClusterId, slot_id: SlotId) -> u64 {
    1_000 + operator(cluster_id, slot_id)
}

/// The machine of an enclave.
pub fn platform(account: u64) -> PlatformId {
    sp_io::hashing::blake2_256(&account.to_le_bytes())
}

/// A chain for a test.
pub struct TestExt {
    clusters: u32,
    balances: Vec<(u64, u64)>,
}

impl TestExt {
    pub fn new() -> Self {
        Self { clusters: 0, balances: Vec::new() }
    }

    /// Full public clusters, from id 0.
    pub fn clusters(self, clusters: u32) -> Self {
        Self { clusters, ..self }
    }

    pub fn balance(mut self, who: u64, amount: u64) -> Self {
        self.balances.push((who, amount));
        self
    }

    /// Runs a test, and checks every invariant afterwards.
    pub fn execute_with(self, test: impl FnOnce()) {
        self.build().execute_with(|| {
            test();
            TEE::do_try_state().unwrap();
        });
    }

    pub fn build(mut self) -> sp_io::TestExternalities {
        for cluster_id in 0..self.clusters {
            for slot_id in 0..CLUSTER_SIZE {
                self.balances.push((operator(cluster_id, slot_id), RICH));
            }
        }
        let genesis = RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig {
                balances: self.balances,
                ..Default::default()
            },
            ..Default::default()
        };
        let mut externalities = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
        externalities.execute_with(|| {
            System::set_block_number(1);
            for cluster_id in 0..self.clusters {
                create_cluster(ClusterType::Public);
                for slot_id in 0..CLUSTER_SIZE {
                    join(cluster_id, slot_id);
                }
            }
            System::reset_events();
        });
        externalities
    }
}

pub fn uri() -> UriOf<Test> {
    b"https://enclave.example:8000".to_vec().try_into().unwrap()
}

pub fn other_uri() -> UriOf<Test> {
    b"https://other.example".to_vec().try_into().unwrap()
}

pub fn root() -> RuntimeOrigin {
    RuntimeOrigin::root()
}

pub fn signed(by: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(by)
}

pub fn register_as(operator: u64, enclave: u64) -> DispatchResult {
    TEE::register_enclave(signed(operator), enclave, uri())
}

pub fn assign(operator: u64, cluster_id: ClusterId, slot_id: SlotId) -> DispatchResult {
    TEE::assign_enclave(root(), operator, cluster_id, slot_id)
}

/// Governance frees a slot.
pub fn leave(cluster_id: ClusterId, slot_id: SlotId) {
    TEE::force_remove_enclave(root(), operator(cluster_id, slot_id)).unwrap();
}

/// Creates an empty cluster under the next id.
pub fn create_cluster(cluster_type: ClusterType) {
    TEE::create_cluster(root(), cluster_type).unwrap();
}

pub fn set_type(cluster_id: ClusterId, cluster_type: ClusterType) {
    TEE::update_cluster(root(), cluster_id, cluster_type).unwrap();
}

/// Governance gives a slot to another enclave at once.
pub fn replace(cluster_id: ClusterId, slot_id: SlotId, by: u64) {
    TEE::force_update_enclave(root(), operator(cluster_id, slot_id), Some(by), None).unwrap();
}

/// The operator of a slot names a successor.
pub fn name_successor(cluster_id: ClusterId, slot_id: SlotId, successor: u64) {
    let operator = signed(operator(cluster_id, slot_id));
    TEE::update_enclave(operator, successor, other_uri()).unwrap();
}

/// The operator of a slot names a successor and governance approves it.
pub fn migrate(cluster_id: ClusterId, slot_id: SlotId, successor: u64) {
    name_successor(cluster_id, slot_id, successor);
    TEE::approve_update_enclave(root(), operator(cluster_id, slot_id)).unwrap();
}

/// Registers the enclave of a slot.
pub fn register(cluster_id: ClusterId, slot_id: SlotId) {
    register_as(operator(cluster_id, slot_id), enclave(cluster_id, slot_id)).unwrap();
}

/// Registers the enclave of a slot and assigns it.
pub fn join(cluster_id: ClusterId, slot_id: SlotId) {
    register(cluster_id, slot_id);
    assign(operator(cluster_id, slot_id), cluster_id, slot_id).unwrap();
}

/// An entry for version 1 of a secret. The commitment differs for each `by`.
pub fn entry(nft_id: NftId, split: Split, by: u64) -> KeyshareConfirmation {
    versioned(nft_id, 1, split, by)
}

/// An entry for any version of a secret.
pub fn versioned(nft_id: NftId, version: Version, split: Split, by: u64) -> KeyshareConfirmation {
    let commitment = sp_io::hashing::blake2_256(&by.to_le_bytes());
    KeyshareConfirmation { nft_id, kind: SECRET, version, split, commitment }
}

/// Submits a batch.
pub fn submit(by: u64, entries: Vec<KeyshareConfirmation>) -> DispatchResultWithPostInfo {
    let batch = ConfirmationBatch::try_from(entries).unwrap();
    RuntimeCall::TEE(pallet_tee::Call::confirm_keyshares { batch })
        .dispatch(RuntimeOrigin::signed(by))
}

/// Whether the fee of a batch is kept after it ran.
pub fn pays(by: u64, entries: Vec<KeyshareConfirmation>) -> Pays {
    let batch = ConfirmationBatch::try_from(entries).unwrap();
    let call = RuntimeCall::TEE(pallet_tee::Call::confirm_keyshares { batch });
    let info = call.get_dispatch_info();
    let result = call.dispatch(RuntimeOrigin::signed(by));
    frame_support::dispatch::extract_actual_pays_fee(&result, &info)
}

/// The enclave of a slot confirms one share of version 1.
pub fn confirm(nft_id: NftId, cluster_id: ClusterId, slot_id: SlotId, split: Split) {
    let by = enclave(cluster_id, slot_id);
    submit(by, vec![entry(nft_id, split, by)]).unwrap();
}

/// The enclaves of some slots confirm one share each.
pub fn confirm_all(
    nft_id: NftId,
    cluster_id: ClusterId,
    slots: impl IntoIterator<Item = SlotId>,
    split: Split,
) {
    for slot_id in slots {
        confirm(nft_id, cluster_id, slot_id, split);
    }
}

pub fn start(nft_id: NftId) {
    TEE::start(nft_id, SECRET);
}

pub fn is_synced(nft_id: NftId) -> bool {
    crate::Keyshares::<Test>::get(nft_id, SECRET).synced.is_some()
}

/// The attestation of an account ends.
pub fn unattest(account: u64) {
    let mut unattested = Unattested::get();
    unattested.insert(account);
    Unattested::set(&unattested);
}

/// The attestation of an account is live again.
pub fn attest(account: u64) {
    let mut unattested = Unattested::get();
    unattested.remove(&account);
    Unattested::set(&unattested);
}

/// An account runs on the machine of another one.
pub fn share_platform(account: u64, with: u64) {
    let mut platforms = Platforms::get();
    let shared = platforms.get(&with).copied().unwrap_or_else(|| platform(with));
    platforms.insert(account, shared);
    Platforms::set(&platforms);
}

/// An account runs other code.
pub fn run(account: u64, measurement: u8, isv_svn: u16) {
    let mut codes = Codes::get();
    codes.insert(account, ([measurement; 32], isv_svn));
    Codes::set(&codes);
}

/// An account has attested for one operator only.
pub fn attest_for(account: u64, operator: u64) {
    let mut attested = AttestedFor::get();
    attested.insert(account, operator);
    AttestedFor::set(&attested);
}

/// What is held of an operator's balance.
pub fn held(who: u64) -> u64 {
    Balances::balance_on_hold(&HoldReason::OperatorStake.into(), &who)
}

/// The enclaves of a cluster confirm a version of a secret.
pub fn sync(nft_id: NftId, cluster_id: ClusterId, version: Version) {
    for slot_id in 0..CLUSTER_SIZE {
        let by = enclave(cluster_id, slot_id);
        submit(by, vec![versioned(nft_id, version, RED, by)]).unwrap();
    }
}

/// The pallet's events since the last call of this function.
pub fn events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}

/// Gives the block's idle time to the pallet.
pub fn idle(limit: Weight) -> Weight {
    <TEE as OnIdle<u64>>::on_idle(System::block_number(), limit)
}
