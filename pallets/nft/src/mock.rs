// SPDX-License-Identifier: Apache-2.0
//! A runtime with only this pallet, and what tests do in it.

use std::collections::BTreeMap;

use frame_support::{derive_impl, parameter_types, weights::constants::RocksDbWeight};
use sp_runtime::{traits::IdentityLookup, BuildStorage, Permill};
use tee_primitives::{
    keyshare::{KeyshareKind, KeyshareStatus, PendingKeyshare, SyncedKeyshare},
    nft::{NftId, NftState},
    traits::{KeyshareRegistry, OnKeyshareSynced},
};

use crate::{self as pallet_nft, Event, NftOf, Nfts, OffchainDataOf};

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
        RuntimeTask
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
pub const SECRET: KeyshareKind = KeyshareKind::Secret;
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

parameter_types! {
    pub storage Registry: BTreeMap<(NftId, KeyshareKind), KeyshareStatus> = BTreeMap::new();
    pub const FeesCollector: u64 = TREASURY;
    pub const InitialMintFee: u64 = MINT_FEE;
    pub const InitialSecretMintFee: u64 = SECRET_FEE;
    pub const NFTOffchainDataLimit: u32 = 150;
}

/// A registry that starts one version and syncs it when told.
pub struct OneVersion;
impl OneVersion {
    fn set(nft_id: NftId, kind: KeyshareKind, status: Option<KeyshareStatus>) {
        let mut registry = Registry::get();
        registry.remove(&(nft_id, kind));
        registry.extend(status.map(|status| ((nft_id, kind), status)));
        Registry::set(&registry);
    }
}

impl KeyshareRegistry for OneVersion {
    fn status(nft_id: NftId, kind: KeyshareKind) -> KeyshareStatus {
        Registry::get().get(&(nft_id, kind)).copied().unwrap_or_default()
    }

    fn start(nft_id: NftId, kind: KeyshareKind) {
        let pending = Some(PendingKeyshare { version: 1, since: 1 });
        Self::set(nft_id, kind, Some(KeyshareStatus { synced: None, pending }));
    }

    fn remove(nft_id: NftId, kind: KeyshareKind) {
        Self::set(nft_id, kind, None);
    }
}

impl pallet_nft::Config for Test {
    type Currency = Balances;
    type Keyshares = OneVersion;
    type FeesCollector = FeesCollector;
    type InitialMintFee = InitialMintFee;
    type InitialSecretMintFee = InitialSecretMintFee;
    type NFTOffchainDataLimit = NFTOffchainDataLimit;
    type WeightInfo = pallet_nft::weights::DbWeights<Test>;
}

/// Runs a test on a chain where Alice and Bob are rich, and checks every invariant afterwards.
pub fn run(test: impl FnOnce()) {
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![(ALICE, RICH), (BOB, RICH), (POOR, 1), (TREASURY, 1)],
            ..Default::default()
        },
        ..Default::default()
    };
    let mut externalities = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
    externalities.execute_with(|| {
        System::set_block_number(1);
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

/// The enclaves confirm.
pub fn sync(nft_id: NftId, kind: KeyshareKind) {
    let synced =
        SyncedKeyshare { version: 1, cluster_id: 0, block_number: 1, commitments: [[0; 32]; 5] };
    let status = KeyshareStatus { synced: Some(synced), pending: None };
    OneVersion::set(nft_id, kind, Some(status));
    NFT::keyshare_synced(nft_id, kind);
}

pub fn nft(nft_id: NftId) -> NftOf<Test> {
    Nfts::<Test>::get(nft_id).unwrap()
}

/// Runs something on an NFT with other flags, and sets them back.
pub fn with_state(nft_id: NftId, flags: impl FnOnce(&mut NftState), then: impl FnOnce()) {
    let before = nft(nft_id);
    Nfts::<Test>::mutate_extant(nft_id, |nft| flags(&mut nft.state));
    then();
    Nfts::<Test>::insert(nft_id, before);
}

/// The pallet's events since the last call of this function.
pub fn events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}
