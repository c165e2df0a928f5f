// SPDX-License-Identifier: Apache-2.0
//! The log of syncs.

use tee_primitives::{keyshare::SyncLogEntry, traits::KeyshareRegistry};

use crate::{mock::*, *};

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
