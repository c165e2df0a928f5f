// SPDX-License-Identifier: Apache-2.0
//! What the reference's pallets got wrong is right here. The names are those of the flaws.

use frame_support::{
    assert_noop, assert_ok,
    dispatch::Pays,
    traits::{
        fungible::{Inspect, InspectHold, Mutate},
        tokens::Preservation,
    },
};
use tee_primitives::{
    cluster::{ClusterType, CLUSTER_SIZE},
    traits::KeyshareRegistry,
};

use crate::{mock::*, *};

fn commitment(by: u64) -> [u8; 32] {
    entry(NFT, RED, by).commitment
}

#[test]
fn f49_only_an_attested_enclave_of_this_operator_gets_a_slot() {
    TestExt::new().clusters(1).balance(ALICE, RICH).execute_with(|| {
        leave(0, 0);
        let assigned = operator(0, 1);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(TEE::update_enclave(signed(assigned), ENCLAVE, uri()));
        let refused_everywhere = || {
            assert_noop!(assign(ALICE, 0, 0), Error::<Test>::NotAttested);
            assert_noop!(TEE::approve_update_enclave(root(), assigned), Error::<Test>::NotAttested);
            assert_noop!(
                TEE::force_update_enclave(root(), assigned, Some(ENCLAVE), None),
                Error::<Test>::NotAttested
            );
        };
        unattest(ENCLAVE);
        refused_everywhere();
        attest(ENCLAVE);
        attest_for(ENCLAVE, BOB);
        refused_everywhere();

        attest_for(ENCLAVE, ALICE);
        assert_noop!(TEE::approve_update_enclave(root(), assigned), Error::<Test>::NotAttested);
        assert_ok!(assign(ALICE, 0, 0));
        assert_eq!(TEE::cluster_of(ENCLAVE), Some((0, 0)));

        // One that serves needs it, too.
        start(NFT);
        attest_for(ENCLAVE, BOB);
        assert_noop!(submit(ENCLAVE, vec![entry(NFT, RED, 1)]), Error::<Test>::NotAttested);
    });
}

#[test]
fn f50_old_enclave_key_is_dead_after_update() {
    let old = enclave(0, 2);
    let operator = operator(0, 2);
    let updates: [fn(); 3] = [
        || {
            share_platform(ENCLAVE, enclave(0, 2));
            name_successor(0, 2, ENCLAVE);
        },
        || {
            migrate(0, 2, ENCLAVE);
            TEE::complete_update(signed(ENCLAVE), crate::mock::operator(0, 2), 0).unwrap();
        },
        || replace(0, 2, ENCLAVE),
    ];
    for update in updates {
        TestExt::new().clusters(1).balance(BOB, RICH).execute_with(|| {
            start(NFT);
            confirm_all(NFT, 0, 0..4, RED);
            update();
            assert_eq!(TEE::cluster_of(ENCLAVE), Some((0, 2)));
            assert_eq!(TEE::cluster_of(old), None);

            // Neither what it confirms nor what it has confirmed counts.
            assert_noop!(submit(old, vec![entry(NFT, RED, old)]), Error::<Test>::NotAssigned);
            assert_eq!(pays(old, vec![entry(NFT, RED, old)]), Pays::Yes);
            confirm(NFT, 0, 4, RED);
            assert!(!is_synced(NFT));
            // Nor does it get back by itself.
            assert_noop!(
                TEE::complete_update(signed(old), operator, u64::MAX),
                Error::<Test>::MigrationNotFound
            );

            // The account is free for whoever proves to have it.
            assert!(!EnclaveAccountOperator::<Test>::contains_key(old));
            create_cluster(ClusterType::Public);
            assert_ok!(register_as(BOB, old));
            assert_ok!(assign(BOB, 1, 2));
            assert_eq!(TEE::cluster_of(old), Some((1, 2)));
        });
    }
}

#[test]
fn f51_a_rogue_enclave_cannot_pin_a_keyshare() {
    // It is first, with a share that nobody gave it.
    for cluster_type in [ClusterType::Public, ClusterType::Private] {
        TestExt::new().clusters(2).execute_with(|| {
            set_type(0, cluster_type);
            start(NFT);
            confirm(NFT, 0, 0, BLUE);
            confirm_all(NFT, 1, 0..5, RED);
            assert_eq!(TEE::status(NFT, SECRET).synced.unwrap().cluster_id, 1);
        });
    }
    for cluster_type in [ClusterType::Admin, ClusterType::Disabled] {
        TestExt::new().clusters(1).execute_with(|| {
            set_type(0, cluster_type);
            start(NFT);
            assert_noop!(
                submit(enclave(0, 0), vec![entry(NFT, BLUE, 0)]),
                Error::<Test>::NotAssigned
            );
        });
    }
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        confirm(NFT, 0, 0, BLUE);
        confirm_all(NFT, 0, 1..5, RED);
        assert!(!is_synced(NFT));
        // Nor does it block its own cluster, once an honest enclave has its slot.
        replace(0, 0, ENCLAVE);
        assert_ok!(submit(ENCLAVE, vec![entry(NFT, RED, ENCLAVE)]));
        assert!(is_synced(NFT));
    });
}

#[test]
fn f52_an_expired_enclave_holds_up_its_own_cluster_alone() {
    TestExt::new().clusters(2).execute_with(|| {
        start(NFT);
        confirm_all(NFT, 0, 0..5, RED);
        start(NFT + 1);
        unattest(enclave(0, 4));
        confirm_all(NFT + 1, 0, 0..4, RED);
        assert_noop!(
            submit(enclave(0, 4), vec![entry(NFT + 1, RED, 0)]),
            Error::<Test>::NotAttested
        );
        assert!(is_synced(NFT));
        assert!(TEE::status(NFT + 1, SECRET).pending.is_some());
        assert_eq!(TEE::confirmed_slots(NFT + 1, SECRET, 0).len(), 4);

        confirm_all(NFT + 1, 1, 0..5, RED);
        assert_eq!(TEE::status(NFT + 1, SECRET).synced.unwrap().cluster_id, 1);
    });
}

#[test]
fn f52_the_chain_records_which_share_each_slot_holds() {
    TestExt::new().clusters(2).execute_with(|| {
        start(NFT);
        // Confirmations are those of slots, in whatever order they come.
        confirm_all(NFT, 1, [3, 0, 4, 2], RED);
        assert_eq!(TEE::confirmed_slots(NFT, SECRET, 1), [(0, RED), (2, RED), (3, RED), (4, RED)]);
        confirm(NFT, 1, 1, RED);
        idle(frame_support::weights::Weight::MAX);
        let synced = TEE::status(NFT, SECRET).synced.unwrap();
        assert_eq!(synced.cluster_id, 1);
        assert_eq!(synced.commitments, [0, 1, 2, 3, 4].map(|slot| commitment(enclave(1, slot))));
    });
}

#[test]
fn f53_a_slot_is_taken_once_and_in_range() {
    TestExt::new().clusters(1).balance(ALICE, RICH).execute_with(|| {
        leave(0, 4);
        assert_ok!(register_as(ALICE, ENCLAVE));
        for slot_id in 0..4 {
            assert_noop!(assign(ALICE, 0, slot_id), Error::<Test>::SlotIsTaken);
        }
        for slot_id in [CLUSTER_SIZE, CLUSTER_SIZE + 1, u32::MAX] {
            assert_noop!(assign(ALICE, 0, slot_id), Error::<Test>::SlotIdOutOfRange);
        }
        assert_ok!(assign(ALICE, 0, 4));
    });
}

#[test]
fn f54_no_stake_is_withdrawn_while_assigned() {
    TestExt::new().clusters(1).execute_with(|| {
        let leaving = operator(0, 0);
        assert_ok!(TEE::unregister_enclave(signed(leaving)));
        System::set_block_number(10 * BONDING);
        assert_noop!(TEE::withdraw_unbonded(signed(leaving)), Error::<Test>::StillAssigned);
        assert_eq!(held(leaving), STAKE);

        // Nor right after governance has agreed, however long that took.
        assert_ok!(TEE::approve_enclave_unregistration(root(), leaving));
        assert_noop!(TEE::withdraw_unbonded(signed(leaving)), Error::<Test>::WithdrawProhibited);
        System::set_block_number(11 * BONDING);
        assert_ok!(TEE::withdraw_unbonded(signed(leaving)));
        assert_eq!(held(leaving), 0);
    });
}

#[test]
fn f58_a_stake_is_held_and_cannot_be_bonded_twice() {
    TestExt::new().balance(ALICE, STAKE + STAKE / 2).execute_with(|| {
        let reason = HoldReason::OperatorStake.into();
        assert!(Balances::can_hold(&reason, &ALICE, STAKE));
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_eq!(held(ALICE), STAKE);
        assert_eq!(Balances::balance(&ALICE), STAKE / 2);
        // What is held backs nothing else, and goes nowhere.
        assert!(!Balances::can_hold(&reason, &ALICE, STAKE));
        let transfer = |amount| {
            <Balances as Mutate<u64>>::transfer(&ALICE, &BOB, amount, Preservation::Expendable)
        };
        assert!(transfer(STAKE).is_err());
        assert_ok!(transfer(STAKE / 4));
        assert_eq!(held(ALICE), STAKE);
    });
}

#[test]
fn f59_exits_are_not_limited() {
    const CLUSTERS: u32 = 10;
    TestExt::new().clusters(CLUSTERS).execute_with(|| {
        let operators: Vec<_> = (0..CLUSTERS)
            .flat_map(|cluster_id| (0..CLUSTER_SIZE).map(move |slot| operator(cluster_id, slot)))
            .collect();
        assert_eq!(operators.len(), 50);
        for operator in &operators {
            assert_ok!(TEE::unregister_enclave(signed(*operator)));
        }
        assert_eq!(EnclaveUnregistrations::<Test>::iter().count(), 50);
        for operator in &operators {
            assert_ok!(TEE::approve_enclave_unregistration(root(), *operator));
        }
        System::set_block_number(1 + BONDING);
        for operator in &operators {
            assert_ok!(TEE::withdraw_unbonded(signed(*operator)));
            assert_eq!(Balances::balance(operator), RICH);
        }
    });
}

#[test]
fn f60_no_race_costs_the_enclave_its_fee() {
    let races: [fn(); 5] = [
        // It is repeated, another cluster was faster, the owner began again, gave up, or burnt.
        || confirm(NFT, 0, 0, RED),
        || sync(NFT, 1, 1),
        || start(NFT),
        || TEE::cancel(NFT, SECRET),
        || TEE::remove(NFT, SECRET),
    ];
    for race in races {
        TestExt::new().clusters(2).execute_with(|| {
            start(NFT);
            race();
            events();
            let by = enclave(0, 0);
            assert_eq!(pays(by, vec![entry(NFT, RED, by)]), Pays::No);
            assert!(matches!(events()[..], [Event::ConfirmationIgnored { .. }]));
        });
    }
}

#[test]
fn f61_a_synced_version_stays_while_the_next_is_pending() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        sync(NFT, 0, 1);
        let synced = TEE::status(NFT, SECRET).synced;
        start(NFT);
        for slot_id in 0..4 {
            let by = enclave(0, slot_id);
            assert_ok!(submit(by, vec![versioned(NFT, 2, RED, by)]));
            assert_eq!(TEE::status(NFT, SECRET).synced, synced);
        }
        // It can be given up, and renewed.
        TEE::cancel(NFT, SECRET);
        assert_eq!(TEE::status(NFT, SECRET).synced, synced);
        assert_eq!(TEE::status(NFT, SECRET).pending, None);
        start(NFT);
        sync(NFT, 0, 3);
        assert_eq!(TEE::status(NFT, SECRET).synced.unwrap().version, 3);
    });
}

#[test]
fn f62_a_cluster_keeps_its_promise() {
    TestExt::new().clusters(1).execute_with(|| {
        set_type(0, ClusterType::Private);
        start(NFT);
        sync(NFT, 0, 1);
        let update = |cluster_type| TEE::update_cluster(root(), 0, cluster_type);
        assert_noop!(update(ClusterType::Public), Error::<Test>::ClusterHoldsKeyshares);
        // Nor by a detour.
        assert_ok!(update(ClusterType::Disabled));
        assert_noop!(update(ClusterType::Public), Error::<Test>::ClusterHoldsKeyshares);
        (0..CLUSTER_SIZE).for_each(|slot_id| leave(0, slot_id));
        assert_noop!(TEE::remove_cluster(root(), 0), Error::<Test>::ClusterHoldsKeyshares);
        assert_ok!(update(ClusterType::Private));
    });
    TestExt::new().balance(ALICE, RICH).execute_with(|| {
        let nonsense = UriOf::<Test>::try_from(b"not a uri".to_vec()).unwrap();
        assert_noop!(
            TEE::register_enclave(signed(ALICE), ENCLAVE, nonsense),
            Error::<Test>::ApiUriIsInvalid
        );
    });
    // The size of a cluster and the number of shares are one constant.
    <TEE as frame_support::traits::Hooks<u64>>::integrity_test();
    assert_eq!(ClusterSize::get(), CLUSTER_SIZE);
}

#[test]
fn g9_the_chain_tells_which_cluster_holds_a_keyshare() {
    TestExt::new().clusters(3).execute_with(|| {
        for cluster_id in 0..3 {
            start(cluster_id);
            sync(cluster_id, cluster_id, 1);
            let holder = TEE::keyshare_status(cluster_id, SECRET).synced.unwrap().cluster_id;
            assert_eq!(holder, cluster_id);
            assert_eq!(SyncLog::<Test>::get(u64::from(cluster_id)).unwrap().cluster_id, holder);
            // And from there the way to each of its enclaves.
            let slots = TEE::slots_of(holder);
            assert_eq!(slots.len(), 5);
            assert!(slots.iter().all(|slot| slot.enclave.api_uri == uri()));
        }
    });
}
