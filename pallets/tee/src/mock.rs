// SPDX-License-Identifier: Apache-2.0
//! A runtime with only this pallet, and what tests do in it.

use std::collections::BTreeSet;

use frame_support::{
    derive_impl,
    dispatch::{DispatchResultWithPostInfo, GetDispatchInfo, Pays},
    parameter_types,
    traits::OnIdle,
    weights::{constants::RocksDbWeight, Weight},
};
use frame_system::EnsureRoot;
use sp_runtime::{traits::Dispatchable, BuildStorage};
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId, CLUSTER_SIZE},
    keyshare::{KeyshareConfirmation, KeyshareKind, Split, Version},
    nft::NftId,
    traits::{AttestationFacts, Attestations, KeyshareRegistry, OnKeyshareSynced},
};

use crate::{self as pallet_tee, ConfirmationBatch, Event, UriOf};

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
    pub const ClusterSize: u32 = CLUSTER_SIZE;
    pub const MaxUriLen: u32 = 150;
    pub const InitialStakingAmount: u64 = STAKE;
}

pub struct AllBut;
impl Attestations<u64> for AllBut {
    fn live(account: &u64) -> Option<AttestationFacts> {
        (!Unattested::get().contains(account))
            .then_some(AttestationFacts { measurement: [1; 32], platform: [2; 32] })
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
    type WeightInfo = pallet_tee::weights::DbWeights<Test>;
}

/// The operator of a slot.
pub fn operator(cluster_id: ClusterId, slot_id: SlotId) -> u64 {
    u64::from(1_000 + 10 * cluster_id + slot_id)
}

/// The enclave of a slot.
pub fn enclave(cluster_id: ClusterId, slot_id: SlotId) -> u64 {
    1_000 + operator(cluster_id, slot_id)
}

/// Builds a chain, runs a test in it and checks every invariant afterwards.
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

    pub fn execute_with(mut self, test: impl FnOnce()) {
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
                TEE::create_cluster(RuntimeOrigin::root(), ClusterType::Public).unwrap();
                for slot_id in 0..CLUSTER_SIZE {
                    join(cluster_id, slot_id);
                }
            }
            System::reset_events();
            test();
            TEE::do_try_state().unwrap();
        });
    }
}

pub fn uri() -> UriOf<Test> {
    b"https://enclave.example:8000".to_vec().try_into().unwrap()
}

/// Registers the enclave of a slot.
pub fn register(cluster_id: ClusterId, slot_id: SlotId) {
    let operator = RuntimeOrigin::signed(operator(cluster_id, slot_id));
    TEE::register_enclave(operator, enclave(cluster_id, slot_id), uri()).unwrap();
}

/// Registers the enclave of a slot and assigns it.
pub fn join(cluster_id: ClusterId, slot_id: SlotId) {
    register(cluster_id, slot_id);
    let operator = operator(cluster_id, slot_id);
    TEE::assign_enclave(RuntimeOrigin::root(), operator, cluster_id, slot_id).unwrap();
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
