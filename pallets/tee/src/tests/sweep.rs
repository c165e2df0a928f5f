// SPDX-License-Identifier: Apache-2.0
//! Confirmations that no longer matter go away, a bounded number at a time.

use frame_support::weights::Weight;
use tee_primitives::traits::KeyshareRegistry;

use crate::{mock::*, weights::DbWeights, *};

const RED: [u8; 16] = [1; 16];

fn confirmations() -> usize {
    Confirmations::<Test>::iter_keys().count()
}

fn queued() -> usize {
    SweepQueue::<Test>::iter_keys().count()
}

/// What removing one version with this many confirmations costs.
fn cost(confirmations: u64) -> Weight {
    DbWeights::<Test>::sweep_version() + DbWeights::<Test>::sweep_confirmation() * confirmations
}

#[test]
fn a_synced_versions_confirmations_are_swept_in_all_clusters() {
    TestExt::new().clusters(2).execute_with(|| {
        start(NFT);
        start(NFT + 1);
        confirm_all(NFT, 0, 0..3, RED);
        confirm_all(NFT + 1, 0, 0..2, RED);
        confirm_all(NFT, 1, 0..5, RED);
        assert_eq!((confirmations(), queued()), (10, 1));

        idle(Weight::MAX);
        assert_eq!((confirmations(), queued()), (2, 0));
        assert_eq!(Confirmations::<Test>::iter_prefix((NFT + 1, SECRET, 1)).count(), 2);
    });
}

#[test]
fn a_superseded_version_is_swept_and_the_pending_one_is_not() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..3, RED);
        start(NFT);
        let by = enclave(0, 0);
        submit(by, vec![versioned(NFT, 2, RED, by)]).unwrap();
        assert_eq!((confirmations(), queued()), (4, 1));

        idle(Weight::MAX);
        assert_eq!((confirmations(), queued()), (1, 0));
        assert!(Confirmations::<Test>::contains_key((NFT, SECRET, 2), (0, 0)));
    });
}

#[test]
fn a_removed_keyshares_confirmations_are_swept() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..3, RED);
        TEE::remove(NFT, SECRET);
        assert!(!Keyshares::<Test>::contains_key(NFT, SECRET));

        idle(Weight::MAX);
        assert_eq!((confirmations(), queued()), (0, 0));
    });
}

#[test]
fn removing_what_is_unknown_leaves_nothing_behind() {
    TestExt::new().execute_with(|| {
        TEE::remove(NFT, SECRET);
        assert_eq!(queued(), 0);
        assert!(!Keyshares::<Test>::contains_key(NFT, SECRET));
    });
}

#[test]
fn the_sweep_stays_within_its_weight_and_resumes() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..5, RED);

        // Not even enough to look.
        let too_little = DbWeights::<Test>::sweep_version() - Weight::from_parts(1, 0);
        assert_eq!(idle(too_little), Weight::zero());
        assert_eq!(confirmations(), 5);

        assert_eq!(idle(cost(2)), cost(2));
        assert_eq!((confirmations(), queued()), (3, 1));
        TEE::do_try_state().unwrap();

        // Three confirmations and the look that finds no more.
        assert_eq!(idle(cost(4)), cost(4));
        assert_eq!((confirmations(), queued()), (0, 0));
    });
}

#[test]
fn a_long_queue_is_swept_over_many_blocks() {
    const NFTS: u32 = 50;
    TestExt::new().clusters(1).execute_with(|| {
        for nft_id in 0..NFTS {
            start(nft_id);
            confirm_all(nft_id, 0, 0..5, RED);
        }
        let limit = cost(20);
        let mut blocks = 0;
        while queued() > 0 {
            let before = confirmations();
            let used = idle(limit);
            assert!(used.all_lte(limit));
            assert!(before - confirmations() <= 20);
            assert!(confirmations() < before);
            TEE::do_try_state().unwrap();
            blocks += 1;
        }
        assert_eq!(confirmations(), 0);
        assert!(blocks >= 250 / 20);
    });
}

#[test]
fn an_empty_queue_costs_one_look() {
    TestExt::new().execute_with(|| {
        assert_eq!(idle(Weight::MAX), DbWeights::<Test>::sweep_version());
    });
}
