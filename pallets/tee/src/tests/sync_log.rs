// SPDX-License-Identifier: Apache-2.0
//! Versions and the log of their syncs.

use tee_primitives::{
    keyshare::{KeyshareKind, SyncLogEntry},
    traits::KeyshareRegistry,
};

use crate::{mock::*, *};

const RED: [u8; 16] = [1; 16];

fn sync(nft_id: u32, cluster_id: u32, version: u32) {
    for slot_id in 0..5 {
        let by = enclave(cluster_id, slot_id);
        submit(by, vec![versioned(nft_id, version, RED, by)]).unwrap();
    }
}

#[test]
fn the_sync_log_tells_every_sync_in_its_order() {
    TestExt::new().clusters(2).execute_with(|| {
        let syncs = [(3, 0, 1), (1, 1, 1), (3, 1, 2), (2, 0, 1), (3, 0, 3)];
        for (block_number, (nft_id, cluster_id, version)) in (10u64..).zip(syncs) {
            System::set_block_number(block_number);
            start(nft_id);
            sync(nft_id, cluster_id, version);
            TEE::do_try_state().unwrap();
        }
        assert_eq!(SyncCount::<Test>::get(), 5);
        for ((index, block_number), (nft_id, cluster_id, version)) in (0..).zip(10..).zip(syncs) {
            assert_eq!(
                SyncLog::<Test>::get(index),
                Some(SyncLogEntry { nft_id, kind: SECRET, version, cluster_id, block_number })
            );
        }
    });
}

#[test]
fn a_burnt_nft_stays_in_the_sync_log() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        sync(NFT, 0, 1);
        TEE::remove(NFT, SECRET);
        assert_eq!(SyncCount::<Test>::get(), 1);
        assert!(SyncLog::<Test>::contains_key(0));
    });
}

#[test]
fn a_synced_version_stands_while_the_next_is_pending() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        sync(NFT, 0, 1);
        start(NFT);
        let status = TEE::status(NFT, SECRET);
        assert_eq!(status.synced.unwrap().version, 1);
        assert_eq!(status.pending.unwrap().version, 2);

        sync(NFT, 0, 2);
        let status = TEE::status(NFT, SECRET);
        assert_eq!(status.synced.unwrap().version, 2);
        assert_eq!(status.pending, None);
    });
}

#[test]
fn a_version_number_is_never_used_again() {
    TestExt::new().clusters(1).execute_with(|| {
        let pending = || TEE::status(NFT, SECRET).pending.unwrap().version;
        start(NFT);
        assert_eq!(pending(), 1);
        start(NFT);
        assert_eq!(pending(), 2);
        sync(NFT, 0, 2);
        start(NFT);
        assert_eq!(pending(), 3);
        start(NFT);
        assert_eq!(pending(), 4);
    });
}

#[test]
fn the_kinds_of_an_nft_are_separate() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        TEE::start(NFT, KeyshareKind::Capsule);
        sync(NFT, 0, 1);
        assert!(TEE::status(NFT, SECRET).synced.is_some());
        assert!(TEE::status(NFT, KeyshareKind::Capsule).synced.is_none());
        TEE::remove(NFT, KeyshareKind::Capsule);
        assert!(TEE::status(NFT, SECRET).synced.is_some());
    });
}
