// SPDX-License-Identifier: Apache-2.0
//! Confirmations that no longer matter go away, a bounded number at a time.

use frame_support::weights::Weight;
use tee_primitives::{keyshare::MAX_CONFIRMATIONS, traits::KeyshareRegistry};

use crate::{mock::*, sweep::MAX_REMOVED, *};

/// Stored values: one for each version and cluster that has confirmed it.
fn confirmations() -> usize {
    Confirmations::<Test>::iter_keys().count()
}

fn queued() -> usize {
    SweepQueue::<Test>::iter_keys().count()
}

fn unswept() -> u64 {
    SyncCount::<Test>::get() - SweptCount::<Test>::get()
}

fn begin() -> Weight {
    <() as WeightInfo>::sweep_begin()
}

/// What a look for one more confirmation costs.
fn confirmation() -> Weight {
    <() as WeightInfo>::sweep_confirmation()
}

/// What removing one version with confirmations of so many clusters costs.
fn version(clusters: u64) -> Weight {
    // The last look finds that no more is there.
    look() + confirmation() * (clusters + 1)
}

/// What a look at the empty queue costs.
fn look() -> Weight {
    <() as WeightInfo>::sweep_version()
}

/// A version that one cluster has synced and so many others have confirmed in part.
fn sync_among(nft_id: u32, others: u32) {
    start(nft_id);
    for cluster_id in 1..=others {
        confirm_all(nft_id, cluster_id, 0..3, RED);
    }
    sync(nft_id, 0, 1);
}

#[test]
fn a_synced_versions_confirmations_are_swept_in_all_clusters() {
    TestExt::new().clusters(3).execute_with(|| {
        start(NFT + 1);
        confirm_all(NFT + 1, 0, 0..2, RED);
        sync_among(NFT, 2);
        // Also those of the cluster that synced: the fifth was not stored.
        assert_eq!((confirmations(), unswept()), (4, 1));
        let stored = Confirmations::<Test>::get((NFT, SECRET, 1), 0);
        assert_eq!(stored.iter().flatten().count(), 4);

        idle(Weight::MAX);
        assert_eq!((confirmations(), unswept()), (1, 0));
        assert_eq!(TEE::confirmed_slots(NFT + 1, SECRET, 0).len(), 2);
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
        assert_eq!((confirmations(), queued()), (2, 1));

        idle(Weight::MAX);
        assert_eq!((confirmations(), queued()), (1, 0));
        assert!(Confirmations::<Test>::contains_key((NFT, SECRET, 2), 0));
    });
}

#[test]
fn what_was_given_up_is_swept() {
    let give_up: [fn(); 3] =
        [|| TEE::cancel(NFT, SECRET), || TEE::end(NFT, SECRET), || TEE::remove(NFT, SECRET)];
    for give_up in give_up {
        TestExt::new().clusters(2).execute_with(|| {
            start(NFT);
            confirm_all(NFT, 0, 0..3, RED);
            confirm_all(NFT, 1, 0..2, RED);
            give_up();
            assert_eq!((confirmations(), queued()), (2, 1));

            idle(Weight::MAX);
            assert_eq!((confirmations(), queued()), (0, 0));
        });
    }
}

#[test]
fn a_version_that_is_synced_and_removed_before_the_sweep_is_swept() {
    TestExt::new().clusters(2).execute_with(|| {
        sync_among(NFT, 1);
        TEE::remove(NFT, SECRET);
        assert_eq!((confirmations(), unswept()), (2, 1));
        idle(Weight::MAX);
        assert_eq!((confirmations(), unswept()), (0, 0));
    });
}

#[test]
fn the_sweep_stays_within_its_weight_and_resumes() {
    TestExt::new().clusters(4).execute_with(|| {
        sync_among(NFT, 3);

        // Not even enough to look.
        assert_eq!(idle(begin() - Weight::from_parts(1, 0)), Weight::zero());
        assert_eq!(idle(begin()), begin());
        assert_eq!(confirmations(), 4);

        // One confirmation less than all: the version keeps its place, the others are gone.
        let limit = begin() + version(4) - confirmation() * 2;
        assert_eq!(idle(limit), limit);
        assert_eq!((confirmations(), unswept()), (1, 1));
        TEE::do_try_state().unwrap();

        let limit = begin() + version(1);
        assert_eq!(idle(limit), limit);
        assert_eq!((confirmations(), unswept()), (0, 0));
    });
}

#[test]
fn the_queue_of_what_was_given_up_resumes_too() {
    TestExt::new().clusters(3).execute_with(|| {
        start(NFT);
        (0..3).for_each(|cluster_id| confirm(NFT, cluster_id, 0, RED));
        TEE::cancel(NFT, SECRET);

        // Three confirmations, and nothing left for the look that finds no more.
        let limit = begin() + version(2);
        assert_eq!(idle(limit), limit);
        assert_eq!((confirmations(), queued()), (0, 1));
        TEE::do_try_state().unwrap();

        assert_eq!(idle(Weight::MAX), begin() + version(0) + look());
        assert_eq!(queued(), 0);
    });
}

#[test]
fn a_long_log_is_swept_over_many_blocks() {
    const NFTS: u32 = 50;
    TestExt::new().clusters(3).execute_with(|| {
        for nft_id in 0..NFTS {
            sync_among(nft_id, 2);
            start(NFTS + nft_id);
            confirm(NFTS + nft_id, 0, 0, RED);
            TEE::cancel(NFTS + nft_id, SECRET);
        }
        let limit = begin() + version(3) * 3;
        let mut blocks = 0;
        while unswept() > 0 || queued() > 0 {
            let before = (confirmations(), unswept(), queued());
            let used = idle(limit);
            assert!(used.all_lte(limit));
            assert!((confirmations(), unswept(), queued()) < before);
            TEE::do_try_state().unwrap();
            blocks += 1;
        }
        assert_eq!(confirmations(), 0);
        assert!(blocks >= NFTS / 3);
    });
}

#[test]
fn with_nothing_to_do_a_block_pays_two_looks() {
    TestExt::new().execute_with(|| {
        assert_eq!(idle(Weight::MAX), begin() + look());
    });
}

#[test]
fn what_a_block_syncs_is_swept_in_the_next_ones() {
    const NFTS: u32 = 300;
    let confirm_everywhere = |by: u64| {
        for nfts in (0..NFTS).collect::<Vec<_>>().chunks(MAX_CONFIRMATIONS as usize) {
            submit(by, nfts.iter().map(|nft_id| entry(*nft_id, RED, by)).collect()).unwrap();
        }
    };
    let mut chain = TestExt::new().clusters(2).build();
    chain.execute_with(|| {
        (0..NFTS).for_each(start);
        (0..4).for_each(|slot_id| confirm_everywhere(enclave(0, slot_id)));
        confirm_everywhere(enclave(1, 0));
    });
    chain.commit_all().unwrap();

    let limit = begin() + version(2) * 100;
    chain.execute_with(|| {
        confirm_everywhere(enclave(0, 4));
        // No call removes confirmations: the sweep of its block would walk over what it removed.
        assert_eq!((confirmations(), unswept()), (600, 300));
        assert_eq!(idle(limit), limit);
        assert_eq!((confirmations(), unswept()), (400, 200));
    });
    for left in [(200, 100), (0, 0)] {
        chain.commit_all().unwrap();
        chain.execute_with(|| {
            assert_eq!(idle(limit), limit);
            assert_eq!((confirmations(), unswept()), left);
            TEE::do_try_state().unwrap();
        });
    }
}

#[test]
fn a_block_removes_a_limited_number_of_values() {
    // With the confirmations of two clusters and its place in the queue, each version is three
    // values. The limit cuts one in two.
    const VERSIONS: u32 = 700;
    let whole = MAX_REMOVED / 3;
    assert_eq!(MAX_REMOVED % 3, 2);
    let mut chain = TestExt::new().clusters(2).build();
    chain.execute_with(|| {
        for nft_id in 0..VERSIONS {
            start(nft_id);
            (0..2).for_each(|cluster_id| confirm(nft_id, cluster_id, 0, RED));
            TEE::cancel(nft_id, SECRET);
        }
        assert_eq!((confirmations(), queued()), (1_400, 700));
    });
    chain.commit_all().unwrap();

    chain.execute_with(|| {
        let used = begin() + version(2) * whole as u64 + look() + confirmation() * 2;
        assert_eq!(idle(Weight::MAX), used);
        assert_eq!((confirmations(), queued()), (1_400 - 2 * whole - 2, 700 - whole));
        assert_eq!(2_100 - confirmations() - queued(), MAX_REMOVED);
        TEE::do_try_state().unwrap();
    });
    chain.commit_all().unwrap();
    chain.execute_with(|| {
        idle(Weight::MAX);
        assert_eq!((confirmations(), queued()), (0, 0));
    });
}

#[test]
fn the_limit_counts_what_was_synced_too() {
    const SYNCED: u32 = 700;
    let mut chain = TestExt::new().clusters(3).build();
    chain.execute_with(|| (0..SYNCED).for_each(|nft_id| sync_among(nft_id, 2)));
    chain.commit_all().unwrap();
    chain.execute_with(|| {
        assert_eq!((confirmations(), unswept()), (2_100, 700));
        idle(Weight::MAX);
        // The version that the limit has cut keeps its place.
        assert_eq!((confirmations(), unswept()), (100, 34));
        TEE::do_try_state().unwrap();
    });
    chain.commit_all().unwrap();
    chain.execute_with(|| {
        assert_eq!(idle(Weight::MAX), begin() + version(3) * 33 + version(1) + look());
        assert_eq!((confirmations(), unswept()), (0, 0));
    });
}
