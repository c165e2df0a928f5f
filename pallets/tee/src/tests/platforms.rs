// SPDX-License-Identifier: Apache-2.0
//! Which machine may serve which slot.

use frame_support::{assert_noop, assert_ok, pallet_prelude::DispatchResult};
use tee_primitives::cluster::{ClusterId, ClusterType};

use crate::{mock::*, *};

fn serving(account: u64) -> Option<PlatformSlot> {
    PublicPlatforms::<Test>::get(platform(account))
}

fn serves(slot_id: u32, enclaves: u32) -> Option<PlatformSlot> {
    Some(PlatformSlot { slot_id, enclaves })
}

fn approve(cluster_id: ClusterId, slot_id: u32) -> DispatchResult {
    TEE::approve_update_enclave(root(), operator(cluster_id, slot_id))
}

fn update_cluster(cluster_id: ClusterId, cluster_type: ClusterType) -> DispatchResult {
    TEE::update_cluster(root(), cluster_id, cluster_type)
}

/// A full public cluster 0, an empty public cluster 1, and Alice with a registered enclave.
fn alice_waits() -> TestExt {
    TestExt::new().clusters(1).balance(ALICE, RICH).balance(BOB, RICH)
}

fn with_alice(test: impl FnOnce()) {
    alice_waits().execute_with(|| {
        create_cluster(ClusterType::Public);
        register_as(ALICE, ENCLAVE).unwrap();
        test();
    });
}

#[test]
fn a_machine_serves_one_slot_number_in_all_public_clusters() {
    with_alice(|| {
        share_platform(ENCLAVE, enclave(0, 2));
        assert_noop!(assign(ALICE, 1, 3), Error::<Test>::PlatformServesAnotherSlot);
        assert_eq!(serving(enclave(0, 2)), serves(2, 1));
        assert_ok!(assign(ALICE, 1, 2));
        assert_eq!(serving(enclave(0, 2)), serves(2, 2));
        leave(0, 2);
        assert_eq!(serving(enclave(0, 2)), serves(2, 1));
    });
}

#[test]
fn a_machine_runs_one_enclave_of_a_cluster() {
    with_alice(|| {
        for cluster_type in [ClusterType::Private, ClusterType::Admin, ClusterType::Public] {
            set_type(1, cluster_type);
            assert_ok!(assign(ALICE, 1, 0));
            share_platform(OTHER_ENCLAVE, ENCLAVE);
            register_as(BOB, OTHER_ENCLAVE).unwrap();
            for slot_id in 1..5 {
                assert_noop!(assign(BOB, 1, slot_id), Error::<Test>::PlatformAlreadyInCluster);
            }
            TEE::unregister_enclave(signed(BOB)).unwrap();
            TEE::force_remove_enclave(root(), ALICE).unwrap();
            System::set_block_number(System::block_number() + BONDING);
            TEE::withdraw_unbonded(signed(ALICE)).unwrap();
            register_as(ALICE, ENCLAVE).unwrap();
        }
    });
}

#[test]
fn a_machine_keeps_its_slot_number_until_governance_forgets_it() {
    with_alice(|| {
        let machine = platform(enclave(0, 2));
        let forget = || TEE::forget_platform(root(), machine);
        share_platform(ENCLAVE, enclave(0, 2));
        assert_noop!(forget(), Error::<Test>::PlatformIsServing);
        leave(0, 2);
        assert_eq!(serving(enclave(0, 2)), serves(2, 0));
        assert_noop!(assign(ALICE, 1, 3), Error::<Test>::PlatformServesAnotherSlot);
        // The same number it may serve again.
        assert_ok!(assign(ALICE, 1, 2));
        assert_noop!(forget(), Error::<Test>::PlatformIsServing);
        TEE::force_remove_enclave(root(), ALICE).unwrap();
        events();

        assert_ok!(forget());
        assert_eq!(events(), [Event::PlatformForgotten { platform: machine, slot_id: 2 }]);
        assert_noop!(forget(), Error::<Test>::PlatformNotFound);
        share_platform(OTHER_ENCLAVE, enclave(0, 2));
        register_as(BOB, OTHER_ENCLAVE).unwrap();
        assert_ok!(assign(BOB, 1, 3));
        assert_eq!(serving(enclave(0, 2)), serves(3, 1));
    });
}

#[test]
fn a_machine_that_never_served_in_public_cannot_be_forgotten() {
    with_alice(|| {
        let forget = || TEE::forget_platform(root(), platform(ENCLAVE));
        assert_noop!(forget(), Error::<Test>::PlatformNotFound);
        set_type(1, ClusterType::Private);
        assert_ok!(assign(ALICE, 1, 3));
        assert_noop!(forget(), Error::<Test>::PlatformNotFound);
    });
}

#[test]
fn a_successors_machine_is_not_forgotten_while_it_may_copy() {
    with_alice(|| {
        let forget = || TEE::forget_platform(root(), platform(ENCLAVE));
        migrate(0, 2, ENCLAVE);
        assert_noop!(forget(), Error::<Test>::PlatformIsServing);
        System::set_block_number(1 + MIGRATION + 1);
        assert_noop!(forget(), Error::<Test>::PlatformIsServing);
        TEE::reject_update(root(), operator(0, 2)).unwrap();
        assert_ok!(forget());
    });
}

#[test]
fn clusters_that_are_not_public_do_not_bind_a_machine() {
    with_alice(|| {
        share_platform(ENCLAVE, enclave(0, 2));
        set_type(1, ClusterType::Private);
        assert_ok!(assign(ALICE, 1, 3));
        assert_eq!(serving(enclave(0, 2)), serves(2, 1));
    });
}

#[test]
fn a_cluster_becomes_public_only_if_none_of_its_machines_serves_another_slot() {
    with_alice(|| {
        share_platform(ENCLAVE, enclave(0, 2));
        for before in [ClusterType::Private, ClusterType::Admin] {
            set_type(1, before);
            if TEE::cluster_of(ENCLAVE).is_none() {
                assert_ok!(assign(ALICE, 1, 3));
            }
            assert_noop!(
                update_cluster(1, ClusterType::Public),
                Error::<Test>::PlatformServesAnotherSlot
            );
            // Nor by way of being disabled.
            assert_ok!(update_cluster(1, ClusterType::Disabled));
            assert_noop!(
                update_cluster(1, ClusterType::Public),
                Error::<Test>::PlatformServesAnotherSlot
            );
            assert_ok!(update_cluster(1, before));
        }
        leave(0, 2);
        assert_noop!(
            update_cluster(1, ClusterType::Public),
            Error::<Test>::PlatformServesAnotherSlot
        );
        TEE::forget_platform(root(), platform(enclave(0, 2))).unwrap();
        assert_ok!(update_cluster(1, ClusterType::Public));
        assert_eq!(serving(enclave(0, 2)), serves(3, 1));
    });
}

#[test]
fn the_machines_of_a_cluster_that_is_no_longer_public_do_not_serve_and_keep_their_numbers() {
    with_alice(|| {
        share_platform(ENCLAVE, enclave(0, 2));
        migrate(0, 1, OTHER_ENCLAVE);
        set_type(0, ClusterType::Private);
        assert_eq!(PublicPlatforms::<Test>::iter().count(), 6);
        assert!(PublicPlatforms::<Test>::iter_values().all(|served| served.enclaves == 0));
        assert_noop!(assign(ALICE, 1, 3), Error::<Test>::PlatformServesAnotherSlot);
        TEE::forget_platform(root(), platform(enclave(0, 2))).unwrap();
        assert_ok!(assign(ALICE, 1, 3));
        assert_noop!(
            update_cluster(0, ClusterType::Public),
            Error::<Test>::PlatformServesAnotherSlot
        );
        assert_eq!(serving(enclave(0, 2)), serves(3, 1));
    });
}

#[test]
fn disabling_a_cluster_and_enabling_it_again_changes_no_machines_slot() {
    with_alice(|| {
        let index = || {
            let mut index: Vec<_> = PublicPlatforms::<Test>::iter().collect();
            index.sort_by_key(|(platform, _)| *platform);
            index
        };
        migrate(0, 1, OTHER_ENCLAVE);
        let before = index();
        assert_eq!(before.len(), 6);
        assert_ok!(update_cluster(0, ClusterType::Disabled));
        assert_eq!(index(), before);
        // A disabled cluster still holds its shares.
        share_platform(ENCLAVE, enclave(0, 2));
        assert_noop!(assign(ALICE, 1, 3), Error::<Test>::PlatformServesAnotherSlot);
        assert_ok!(update_cluster(0, ClusterType::Disabled));
        assert_eq!(index(), before);
        assert_ok!(update_cluster(0, ClusterType::Public));
        assert_eq!(index(), before);
    });
}

#[test]
fn a_machine_that_leaves_a_disabled_cluster_serves_no_longer_and_one_that_joins_is_bound() {
    with_alice(|| {
        set_type(0, ClusterType::Disabled);
        leave(0, 2);
        assert_eq!(serving(enclave(0, 2)), serves(2, 0));
        assert_ok!(assign(ALICE, 0, 2));
        assert_eq!(serving(ENCLAVE), serves(2, 1));
        share_platform(OTHER_ENCLAVE, ENCLAVE);
        register_as(BOB, OTHER_ENCLAVE).unwrap();
        assert_noop!(assign(BOB, 1, 0), Error::<Test>::PlatformServesAnotherSlot);
    });
}

#[test]
fn an_approved_successors_machine_counts_from_its_approval() {
    with_alice(|| {
        share_platform(ENCLAVE, OTHER_ENCLAVE);
        name_successor(0, 2, OTHER_ENCLAVE);
        assert_eq!(serving(OTHER_ENCLAVE), None);
        assert_ok!(approve(0, 2));
        assert_eq!(serving(OTHER_ENCLAVE), serves(2, 1));
        assert_noop!(assign(ALICE, 1, 3), Error::<Test>::PlatformServesAnotherSlot);

        // It counts also when its time is over: it may have copied shares.
        System::set_block_number(1 + MIGRATION + 1);
        assert_noop!(assign(ALICE, 1, 3), Error::<Test>::PlatformServesAnotherSlot);
        // The operator cannot make the chain forget that.
        TEE::cancel_update(signed(operator(0, 2))).unwrap();
        assert_eq!(serving(OTHER_ENCLAVE), serves(2, 0));
        assert_noop!(assign(ALICE, 1, 3), Error::<Test>::PlatformServesAnotherSlot);
        TEE::forget_platform(root(), platform(OTHER_ENCLAVE)).unwrap();
        assert_ok!(assign(ALICE, 1, 3));
    });
}

#[test]
fn a_successors_machine_may_serve_the_slot_at_its_approval() {
    TestExt::new().clusters(2).execute_with(|| {
        // That of another slot of the cluster, and that of another slot elsewhere.
        share_platform(ENCLAVE, enclave(0, 1));
        name_successor(0, 0, ENCLAVE);
        assert_noop!(approve(0, 0), Error::<Test>::PlatformAlreadyInCluster);
        TEE::cancel_update(signed(operator(0, 0))).unwrap();
        share_platform(OTHER_ENCLAVE, enclave(1, 1));
        name_successor(0, 0, OTHER_ENCLAVE);
        assert_noop!(approve(0, 0), Error::<Test>::PlatformServesAnotherSlot);
        TEE::cancel_update(signed(operator(0, 0))).unwrap();

        // That of the same slot elsewhere, and that of an approved successor in the cluster.
        migrate(0, 1, OTHER_ENCLAVE);
        assert_eq!(serving(enclave(1, 1)), serves(1, 2));
        share_platform(13, OTHER_ENCLAVE);
        name_successor(0, 0, 13);
        assert_noop!(approve(0, 0), Error::<Test>::PlatformAlreadyInCluster);
    });
}

#[test]
fn governance_itself_cannot_put_a_machine_into_two_slots() {
    TestExt::new().clusters(2).execute_with(|| {
        let force = |by| TEE::force_update_enclave(root(), operator(0, 0), Some(by), None);
        share_platform(ENCLAVE, enclave(0, 1));
        assert_noop!(force(ENCLAVE), Error::<Test>::PlatformAlreadyInCluster);
        share_platform(OTHER_ENCLAVE, enclave(1, 1));
        assert_noop!(force(OTHER_ENCLAVE), Error::<Test>::PlatformServesAnotherSlot);

        // The machine of a successor that the call itself drops.
        migrate(0, 0, 13);
        share_platform(14, 13);
        assert_ok!(force(14));
        assert_eq!(serving(13), serves(0, 1));
    });
}

#[test]
fn other_code_on_the_same_machine_counts_twice_until_it_has_taken_over() {
    TestExt::new().clusters(1).execute_with(|| {
        let old = enclave(0, 2);
        share_platform(ENCLAVE, old);
        run(ENCLAVE, 2, CODE.1);
        migrate(0, 2, ENCLAVE);
        assert_eq!(serving(old), serves(2, 2));
        TEE::complete_update(signed(ENCLAVE), operator(0, 2), 0).unwrap();
        assert_eq!(serving(old), serves(2, 1));

        share_platform(OTHER_ENCLAVE, old);
        run(OTHER_ENCLAVE, 3, CODE.1);
        migrate(0, 2, OTHER_ENCLAVE);
        leave(0, 2);
        assert_eq!(serving(old), serves(2, 0));
    });
}

#[test]
fn a_succession_in_a_cluster_that_changes_its_type_meanwhile_leaves_the_index_right() {
    for (before, after) in [
        (ClusterType::Private, ClusterType::Public),
        (ClusterType::Public, ClusterType::Private),
        (ClusterType::Public, ClusterType::Disabled),
        (ClusterType::Admin, ClusterType::Public),
    ] {
        let changed = |finish: fn()| {
            TestExt::new().clusters(1).execute_with(|| {
                set_type(0, before);
                migrate(0, 2, ENCLAVE);
                set_type(0, after);
                // The invariants are checked after each test.
                finish();
            });
        };
        changed(|| {});
        changed(|| TEE::cancel_update(signed(operator(0, 2))).unwrap());
        changed(|| leave(0, 2));
        changed(|| replace(0, 2, OTHER_ENCLAVE));
        changed(|| {
            TEE::complete_update(signed(ENCLAVE), operator(0, 2), 0).unwrap();
            assert_eq!(TEE::cluster_of(ENCLAVE), Some((0, 2)));
        });
    }
}
