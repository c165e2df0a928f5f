// SPDX-License-Identifier: Apache-2.0
//! Clusters, registrations and assignments.

use frame_support::{
    assert_noop, assert_ok,
    traits::fungible::{Inspect, InspectHold},
};
use sp_runtime::traits::BadOrigin;
use tee_primitives::cluster::{Cluster, ClusterType, CLUSTER_SIZE};

use crate::{mock::*, *};

const ALICE: u64 = 1;
const BOB: u64 = 2;
const ENCLAVE: u64 = 11;
const OTHER_ENCLAVE: u64 = 12;

fn register_as(operator: u64, enclave: u64) -> frame_support::pallet_prelude::DispatchResult {
    TEE::register_enclave(RuntimeOrigin::signed(operator), enclave, uri())
}

fn assign(
    operator: u64,
    cluster_id: u32,
    slot_id: u32,
) -> frame_support::pallet_prelude::DispatchResult {
    TEE::assign_enclave(RuntimeOrigin::root(), operator, cluster_id, slot_id)
}

fn create_cluster() {
    assert_ok!(TEE::create_cluster(RuntimeOrigin::root(), ClusterType::Public));
}

fn held(who: u64) -> u64 {
    Balances::balance_on_hold(&HoldReason::OperatorStake.into(), &who)
}

fn two_operators() -> TestExt {
    TestExt::new().balance(ALICE, RICH).balance(BOB, RICH)
}

#[test]
fn registering_holds_the_stake_and_waits_for_governance() {
    two_operators().execute_with(|| {
        assert_ok!(register_as(ALICE, ENCLAVE));

        assert_eq!(held(ALICE), STAKE);
        assert_eq!(Balances::balance(&ALICE), RICH - STAKE);
        assert_eq!(
            StakingLedger::<Test>::get(ALICE),
            Some(TeeStakingLedger {
                operator: ALICE,
                staked_amount: STAKE,
                is_unlocking: false,
                unbonded_at: 0
            })
        );
        assert_eq!(EnclaveRegistrations::<Test>::get(ALICE).unwrap().enclave_address, ENCLAVE);
        assert_eq!(EnclaveAccountOperator::<Test>::get(ENCLAVE), None);
        assert_eq!(
            events(),
            [
                Event::EnclaveAddedForRegistration {
                    operator_address: ALICE,
                    enclave_address: ENCLAVE,
                    api_uri: uri()
                },
                Event::Bonded { operator_address: ALICE, amount: STAKE },
            ]
        );
    });
}

#[test]
fn registering_reserves_nothing_for_the_enclave() {
    two_operators().execute_with(|| {
        create_cluster();
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(register_as(BOB, ENCLAVE));

        assert_ok!(assign(BOB, 0, 0));
        assert_noop!(assign(ALICE, 0, 1), Error::<Test>::EnclaveAddressAlreadyExists);
        assert_ok!(TEE::remove_registration(RuntimeOrigin::root(), ALICE));
        assert_eq!(held(ALICE), 0);
    });
}

#[test]
fn a_bad_registration_changes_nothing() {
    two_operators().balance(3, STAKE - 1).execute_with(|| {
        create_cluster();
        assert_noop!(
            TEE::register_enclave(RuntimeOrigin::signed(ALICE), ENCLAVE, UriOf::<Test>::default()),
            Error::<Test>::ApiUriIsEmpty
        );
        assert_noop!(register_as(ALICE, ALICE), Error::<Test>::OperatorAndEnclaveAreSame);
        assert_noop!(register_as(3, ENCLAVE), Error::<Test>::InsufficientBalanceToBond);
        assert_noop!(TEE::register_enclave(RuntimeOrigin::root(), ENCLAVE, uri()), BadOrigin);

        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_noop!(register_as(ALICE, OTHER_ENCLAVE), Error::<Test>::RegistrationAlreadyExists);
        assert_ok!(assign(ALICE, 0, 0));
        assert_noop!(register_as(ALICE, OTHER_ENCLAVE), Error::<Test>::OperatorAlreadyExists);
        assert_noop!(register_as(BOB, ENCLAVE), Error::<Test>::EnclaveAddressAlreadyExists);
    });
}

#[test]
fn who_still_has_a_stake_cannot_register_again() {
    two_operators().execute_with(|| {
        assert_ok!(register_as(ALICE, ENCLAVE));
        // What an operator has between its enclave's removal and its withdrawal.
        EnclaveRegistrations::<Test>::remove(ALICE);
        assert_noop!(register_as(ALICE, ENCLAVE), Error::<Test>::UnbondingPeriod);
    });
}

#[test]
fn the_stake_follows_the_amount_in_storage() {
    two_operators().execute_with(|| {
        StakingAmount::<Test>::put(STAKE / 2);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_eq!(held(ALICE), STAKE / 2);
    });
}

#[test]
fn a_removed_registration_frees_the_stake() {
    two_operators().execute_with(|| {
        assert_ok!(register_as(ALICE, ENCLAVE));
        // A stake is what the operator bonded, not what is asked of the next one.
        StakingAmount::<Test>::put(2 * STAKE);
        events();

        assert_ok!(TEE::remove_registration(RuntimeOrigin::root(), ALICE));
        assert_eq!(Balances::balance(&ALICE), RICH);
        assert_eq!(held(ALICE), 0);
        assert_eq!(StakingLedger::<Test>::get(ALICE), None);
        assert_eq!(EnclaveRegistrations::<Test>::get(ALICE), None);
        assert_eq!(
            events(),
            [
                Event::RegistrationRemoved { operator_address: ALICE },
                Event::Withdrawn { operator_address: ALICE, amount: STAKE },
            ]
        );
        assert_noop!(
            TEE::remove_registration(RuntimeOrigin::root(), ALICE),
            Error::<Test>::RegistrationNotFound
        );
        assert_ok!(register_as(ALICE, ENCLAVE));
    });
}

#[test]
fn only_governance_decides() {
    two_operators().execute_with(|| {
        let alice = || RuntimeOrigin::signed(ALICE);
        create_cluster();
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_noop!(TEE::create_cluster(alice(), ClusterType::Public), BadOrigin);
        assert_noop!(TEE::assign_enclave(alice(), ALICE, 0, 0), BadOrigin);
        assert_noop!(TEE::remove_registration(alice(), ALICE), BadOrigin);
    });
}

#[test]
fn clusters_are_numbered_from_zero() {
    TestExt::new().execute_with(|| {
        for (cluster_id, cluster_type) in
            [ClusterType::Public, ClusterType::Admin].into_iter().enumerate()
        {
            let cluster_id = u32::try_from(cluster_id).unwrap();
            assert_ok!(TEE::create_cluster(RuntimeOrigin::root(), cluster_type));
            assert_eq!(events(), [Event::ClusterAdded { cluster_id, cluster_type }]);
            assert_eq!(
                ClusterData::<Test>::get(cluster_id),
                Some(Cluster { enclaves: Default::default(), cluster_type })
            );
        }
        assert_eq!(NextClusterId::<Test>::get(), 2);

        NextClusterId::<Test>::put(u32::MAX);
        assert_noop!(
            TEE::create_cluster(RuntimeOrigin::root(), ClusterType::Public),
            Error::<Test>::ClusterIdsExhausted
        );
    });
}

#[test]
fn an_assigned_enclave_leads_to_its_place_and_back() {
    two_operators().execute_with(|| {
        create_cluster();
        assert_ok!(register_as(ALICE, ENCLAVE));
        events();

        assert_ok!(assign(ALICE, 0, 3));
        assert_eq!(events(), [Event::EnclaveAssigned { operator_address: ALICE, cluster_id: 0 }]);
        assert_eq!(EnclaveRegistrations::<Test>::get(ALICE), None);
        assert_eq!(EnclaveData::<Test>::get(ALICE).unwrap().enclave_address, ENCLAVE);
        assert_eq!(EnclaveAccountOperator::<Test>::get(ENCLAVE), Some(ALICE));
        assert_eq!(EnclaveClusterId::<Test>::get(ALICE), Some(0));
        assert_eq!(ClusterData::<Test>::get(0).unwrap().enclaves.into_inner(), [(ALICE, 3)]);
        assert_eq!(held(ALICE), STAKE);
    });
}

#[test]
fn members_are_ordered_by_slot_whatever_the_order_of_assignment() {
    let mut test = TestExt::new();
    for slot_id in 0..CLUSTER_SIZE {
        test = test.balance(operator(0, slot_id), RICH);
    }
    test.execute_with(|| {
        create_cluster();
        for slot_id in [3, 0, 4, 1, 2] {
            join(0, slot_id);
        }
        let members: Vec<_> = (0..CLUSTER_SIZE).map(|slot| (operator(0, slot), slot)).collect();
        assert_eq!(ClusterData::<Test>::get(0).unwrap().enclaves.into_inner(), members);
    });
}

#[test]
fn a_bad_assignment_changes_nothing() {
    two_operators().balance(3, RICH).balance(4, RICH).execute_with(|| {
        create_cluster();
        assert_noop!(assign(ALICE, 0, 0), Error::<Test>::RegistrationNotFound);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(register_as(BOB, OTHER_ENCLAVE));
        assert_noop!(assign(ALICE, 1, 0), Error::<Test>::ClusterNotFound);
        assert_noop!(assign(ALICE, 0, CLUSTER_SIZE), Error::<Test>::SlotIdOutOfRange);
        assert_noop!(assign(ALICE, 0, u32::MAX), Error::<Test>::SlotIdOutOfRange);

        unattest(ENCLAVE);
        assert_noop!(assign(ALICE, 0, 0), Error::<Test>::NotAttested);
        attest(ENCLAVE);
        assert_ok!(assign(ALICE, 0, 0));
        assert_noop!(assign(BOB, 0, 0), Error::<Test>::SlotIsTaken);
    });
}

#[test]
fn a_full_cluster_takes_nobody() {
    TestExt::new().clusters(1).balance(ALICE, RICH).execute_with(|| {
        assert_ok!(register_as(ALICE, ENCLAVE));
        for slot_id in 0..CLUSTER_SIZE {
            assert_noop!(assign(ALICE, 0, slot_id), Error::<Test>::ClusterIsFull);
        }
    });
}

#[test]
fn an_operator_is_assigned_once() {
    two_operators().execute_with(|| {
        create_cluster();
        create_cluster();
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_ok!(assign(ALICE, 0, 0));
        assert_noop!(assign(ALICE, 1, 0), Error::<Test>::RegistrationNotFound);
        assert_noop!(register_as(ALICE, OTHER_ENCLAVE), Error::<Test>::OperatorAlreadyExists);
        // Nor does governance drop the stake of an assigned operator.
        assert_noop!(
            TEE::remove_registration(RuntimeOrigin::root(), ALICE),
            Error::<Test>::RegistrationNotFound
        );
    });
}
