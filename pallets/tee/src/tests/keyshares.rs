// SPDX-License-Identifier: Apache-2.0
//! Versions of keyshares: no number is ever used twice, whatever happens in between.

use tee_primitives::{
    keyshare::{KeyshareKind, KeyshareStatus, PendingKeyshare},
    traits::KeyshareRegistry,
};

use crate::{mock::*, *};

fn pending() -> u32 {
    TEE::status(NFT, SECRET).pending.unwrap().version
}

#[test]
fn a_version_number_is_never_used_again() {
    TestExt::new().clusters(1).execute_with(|| {
        let give_up: [fn(); 4] = [
            || {},
            || TEE::cancel(NFT, SECRET),
            || TEE::end(NFT, SECRET),
            || sync(NFT, 0, pending()),
        ];
        for (version, give_up) in (1..).zip(give_up.into_iter().cycle().take(12)) {
            start(NFT);
            assert_eq!(pending(), version);
            give_up();
            TEE::do_try_state().unwrap();
        }
    });
}

#[test]
fn cancelling_keeps_the_synced_version() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        sync(NFT, 0, 1);
        let synced = TEE::status(NFT, SECRET);
        start(NFT);
        confirm_all(NFT, 0, 0..3, RED);
        TEE::cancel(NFT, SECRET);
        assert_eq!(TEE::status(NFT, SECRET), synced);

        // Without a pending version there is nothing to cancel.
        TEE::cancel(NFT, SECRET);
        assert_eq!(TEE::status(NFT, SECRET), synced);
        assert_eq!(ClusterHoldings::<Test>::get(0).keyshares, 1);
    });
}

#[test]
fn cancelling_the_first_version_leaves_no_keyshares() {
    TestExt::new().execute_with(|| {
        TEE::cancel(NFT, SECRET);
        start(NFT);
        TEE::cancel(NFT, SECRET);
        assert!(!Keyshares::<Test>::contains_key(NFT, SECRET));
        assert_eq!(LastVersions::<Test>::get(NFT, SECRET), 1);
    });
}

#[test]
fn ended_keyshares_can_begin_again_and_removed_ones_are_forgotten() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        sync(NFT, 0, 1);
        start(NFT);
        TEE::end(NFT, SECRET);
        assert_eq!(TEE::status(NFT, SECRET), KeyshareStatus::default());
        assert_eq!(ClusterHoldings::<Test>::get(0).keyshares, 0);
        System::set_block_number(7);
        start(NFT);
        assert_eq!(
            TEE::status(NFT, SECRET),
            KeyshareStatus {
                synced: None,
                pending: Some(PendingKeyshare { version: 3, since: 7 })
            }
        );

        TEE::remove(NFT, SECRET);
        assert!(!Keyshares::<Test>::contains_key(NFT, SECRET));
        assert!(!LastVersions::<Test>::contains_key(NFT, SECRET));
    });
}

#[test]
fn ending_what_is_unknown_leaves_nothing_behind() {
    TestExt::new().execute_with(|| {
        TEE::end(NFT, SECRET);
        TEE::remove(NFT, SECRET);
        assert_eq!(SweepQueue::<Test>::iter().count(), 0);
        assert_eq!(Keyshares::<Test>::iter().count(), 0);
        assert_eq!(LastVersions::<Test>::iter().count(), 0);
        assert_eq!(ClusterHoldings::<Test>::iter().count(), 0);
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
        TEE::end(NFT, KeyshareKind::Capsule);
        assert!(TEE::status(NFT, SECRET).synced.is_some());
        TEE::start(NFT, KeyshareKind::Capsule);
        TEE::cancel(NFT, SECRET);
        assert!(TEE::status(NFT, KeyshareKind::Capsule).pending.is_some());
    });
}
