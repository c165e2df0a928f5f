// SPDX-License-Identifier: Apache-2.0
//! A runtime with only this pallet, and what tests do in it.

use std::collections::BTreeMap;

use codec::{Decode, Encode};
use frame_support::{derive_impl, parameter_types, weights::constants::RocksDbWeight};
use frame_system::EnsureRoot;
use sp_runtime::{traits::IdentityLookup, BuildStorage, Permill};
use tee_primitives::{
    keyshare::{KeyshareKind, KeyshareStatus, PendingKeyshare, SyncedKeyshare, Version},
    nft::{CollectionId, NftId, NftState},
    traits::{KeyshareRegistry, OnKeyshareSynced},
};

use crate::{
    self as pallet_nft, CollectionOf, CollectionOffchainDataOf, Error, Event, NftOf, Nfts,
    OffchainDataOf,
};

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
    #[runtime::pallet_index(29)]
    pub type NFT = pallet_nft::Pallet<Test>;
}

type Block = frame_system::mocking::MockBlock<Test>;

pub const ALICE: u64 = 1;
pub const BOB: u64 = 2;
pub const POOR: u64 = 3;
pub const TREASURY: u64 = 9;
pub const RICH: u64 = 1_000;
pub const MINT_FEE: u64 = 10;
pub const SECRET_FEE: u64 = 50;
pub const CAPSULE_FEE: u64 = 100;
pub const SIZE_LIMIT: u32 = 5;
pub const SECRET: KeyshareKind = KeyshareKind::Secret;
pub const CAPSULE: KeyshareKind = KeyshareKind::Capsule;
pub const ROYALTY: Permill = Permill::from_percent(5);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<u64>;
    type DbWeight = RocksDbWeight;
    type Lookup = IdentityLookup<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
}

/// What [`Versions`] knows of an NFT and kind.
#[derive(Clone, Copy, Decode, Default, Encode)]
pub struct Record {
    /// The newest version that was ever started.
    newest: Version,
    status: KeyshareStatus,
}

parameter_types! {
    pub storage Records: BTreeMap<(NftId, KeyshareKind), Record> = BTreeMap::new();
    pub const FeesCollector: u64 = TREASURY;
    pub const InitialMintFee: u64 = MINT_FEE;
    pub const InitialSecretMintFee: u64 = SECRET_FEE;
    pub const InitialCapsuleMintFee: u64 = CAPSULE_FEE;
    pub const NFTOffchainDataLimit: u32 = 150;
    pub const CollectionOffchainDataLimit: u32 = 150;
    pub const CollectionSizeLimit: u32 = SIZE_LIMIT;
}

/// A registry of versions, in which no enclave confirms anything.
pub struct Versions;
impl Versions {
    fn mutate(nft_id: NftId, kind: KeyshareKind, change: impl FnOnce(&mut Record)) {
        let mut records = Records::get();
        change(records.entry((nft_id, kind)).or_default());
        Records::set(&records);
    }

    /// Makes the pending version synced.
    fn complete(nft_id: NftId, kind: KeyshareKind) {
        Self::mutate(nft_id, kind, |Record { status, .. }| {
            let PendingKeyshare { version, .. } = status.pending.take().unwrap();
            status.synced = Some(SyncedKeyshare {
                version,
                cluster_id: 0,
                block_number: 1,
                commitments: [[0; 32]; 5],
            });
        });
    }
}

impl KeyshareRegistry for Versions {
    fn status(nft_id: NftId, kind: KeyshareKind) -> KeyshareStatus {
        Records::get().get(&(nft_id, kind)).copied().unwrap_or_default().status
    }

    fn start(nft_id: NftId, kind: KeyshareKind) {
        Self::mutate(nft_id, kind, |record| {
            record.newest += 1;
            record.status.pending = Some(PendingKeyshare { version: record.newest, since: 1 });
        });
    }

    fn cancel(nft_id: NftId, kind: KeyshareKind) {
        Self::mutate(nft_id, kind, |record| record.status.pending = None);
    }

    fn end(nft_id: NftId, kind: KeyshareKind) {
        Self::mutate(nft_id, kind, |record| record.status = KeyshareStatus::default());
    }

    fn remove(nft_id: NftId, kind: KeyshareKind) {
        let mut records = Records::get();
        records.remove(&(nft_id, kind));
        Records::set(&records);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn force_sync(nft_id: NftId, kind: KeyshareKind, _: tee_primitives::cluster::ClusterId) {
        sync(nft_id, kind);
    }
}

impl pallet_nft::Config for Test {
    type Currency = Balances;
    type GovernanceOrigin = EnsureRoot<u64>;
    type Keyshares = Versions;
    type FeesCollector = FeesCollector;
    type InitialMintFee = InitialMintFee;
    type InitialSecretMintFee = InitialSecretMintFee;
    type InitialCapsuleMintFee = InitialCapsuleMintFee;
    type NFTOffchainDataLimit = NFTOffchainDataLimit;
    type CollectionOffchainDataLimit = CollectionOffchainDataLimit;
    type CollectionSizeLimit = CollectionSizeLimit;
    type WeightInfo = ();
}

/// A chain where Alice and Bob are rich.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![(ALICE, RICH), (BOB, RICH), (POOR, 1), (TREASURY, 1)],
            ..Default::default()
        },
        ..Default::default()
    };
    let mut externalities = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test on such a chain, and checks every invariant afterwards.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        NFT::do_try_state().unwrap();
    });
}

pub fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

pub fn data(bytes: &[u8]) -> OffchainDataOf<Test> {
    bytes.to_vec().try_into().unwrap()
}

pub fn collection_data(bytes: &[u8]) -> CollectionOffchainDataOf<Test> {
    bytes.to_vec().try_into().unwrap()
}

/// Alice creates an NFT.
pub fn create() -> NftId {
    NFT::create_nft(signed(ALICE), data(b"public"), ROYALTY, None, false).unwrap();
    crate::NextNFTId::<Test>::get() - 1
}

/// Alice creates a secret NFT, which is syncing.
pub fn create_secret() -> NftId {
    NFT::create_secret_nft(signed(ALICE), data(b"public"), data(b"secret"), ROYALTY, None, false)
        .unwrap();
    crate::NextNFTId::<Test>::get() - 1
}

/// Alice creates a capsule, which is syncing.
pub fn create_capsule() -> NftId {
    NFT::create_capsule(signed(ALICE), data(b"public"), data(b"capsule"), ROYALTY, None, false)
        .unwrap();
    crate::NextNFTId::<Test>::get() - 1
}

/// Alice creates a capsule, and the enclaves confirm it.
pub fn create_synced_capsule() -> NftId {
    let nft_id = create_capsule();
    sync(nft_id, CAPSULE);
    nft_id
}

/// Alice creates a collection.
pub fn create_collection(limit: Option<u32>) -> CollectionId {
    NFT::create_collection(signed(ALICE), collection_data(b"about"), limit).unwrap();
    crate::NextCollectionId::<Test>::get() - 1
}

/// Alice creates an NFT in a collection.
pub fn create_in(collection_id: CollectionId) -> sp_runtime::DispatchResult {
    NFT::create_nft(signed(ALICE), data(b"public"), ROYALTY, Some(collection_id), false)
}

/// The enclaves confirm.
pub fn sync(nft_id: NftId, kind: KeyshareKind) {
    Versions::complete(nft_id, kind);
    NFT::keyshare_synced(nft_id, kind);
}

/// The synced and the pending version.
pub fn versions(nft_id: NftId, kind: KeyshareKind) -> (Option<Version>, Option<Version>) {
    let KeyshareStatus { synced, pending } = Versions::status(nft_id, kind);
    (synced.map(|synced| synced.version), pending.map(|pending| pending.version))
}

pub fn nft(nft_id: NftId) -> NftOf<Test> {
    Nfts::<Test>::get(nft_id).unwrap()
}

pub fn collection(collection_id: CollectionId) -> CollectionOf<Test> {
    crate::Collections::<Test>::get(collection_id).unwrap()
}

/// A flag of an NFT's state, and the error of a call that it forbids.
pub type Rule = (fn(&mut NftState), Error<Test>);

/// Breaks each of a call's rules together with all those after it, and tells the error that is
/// due: that of the first.
pub fn break_each<const N: usize>(nft_id: NftId, rules: [Rule; N], then: impl Fn(Error<Test>)) {
    let before = nft(nft_id);
    let flags = rules.each_ref().map(|(flag, _)| *flag);
    for (first, (_, error)) in rules.into_iter().enumerate() {
        Nfts::<Test>::mutate_extant(nft_id, |nft| {
            flags[first..].iter().for_each(|flag| flag(&mut nft.state));
        });
        then(error);
        Nfts::<Test>::insert(nft_id, &before);
    }
}

/// The pallet's events since the last call of this function.
pub fn events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
