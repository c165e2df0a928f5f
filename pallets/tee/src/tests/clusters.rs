// SPDX-License-Identifier: Apache-2.0
//! Clusters: their ids, their types and their end.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::{
    cluster::{Cluster, ClusterType},
    traits::KeyshareRegistry,
};

use crate::{mock::*, *};

const TYPES: [ClusterType; 4] =
    [ClusterType::Disabled, ClusterType::Admin, ClusterType::Public, ClusterType::Private];

#[test]
fn clusters_are_numbered_from_zero_and_no_id_is_used_again() {
    TestExt::new().execute_with(|| {
        for (cluster_id, cluster_type) in (0..).zip(TYPES) {
            create_cluster(cluster_type);
            assert_eq!(events(), [Event::ClusterAdded { cluster_id, cluster_type }]);
            assert_eq!(
                ClusterData::<Test>::get(cluster_id),
                Some(Cluster { enclaves: Default::default(), cluster_type })
            );
        }
        assert_ok!(TEE::remove_cluster(root(), 3));
        assert_eq!(events(), [Event::ClusterRemoved { cluster_id: 3 }]);
        create_cluster(ClusterType::Public);
        assert_eq!(
            events(),
            [Event::ClusterAdded { cluster_id: 4, cluster_type: ClusterType::Public }]
        );

        NextClusterId::<Test>::put(u32::MAX);
        assert_noop!(
            TEE::create_cluster(root(), ClusterType::Public),
            Error::<Test>::ClusterIdsExhausted
        );
    });
}

#[test]
fn a_cluster_that_never_confirmed_anything_becomes_anything() {
    for before in TYPES {
        for after in TYPES {
            TestExt::new().clusters(1).execute_with(|| {
                set_type(0, before);
                events();
                assert_ok!(TEE::update_cluster(root(), 0, after));
                let cluster_type = after;
                assert_eq!(events(), [Event::ClusterUpdated { cluster_id: 0, cluster_type }]);
                assert_eq!(ClusterData::<Test>::get(0).unwrap().cluster_type, after);
            });
        }
    }
}

#[test]
fn a_cluster_with_keyshares_is_disabled_and_enabled_and_nothing_else() {
    for before in [ClusterType::Public, ClusterType::Private] {
        TestExt::new().clusters(1).execute_with(|| {
            set_type(0, before);
            start(NFT);
            sync(NFT, 0, 1);
            for _ in 0..2 {
                for after in TYPES {
                    if after == ClusterType::Disabled {
                        continue;
                    }
                    let update = TEE::update_cluster(root(), 0, after);
                    assert_eq!(update.is_ok(), after == before, "{before:?} to {after:?}");
                }
                // The second time round, as a disabled cluster.
                set_type(0, ClusterType::Disabled);
            }
            assert_noop!(
                TEE::update_cluster(root(), 0, ClusterType::Admin),
                Error::<Test>::ClusterHoldsKeyshares
            );
            // Also when its keyshares have ended: their owners may have kept them elsewhere.
            TEE::end(NFT, SECRET);
            assert_eq!(ClusterHoldings::<Test>::get(0).keyshares, 0);
            assert_noop!(
                TEE::update_cluster(root(), 0, ClusterType::Admin),
                Error::<Test>::ClusterHoldsKeyshares
            );
            assert_ok!(TEE::update_cluster(root(), 0, before));
        });
    }
}

#[test]
fn a_cluster_whose_keyshares_have_moved_on_keeps_its_promise_and_can_be_removed() {
    TestExt::new().clusters(2).execute_with(|| {
        start(NFT);
        sync(NFT, 0, 1);
        start(NFT);
        assert_noop!(
            TEE::update_cluster(root(), 0, ClusterType::Private),
            Error::<Test>::ClusterHoldsKeyshares
        );
        sync(NFT, 1, 2);
        assert_eq!(ClusterHoldings::<Test>::get(0), Holdings { keyshares: 0, synced_until: 1 });
        assert_eq!(ClusterHoldings::<Test>::get(1), Holdings { keyshares: 1, synced_until: 2 });
        assert_noop!(
            TEE::update_cluster(root(), 0, ClusterType::Private),
            Error::<Test>::ClusterHoldsKeyshares
        );
        (0..5).for_each(|slot_id| leave(0, slot_id));
        assert_ok!(TEE::remove_cluster(root(), 0));
    });
}

#[test]
fn a_private_cluster_that_was_given_shares_never_becomes_public() {
    TestExt::new().clusters(1).execute_with(|| {
        let refused = |cluster_type| {
            assert_noop!(
                TEE::update_cluster(root(), 0, cluster_type),
                Error::<Test>::ClusterHoldsKeyshares
            );
        };
        set_type(0, ClusterType::Private);
        start(NFT);
        confirm_all(NFT, 0, 0..4, RED);
        assert!(!is_synced(NFT));
        assert_eq!(ClusterHoldings::<Test>::get(0), Holdings::default());
        refused(ClusterType::Public);
        refused(ClusterType::Admin);
        // Nor by way of being disabled.
        set_type(0, ClusterType::Disabled);
        refused(ClusterType::Public);
        refused(ClusterType::Admin);
        // Nor when nobody waits for the version any more.
        TEE::remove(NFT, SECRET);
        idle(frame_support::weights::Weight::MAX);
        assert_eq!(Confirmations::<Test>::iter().count(), 0);
        refused(ClusterType::Public);
        set_type(0, ClusterType::Private);
        refused(ClusterType::Public);
    });
}

#[test]
fn a_cluster_holds_each_keyshare_once_however_often_it_is_renewed() {
    TestExt::new().clusters(1).execute_with(|| {
        for version in 1..4 {
            start(NFT);
            sync(NFT, 0, version);
            assert_eq!(ClusterHoldings::<Test>::get(0).keyshares, 1);
        }
        start(NFT);
        TEE::cancel(NFT, SECRET);
        assert_eq!(ClusterHoldings::<Test>::get(0).keyshares, 1);
        TEE::remove(NFT, SECRET);
        assert_eq!(ClusterHoldings::<Test>::get(0), Holdings { keyshares: 0, synced_until: 3 });
    });
}

#[test]
fn only_an_empty_cluster_without_keyshares_is_removed() {
    TestExt::new().clusters(1).execute_with(|| {
        let remove = || TEE::remove_cluster(root(), 0);
        start(NFT);
        sync(NFT, 0, 1);
        set_type(0, ClusterType::Disabled);
        assert_noop!(remove(), Error::<Test>::ClusterIsNotEmpty);
        (0..5).for_each(|slot_id| leave(0, slot_id));
        assert_noop!(remove(), Error::<Test>::ClusterHoldsKeyshares);

        TEE::remove(NFT, SECRET);
        events();
        assert_ok!(remove());
        assert_eq!(events(), [Event::ClusterRemoved { cluster_id: 0 }]);
        assert!(!ClusterData::<Test>::contains_key(0));
        assert!(!ClusterHoldings::<Test>::contains_key(0));
        assert!(!DisabledClusters::<Test>::contains_key(0));
        assert_noop!(remove(), Error::<Test>::ClusterNotFound);
    });
}

#[test]
fn an_unknown_cluster_is_not_changed() {
    TestExt::new().execute_with(|| {
        assert_noop!(
            TEE::update_cluster(root(), 0, ClusterType::Disabled),
            Error::<Test>::ClusterNotFound
        );
    });
}

#[test]
fn what_a_removed_cluster_had_confirmed_is_swept_with_its_version() {
    TestExt::new().clusters(2).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..3, RED);
        (0..5).for_each(|slot_id| leave(0, slot_id));
        assert_ok!(TEE::remove_cluster(root(), 0));
        sync(NFT, 1, 1);
        idle(frame_support::weights::Weight::MAX);
        assert_eq!(Confirmations::<Test>::iter().count(), 0);
    });
}
